"""How many an audience is, who is left out, its chunks, saved segments, and the commands."""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert, update
from typer.testing import CliRunner

from gateway.audience import counting
from gateway.audience.counting import count, count_by_reason, recipients
from gateway.audience.rules import Audience, read_audience
from gateway.audience.saved import SegmentNameError, all_segments, find_segment, save_segment
from gateway.cli import app
from gateway.database import reading, writing
from gateway.places.directory import Directory
from gateway.tables import Member, Sender, TopicStop
from segments import MemberFacts
from tests.gateway.audience.filing import file_members, small_country
from tests.gateway.conftest import Texting
from tests.segments.rule_strategies import NOW, ZONE

CROWD = (
    MemberFacts(NOW - timedelta(days=9), "lahore", ("NA-117", 2024), None, frozenset({"students"}), "ur"),
    MemberFacts(NOW - timedelta(days=8), "lahore", None, None, frozenset({"students", "women"}), "en"),
    MemberFacts(NOW - timedelta(days=7), "lahore", None, None, frozenset({"women"}), None),
    MemberFacts(NOW - timedelta(days=6), "karachi", ("NA-229", 2024), None, frozenset({"students"}), "ur"),
    MemberFacts(NOW - timedelta(days=5), None, None, None, frozenset(), "ur-Latn"),
    MemberFacts(NOW - timedelta(days=4), "lahore", None, None, frozenset({"women"}), "ur", reachable=False),  # stopped
    MemberFacts(NOW - timedelta(days=3), "lahore", None, None, frozenset({"women"}), "ur", reachable=False),  # dead
    MemberFacts(NOW - timedelta(days=2), "lahore", None, None, frozenset({"women"}), "ur"),  # abroad
    MemberFacts(NOW, "lahore", None, None, frozenset({"women"}), "ur", left=frozenset({"city:lahore"})),
)  # fmt: skip
Reading = Callable[[str], Audience]


@pytest.fixture
def directory(engine: Engine) -> Directory:
    found = small_country(engine)
    with writing(engine) as connection:
        file_members(connection, CROWD, found)
        connection.execute(update(Sender).where(Sender.id == 7).values(consent="joined", number_state="dead"))
        connection.execute(update(Sender).where(Sender.id == 8).values(key="+97150000008"))
        # The inviters of the small country are no part of this crowd.
        connection.execute(update(Member).where(Member.sender_id >= 900_000).values(reachable=False))
    return found


@pytest.fixture
def read(directory: Directory) -> Reading:
    return lambda text: read_audience(text, directory, NOW, zone=ZONE, default_language="en", prefixes=("+92",))


def test_the_parts_of_a_count_add_up(engine: Engine, directory: Directory, read: Reading) -> None:
    with reading(engine) as connection:
        found = count_by_reason(connection, read("city:lahore"), directory.place_keys)
        quick = count(connection, read("city:lahore"))
    assert found.matched == 7
    assert found.recipients == 3
    assert found.left_out == {"stopped": 1, "dead number": 1, "wrong country": 1, "left the group": 1}
    assert found.by_language == {"ur": 1, "en": 2}
    assert found.by_city == {"lahore": 3}
    assert found.recipients + sum(found.left_out.values()) == found.matched
    assert found.abroad == {"+971": 1}
    assert quick == 4  # the number from abroad is still in it


@pytest.mark.parametrize("few", [True, False], ids=["by number", "by ranges"])
@pytest.mark.parametrize(
    ("prefixes", "reached", "abroad"),
    [
        ((), 4, {}),
        (("+92", "+971"), 4, {}),
        (("+971",), 1, {"+92": 3}),
        (("+9",), 4, {}),
        (("+44", "+93", "+1"), 0, {"+92": 3, "+971": 1}),
    ],
)
def test_the_countries_that_are_texted_are_a_setting(
    engine: Engine, directory: Directory, monkeypatch: pytest.MonkeyPatch,
    few: bool, prefixes: tuple[str, ...], reached: int, abroad: dict[str, int],
) -> None:  # fmt: skip
    monkeypatch.setattr(counting, "_FEW", 100_000 if few else -1)
    audience = read_audience("city:lahore", directory, NOW, zone=ZONE, default_language="en", prefixes=prefixes)
    with reading(engine) as connection:
        found = count_by_reason(connection, audience, directory.place_keys)
        people = recipients(connection, audience, 0, 100, joined_by=NOW)
    assert found.recipients == len(people) == reached
    assert found.abroad == abroad and found.left_out.get("wrong country", 0) == sum(abroad.values())
    assert found.recipients + sum(found.left_out.values()) == found.matched == 7


def test_who_left_a_group_is_left_out_of_that_group_alone(engine: Engine, directory: Directory, read: Reading) -> None:
    with reading(engine) as connection:
        found = count_by_reason(connection, read("city:lahore | affinity:women"), directory.place_keys)
        assert "left the group" not in found.left_out
        assert found.recipients == 4
        assert count_by_reason(connection, read("all"), directory.place_keys).by_city == {
            "lahore": 4, "karachi": 1, None: 1,
        }  # fmt: skip


def test_members_added_later_change_the_count(engine: Engine, directory: Directory, read: Reading) -> None:
    audience = read("city:karachi & affinity:students")
    with writing(engine) as connection:
        assert count(connection, audience) == 1
        connection.execute(insert(TopicStop).values(sender_id=4, topic="affinity:students", stopped_at=NOW))
        assert count(connection, audience) == 0


@pytest.mark.parametrize("many", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_chunks_hold_every_recipient_once(engine: Engine, read: Reading, many: bool, limit: int) -> None:
    audience, seen, after = read("city:lahore"), list[int](), 0
    with reading(engine) as connection:
        while chunk := recipients(connection, audience, after, limit, joined_by=NOW, many=many):
            assert len(chunk) <= limit
            seen += [one.sender_id for one in chunk]
            after = chunk[-1].sender_id
        [first, *_] = recipients(connection, audience, 0, 1, joined_by=NOW, many=many)
    assert seen == [1, 2, 3]
    assert (first.key, first.language, first.city) == ("+9239900000001", "ur", "lahore")


@pytest.mark.parametrize("rule", ["joined<30d", "city:lahore", "affinity:women & joined>=2020-01-01", "language:ur"])
def test_walking_the_members_sorts_nothing(engine: Engine, read: Reading, rule: str) -> None:
    """However few a rule seems to find by an index: each chunk of a million would find and sort the million anew."""
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL weighs the limit itself")
    asked: list[tuple[str, object]] = []

    def note(*call: Any) -> None:
        asked.append((call[2], call[3]))

    event.listen(engine, "before_cursor_execute", note)
    with reading(engine) as connection:
        assert recipients(connection, read(rule), 0, 100, joined_by=NOW, many=True)
        event.remove(engine, "before_cursor_execute", note)
        [(statement, given)] = [(one, given) for one, given in asked if "FROM members" in one and "LIMIT" in one]
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)]  # type: ignore[arg-type]
    assert plan[0] == "SEARCH members USING INTEGER PRIMARY KEY (rowid>?)"
    assert not any("TEMP B-TREE" in step for step in plan)


def test_a_later_chunk_reads_no_number_before_it(engine: Engine, read: Reading) -> None:
    """Joining in the order of ids, PostgreSQL read all numbers from the first to the chunk's, for every chunk anew."""
    if engine.dialect.name != "postgresql":
        pytest.skip("SQLite looks each number up by its id")
    asked: list[tuple[str, object]] = []
    event.listen(engine, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
    with reading(engine) as connection:
        recipients(connection, read("all"), 3, 100, joined_by=NOW, many=True)
        [(statement, given)] = [(one, given) for one, given in asked if "FROM members" in one and "LIMIT" in one]
        for way in ("hashjoin", "nestloop", "seqscan", "bitmapscan", "sort"):  # as of tables too large for these
            connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        plan = [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", given)]  # type: ignore[arg-type]
    begun = [step.strip() for step in plan if "Index Cond" in step]
    assert "Merge Join" in " ".join(plan)
    assert len(begun) == 2 and all("> '3'" in one for one in begun)


def test_who_joins_after_the_start_is_not_planned(engine: Engine, directory: Directory, read: Reading) -> None:
    started = NOW - timedelta(days=7, hours=12)
    with reading(engine) as connection:
        chunk: Sequence[object] = recipients(connection, read("city:lahore"), 0, 100, joined_by=started)
    assert len(chunk) == 2


def test_saved_segments(engine: Engine, read: Reading) -> None:
    with writing(engine) as connection:
        save_segment(connection, " Lahore  women ", read("city:LAHORE & group:women"), "sana", NOW)
        with pytest.raises(SegmentNameError, match="saved already"):
            save_segment(connection, "lahore WOMEN", read("all"), "ali", NOW)
        found = find_segment(connection, "LAHORE women")
        assert found is not None
        assert (found.name, found.rule, found.saved_by) == ("Lahore women", "city:lahore & affinity:women", "sana")
        save_segment(connection, "lahore women", read("city:lahore"), "ali", NOW, replace=True)
        assert [one.rule for one in all_segments(connection)] == ["city:lahore"]
        with pytest.raises(SegmentNameError, match="1 to 80"):
            save_segment(connection, "!!", read("all"), "ali", NOW)


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    monkeypatch.setenv("DATABASE_URL", database_url)

    def invoke(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["segments", *arguments])
        return result.exit_code, result.output

    return invoke


def test_commands(run: Callable[..., tuple[int, str]], text: Texting) -> None:
    text("JOIN Sana Lahore NA-119 women", "+923001230001")
    text("JOIN Bilal Lahore students", "+923001230002")
    text("JOIN Omar Karachi students", "+923001230003")
    text("STOP", "+923001230002")
    code, said = run("count", "city:lahore", "--json")
    assert code == 0, said
    counted = json.loads(said)
    assert (counted["matched"], counted["recipients"], counted["left_out"]) == (2, 1, {"stopped": 1})
    assert counted["by_city"] == {"Lahore": 1}
    assert counted["sentence"] == "Members who are filed in Lahore."
    code, said = run("count", "constituency:NA-119")
    assert code == 0, said
    assert "NA-119" in said
    assert "recipients" in said
    code, said = run("count", "city:lahore & citty:karachi")
    assert code == 1
    assert "Column 15" in said
    assert "Did you mean city?" in said
    assert run("save", "Lahoris", "city:لاہور")[0] == 0
    assert json.loads(run("list", "--json")[1])[0]["rule"] == "city:lahore"
    code, said = run("count", "--saved", "LAHORIS", "--json")
    assert json.loads(said)["recipients"] == 1
    code, said = run("count", "--saved", "Nobody")
    assert code == 1
    assert "Saved are: Lahoris" in said


def test_a_members_row_repeats_language_and_last_day(run: Callable[..., tuple[int, str]], text: Texting) -> None:
    text("JOIN Sana Lahore", "+923001230001")
    assert json.loads(run("count", "seen:today & language:ur", "--json")[1])["recipients"] == 0
    text("URDU", "+923001230001")
    assert json.loads(run("count", "seen:today & language:ur", "--json")[1])["recipients"] == 1
    assert json.loads(run("count", "pickup:asked | reports>0", "--json")[1])["recipients"] == 0
    text("WHERE Lahore", "+923001230001")
    assert json.loads(run("count", "pickup:asked & asked<1d & reports:0", "--json")[1])["recipients"] == 1
    text("REPORT the gate is shut", "+923001230001")
    assert json.loads(run("count", "reports>0 & reported:today", "--json")[1])["recipients"] == 1


@pytest.mark.parametrize(
    ("rule", "plan"),
    [
        ("city:lahore & affinity:students", "ix_members_filed"),
        ("constituency:NA-117 & joined>=2026-01-01", "ix_members_seat"),
        ("constituency:PP-145@2024", "ix_members_provincial"),
        ("affinity:students", "ix_members_"),
        ("joined>=2026-01-01", "SCAN members"),
        ("city:lahore & seen<30d", "SCAN members"),
    ],
)
def test_sqlite_counts_from_an_index_or_end_to_end(
    engine: Engine, directory: Directory, read: Reading, rule: str, plan: str
) -> None:
    """Going from an index to half a million rows one by one takes thirty times as long as reading all the rows."""
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL weighs the two ways by its own statistics")
    ran: list[tuple[str, object]] = []
    event.listen(engine, "before_cursor_execute", lambda c, cur, sql, values, *rest: ran.append((sql, values)))
    with reading(engine) as connection:
        count(connection, read(rule))
        sql, values = next(one for one in ran if one[0].startswith("SELECT count"))
        steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all()  # type: ignore[arg-type]
    said = next(str(step[3]) for step in steps if "members" in str(step[3]))
    assert plan in said
    assert ("INDEX" in said) == plan.startswith("ix_")
