"""The queue page by page, what filters hide, and changes by people who look at the same report."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, insert

from gateway.database import is_sqlite, reading, writing
from gateway.reports import queue as desk
from gateway.reports.clusters import propose_clusters, proposed
from gateway.reports.listing import After, Filters, near, page, standing
from gateway.reports.moves import UnknownReport, seen_as
from gateway.reports.paging import call_help
from gateway.rules.report_life import MoveRefused
from gateway.service import Service, utc_now
from gateway.tables import Report, Sender
from tests.gateway.conftest import Texting
from tests.reports.test_conversation import entries, ref_in, report, started
from tests.reports.test_desk import phone
from tests.reports.test_field import BILAL, CHIEF, SANA, staffed

__all__ = ["staffed"]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def fill(engine: Engine, count: int) -> None:
    """Write reports of every urgency and state, many of them opened at the very same moment."""
    states = ["received", "acknowledged", "assigned", "reopened", "closed"]
    with writing(engine) as connection:
        sender = insert(Sender).values(key="+923005550000", first_seen_at=NOON, last_seen_at=NOON)
        sender_id = connection.execute(sender.returning(Sender.id)).scalar_one()
        rows = [
            {
                "ref": f"X{n}",
                "sender_id": sender_id,
                "state": states[n % 5],
                "text": f"water {n}",
                "category": "water" if n % 3 else "medical",
                "place": f"gate {n % 7}",
                "urgency": n % 4,
                "lat": 31.5 + n * 0.0005,
                "lon": 74.3,
                "opened_at": NOON + timedelta(minutes=n // 10),
                "updated_at": NOON,
            }
            for n in range(count)
        ]
        connection.execute(insert(Report), rows)


def test_pages_show_everything_open_once_and_in_order(engine: Engine) -> None:
    fill(engine, 120)
    found: list[dict[str, Any]] = []
    after: After | None = None
    with reading(engine) as connection:
        while True:
            rows, after = page(connection, Filters(after=after, limit=7))
            found += rows
            if after is None:
                break
            assert After.read(str(after)) == after
        whole = desk.queue(connection, Filters(limit=1000))
    assert [row["ref"] for row in found] == [row["ref"] for row in whole]
    assert len(found) == len({row["ref"] for row in found}) == 96
    assert [(-row["urgency"], row["opened"]) for row in found] == sorted((-r["urgency"], r["opened"]) for r in found)


@pytest.mark.parametrize("written", ["", "3", "a.b.c", "1.2.3.4", "3.-1.2", "٣.1.2", "3." + "9" * 18 + ".1", "1." * 50])
def test_a_spoilt_page_mark_is_none(written: str) -> None:
    assert After.read(written) is None


def test_what_the_filters_hide_is_counted(engine: Engine) -> None:
    fill(engine, 100)
    with reading(engine) as connection:
        assert (standing(connection, Filters()).whole, standing(connection, Filters()).hidden) == (80, 0)
        urgent = standing(connection, Filters(urgencies=(3,), place="GATE"))
        assert (urgent.shown, urgent.hidden) == ({3: 20, 2: 0, 1: 0, 0: 0}, 60)
        mine = standing(connection, Filters(within=(Report.lat < 31.51,), categories=("medical",)))
        everything_of_mine = standing(connection, Filters(within=(Report.lat < 31.51,)))
        assert mine.whole + mine.hidden == everything_of_mine.whole < 80
        with pytest.raises(ValueError, match="There is no 9"):
            standing(connection, Filters(urgencies=(9,)))


def test_filters_narrow_the_queue(engine: Engine) -> None:
    fill(engine, 100)
    with reading(engine) as connection:
        assert {row["urgency"] for row in desk.queue(connection, Filters(urgencies=(1, 3)))} == {1, 3}
        assert {row["state"] for row in desk.queue(connection, Filters(states=("assigned", "closed")))} == {
            "assigned", "closed",
        }  # fmt: skip
        since = desk.queue(connection, Filters(since=NOON + timedelta(minutes=8)))
        assert len(since) == 8
        assert len(desk.queue(connection, Filters(unassigned=True))) == 80
        assert desk.queue(connection, Filters(event_key="another")) == []
        newest = desk.queue(connection, Filters(newest_first=True, urgencies=(2,), limit=3))
        assert [row["ref"] for row in newest] == ["X98", "X90", "X86"]  # X94 is closed


def test_what_is_near_is_the_nearest_first(engine: Engine) -> None:
    fill(engine, 100)
    with reading(engine) as connection:
        here = desk.queue(connection, Filters(limit=1))[0]
        found = near(connection, here["id"], here["lat"], here["lon"])
    assert here["ref"] not in [one["ref"] for one in found]
    assert [one["metres"] for one in found] == sorted(one["metres"] for one in found)
    assert found[0]["metres"] < 100 and found[-1]["metres"] <= 2_000
    assert "closed" not in {one["state"] for one in found}


@pytest.fixture
def watched(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """Statements as the database gets them."""
    seen: list[tuple[str, Any]] = []

    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().startswith("SELECT"):
            seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", keep)
    yield seen
    event.remove(engine, "before_cursor_execute", keep)


def test_the_queue_of_twelve_thousand_reads_its_index(engine: Engine, watched: list[tuple[str, Any]]) -> None:
    fill(engine, 12_000)
    with writing(engine) as connection:
        connection.exec_driver_sql("ANALYZE")
    with reading(engine) as connection:
        asked = datetime.now(UTC)
        rows, after = page(connection, Filters(limit=50))
        page(connection, Filters(limit=50, after=after))
        assert len(rows) == 50
        assert datetime.now(UTC) - asked < timedelta(seconds=1)  # a few ms; a machine under load is no failure
        statements = [one for one in watched if "ORDER BY" in one[0]]
        assert len(statements) == 2  # no further than the page goes
        for statement, parameters in statements:
            assert "ix_reports_open" in _plan(connection, statement, parameters)


def _plan(connection: Connection, statement: str, parameters: Any) -> str:
    explain = "EXPLAIN QUERY PLAN " if is_sqlite(connection) else "EXPLAIN "
    return "\n".join(str(row) for row in connection.exec_driver_sql(explain + statement, parameters))


def test_two_who_take_it_at_once_are_one_and_one_who_is_told(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    said: dict[str, str] = {}
    ready = Barrier(2)

    def take(login: str) -> None:
        ready.wait()
        try:
            with writing(staffed.engine) as connection:
                desk.take(connection, ref, login, utc_now(), staffed.notifier)
        except MoveRefused as error:
            said[login] = str(error)

    both = [Thread(target=take, args=(login,)) for login in ("bilal", "sana")]
    [one.start() for one in both]
    [one.join() for one in both]
    assert len(said) == 1
    [(loser, sentence)] = said.items()
    winner = "Sana" if loser == "bilal" else "Bilal"
    assert winner in sentence and "in hand" in sentence
    assert [line[0] for line in entries(staffed, ref)].count("move") == 1
    assert len(started(staffed)) == 1  # the reporter is told once


def test_taking_again_what_is_ones_own_changes_nothing(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    for _ in range(2):
        with writing(staffed.engine) as connection:
            desk.take(connection, ref, "sana", utc_now(), staffed.notifier)
    assert len(entries(staffed, ref)) == 2
    assert not [body for body in started(staffed, SANA) if ref in body]  # who took it needs no text


def test_who_looked_too_long_ago_changes_nothing(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    with writing(staffed.engine) as connection:
        seen = seen_as(desk.hold_seen(connection, ref))
        desk.take(connection, ref, "sana", utc_now(), staffed.notifier)
    with writing(staffed.engine) as connection:
        with pytest.raises(MoveRefused, match="Sana Mir has") as refused:
            desk.hold_seen(connection, ref, seen=seen)
        assert (refused.value.key, refused.value.values["ref"]) == ("held", ref)
        desk.move(connection, ref, "not_actionable", "chief", "", utc_now(), staffed.notifier)
        with pytest.raises(MoveRefused, match="become not_actionable"):
            desk.hold_seen(connection, ref, seen=seen)
        with pytest.raises(UnknownReport):
            desk.hold_seen(connection, ref, within=(Report.urgency > 3,))
        with pytest.raises(UnknownReport):
            desk.story(connection, ref, within=(Report.urgency > 3,))
        with pytest.raises(UnknownReport):
            desk.hold_seen(connection, ref, event_key="another rally")


def test_a_refused_proposal_is_gone_and_nothing_else(service: Service, text: Texting) -> None:
    first, second, third = (ref_in(text(f"REPORT no drinking water at gate 3 {'!' * n}", phone(n))) for n in range(3))
    propose_clusters(service.engine, utc_now())
    with writing(service.engine) as connection:
        desk.merge(connection, third, first, "chief", utc_now(), service.notifier)
        desk.refuse(connection, third, first, "chief", utc_now())  # decided already: stays merged
        desk.refuse(connection, second, first, "chief", utc_now())
        desk.refuse(connection, second, first, "chief", utc_now())
    assert report(service, third).state == "duplicate"
    assert report(service, first).witnesses == 2
    with reading(service.engine) as connection:
        assert proposed(connection) == []
        assert desk.story(connection, first)["proposed"] == []


def test_both_sides_of_a_proposal_show_it(service: Service, text: Texting) -> None:
    first, second = (ref_in(text(f"REPORT no drinking water at gate 3 {'!' * n}", phone(n))) for n in range(2))
    propose_clusters(service.engine, utc_now())
    with reading(service.engine) as connection:
        assert [one["ref"] for one in desk.story(connection, first)["proposed"]] == [second]
        assert [one["ref"] for one in desk.story(connection, second)["proposed_into"]] == [first]
        nobody_elses = desk.story(connection, first, within=(Report.ref == first,))
        assert nobody_elses["proposed"] == []


def test_a_call_for_help_reaches_others_once(staffed: Service, text: Texting) -> None:
    ref = ref_in(text("REPORT speaker broken at block C"))
    now = utc_now()
    with writing(staffed.engine) as connection:
        told = call_help(connection, desk.hold_seen(connection, ref), "bilal", now, staffed.notifier)
        with pytest.raises(MoveRefused, match="a moment ago"):
            call_help(connection, desk.hold_seen(connection, ref), "sana", now, staffed.notifier)
    assert told == 2
    assert [len([body for body in started(staffed, one) if ref in body]) for one in (BILAL, SANA, CHIEF)] == [0, 1, 1]
    assert entries(staffed, ref)[-1][:2] == ("page", "bilal")
    with writing(staffed.engine) as connection:
        desk.move(connection, ref, "not_actionable", "chief", "", now, staffed.notifier)
        with pytest.raises(MoveRefused, match="nobody is called"):
            call_help(connection, desk.hold_seen(connection, ref), "bilal", now, staffed.notifier)
