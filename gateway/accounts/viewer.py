"""Who is looking at a page or calling the API, and what their role lets them do. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.accounts.areas import EVERYWHERE, Areas

ADMIN, ORGANISER, FIELD = "admin", "organiser", "field"
ROLES = (ADMIN, ORGANISER, FIELD)
NEEDS_SECOND_FACTOR = frozenset({ADMIN, ORGANISER})


class Permission(StrEnum):
    SEE_NOW = "see_now"
    SEE_BROADCASTS = "see_broadcasts"
    WRITE_BROADCASTS = "write_broadcasts"
    APPROVE_BROADCASTS = "approve_broadcasts"
    SEE_REPORTS = "see_reports"
    WORK_REPORTS = "work_reports"
    SORT_REPORTS = "sort_reports"
    SEE_PICKUPS = "see_pickups"
    EDIT_PICKUPS = "edit_pickups"
    SEE_MEMBERS = "see_members"
    REVEAL_PHONES = "reveal_phones"
    IMPORT_MEMBERS = "import_members"
    EXPORT_MEMBERS = "export_members"
    ERASE_MEMBERS = "erase_members"
    SEE_INBOX = "see_inbox"
    ANSWER_INBOX = "answer_inbox"
    CHANGE_SETTINGS = "change_settings"
    MANAGE_STAFF = "manage_staff"
    READ_AUDIT = "read_audit"


_ADMIN_ONLY = frozenset(
    {Permission.CHANGE_SETTINGS, Permission.MANAGE_STAFF, Permission.READ_AUDIT, Permission.ERASE_MEMBERS}
)
PERMISSIONS: Mapping[str, frozenset[Permission]] = {
    ADMIN: frozenset(Permission),
    ORGANISER: frozenset(Permission) - _ADMIN_ONLY,
    FIELD: frozenset({Permission.SEE_NOW, Permission.SEE_REPORTS, Permission.WORK_REPORTS, Permission.SEE_PICKUPS}),
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """One of the staff, signed in. `fresh_at` (aware UTC) is when they last gave their password or a code."""

    id: int
    login: str
    name: str
    role: str
    areas: Areas = EVERYWHERE
    language: str = "en"
    theme: str = "auto"
    session_id: int = 0
    fresh_at: datetime | None = None

    @property
    def shown(self) -> str:
        return self.name or self.login


def may(viewer: Viewer, permission: Permission) -> bool:
    """Whether the viewer's role has a permission; where they have it is said by their areas."""
    return permission in PERMISSIONS.get(viewer.role, frozenset())
