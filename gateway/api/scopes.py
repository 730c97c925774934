"""What a key may do. Pure."""

from enum import StrEnum

from faults import FaultError, fault


class UnknownScope(FaultError):
    """A list of scopes that is none."""


class Scope(StrEnum):
    """Each scope opens one resource for reading, or for changing; `write` does not include `read`."""

    MEMBERS_READ = "members:read"
    SEGMENTS_READ = "segments:read"
    SEGMENTS_WRITE = "segments:write"
    BROADCASTS_READ = "broadcasts:read"
    BROADCASTS_WRITE = "broadcasts:write"
    BROADCASTS_APPROVE = "broadcasts:approve"
    TEXTS_READ = "texts:read"
    REPORTS_READ = "reports:read"
    REPORTS_WRITE = "reports:write"
    PICKUPS_READ = "pickups:read"
    PICKUPS_WRITE = "pickups:write"
    PHONES_READ = "phones:read"


MEANING: dict[Scope, str] = {
    Scope.MEMBERS_READ: "see how members are filed, their number masked",
    Scope.SEGMENTS_READ: "count audience rules and see the saved ones",
    Scope.SEGMENTS_WRITE: "save audience rules under a name",
    Scope.BROADCASTS_READ: "see broadcasts, their accounts and progress",
    Scope.BROADCASTS_WRITE: "draft, change, preview, start, schedule, pause, resume and cancel broadcasts",
    Scope.BROADCASTS_APPROVE: "approve broadcasts that another login drafted (or small ones of its own)",
    Scope.TEXTS_READ: "read texts in and out, numbers masked",
    Scope.REPORTS_READ: "read iReports",
    Scope.REPORTS_WRITE: "move, assign, note, answer, merge and split iReports",
    Scope.PICKUPS_READ: "see events and pick-up points",
    Scope.PICKUPS_WRITE: "open, fill, close, move and import pick-up points",
    Scope.PHONES_READ: "see whole phone numbers wherever others see masked ones, and look a member up by number",
}


def read_scopes(written: list[str]) -> list[Scope]:
    """Return the scopes of a list, each once, in their own order.

    :raises UnknownScope: one is none, or there is none at all
    """
    known = {scope.value: scope for scope in Scope}
    if odd := [one for one in written if one not in known]:
        raise UnknownScope(
            fault(
                "key.no_scope", "There is no scope {scope!r}; there are {known}.", scope=odd[0], known=", ".join(known)
            )
        )
    if not written:
        raise UnknownScope(fault("key.scopes", "Give the key at least one scope: {known}.", known=", ".join(known)))
    return [scope for scope in Scope if scope.value in written]
