"""What a part costs, by carrier and by how the number begins. Prices are the organisers' own, from their contract."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal


class PriceError(ValueError):
    """The price list cannot be used; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Price:
    """`per_part` for numbers that begin with `prefix` ("+92", "*" for all others), through one carrier ("*": any)."""

    carrier: str
    prefix: str
    per_part: Decimal


@dataclass(frozen=True, slots=True)
class Prices:
    """A price list in one currency (ISO 4217, such as PKR)."""

    currency: str = ""
    prices: tuple[Price, ...] = ()

    def of(self, carrier: str, number: str) -> Price | None:
        """Return the price for a number: the carrier's own before any carrier's, the longest prefix first."""
        fitting = [one for one in self.prices if one.carrier in (carrier, "*") and _begins(number, one.prefix)]
        return max(fitting, key=lambda one: (one.carrier == carrier, len(one.prefix.strip("*"))), default=None)


def read_prices(written: str) -> Prices:
    """Return the price list of a TOML text: `currency = "PKR"` and `[[price]]` with carrier, prefix and per_part.

    :raises PriceError: it is no such list
    """
    try:
        data = tomllib.loads(written, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise PriceError(f"The price list is no TOML: {error}.") from None
    currency = data.get("currency")
    if not isinstance(currency, str) or not (len(currency) == 3 and currency.isalpha() and currency.isupper()):
        raise PriceError('The price list needs a currency of three letters, such as currency = "PKR".')
    rows = data.get("price")
    if not isinstance(rows, list) or not rows:
        raise PriceError("The price list has no [[price]].")
    prices = tuple(_price(row, at) for at, row in enumerate(rows, 1))
    for at, one in enumerate(prices):
        if any((one.carrier, one.prefix) == (other.carrier, other.prefix) for other in prices[:at]):
            raise PriceError(f"The price of {one.carrier} for {one.prefix} stands twice.")
    return Prices(currency, prices)


def _price(row: object, at: int) -> Price:
    if not isinstance(row, dict):
        raise PriceError(f"Price {at} is no [[price]].")
    carrier, prefix, per_part = row.get("carrier", "*"), row.get("prefix", "*"), row.get("per_part")
    if not isinstance(carrier, str) or not isinstance(prefix, str):
        raise PriceError(f"Price {at}: carrier and prefix are words in quotes.")
    digits = prefix.removeprefix("+")
    if prefix != "*" and not (prefix.startswith("+") and digits.isascii() and digits.isdecimal()):
        raise PriceError(f"Price {at}: a prefix is written like +92, or * for all other numbers, not {prefix!r}.")
    if isinstance(per_part, bool) or not isinstance(per_part, int | Decimal):
        raise PriceError(f"Price {at}: per_part is a number such as 1.85.")
    if not Decimal(per_part).is_finite() or per_part < 0:
        raise PriceError(f"Price {at}: per_part is a number from 0 on.")
    return Price(carrier, prefix, Decimal(per_part))


def _begins(number: str, prefix: str) -> bool:
    return prefix == "*" or number.startswith(prefix)


def total(rows: Sequence[tuple[int, Decimal | None]]) -> Decimal | None:
    """Return what so many parts at such prices come to; None where a price is not known."""
    if any(price is None for _, price in rows):
        return None
    return sum((parts * price for parts, price in rows if price is not None), Decimal(0))
