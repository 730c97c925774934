"""JOIN, CITY, GROUP, ME, LANG, ERASE: what a member says of themselves, decided from values."""

from dataclasses import replace

from gateway.members.filing import read_filing, saved
from gateway.places.directory import Directory
from gateway.replies.catalogue import LANGUAGES
from gateway.rules.conversation import (
    Asked,
    CloseQuestion,
    Decision,
    Effect,
    EnrolMember,
    FileUnder,
    MemberState,
    RecordConsent,
    Reply,
    SetLanguage,
    Word,
    ask,
)
from orthography import words

_LANGUAGE_NAMES = {
    "en": "en", "eng": "en", "english": "en", "angrezi": "en", "inglish": "en", "انگریزی": "en", "انگلش": "en",
    "ur": "ur", "urdu": "ur", "اردو": "ur",
    "roman": "ur-Latn", "romanurdu": "ur-Latn", "urlatn": "ur-Latn", "رومن": "ur-Latn",
}  # fmt: skip


def join(asked: Asked, directory: Directory) -> Decision:
    """Enrol the sender, filed under what the text says; joining again updates. A missing city is asked for."""
    before = asked.sender.member
    start = before or MemberState(joined_at=asked.now)
    found = read_filing(asked.argument, start, directory, asked.now, named=True)
    effects: list[Effect] = [
        EnrolMember(found.member),
        RecordConsent("join", reason=asked.command.reason),
    ]
    if found.problem:
        return Decision(found.problem.reply, (*effects, *found.problem.effects))
    wording = "joined_again" if before and asked.sender.consent == "joined" else "joined"
    return Decision(Reply(wording, {"filed": directory.filed(found.member)}), (*effects, CloseQuestion()))


def city(asked: Asked, directory: Directory) -> Decision:
    """Move a member to another city or seat."""
    member = asked.sender.member
    if not member:
        return Decision(Reply("city_needs_join"))
    if not asked.argument.strip():
        return Decision(Reply("ask_city_again", {"place": ""}), (ask("filing", asked.now, options=[], tries=0),))
    # A city said anew is another home: the seats of the old one go unless the text names one.
    found = read_filing(asked.argument, replace(member, city=None), directory, asked.now, named=False)
    if found.problem:
        kept = found.member if found.member.city else replace(found.member, city=member.city)
        effects: tuple[Effect, ...] = (FileUnder(kept),) if kept != member else ()
        reply = found.problem.reply
        if reply and reply.wording == "ask_city":
            reply = Reply("ask_city_again", {"place": asked.argument[:30]})
        return Decision(reply, (*effects, *found.problem.effects))
    return saved(_drop_far_seats(member, found.member, directory), directory)


def _drop_far_seats(before: MemberState, after: MemberState, directory: Directory) -> MemberState:
    """A member who moved to another city does not vote in the old seat; a seat named in the same text stays."""
    if after.city == before.city:
        return after
    for name in ("constituency", "provincial"):
        seat = getattr(after, name)
        if seat and seat == getattr(before, name) and directory.apart(after.city, seat):
            after = replace(after, constituency=None) if name == "constituency" else replace(after, provincial=None)
    return after


def group(asked: Asked, directory: Directory) -> Decision:
    """Join or leave a group: GROUP students, GROUP -students; several at once, with commas or blanks between."""
    member = asked.sender.member
    if not member:
        return Decision(Reply("city_needs_join"))
    argument = asked.argument.replace("−", "-").replace("–", "-")
    if not words(argument):
        mine = directory.group_names(member.affinities)
        return Decision(Reply("group_list", {"mine": mine, "groups": directory.group_names()}))
    mask, unknown = member.affinities, ""
    whole = directory.groups.named(argument.strip(" -+"))
    pieces = [argument] if whole else argument.replace(",", " ").replace("،", " ").split()
    for piece in pieces:
        one = directory.groups.named(piece.strip(" -+"))
        if one is None:
            unknown = unknown or piece.strip(" -+")
        elif piece.lstrip().startswith("-"):
            mask &= ~one.mask
        else:
            mask |= one.mask
    if unknown:
        reply = Reply("group_unknown", {"group": unknown[:30], "groups": directory.group_names()})
        return Decision(reply, (FileUnder(replace(member, affinities=mask)),) if mask != member.affinities else ())
    after = replace(member, affinities=mask)
    return Decision(Reply("group_saved", {"filed": directory.filed(after)}), (FileUnder(after),))


def me(asked: Asked, directory: Directory) -> Decision:
    """Show what we hold about the person who asks, and how to change or remove it."""
    member = asked.sender.member
    if not member:
        return Decision(Reply("me_nothing"))
    values = {
        "filed": directory.filed(member),
        "date": f"{member.joined_at:%Y-%m-%d}" if member.joined_at else "-",
        "language": Word("language"),
    }
    return Decision(Reply("me", values))


def lang(asked: Asked) -> Decision:
    """Choose the language of all replies; asked back when none or an unknown one is named."""
    language = language_named(asked.argument)
    if language is None:
        return Decision(Reply("lang_ask"), (ask("language", asked.now),))
    return lang_saved(language)


def lang_saved(language: str) -> Decision:
    return Decision(Reply("lang_saved"), (SetLanguage(language), CloseQuestion()))


def language_named(text: str) -> str | None:
    """Return the language code that a text names in any of the three, or None."""
    typed = "".join(words(text))
    found = _LANGUAGE_NAMES.get(typed)
    return found if found in LANGUAGES else None


def erase(asked: Asked) -> Decision:
    """Ask before everything is removed; the second text, YES, does it."""
    return Decision(Reply("erase_ask"), (ask("erase", asked.now),))
