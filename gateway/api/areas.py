"""A key that is bound to cities and seats sees, counts and texts the members there and nobody else."""

from gateway.api.keys import Caller


def area_rule(caller: Caller) -> str:
    """Return the audience rule of a caller's areas; "" for everywhere."""
    terms = [f'city:"{key}"' for key in sorted(caller.cities)]
    terms += [f"constituency:{seat}" for seat in sorted(caller.seats)]
    return f"({' | '.join(terms)})" if terms else ""


def within(caller: Caller, rule: str) -> str:
    """Return a rule ANDed with a caller's areas. `rule` has been read on its own before, so its brackets are whole."""
    area = area_rule(caller)
    return f"{area} & ({rule})" if area else rule
