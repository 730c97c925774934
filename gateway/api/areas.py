"""A key that is bound to cities and seats sees, counts and texts the members there and nobody else."""

from sqlalchemy import ColumnElement, Connection

from gateway.accounts.areas import Areas
from gateway.api.context import ApiContext
from gateway.api.keys import Caller
from gateway.audience.bounds import bound
from gateway.audience.rules import Audience


def audience_for(context: ApiContext, connection: Connection, caller: Caller, rule: str) -> Audience:
    """Return the audience of a rule within a caller's areas.

    :raises RuleError: it is no rule
    """
    return bound(context.audience(connection, rule), caller)


def member_condition(
    context: ApiContext, connection: Connection, caller: Caller, rule: str = "all"
) -> ColumnElement[bool] | None:
    """Return the condition on `members` of a rule within a caller's areas; None for everyone everywhere.

    :raises RuleError: it is no rule
    """
    if rule == "all" and not caller.bound:
        return None
    return audience_for(context, connection, caller, rule).condition(heed_stops=False)


def points_of(caller: Caller) -> ColumnElement[bool]:
    """Return the condition on `pickup_points` of a caller that is bound to areas."""
    return Areas(caller.cities, caller.seats).points()


def reports_of(caller: Caller) -> ColumnElement[bool]:
    """Return the condition on `reports` of a caller that is bound to areas."""
    return Areas(caller.cities, caller.seats).reports()


def events_of(caller: Caller) -> ColumnElement[bool]:
    """Return the condition on `events` of a caller that is bound to areas."""
    return Areas(caller.cities, caller.seats).events()
