"""The members' bits say what the members' rows say, whatever happens to the rows and whoever folds when."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, event, insert, select, update

from gateway.audience import bits as kept
from gateway.audience import fold as folding
from gateway.audience.bits import BLOCK, COLUMNS, FORM, Bitwise, open_bits, rows_sql
from gateway.audience.counting import AudienceCount, count, count_by_reason, recipients
from gateway.audience.fold import fold
from gateway.audience.rules import Audience, read_audience
from gateway.audience.tally import candidates
from gateway.database import is_sqlite, reading, writing
from gateway.places.directory import Directory
from gateway.tables import Member, MemberBits, MemberBitsState, MemberChange, Report, Sender, TopicStop
from segments import MemberFacts
from tests.gateway.audience.filing import file_members, small_country
from tests.gateway.conftest import Texting
from tests.segments.rule_strategies import NOW, ZONE

FAR = 3 * BLOCK + 5  # in another block, with empty ones between
Reading = Callable[[str], Audience]


@pytest.fixture
def directory(engine: Engine) -> Directory:
    found = small_country(engine)
    crowd = [
        MemberFacts(NOW - timedelta(days=day), "lahore", ("NA-117", 2024), None, frozenset({"students"}), "ur")
        for day in range(30)
    ]
    with writing(engine) as connection:
        file_members(connection, crowd, found)
    return found


@pytest.fixture
def read(directory: Directory) -> Reading:
    return lambda text: read_audience(text, directory, NOW, zone=ZONE, default_language="en", prefixes=("+92",))


def _opened(connection: Connection, audience: Audience) -> Bitwise:
    read = open_bits(connection, audience, tuple(COLUMNS))
    assert read is not None
    return read


def _by_bits(connection: Connection, audience: Audience) -> dict[int, tuple[int, ...]]:
    """Return every member's columns by sender id, as the bits have them."""
    found: dict[int, tuple[int, ...]] = {}
    for block, ids in _opened(connection, audience).blocks():
        for place in range(block.everyone.bit_length()):
            if block.everyone >> place & 1:
                member = ids + place if isinstance(ids, int) else ids[place]
                assert member not in found, "counted twice"
                found[member] = tuple(
                    sum((bit >> place & 1) << number for number, bit in enumerate(block.column(name).bits))
                    for name in COLUMNS
                )
    return found


def _by_rows(connection: Connection) -> dict[int, tuple[int, ...]]:
    rows = connection.execute(rows_sql(is_sqlite(connection), "true")).all()
    return {row[0]: tuple(map(int, row[1:])) for row in rows}


def _waiting(engine: Engine) -> int:
    with reading(engine) as connection:
        return len(connection.execute(select(MemberChange.id)).all())


def _join(connection: Connection, number: int) -> None:
    values = {"key": f"+1{number:09}", "consent": "joined", "misses": 0, "replies": 0, "first_seen_at": NOW,
              "last_seen_at": NOW}  # fmt: skip
    connection.execute(insert(Sender).values(id=number, number_state="alive", **values))
    connection.execute(insert(Member).values(sender_id=number, affinities=2**40 + 1, joined_at=NOW, updated_at=NOW))


def _leave_town(connection: Connection, number: int) -> None:
    values = {"city_id": None, "language": "ps", "seen_on": NOW.date(), "affinities": 0, "referrer_id": 900_000}
    connection.execute(update(Member).where(Member.sender_id == number).values(values))


def _come_back(connection: Connection, number: int) -> None:
    values = {"language": "ur", "affinities": 1}
    connection.execute(update(Member).where(Member.sender_id == number).values(values))


def _erase(connection: Connection, number: int) -> None:
    connection.execute(delete(Member).where(Member.sender_id == number))


def _stop(connection: Connection, number: int) -> None:
    connection.execute(update(Sender).where(Sender.id == number).values(consent="stopped"))
    connection.execute(update(Member).where(Member.sender_id == number).values(reachable=False))


def _dead(connection: Connection, number: int) -> None:
    """As a receipt does it, to somebody who may have stopped already."""
    connection.execute(update(Sender).where(Sender.id == number).values(consent="joined", number_state="dead"))
    connection.execute(update(Member).where(Member.sender_id == number).values(reachable=False))


def _stop_alone(connection: Connection, number: int) -> None:
    """The member's row says unreachable already, and is not written."""
    connection.execute(update(Sender).where(Sender.id == number).values(consent="stopped", number_state="dead"))


def _renumber(connection: Connection, number: int) -> None:
    connection.execute(update(Sender).where(Sender.id == number).values(key=f"+44{number:09}"))


_ACTS = (_leave_town, _erase, _stop, _dead, _stop_alone, _renumber)
_steps = st.lists(
    st.one_of(st.tuples(st.sampled_from(_ACTS), st.integers(1, 6)), st.just("fold"), st.just("join far")), max_size=12
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_steps)
def test_bits_and_changes_are_the_rows_after_any_history(engine: Engine, read: Reading, steps: list[object]) -> None:
    audience = read("all")
    with writing(engine) as connection:
        connection.execute(delete(MemberBitsState))
        connection.execute(delete(Member).where(Member.sender_id.between(FAR, FAR + 100)))
        connection.execute(delete(Sender).where(Sender.id.between(FAR, FAR + 100)))
    fold(engine, lambda: NOW)
    for number, step in enumerate(steps):
        if step == "fold":
            fold(engine, lambda: NOW, at_least=1)
            assert _waiting(engine) == 0
            continue
        with writing(engine) as connection:
            if step == "join far":
                _join(connection, FAR + number)
            else:
                act, member = step  # type: ignore[misc]
                act(connection, member)
        with reading(engine) as connection:
            assert _by_bits(connection, audience) == _by_rows(connection)


def test_texts_leave_their_mark_and_a_count_is_never_behind(
    engine: Engine, directory: Directory, read: Reading, text: Texting
) -> None:
    with writing(engine) as connection:
        if not is_sqlite(connection):  # the crowd's ids were not taken from the sequence
            connection.exec_driver_sql("SELECT setval(pg_get_serial_sequence('senders', 'id'), 1000000)")
    fold(engine, lambda: NOW)
    before = _counted(engine, directory, read("all"))
    text("JOIN Sana Lahore", "+923001230001")
    text("JOIN Omar Karachi", "+923001230002")
    text("STOP", "+923001230002")
    assert fold(engine, lambda: NOW, at_least=1) >= 3
    text("STOP", "+923001230001")
    text("JOIN Zara Lahore", "+923001230003")
    after = _counted(engine, directory, read("all"))
    assert after.recipients == before.recipients + 1
    assert after.left_out["stopped"] == before.left_out.get("stopped", 0) + 2
    assert after.by_city["lahore"] == before.by_city["lahore"] + 1


@pytest.mark.parametrize(
    "prefixes",
    [
        ("+92",), ("+1876", "+92"), ("+1", "+44"), ("+9",), ("+923",), ("+9239",), ("+92399",), ("+923990",), (),
    ],
)  # fmt: skip
def test_bits_and_rows_tell_the_same_countries(
    engine: Engine, directory: Directory, read: Reading, prefixes: tuple[str, ...]
) -> None:
    keys = (
        "+18761234567", "+12025550100", "+442071234567", "80022", "PTI",
        # Just before and just behind each prefix.
        "+18751234567", "+18771234567", "+2012345678", "+4399123456", "+4500123456", "+9199123456", "+9200123456",
        "+9299123456", "+9300123456", "+9238123456", "+9240123456", "+8999123456",
    )  # fmt: skip
    with writing(engine) as connection:
        for number, key in enumerate(keys, 1):
            connection.execute(update(Sender).where(Sender.id == number).values(key=key))
    audience = replace(read("all"), prefixes=prefixes)
    by_rows = _counted(engine, directory, audience)
    fold(engine, lambda: NOW)
    assert _counted(engine, directory, audience) == by_rows
    assert sum(by_rows.abroad.values()) == by_rows.left_out.get("wrong country", 0)
    assert (prefixes == ()) == (not by_rows.abroad)


@pytest.mark.parametrize("folded", [True, False])
def test_bits_and_rows_explain_a_count_alike(engine: Engine, directory: Directory, read: Reading, folded: bool) -> None:
    with writing(engine) as connection:
        for act, member in ((_stop, 1), (_dead, 2), (_renumber, 3), (_leave_town, 4), (_erase, 5)):
            act(connection, member)
        connection.execute(update(Sender).where(Sender.id == 6).values(consent="none"))
        connection.execute(update(Member).where(Member.sender_id == 6).values(reachable=False))
        connection.execute(insert(TopicStop).values(sender_id=7, topic="affinity:students", stopped_at=NOW))
    rules = ("all", "affinity:students", "!city:lahore", "city:lahore & joined<9d", "reports:0", "!reachable")
    by_rows = [(_counted(engine, directory, read(rule)), _number(engine, read(rule))) for rule in rules]
    fold(engine, lambda: NOW)
    if not folded:
        with writing(engine) as connection:
            connection.execute(update(Member).values(updated_at=NOW))
    assert by_rows == [(_counted(engine, directory, read(rule)), _number(engine, read(rule))) for rule in rules]
    assert by_rows[1][0].left_out == {
        "stopped": 1, "no consent": 1, "dead number": 1, "wrong country": 1, "left the group": 1,
    }  # fmt: skip


def _counted(engine: Engine, directory: Directory, audience: Audience) -> AudienceCount:
    with reading(engine) as connection:
        return count_by_reason(connection, audience, directory.place_keys)


def _number(engine: Engine, audience: Audience) -> int:
    with reading(engine) as connection:
        return count(connection, audience)


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_few_recipients_are_found_by_bits_and_asked_once_more_of_their_rows(
    engine: Engine, read: Reading, limit: int
) -> None:
    audience = read("affinity:students & joined<20d")
    with writing(engine) as connection:
        _join(connection, FAR)  # fits nothing, from abroad
        _leave_town(connection, 2)
        _leave_town(connection, 20)
    fold(engine, lambda: NOW)
    with writing(engine) as connection:
        _stop(connection, 4)
        _leave_town(connection, 9)
        _come_back(connection, 2)
        _come_back(connection, 20)
    with reading(engine) as connection:
        by_rows = [one.sender_id for one in recipients(connection, audience, 0, 1000, joined_by=NOW, many=True)]
        found, after = list[int](), 0
        while chunk := recipients(connection, audience, after, limit, joined_by=NOW, many=False):
            found += [one.sender_id for one in chunk]
            after = found[-1]
    assert found == by_rows
    assert len(found) == 18


def test_two_processes_do_not_write_over_each_other(
    engine: Engine, read: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold(engine, lambda: NOW)
    with writing(engine) as connection:
        _leave_town(connection, 1)
        _join(connection, FAR)
    through = folding._folded
    later = NOW + timedelta(minutes=2)  # the first is taken for dead

    def slowly(*given: object) -> dict[str, bytes]:
        monkeypatch.setattr(folding, "_folded", through)
        made = through(*given)  # type: ignore[arg-type]
        with writing(engine) as connection:
            _stop(connection, 1)
        assert fold(engine, lambda: later, at_least=1) == 4
        return made

    monkeypatch.setattr(folding, "_folded", slowly)
    assert fold(engine, lambda: NOW, at_least=1) == 0
    with reading(engine) as connection:
        assert _by_bits(connection, read("all")) == _by_rows(connection)
    assert _waiting(engine) == 0
    with writing(engine) as connection:
        _leave_town(connection, 2)
    assert fold(engine, lambda: NOW, at_least=1) == 1, "the second has said that it is done"


def test_bits_of_another_form_are_made_anew_and_not_read_until_then(engine: Engine, read: Reading) -> None:
    fold(engine, lambda: NOW)
    with writing(engine) as connection:
        connection.execute(update(MemberBitsState).values(form="an older one"))
    with reading(engine) as connection:
        assert open_bits(connection, read("all"), ["city"]) is None
    fold(engine, lambda: NOW)
    with reading(engine) as connection:
        assert _by_bits(connection, read("all")) == _by_rows(connection)
        assert connection.execute(select(MemberBitsState.form)).scalar_one() == FORM


def test_a_build_that_died_is_begun_again_when_its_time_is_over(
    engine: Engine, read: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*given: object) -> dict[str, bytes]:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(folding, "_columns_of", dies)
        with pytest.raises(KeyboardInterrupt):
            fold(engine, lambda: NOW)
    fold(engine, lambda: NOW + timedelta(seconds=59))
    with reading(engine) as connection:
        assert open_bits(connection, read("all"), ["city"]) is None
    fold(engine, lambda: NOW + timedelta(seconds=61))
    with reading(engine) as connection:
        assert _by_bits(connection, read("all")) == _by_rows(connection)
        assert connection.execute(select(MemberBits.block).distinct()).scalars().all()


def test_candidates_rise_from_behind_an_id_and_hold_everybody_whose_bits_are_old(engine: Engine, read: Reading) -> None:
    with writing(engine) as connection:
        _join(connection, FAR)
        _join(connection, FAR + 1)
        _stop(connection, 3)
        _leave_town(connection, 10)
    fold(engine, lambda: NOW)
    with writing(engine) as connection:
        _leave_town(connection, 5)
        _come_back(connection, 10)
        _come_back(connection, FAR)
    expected = [*(one for one in range(1, 31) if one != 3), FAR]
    with reading(engine) as connection:
        for after in (0, 7, 10, 11, 30, FAR - 1, FAR):
            found = candidates(connection, read("language:ur"), after)
            assert found is not None
            assert list(found) == [one for one in expected if one > after]
        behind = [first for block, first in _opened(connection, read("all")).blocks(FAR) if isinstance(first, int)]
        assert behind == [3 * BLOCK, 900_000 // BLOCK * BLOCK]


def test_the_first_and_the_last_sender_id_of_a_block_are_in_it(engine: Engine, read: Reading) -> None:
    edges = (BLOCK - 1, BLOCK, 2 * BLOCK - 1, 2 * BLOCK)
    with writing(engine) as connection:
        connection.execute(delete(Member).where(Member.sender_id >= 900_000))  # the last one is the first of a block
        for number in edges:
            _join(connection, number)
    fold(engine, lambda: NOW)
    with reading(engine) as connection:
        assert set(edges) <= _by_bits(connection, read("all")).keys()
        assert _by_bits(connection, read("all")) == _by_rows(connection)
    with writing(engine) as connection:
        for number in edges:
            _stop(connection, number)
    with reading(engine) as connection:
        assert _by_bits(connection, read("all")) == _by_rows(connection)
    fold(engine, lambda: NOW, at_least=1)
    assert _waiting(engine) == 0
    with reading(engine) as connection:
        assert _by_bits(connection, read("all")) == _by_rows(connection)


def test_a_block_that_everybody_left_is_kept_no_longer(engine: Engine, read: Reading) -> None:
    with writing(engine) as connection:
        _join(connection, FAR)
    fold(engine, lambda: NOW)
    assert _blocks(engine) == {0, FAR // BLOCK, 900_000 // BLOCK}
    with writing(engine) as connection:
        _erase(connection, FAR)
    fold(engine, lambda: NOW, at_least=1)
    assert _blocks(engine) == {0, 900_000 // BLOCK}
    with writing(engine) as connection:
        _join(connection, FAR + 1)
    fold(engine, lambda: NOW, at_least=1)
    assert _waiting(engine) == 0
    with reading(engine) as connection:
        assert _by_bits(connection, read("all")) == _by_rows(connection)


def _blocks(engine: Engine) -> set[int]:
    with reading(engine) as connection:
        return set(connection.execute(select(MemberBits.block)).scalars())


def test_blocks_are_read_some_at_a_time(engine: Engine, read: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    with writing(engine) as connection:
        for block in range(1, 4):
            _join(connection, block * BLOCK)
    fold(engine, lambda: NOW)
    for at_once in (1, 2, 5):
        monkeypatch.setattr(kept, "_AT_ONCE", at_once)
        with reading(engine) as connection:
            assert _by_bits(connection, read("all")) == _by_rows(connection)


def test_what_changes_while_a_block_is_worked_out_waits_for_the_next_fold(
    engine: Engine, read: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold(engine, lambda: NOW)
    with writing(engine) as connection:
        _leave_town(connection, 1)
        _leave_town(connection, 2)
    _meanwhile(engine, monkeypatch, "_folded", lambda connection: (_stop_alone(connection, 1), _erase(connection, 3)))
    assert fold(engine, lambda: NOW, at_least=1) == 2
    assert _changed(engine) == {1, 3}
    with reading(engine) as connection:
        assert _by_bits(connection, read("all")) == _by_rows(connection)
    assert fold(engine, lambda: NOW, at_least=1) == 2
    with reading(engine) as connection:
        assert _by_bits(connection, read("all")) == _by_rows(connection)


def test_what_changes_while_the_bits_are_built_waits_for_the_next_fold(
    engine: Engine, read: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _waiting(engine) > 0
    _meanwhile(engine, monkeypatch, "_columns_of", lambda connection: (_stop(connection, 1), _erase(connection, 3)))
    fold(engine, lambda: NOW)
    assert _changed(engine) == {1, 3}, "what stood there before is built, and waits no longer"
    with reading(engine) as connection:
        assert _by_bits(connection, read("all")) == _by_rows(connection)


def _meanwhile(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[Connection], object]
) -> None:
    """Have others change members when the first block was read and worked out, and is not yet written."""
    through = getattr(folding, name)

    def slowly(*given: object) -> dict[str, bytes]:
        monkeypatch.setattr(folding, name, through)
        made: dict[str, bytes] = through(*given)
        with writing(engine) as connection:
            change(connection)
        return made

    monkeypatch.setattr(folding, name, slowly)


def _changed(engine: Engine) -> set[int]:
    with reading(engine) as connection:
        return set(connection.execute(select(MemberChange.sender_id)).scalars())


@pytest.mark.parametrize("work", ["_columns_of", "_folded"])
def test_whoever_comes_while_another_is_at_work_leaves_it_to_them(
    engine: Engine, read: Reading, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    if work == "_folded":
        fold(engine, lambda: NOW)
        with writing(engine) as connection:
            for number in (900_000, 1):  # the block that is written last has the first line
                _renumber(connection, number)
    # Folding is said to be under way when its first block is written, and building from its beginning.
    at_work = (1, 2) if work == "_columns_of" else (2,)
    blocks, through = list[int](), getattr(folding, work)

    def noted(*given: Any) -> dict[str, bytes]:
        blocks.append(given[-1])
        if len(blocks) in at_work:
            assert fold(engine, lambda: NOW, at_least=1) == 0
        if work == "_folded":
            with reading(engine) as connection:
                assert _by_bits(connection, read("all")) == _by_rows(connection), "between two blocks"
        made: dict[str, bytes] = through(*given)
        return made

    monkeypatch.setattr(folding, work, noted)
    assert fold(engine, lambda: NOW, at_least=1) == (2 if work == "_folded" else 0)
    assert blocks == [0, 900_000 // BLOCK * BLOCK], "each block is worked out once"
    with reading(engine) as connection:
        assert _by_bits(connection, read("all")) == _by_rows(connection)


def test_so_many_changes_are_waited_for_and_more_where_there_are_more_blocks(
    engine: Engine, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "FOLD_AT", 2)
    monkeypatch.setattr(folding, "FOLD_AT_PER_BLOCK", 1)
    fold(engine, lambda: NOW)
    assert len(_blocks(engine)) == 2

    def folded_after(changes: range, at_least: int | None) -> list[int]:
        found = []
        for number in changes:
            with writing(engine) as connection:
                _stop_alone(connection, number)
            found.append(fold(engine, lambda: NOW, at_least=at_least))
        return found

    assert folded_after(range(1, 5), None) == [0, 0, 0, 4]
    assert folded_after(range(5, 8), 3) == [0, 0, 3]
    assert fold(engine, lambda: NOW, at_least=0) == 0


def test_with_too_many_changes_the_rows_are_counted(
    engine: Engine, directory: Directory, read: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST_CHANGED", 2)
    fold(engine, lambda: NOW)
    for number, by_bits in ((1, True), (2, True), (3, False)):
        with writing(engine) as connection:
            _stop(connection, number)
            connection.execute(delete(MemberChange))
            connection.execute(insert(MemberChange), [{"sender_id": one} for one in range(1, number + 1)])
        with reading(engine) as connection:
            assert (open_bits(connection, read("all"), ["city"]) is not None) == by_bits
        assert _counted(engine, directory, read("all")).left_out["stopped"] == number


@pytest.mark.parametrize("folded", [True, False])
def test_who_answers_a_question_is_found_in_their_own_block(
    engine: Engine, directory: Directory, read: Reading, folded: bool
) -> None:
    """What is in no column is laid over each block from where the block begins."""
    fold(engine, lambda: NOW)
    with writing(engine) as connection:
        for number in (FAR, FAR + 1):
            _join(connection, number)
        report = {"event_key": "", "state": "received", "text": "", "opened_at": NOW, "updated_at": NOW}
        connection.execute(insert(Report), [{"sender_id": one, "ref": f"R{one}", **report} for one in (7, FAR)])
        connection.execute(insert(TopicStop).values(sender_id=FAR + 1, topic="affinity:students", stopped_at=NOW))
    if folded:
        fold(engine, lambda: NOW, at_least=1)
    for rule, number in (("reports>0", 2), ("reports>0 & !city:lahore", 1), ("affinity:students", 31)):
        assert _number(engine, read(rule)) == number


def test_a_fold_writes_the_columns_that_have_changed_and_no_others(engine: Engine, read: Reading) -> None:
    fold(engine, lambda: NOW)
    with writing(engine) as connection:
        connection.execute(update(Member).where(Member.sender_id == 1).values(language="ps"))
    with reading(engine) as connection:
        before = _kept_bits(connection)
    written: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *call: written.append(f"{call[2]} {call[3]}"))
    fold(engine, lambda: NOW, at_least=1)
    [new] = [one for one in written if one.startswith("INSERT INTO member_bits ")]
    assert "language" in new and "standing" not in new
    with reading(engine) as connection:
        after = _kept_bits(connection)
    assert {key for key in after if before[key] != after[key]} == {(0, "language")}


def _kept_bits(connection: Connection) -> dict[tuple[int, str], bytes]:
    rows = connection.execute(select(MemberBits.block, MemberBits.name, MemberBits.bits))
    return {(block, name): bytes(bits) for block, name, bits in rows}


def test_building_a_block_reads_no_number_before_it(engine: Engine, directory: Directory) -> None:
    """Joining in the order of ids, PostgreSQL would read all numbers from the first to the block's, for each block."""
    if engine.dialect.name != "postgresql":
        pytest.skip("SQLite looks each number up by its id")
    asked: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
    fold(engine, lambda: NOW)
    first = 900_000 // BLOCK * BLOCK
    [*_, (statement, given)] = [(one, given) for one, given in asked if "FROM members m" in one]
    assert given["first"] == first
    with reading(engine) as connection:
        for way in ("hashjoin", "nestloop", "seqscan", "bitmapscan", "sort"):  # as of tables too large for these
            connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        plan = [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", given)]
    begun = [step.strip() for step in plan if "Index Cond" in step]
    assert "Merge Join" in " ".join(plan)
    assert len(begun) == 2 and all(f">= {first})" in one for one in begun)
