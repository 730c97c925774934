"""What a text asks for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """One text, read.

    name: "JOIN", "WHERE", ... or None when the text asks for nothing that we know.
    argument: the rest of the text as the person typed it, without keyword, greeting and signature.
    language: of the words that decided: "en", "ur", "ur-Latn" or that of an organiser's own file; None if none did.
    certain: False when a typing error was bridged or the keyword was not where it belongs.
    reason: which rule decided, for staff and for the record of consent.
    scope: only for STOP: "all", or "topic" when the argument names what is to be left.
    word: the keyword as the person typed it ("" for a sentence that was understood as a whole).
    """

    name: str | None
    argument: str = ""
    language: str | None = None
    certain: bool = True
    reason: str = ""
    scope: str = ""
    word: str = ""
