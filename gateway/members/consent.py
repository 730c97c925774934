"""STOP, START, YES and NO: what a person may have sent to them, decided from values.

The rules are a table for lawyers in docs/consent-cases.md. Sources: FCC 47 CFR 64.1200(a)(10) to (12) (any reasonable
words revoke consent; one confirmation without promotion), CTIA Messaging Principles 5.1.3 (HELP and STOP), Twilio docs
"Opt-out keywords" (its list, and OptOutType when Twilio has answered already).
"""

from dataclasses import replace

from gateway.places.directory import Directory
from gateway.rules.conversation import Asked, Decision, EraseSender, RecordConsent, Reply, Value
from keywords import parse
from segments import resolve_place


def stop(asked: Asked, directory: Directory) -> Decision:
    """Opt out at once: of everything, or of the one group, city or seat that is named.

    A second STOP gets no second confirmation. A topic that we do not know is taken for a STOP of everything: when in
    doubt the person is left alone.
    """
    reason = asked.command.reason
    topic = topic_named(asked.argument, directory) if asked.command.scope != "all" else None
    if topic:
        key, said = topic
        return Decision(Reply("stopped_topic", {"topic": said}), (RecordConsent("stop-topic", key, reason),))
    first = asked.sender.consent != "stopped"
    return Decision(Reply("stopped") if first else None, (RecordConsent("stop", "all", reason),))


def topic_named(text: str, directory: Directory) -> tuple[str, Value] | None:
    """Return the key (`city:lahore`, `constituency:NA-130`, `affinity:students`) and the name of what a STOP is for."""
    if group := directory.groups.named(text):
        return f"affinity:{group.key}", directory.group_name(group.key)
    if place := directory.place_named(text):
        return f"city:{place.key}", directory.place_name(place.key)
    if seat := directory.seat_named(text):
        return f"constituency:{seat.code}", seat.code
    return None


def stop_for_known_topic(asked: Asked, directory: Directory) -> Decision | None:
    """Take "STOP Kassowal" for a STOP of that topic, when the words after a STOP word name just one that is on file.

    The vocabulary cannot know every town and every organiser's group; the directory does. None when it is no such text.
    """
    first, _, rest = asked.body.strip().partition(" ")
    if not rest.strip() or parse(first).name != "STOP":
        return None
    group = directory.groups.exact(rest)
    place = resolve_place(rest, directory.gazetteer)
    if group is None and not (place.place and place.certain):
        return None
    command = replace(asked.command, argument=rest.strip(), scope="topic", reason="STOP and a topic that is on file")
    return stop(replace(asked, command=command), directory)


def start(asked: Asked) -> Decision:
    """Give consent back. Only these words and JOIN ever do."""
    wording = "started" if asked.sender.member else "started_unjoined"
    return Decision(Reply(wording), (RecordConsent("start", reason=asked.command.reason),))


def yes(asked: Asked) -> Decision | None:
    """YES answers the question that is open; it is START only for someone who is stopped and was asked nothing.

    Only the English word is on Twilio's opt-in list; "haan" and "ہاں" begin too much ordinary talk. Returns None when
    it means neither; the caller treats it as a text that was not understood.
    """
    if asked.answering("erase"):
        return Decision(Reply("erased"), (EraseSender(stopped=True),))
    question = asked.sender.question
    nothing_asked = question is None or question.expires_at <= asked.now
    if asked.sender.consent == "stopped" and nothing_asked and asked.command.language == "en":
        return start(asked)
    return None
