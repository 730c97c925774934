"""The page of one broadcast: its draft, its numbers, who has to do what, and how far it has come, live."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection, select

from gateway.accounts.persons import are_two_persons
from gateway.accounts.viewer import Permission, Viewer
from gateway.audience.saved import all_segments
from gateway.broadcasts.account import Account, account_of
from gateway.broadcasts.drafts import BroadcastError, find
from gateway.broadcasts.history import history_of, next_start
from gateway.broadcasts.moves import PREVIEW_HOLDS, is_approved
from gateway.broadcasts.preview import make_preview
from gateway.console.access import allowed
from gateway.console.broadcasts.desk import PATH, at, engine_of, row_of, sentence_of, terms_of, utc_now
from gateway.console.broadcasts.look import fragments
from gateway.console.broadcasts.typed import Typed
from gateway.console.live import Topic, stream
from gateway.console.shell import console_of, leave, page, render, visit_of
from gateway.console.told import told_plain
from gateway.database import reading
from gateway.rules.broadcast_life import CHANGEABLE, BroadcastState
from gateway.tables import Event, Staff
from segments import RuleError

router = APIRouter(include_in_schema=False)
_SEES = allowed(Permission.SEE_BROADCASTS)
BEGUN = frozenset(BroadcastState) - CHANGEABLE
_MANY = 100_000
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HISTORY_WORDS = frozenset(
    {"drafted", "changed", "asked", "approved", "scheduled", "unscheduled", "started", "paused", "resumed", "cancelled",
     "tested", "skipped", "refused"}
)  # fmt: skip


class Problems(dict[str, str]):
    """Sentences by the field at fault, or what is typed by its field; "" for all others."""

    def __missing__(self, name: str) -> str:
        return ""


@dataclass(frozen=True)
class Standing:
    """Where a broadcast stands for one viewer. `asked`: somebody asked for approval of these very numbers; `own`: the
    viewer drafted it and another person must approve; `old`: the numbers are more than a day old."""

    row: Any
    account: Account
    asked: bool
    approved: bool
    own: bool
    old: bool
    second_person: bool
    schedule: Any
    total: int

    @property
    def shown(self) -> Mapping[str, Any] | None:
        preview: Mapping[str, Any] | None = self.row.preview
        return preview

    @property
    def cost(self) -> str:
        return f"{Decimal((self.shown or {})['numbers']['cost']):,}"

    @property
    def first_text(self) -> datetime:
        return datetime.fromisoformat((self.shown or {})["when"]["first_text"])

    @property
    def last_text(self) -> datetime:
        return datetime.fromisoformat((self.shown or {})["when"]["last_text"])

    @property
    def changeable(self) -> bool:
        return self.row.state in CHANGEABLE


def standing_of(connection: Connection, row: Any, viewer: Viewer, threshold: int) -> Standing:
    account = account_of(connection, row.key)
    preview = row.preview or {}
    recipients = int((preview.get("numbers") or {}).get("recipients", 0))
    second = recipients > threshold
    return Standing(
        row=row,
        account=account,
        asked=row.state == BroadcastState.DRAFT and bool(row.asked_digest) and row.asked_digest == row.digest,
        approved=bool(row.preview) and is_approved(row),
        own=second and not are_two_persons(connection, viewer.login, row.created_by),
        old=row.previewed_at is not None and utc_now() - row.previewed_at > PREVIEW_HOLDS,
        second_person=second,
        schedule=next_start(connection, row.id) if row.state == BroadcastState.SCHEDULED else None,
        total=account.recipients if account.planned_whole else max(account.approved, account.recipients),
    )


@router.get(f"{PATH}/{{key}}")
def one(key: str, request: Request, viewer: Viewer = Depends(_SEES)) -> Response:
    return show_one(request, viewer, key)


def show_one(
    request: Request,
    viewer: Viewer,
    key: str,
    status: int = 200,
    *,
    typed: Typed | None = None,
    problems: Mapping[str, str] | None = None,
    conflict: Mapping[str, Any] | None = None,
    given: Mapping[str, str] | None = None,
) -> Response:
    """Show a broadcast.

    :param typed: what is typed in its form, if it was sent and not kept
    :param problems: sentences by the field at fault
    :param conflict: the parts of the draft that somebody else changed meanwhile, as they are now
    :param given: what is typed in the forms beside the draft's
    """
    with reading(engine_of(request)) as connection:
        row = row_of(connection, viewer, key)
        standing = standing_of(connection, row, viewer, terms_of(request).second_person_above)
        fresh = typed is None
        typed = typed or Typed.of_row(row)
        values = fragments(connection, request, viewer, typed)
        history = history_of(connection, row.id)
        saved = all_segments(connection)
        zones = _zones(connection, request)
        staff = connection.execute(select(Staff.phone).where(Staff.login == viewer.login)).scalar()
        shown = _values(request, connection, standing)
    return page(
        request,
        "broadcasts/one.html",
        status,
        **values,
        **shown,
        history=history,
        history_words=HISTORY_WORDS,
        saved=saved,
        zones=zones,
        problems=Problems(problems or {}),
        conflict=conflict,
        current=row,
        action=at(key),
        open=not fresh,
        given=Problems(given or {}),
        has_phone=bool(staff),
    )


def _values(request: Request, connection: Connection, standing: Standing) -> dict[str, Any]:
    return {
        "standing": standing,
        "row": standing.row,
        "at": at(standing.row.key),
        "home": terms_of(request).zone,
        "sentence": sentence_of(connection, request, standing.row.rule),
    }


def _zones(connection: Connection, request: Request) -> list[tuple[str, str]]:
    """Return the clocks that a schedule may be told on: those of events that are still to come, then the house's."""
    events = connection.execute(select(Event.key, Event.name, Event.zone).order_by(Event.id.desc()).limit(20)).all()
    found = [(one.zone, f"{one.name} ({one.zone})") for one in events if one.zone]
    home = terms_of(request).zone.key
    unique = dict(reversed([*found, (home, home)]))
    return [(zone, unique[zone]) for zone in dict.fromkeys([*(zone for zone, _ in found), home]) if ZoneInfo(zone)]


@router.get(f"{PATH}/{{key}}/live")
def live(key: str, request: Request, viewer: Viewer = Depends(_SEES)) -> Response:
    """How far it has come and what can be done, pushed to every page that shows it."""
    engine, threshold = engine_of(request), terms_of(request).second_person_above
    with reading(engine) as connection:
        row = row_of(connection, viewer, key)
        planned = account_of(connection, key).recipients if row.state in BEGUN else 0

    def version(connection: Connection) -> Any:
        one = find(connection, key)
        account = account_of(connection, key) if one.state in BEGUN else None
        return (one.state, one.digest, one.asked_digest, one.approved_digest, one.alarm, str(account))

    def fragments_now() -> Mapping[str, str]:
        with reading(engine) as connection:
            standing = standing_of(connection, row_of(connection, viewer, key), viewer, threshold)
            zones = _zones(connection, request)
            history = history_of(connection, standing.row.id)
            shown = _values(request, connection, standing)
        values = {
            **shown,
            "zones": zones,
            "given": Problems(),
            "problems": Problems(),
            "history": history,
            "history_words": HISTORY_WORDS,
        }
        return {
            "state": render(request, "broadcasts/_state.html", **values),
            "numbers": render(request, "broadcasts/_numbers.html", **values),
            "moves": render(request, "broadcasts/_moves.html", **values),
            "history": render(request, "broadcasts/_history.html", **values),
        }

    # Every text of it is counted for each look: a large one is looked at less often.
    return stream(
        request, viewer, Topic(f"broadcast:{row.id}", version, 1.0 if planned < _MANY else 4.0), fragments_now
    )


def work_out(request: Request, key: str) -> Response:
    """Work out a broadcast's numbers and go to them."""
    try:
        make_preview(console_of(request).engine, key, terms_of(request), utc_now())
    except (BroadcastError, RuleError) as error:
        return leave(request, at(key), "broadcasts.refused", "bad", why=told_plain(visit_of(request).language, error))
    return leave(request, at(key), "broadcasts.worked_out")
