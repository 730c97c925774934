"""What a decision may need beside the sender: one immutable value, loaded from the database, replaced on change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from gateway.pickups.pickups import Pickups
from gateway.places.directory import Directory
from gateway.replies.catalogue import Catalogue
from gateway.reports.notices import Notifier
from gateway.reports.sorting import Sorter
from gateway.rules.report_staff import StaffMember
from keywords import Vocabulary


@dataclass(frozen=True, eq=False)
class Reference:
    """Places, seats, groups, pick-up points, words, replies, triage rules and staff of one moment; equal to itself
    alone: a country's places are not compared one by one."""

    directory: Directory
    pickups: Pickups
    vocabulary: Vocabulary
    short_code: str
    zone: ZoneInfo
    sorter: Sorter
    catalogue: Catalogue
    notifier: Notifier
    default_language: str = "en"
    invite_key: bytes = b"no secret"
    staff: Mapping[str, StaffMember] = field(default_factory=dict)
    """The staff by the key of their phone."""
    hooks: frozenset[str] = frozenset()
    """The kinds of events that others are told of by webhook."""
