"""What to write instead: examples and advice for the errors of a rule."""

from faults import Fault, fault

_NO_CITY = fault("rule.write_no_city", "Write city:none for members without a city.")
NONE_REMEDY = {
    "district": _NO_CITY,
    "province": _NO_CITY,
    "pickup": fault("rule.write_never_asked", "Write !pickup:asked for members who never asked for a pick-up point."),
}


def write(term: str) -> Fault:
    """Return the advice to write just this."""
    return fault("rule.write", "Write {term}.", term=term)


def example(word: str) -> str:
    """Return a value for a field, with its sign where that is no colon."""
    return {
        "affinity": "students", "group": "students", "language": "ur", "lang": "ur", "referrer": "7K2M",
        "invitedby": "7K2M", "pickup": "asked", "province": "punjab", "constituency": "NA-119", "seat": "NA-119",
        "halqa": "NA-119", "joined": ">=2026-01-01", "seen": "<30d", "reported": ":2026-01", "asked": "<7d",
        "reports": ">0",
    }.get(word, "lahore")  # fmt: skip


def whole_example(word: str) -> str:
    """Return a term of a field."""
    given = example(word)
    return f"{word}{given}" if given[0] in "<>:" else f"{word}:{given}"
