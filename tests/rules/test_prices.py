"""Price lists: read whole or refused with a sentence; the nearest price counts."""

from decimal import Decimal

import pytest

from gateway.rules.prices import PriceError, read_prices, total

LIST = """
currency = "PKR"
[[price]]
carrier = "twilio"
prefix = "+92"
per_part = 13.1
[[price]]
prefix = "+92"
per_part = 1.85
[[price]]
prefix = "+9230"
per_part = 2
"""


@pytest.mark.parametrize(
    ("carrier", "number", "price"),
    [
        ("twilio", "+923001234567", "13.1"),
        ("smpp", "+923001234567", "2"),
        ("smpp", "+923331234567", "1.85"),
        ("smpp", "+97150000000", None),
    ],
)
def test_the_carriers_own_price_then_the_longest_prefix(carrier: str, number: str, price: str | None) -> None:
    found = read_prices(LIST).of(carrier, number)
    assert (found and found.per_part) == (price and Decimal(price))


def test_money_is_added_without_rounding() -> None:
    assert total([(3, Decimal("0.1")), (1, Decimal("0.2"))]) == Decimal("0.5")
    assert total([(3, Decimal("0.1")), (1, None)]) is None


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("currency = ", "no TOML"),
        ("[[price]]\nper_part = 1", "needs a currency"),
        ('currency = "PKR"', "no \\[\\[price\\]\\]"),
        ('currency = "PKR"\n[[price]]\nprefix = "92"\nper_part = 1', "written like \\+92"),
        ('currency = "PKR"\n[[price]]\nper_part = "1"', "per_part is a number"),
        ('currency = "PKR"\n[[price]]\nper_part = -1', "from 0 on"),
        ('currency = "PKR"\n[[price]]\nper_part = nan', "from 0 on"),
        ('currency = "PKR"\n[[price]]\nper_part = 1\n[[price]]\nper_part = 2', "stands twice"),
    ],
)
def test_a_list_that_is_none(written: str, sentence: str) -> None:
    with pytest.raises(PriceError, match=sentence):
        read_prices(written)
