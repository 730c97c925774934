"""What a reply must be: the packaged language files are tested with this, and what organisers write is checked by it.

A reply keeps its placeholders, its parts, the letters that its language is sent in; it says how to stop and how to come
back where the packaged one does; and it is never itself a command, because two gateways, or a phone that echoes, must
not obey what we say.
"""

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass

from faults import Fault, FaultError, fault
from gateway.replies.catalogue import LANGUAGES, Catalogue, placeholders
from gateway.rules.conversation import Listed, Reply, Value, Word
from gateway.rules.message_parts import cheapest, count_parts
from keywords import Vocabulary, parse

MOST_PARTS = {"en": 2, "ur-Latn": 2, "ur": 3}
OBEYED = ("JOIN", "STOP", "START", "REPORT", "ERASE")
"""Commands with effects that no text of ours may have."""
_PROMISED = ("STOP", "START")
_MOST_LETTERS = 600
_WORD_GROWTH = 24
_SIGNS = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")

# Values as long as they usually are, so that a part count means something.
USUAL: Mapping[str, Value] = {
    "filed": Listed(("Muhammad Ali", {"en": "Lahore", "ur": "لاہور"}, "NA-130", {"en": "students", "ur": "طلبہ"})),
    "place": {"en": "Model Town", "ur": "ماڈل ٹاؤن"},
    "choices": Listed(("1 Hyderabad (Sindh)", "2 Hyderabad (Punjab)")),
    "point": {"en": "Kalma Chowk", "ur": "کلمہ چوک"},
    "direction": Word("north-east"),
    "distance": "1.2 km",
    "time": "07:30",
    "link": "https://maps.google.com/?q=31.52043,74.35874",
    "ref": "4F2C",
    "code": "4F2C",
    "seat": "NA-299",
    "first": "NA-1",
    "last": "NA-266",
    "city": {"en": "Lahore", "ur": "لاہور"},
    "district": "Chitral",
    "group": "astronauts",
    "groups": Listed(("students", "women", "lawyers", "doctors")),
    "mine": Listed(("students",)),
    "state": Word("received"),
    "date": "2026-11-22",
    "language": Word("language"),
    "topic": {"en": "Lahore", "ur": "لاہور"},
    "number": "80022",
}


class WordingError(FaultError):
    """A reply that cannot be sent so; the fault is one sentence that says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A reply with usual values put in: what it says, how many parts that costs, and what an organiser should know."""

    text: str
    example: str
    parts: int
    encoding: str
    usual_parts: int
    """What the packaged wording costs."""
    warnings: tuple[Fault, ...] = ()


def usual_example(catalogue: Catalogue, wording: str, language: str) -> str:
    """Return a reply as people get it, with values as long as they usually are."""
    names = placeholders(catalogue.template(wording, language))
    reply = Reply(wording, {name: USUAL.get(name, "words") for name in names})
    return cheapest(catalogue.render(reply, language))


def judge_wording(packaged: Catalogue, wording: str, language: str, text: str, vocabulary: Vocabulary) -> Judged:
    """Return what a new text for a reply would be.

    :param packaged: the catalogue that says which placeholders there are
    :raises WordingError: it cannot be sent so
    """
    said = _clean(text)
    built_in = packaged.template(wording, language)
    _same_placeholders(said, built_in)
    _letters(said, language)
    changed = packaged.with_texts({(language, "replies", wording): said})
    example = usual_example(changed, wording, language)
    counted = count_parts(example)
    if counted.parts > MOST_PARTS.get(language, 2):
        raise WordingError(
            fault(
                "reply.long",
                "It needs {parts} parts with usual values; a reply in this language may need {most} at most. Make it "
                "shorter.",
                parts=counted.parts,
                most=MOST_PARTS.get(language, 2),
            )
        )
    command = parse(example, vocabulary=vocabulary)
    if command.name in OBEYED:
        raise WordingError(
            fault(
                "reply.a_command",
                "It would itself be read as {name} if a phone sent it back to us ({reason}). Begin with another word.",
                name=command.name,
                reason=command.reason,
            )
        )
    for promised in sorted(_told(built_in, vocabulary) - _told(said, vocabulary)):
        raise WordingError(
            fault(
                "reply.promised",
                "It must still tell people how to {promised}, as the built-in words do.",
                promised=promised,
            )
        )
    usual = count_parts(usual_example(packaged, wording, language)).parts
    warnings = []
    if counted.parts > usual:
        warnings.append(
            fault(
                "reply.dearer",
                "It needs {parts} parts where the built-in words need {usual}, and costs as much more.",
                parts=counted.parts,
                usual=usual,
            )
        )
    return Judged(said, example, counted.parts, counted.encoding, usual, tuple(warnings))


def judge_word(packaged: Catalogue, key: str, language: str, text: str) -> str:
    """Return a new text for a word that replies are put together from, such as a compass direction.

    :raises WordingError: it cannot be used
    """
    spaces = packaged.word(key, language)
    said = _clean(text, keep_spaces=spaces != spaces.strip())
    _same_placeholders(said, spaces)
    _letters(said, language)
    if len(said) > len(spaces) + _WORD_GROWTH:
        raise WordingError(
            fault(
                "reply.word_long",
                "It is too long for a word inside a reply: {count} letters at most.",
                count=len(spaces) + _WORD_GROWTH,
            )
        )
    return said


def _clean(text: str, keep_spaces: bool = False) -> str:
    said = cheapest(text.replace("\r\n", " ").replace("\n", " "))
    said = said if keep_spaces else said.strip()
    if not said.strip():
        raise WordingError(fault("reply.empty", "It is empty. To say nothing else, go back to the built-in words."))
    if len(said) > _MOST_LETTERS:
        raise WordingError(
            fault("reply.letters", "It has {count} letters; {most} is the most.", count=len(said), most=_MOST_LETTERS)
        )
    if sign := _SIGNS.search(said):
        raise WordingError(
            fault(
                "reply.invisible",
                "It holds an invisible sign ({sign}). Type the words anew.",
                sign=f"U+{ord(sign[0]):04X}",
            )
        )
    return said


def _same_placeholders(said: str, built_in: str) -> None:
    wanted = placeholders(built_in)
    try:
        pieces = list(string.Formatter().parse(said))
        given = placeholders(said)
    except ValueError:
        raise WordingError(
            fault("reply.brace", "A {{ or }} stands alone. Write a placeholder as {{name}}, with both.")
        ) from None
    if any(spec or conversion for _, _, spec, conversion in pieces) or any(name == "" for _, name, _, _ in pieces):
        raise WordingError(
            fault("reply.placeholder", "Write a placeholder as {{name}} and nothing else between {{ and }}.")
        )
    if "{{" in said or "}}" in said:
        raise WordingError(fault("reply.brace_only", "Write {{ and }} only around the name of a placeholder."))
    if lacking := sorted(wanted - given):
        raise WordingError(
            fault("reply.lacks", "It lacks {names}. Put it where the value belongs.", names=_braced(lacking))
        )
    if odd := sorted(given - wanted):
        if not wanted:
            raise WordingError(
                fault(
                    "reply.no_placeholders",
                    "{names} is no placeholder of this reply. This reply has none.",
                    names=_braced(odd),
                )
            )
        raise WordingError(
            fault(
                "reply.no_placeholder",
                "{names} is no placeholder of this reply. There is {known}.",
                names=_braced(odd),
                known=_braced(sorted(wanted)),
            )
        )


def _braced(names: list[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


def _letters(said: str, language: str) -> None:
    """One sign outside the GSM alphabet doubles the price of a text; only languages in other scripts may have them."""
    if language == "ur" or count_parts(said).encoding == "GSM-7":
        return
    odd = next(letter for letter in said if count_parts(letter).encoding != "GSM-7")
    raise WordingError(
        fault(
            "reply.not_gsm",
            "“{odd}” is outside the plain SMS alphabet and would double the price. Write it another way.",
            odd=odd,
        )
    )


def _told(text: str, vocabulary: Vocabulary) -> frozenset[str]:
    """Return which of STOP and START a text names by one of their words."""
    pieces = re.findall(r"[^\s.,;:!?،۔؛؟\"“”()]+", text)
    shouted = [one for one in pieces if one.isupper() or not one.isascii()]
    return frozenset(name for one in shouted if (name := parse(one, vocabulary=vocabulary).name) in _PROMISED and name)


_SHOUTED = re.compile(r"\b[A-Z]{2,}\b")


def told_words(catalogue: Catalogue) -> dict[str, str]:
    """Return the words in capitals that replies tell people to text, with one reply that does."""
    found: dict[str, str] = {}
    for language in LANGUAGES:
        for wording in catalogue.wordings:
            for word in _SHOUTED.findall(catalogue.template(wording, language)):
                found.setdefault(word, f"{wording} ({language})")
    return found
