"""Which countries are texted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.countries import by_country, country_code, read_prefixes


@pytest.mark.parametrize(
    ("written", "prefixes"),
    [
        ("", ("+92",)),
        ("  ", ("+92",)),
        ("*", ()),
        ("+92, +44", ("+44", "+92")),
        ("+92،+971", ("+92", "+971")),
        ("+1, +1242, +12, +92", ("+1", "+92")),
        ("+92,+92", ("+92",)),
    ],
)
def test_as_written(written: str, prefixes: tuple[str, ...]) -> None:
    assert read_prefixes(written, "PK") == prefixes


@pytest.mark.parametrize("written", ["92", "+", "+0", "+92 +44", "*, +92", "PK", "+٩٢"])
def test_what_is_none(written: str) -> None:
    with pytest.raises(ValueError, match="Write"):
        read_prefixes(written, "PK")


def test_a_number_s_country() -> None:
    assert [country_code(one) for one in ("+923001234567", "+447700900000", "+9715", "+1242555", "8002", "+")] == [
        "+92", "+44", "+971", "+1", "", "",
    ]  # fmt: skip
    assert by_country([("+923", 2), ("+447", 3), ("+448", 1), ("8002", 5)]) == {"?": 5, "+44": 4, "+92": 2}


_BEGINNINGS = st.lists(st.integers(1, 9_999).map(lambda number: f"+{number}"), min_size=1, max_size=8)


@given(_BEGINNINGS, st.integers(10**9, 10**12))
def test_overlapping_beginnings_let_in_what_all_together_do(written: list[str], digits: int) -> None:
    number = f"+{digits}"
    found = read_prefixes(",".join(written), "PK")
    assert number.startswith(found) == number.startswith(tuple(written))
    assert not any(one != other and one.startswith(other) for one in found for other in found)
