"""The members' bits say what the members' rows say, whatever happens to the rows and whoever folds when."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, insert, select, update

from gateway.audience import fold as folding
from gateway.audience.bits import BLOCK, COLUMNS, FORM, Bitwise, open_bits, rows_sql
from gateway.audience.counting import AudienceCount, count, count_by_reason, recipients
from gateway.audience.fold import fold
from gateway.audience.rules import Audience, read_audience
from gateway.database import is_sqlite, reading, writing
from gateway.places.directory import Directory
from gateway.tables import Member, MemberBits, MemberBitsState, MemberChange, Sender, TopicStop
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


@pytest.mark.parametrize("prefixes", [("+92",), ("+1876", "+92"), ("+1", "+44"), ("+923990",), ()])
def test_bits_and_rows_tell_the_same_countries(
    engine: Engine, directory: Directory, read: Reading, prefixes: tuple[str, ...]
) -> None:
    keys = ("+18761234567", "+12025550100", "+442071234567", "80022", "PTI")
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
    fold(engine, lambda: NOW)
    with writing(engine) as connection:
        _stop(connection, 4)
        _leave_town(connection, 9)
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
    assert fold(engine, lambda: NOW, at_least=1) == 0, "the second has said that it is done"


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
