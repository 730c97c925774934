"""Audience rules kept under a name."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from faults import FaultError, fault
from gateway.audience.rules import Audience
from gateway.tables import SavedSegment
from orthography import words
from segments import to_json

MAX_NAME_LENGTH = 80


class SegmentNameError(FaultError):
    """The name cannot be used; the fault is one sentence."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved segment: its name, its rule as text, who saved it and when (aware UTC), and its name as it is sorted."""

    name: str
    rule: str
    saved_by: str
    saved_at: datetime
    folded: str


def save_segment(
    connection: Connection, name: str, audience: Audience, by: str, now: datetime, *, replace: bool = False
) -> None:
    """Keep a rule under a name, with its names as they are on file.

    :raises SegmentNameError: the name is empty, too long, or taken and not to be replaced
    """
    shown = " ".join(name.split())
    folded = " ".join(words(shown))[:160]
    if not folded or len(shown) > MAX_NAME_LENGTH:
        raise SegmentNameError(
            fault(
                "segment.name",
                "Give the segment a name of 1 to {most} signs with a letter or digit in it.",
                most=MAX_NAME_LENGTH,
            )
        )
    values = {
        "name": shown, "rule": audience.text, "json": to_json(audience.rule), "saved_by": by[:60], "saved_at": now,
    }  # fmt: skip
    known = find_segment(connection, shown)
    if known is None:
        connection.execute(insert(SavedSegment).values(folded=folded, **values))
    elif not replace:
        raise SegmentNameError(
            fault(
                "segment.taken",
                "“{name}” is saved already, as {rule}. Replace it, or take another name.",
                name=known.name,
                rule=known.rule,
            )
        )
    else:
        connection.execute(update(SavedSegment).where(SavedSegment.folded == folded).values(**values))


def find_segment(connection: Connection, name: str) -> Saved | None:
    """Return the segment of that name, however it is typed."""
    wanted = SavedSegment.folded == " ".join(words(name))[:160]
    return next(iter(_read(connection, wanted)), None)


def all_segments(connection: Connection, *, after: str = "", limit: int | None = None) -> list[Saved]:
    """Return the saved segments by name, those after a name as it is sorted (`Saved.folded`), `limit` at most."""
    return _read(connection, SavedSegment.folded > after, limit=limit)


def _read(connection: Connection, *conditions: object, limit: int | None = None) -> list[Saved]:
    table = SavedSegment.__table__.c
    rows = connection.execute(
        select(table.name, table.rule, table.saved_by, table.saved_at, table.folded)
        .where(*conditions)  # type: ignore[arg-type]
        .order_by(table.folded)
        .limit(limit)
    )
    return [Saved(*row) for row in rows]
