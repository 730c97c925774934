"""What the first page shows, asked once for all viewers of the same areas and kept for a few seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from gateway.accounts.areas import Areas
from gateway.accounts.viewer import Permission, Viewer, may
from gateway.broadcasts.progress import running_broadcasts
from gateway.database import reading
from gateway.heartbeat import SILENT_AFTER, last_beats
from gateway.numbers.hours import when_people_text
from gateway.numbers.joins import joins_by_city
from gateway.numbers.kept import Kept
from gateway.numbers.minutes import RecentMinutes
from gateway.outbox.setup import carrier_names
from gateway.outbox.standing import Waiting, carrier_standing, open_alerts, waiting_by_lane
from gateway.pickups.filling import next_filling
from gateway.reports.open_now import open_by_urgency
from gateway.settings import Settings
from gateway.tables import Broadcast, TextHour

LATELY = timedelta(minutes=10)
_hours, _broadcasts = TextHour.__table__, Broadcast.__table__


@dataclass(frozen=True, slots=True)
class WaitingKind:
    """Texts of one priority that wait in the outbox; `due_since` is when the oldest of them could have left."""

    priority: int
    texts: int
    due_since: datetime


class NowNumbers:
    """The numbers of one process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept = Kept()
        self._minutes = RecentMinutes()

    def look(self, viewer: Viewer, now: datetime, settings: Settings) -> dict[str, Any]:
        """Return what a viewer may see, by the names that the templates use; None for what is not theirs.

        Field staff see reports and pick-up points; everyone only what lies in their areas. Carriers, workers and what
        waits are the whole movement's, and the same for all who write broadcasts.

        :param now: aware UTC
        :param settings: those in force
        """
        areas = viewer.areas
        found: dict[str, Any] = {
            "reports": self._ask(
                "reports", areas, 3, lambda one: open_by_urgency(one, _or_none(areas, areas.reports()))
            )
            if may(viewer, Permission.SEE_REPORTS)
            else None,
            "filling": self._ask(
                "filling", areas, 5, lambda one: next_filling(one, now, _or_none(areas, areas.points()))
            )
            if may(viewer, Permission.SEE_PICKUPS)
            else None,
            "minutes": None,
        }
        return found | (self._of_organisers(viewer, now, settings) if may(viewer, Permission.SEE_BROADCASTS) else {})

    def _of_organisers(self, viewer: Viewer, now: datetime, settings: Settings) -> dict[str, Any]:
        areas, zone = viewer.areas, settings.zone
        # A broadcast is bound to the areas of who wrote it; what others send tells how many live elsewhere.
        login = "" if areas.everywhere else viewer.login
        which = _broadcasts.c.created_by == login if login else None
        today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        whose = _or_none(areas, areas.members())
        filed = areas.filed(_hours.c.city_id, _hours.c.constituency_id, _hours.c.provincial_id)
        outbox = self._ask("outbox", None, 5, lambda one: self._outbox(one, now, settings))
        return {
            "minutes": self._ask("minutes", areas, 5, lambda one: self._minutes.read(one, now, areas, whose)),
            "joins": self._ask("joins", (areas, today), 10, lambda one: joins_by_city(one, today, whose)),
            "week": self._ask("week", areas, 120, lambda one: when_people_text(one, zone, now, _or_none(areas, filed))),
            "broadcasts": self._ask(
                "broadcasts", login, 3, lambda one: running_broadcasts(one, _by_broadcast(outbox["lanes"]), which)
            ),
            **outbox,
            "alerts": [one for one in outbox["alerts"] if not (login and one["broadcast_id"])],
        }

    def _outbox(self, connection: Connection, now: datetime, settings: Settings) -> dict[str, Any]:
        lanes = waiting_by_lane(connection)
        beats = last_beats(connection)
        return {
            "lanes": lanes,
            "waiting": _by_priority(lanes),
            "carriers": carrier_standing(connection, carrier_names(settings), now - LATELY, now),
            "alerts": open_alerts(connection),
            "beats": {
                kind: (beats.get(kind), kind in beats and now - beats[kind] < SILENT_AFTER)
                for kind in ("worker", "clock")
            },
        }

    def _ask(self, name: str, key: Any, seconds: float, question: Any) -> Any:
        def answer() -> Any:
            with reading(self._engine) as connection:
                return question(connection)

        return self._kept.get((name, key), seconds, answer)


def _or_none(areas: Areas, condition: Any) -> Any:
    return None if areas.everywhere else condition


def _by_broadcast(lanes: list[Waiting]) -> Mapping[int, int]:
    found: dict[int, int] = {}
    for one in lanes:
        if one.lane.broadcast_id:
            found[one.lane.broadcast_id] = found.get(one.lane.broadcast_id, 0) + one.texts
    return found


def _by_priority(lanes: list[Waiting]) -> list[WaitingKind]:
    kinds: dict[int, WaitingKind] = {}
    for one in lanes:
        before = kinds.get(one.lane.priority)
        kinds[one.lane.priority] = WaitingKind(
            one.lane.priority,
            one.texts + (before.texts if before else 0),
            min(one.due_since, before.due_since) if before else one.due_since,
        )
    return [kinds[priority] for priority in sorted(kinds)]
