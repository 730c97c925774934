"""What a decision may need beside the sender: one immutable value, loaded from the database, replaced on change."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway.pickups.pickups import Pickups
from gateway.places.directory import Directory
from keywords import Vocabulary


@dataclass(frozen=True)
class Reference:
    """Places, seats, groups, pick-up points and words of one moment."""

    directory: Directory
    pickups: Pickups
    vocabulary: Vocabulary
    short_code: str
    zone: ZoneInfo
    default_language: str = "en"
    invite_key: bytes = b"no secret"
