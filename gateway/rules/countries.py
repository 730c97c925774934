"""Which countries are texted, as the beginnings of their numbers. Calling codes: ITU-T E.164 by phonenumbers."""

from collections.abc import Iterable

import phonenumbers

from faults import FaultError, fault

EVERY = "*"


def read_prefixes(written: str, region: str) -> tuple[str, ...]:
    """Return how numbers begin that are texted, such as ("+44", "+92"); none for every country.

    :param written: beginnings with commas between, such as "+92, +44"; "*" for every country; empty: those of `region`
    :raises FaultError: one of them is no beginning of a number
    """
    given = [one for piece in written.replace("،", ",").split(",") if (one := piece.strip())]
    if EVERY in given:
        if len(given) > 1:
            raise FaultError(fault("setting.every_country", "Write * alone, it means every country."))
        return ()
    for one in given:
        digits = one.removeprefix("+")
        if not one.startswith("+") or not (digits.isascii() and digits.isdecimal()) or digits[0] == "0":
            not_so = fault(
                "setting.prefixes",
                "Write beginnings such as +92, +44, or * for every country, not {written!r}.",
                written=one,
            )
            raise FaultError(not_so)
    if not given:
        given = [f"+{phonenumbers.country_code_for_region(region)}"]
    # What another one holds already is left out, so that no two overlap.
    return tuple(
        sorted(one for one in set(given) if not any(one != other and one.startswith(other) for other in given))
    )


def country_code(number: str) -> str:
    """Return the calling code that an E.164 number begins with, such as "+92"; "" where it is none."""
    digits = number[1:] if number.startswith("+") else ""
    for length in (1, 2, 3):  # no calling code begins with another one
        if digits[:length].isdecimal() and int(digits[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return f"+{digits[:length]}"
    return ""


def by_country(beginnings: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Add up counts of numbers by calling code, the most first.

    :param beginnings: at least the first three digits of numbers ("+9715"), and how many begin so
    """
    counts: dict[str, int] = {}
    for beginning, number in beginnings:
        code = country_code(beginning) or "?"
        counts[code] = counts.get(code, 0) + number
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
