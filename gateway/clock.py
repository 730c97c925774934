"""What happens by itself: one short function for each tick, safe to run in any number of processes at once.

The truth of what is due stands in tables; a process that dies loses nothing, and one that starts late catches up.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.accounts import audit
from gateway.accounts.seal import sealer_from
from gateway.api.idempotency import forget_old
from gateway.audience.fold import fold
from gateway.broadcasts.account import close_what_is_done
from gateway.broadcasts.plan import plan_begun
from gateway.broadcasts.schedules import strike
from gateway.broadcasts.terms import broadcast_terms
from gateway.database import reading
from gateway.heartbeat import BEAT_EVERY_S, beat
from gateway.hooks import deliveries
from gateway.hooks.courier import Courier
from gateway.members.import_desk import drop_old
from gateway.numbers.hours import count_hours
from gateway.outbox.consequences import raise_alert
from gateway.outbox.setup import utc_now
from gateway.outbox.worker import worker_name
from gateway.overrides.in_force import Watch, catalogue_of
from gateway.pickups.desk import end_promises, tell_waiting
from gateway.pickups.walking.directions import answer_walks
from gateway.pickups.walking.router import Router
from gateway.reports.setup import notifier_from
from gateway.reports.ticks import run_all
from gateway.reports.trends import find_trends
from gateway.settings import Settings

log = structlog.get_logger()


def bits_tick(engine: Engine, settings: Settings) -> None:
    """Keep the members' bits, which audiences are counted from, near the members."""
    fold(engine, utc_now)


def beat_tick(engine: Engine, settings: Settings) -> None:
    """Leave the mark of this clock, for those who look whether one runs."""
    beat(engine, "clock", _name(), utc_now())


@cache
def _name() -> str:
    return worker_name()


def hours_tick(engine: Engine, settings: Settings) -> None:
    """Count the texts of hours that are over."""
    count_hours(engine, utc_now())


def seats_tick(engine: Engine, settings: Settings) -> None:
    """End promises whose time is over, then tell those who wait for a seat."""
    end_promises(engine, utc_now())
    tell_waiting(engine, settings, utc_now())


def reports_tick(engine: Engine, settings: Settings) -> None:
    """Call staff, propose clusters, escalate, close what nobody answered."""
    with reading(engine) as connection:
        catalogue = catalogue_of(connection)
    run_all(engine, notifier_from(settings, catalogue), utc_now())


def walks_tick(engine: Engine, settings: Settings) -> None:
    """Answer STEPS with the way on foot."""
    if router := _router(settings.walking_router, settings.walking_router_url):
        answer_walks(engine, settings, router, utc_now())


@cache
def _router(kind: str, url: str) -> Router | None:
    return Router(kind, url) if kind else None


def schedules_tick(engine: Engine, settings: Settings) -> None:
    """Start the broadcasts whose time has come."""
    strike(engine, broadcast_terms(settings), utc_now())


def planning_tick(engine: Engine, settings: Settings) -> None:
    """Plan the broadcasts that have begun, to their end, and close those whose last text has left."""
    plan_begun(engine, broadcast_terms(settings), utc_now)
    close_what_is_done(engine, utc_now())


def imports_tick(engine: Engine, settings: Settings) -> None:
    """Forget files of members that nobody said yes to."""
    drop_old(engine, utc_now())


def trends_tick(engine: Engine, settings: Settings) -> None:
    """Look for words and places that are reported more than before."""
    find_trends(engine, utc_now())


def api_tick(engine: Engine, _settings: Settings) -> None:
    """Forget the answers of API requests that are a day old."""
    forget_old(engine, utc_now())


def old_hooks_tick(engine: Engine, _settings: Settings) -> None:
    """Forget the webhooks of long ago."""
    deliveries.forget_old(engine, utc_now())


def audit_tick(engine: Engine, _settings: Settings) -> None:
    """Note the audit log's head in the process log: a place that whoever writes the database does not reach."""
    with reading(engine) as connection:
        last = audit.head(connection)
    if last.seq:
        log.info("audit_head", head=str(last))


TICKS: tuple[tuple[Callable[[Engine, Settings], None], float], ...] = (
    (seats_tick, 5.0),
    (reports_tick, 10.0),
    (walks_tick, 1.0),
    (schedules_tick, 1.0),
    (planning_tick, 0.5),
    (trends_tick, 60.0),
    (imports_tick, 600.0),
    (api_tick, 300.0),
    (old_hooks_tick, 60.0),
    (hours_tick, 60.0),
    (audit_tick, 3600.0),
    (bits_tick, 5.0),
    (beat_tick, BEAT_EVERY_S),
)
"""Each tick and its seconds; above `_GRAIN_S` a multiple of it."""
_GRAIN_S = 5.0
_EVERY: dict[str, Any] = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}


def first_ticks() -> Iterator[tuple[Callable[[Engine, Settings], None], float, float]]:
    """Return each tick, its seconds, and how many seconds after the start it comes first.

    Each has its own point of the five seconds of which the longer ones are multiples, so that they never meet: all at
    once, every ten seconds, texts that came in waited for them.
    """
    for number, (tick, seconds) in enumerate(TICKS, 1):
        yield tick, seconds, min(seconds, _GRAIN_S) * number / len(TICKS)


@contextmanager
def ticking(engine: Engine, watch: Watch) -> Iterator[None]:
    """Run every tick while the block runs, each by the settings in force. One that fails is logged and comes again."""
    scheduler = BackgroundScheduler(timezone="UTC")
    began = utc_now()
    for tick, seconds, first in first_ticks():
        scheduler.add_job(
            _guarded,
            IntervalTrigger(seconds=seconds, start_date=began + timedelta(seconds=first), timezone="UTC"),
            args=(tick, engine, watch),
            id=tick.__name__,
            **_EVERY,
        )
    courier = courier_from(engine, watch.settings)
    scheduler.add_job(_guarded_call, "interval", seconds=1.0, args=(courier.tick,), id="hooks_tick", **_EVERY)
    _guarded(beat_tick, engine, watch)  # a page opened just now must not say that no clock runs
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=True)
        courier.close()


def courier_from(engine: Engine, settings: Settings) -> Courier:
    """Return what delivers outgoing webhooks, as these settings have it."""
    return Courier(engine, sealer_from(settings), settings.hook_allowed, raise_alert, clock=utc_now)


def _guarded(tick: Callable[[Engine, Settings], None], engine: Engine, watch: Watch) -> None:
    _guarded_call(lambda: tick(engine, watch().settings), tick.__name__)


def _guarded_call(tick: Callable[[], None], name: str = "hooks_tick") -> None:
    try:
        tick()
    except SQLAlchemyError as error:
        log.warning("tick_failed", tick=name, error=type(error).__name__)
