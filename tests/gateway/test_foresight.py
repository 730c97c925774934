"""What is decided ahead of the transaction is taken over only where nothing has changed that it was decided on."""

import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, select, update

import gateway.inbound.group as group_module
from gateway.accounts.staff import add_staff
from gateway.carriers.received import Answer, ReceivedText
from gateway.database import make_engine, reading, writing
from gateway.inbound.conclusion import conclude
from gateway.inbound.group import Group
from gateway.rules.refs import code_for, ref_for
from gateway.sample.loader import load_sample
from gateway.service import Service
from gateway.tables import Member, PickupPoint
from tests.conftest import AUDIT_KEY
from tests.gateway.conftest import a_text, settings_for

NOW = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)
PHONES = [f"+92300123450{number}" for number in range(4)]
MARSHAL, FIELD = "+923331112222", "+923331113333"
BODIES = [
    "JOIN Ali Lahore", "JOIN Sana Multan women", "join", "Lahore", "Karachi NA-241", "1", "2",
    "WHERE Liberty", "where", "SEAT", "YES", "NO", "CANCEL", "MORE", "STEPS",
    "REPORT no water at gate 3", "REPORT", "crush at gate 1, people fall", "it is by the stage", "STATUS",
    *(f"STATUS {ref_for(number, b'secret')}" for number in (0, 12, 48, 49, 50)),
    "STOP", "STOP jobs", "START", "HELP", "ME", "LANG UR", "LANG", "CITY Faisalabad", "GROUP teacher", "INVITE",
    "ERASE", "ERASE YES", "acha ji kya haal hai", "میرا نام علی لاہور", "Kal jalsa hai kya?",
]  # fmt: skip
OF_STAFF = [(MARSHAL, "FULL"), (MARSHAL, "OPEN"), (MARSHAL, "LATE 20"), (FIELD, "NEXT"), (FIELD, "LIST")]
_CLOCKS = {"processes", "heartbeats"}

Found = dict[str, list[tuple[Any, ...]]]


class Gateway:
    """One database with the sample rally, a marshal and somebody in the field."""

    def __init__(self, path: Path) -> None:
        self.service = Service(settings_for(f"sqlite:///{path}"))
        self.engine = self.service.engine

    def group(self, texts: Sequence[ReceivedText], refs: Sequence[str]) -> Group:
        return Group(texts, refs, self.service.reference(), b"secret", "PK", NOW)

    def foresee(self, group: Group) -> None:
        with reading(self.engine) as connection:
            group.foresee(connection)

    def run(self, group: Group) -> list[Answer]:
        with writing(self.engine) as connection:
            return group.run(connection)

    def found(self) -> Found:
        """Return every row of every table."""
        tables = MetaData()
        tables.reflect(self.engine)
        with reading(self.engine) as connection:
            return {
                table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
                for table in tables.sorted_tables
                if table.name not in _CLOCKS
            }


@pytest.fixture(scope="module")
def pattern(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("foresight") / "pattern.db"
    shutil.copy(sqlite_template, path)
    engine = make_engine(f"sqlite:///{path}", audit_key=AUDIT_KEY)
    load_sample(engine, NOW)
    with writing(engine) as connection:
        first = select(PickupPoint.id).order_by(PickupPoint.id).limit(1).scalar_subquery()
        connection.execute(update(PickupPoint).where(PickupPoint.id == first).values(marshal=MARSHAL))
        add_staff(connection, login="field", role="field", by="test", now=NOW, region="PK", phone=FIELD)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture
def gateway(pattern: Path, tmp_path: Path) -> Iterator[Callable[[], Gateway]]:
    made: list[Gateway] = []

    def make() -> Gateway:
        path = tmp_path / f"{len(made)}.db"
        shutil.copy(pattern, path)
        made.append(Gateway(path))
        return made[-1]

    yield make
    for one in made:
        one.service.close()


def some(pick: random.Random, most: int) -> list[ReceivedText]:
    people = [(pick.choice(PHONES), pick.choice(BODIES)) for _ in range(pick.randint(1, most))]
    sent = [pick.choice(OF_STAFF) if pick.random() < 0.05 else one for one in people]
    number = pick.getrandbits(100)
    return [
        a_text(body, phone, carrier_id=f"SM{number + at:032x}", received_at=NOW)
        for at, (phone, body) in enumerate(sent)
    ]


def decided_on(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the senders of the texts that are decided on from now on, as it grows."""
    senders: list[str] = []

    def noted(text: ReceivedText, *others: Any, **more: Any) -> Any:
        senders.append(text.from_number)
        return conclude(text, *others, **more)

    monkeypatch.setattr(group_module, "conclude", noted)
    return senders


def refs(group: int) -> list[str]:
    """Return free refs of their own for each group."""
    return [ref_for(12 * group + number, b"secret") for number in range(12)]


@pytest.mark.parametrize("seed", range(40))
def test_what_others_write_meanwhile_counts_as_if_it_had_come_first(gateway: Callable[[], Gateway], seed: int) -> None:
    pick = random.Random(seed)
    before = [(some(pick, 6), refs(number)) for number in range(4)]
    meddling, mine = (some(pick, 3), refs(4)), (some(pick, 12), refs(5))
    foreseeing, plain = gateway(), gateway()
    for one in (foreseeing, plain):
        for texts, free in before:
            one.run(one.group(texts, free))
    ahead = foreseeing.group(*mine)
    foreseeing.foresee(ahead)
    foreseeing.run(foreseeing.group(*meddling))
    answers = foreseeing.run(ahead)
    plain.run(plain.group(*meddling))
    assert answers == plain.run(plain.group(*mine))
    assert foreseeing.found() == plain.found()


def test_nothing_is_decided_in_the_transaction_where_nothing_has_changed(
    gateway: Callable[[], Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = gateway()
    bodies = ["JOIN Ali Lahore", "WHERE Liberty", "REPORT no water at gate 3", "acha ji kya haal hai", "STOP"]
    free = [f"A{number:03}" for number in range(2 * len(bodies))]
    one.run(one.group([a_text(bodies[0], PHONES[0])], free))
    ahead = one.group([a_text(body, phone) for phone in PHONES[:2] for body in bodies], free)
    one.foresee(ahead)
    decided = decided_on(monkeypatch)
    one.run(ahead)
    assert decided == []


@pytest.mark.parametrize(
    ("meanwhile", "phone"), [("STOP", PHONES[0]), ("CITY Multan", PHONES[0]), ("LANG UR", PHONES[0])]
)
def test_who_has_changed_is_decided_on_anew_and_nobody_else(
    gateway: Callable[[], Gateway], monkeypatch: pytest.MonkeyPatch, meanwhile: str, phone: str
) -> None:
    one = gateway()
    free = ["A001", "A002", "A003"]
    one.run(one.group([a_text("JOIN Ali Lahore", number) for number in PHONES[:3]], free))
    ahead = one.group([a_text("ME", number) for number in PHONES[:3]], free)
    one.foresee(ahead)
    one.run(one.group([a_text(meanwhile, phone)], ["B001"]))
    decided = decided_on(monkeypatch)
    one.run(ahead)
    assert decided == [phone]


def test_who_joins_and_asks_for_their_code_at_once_gets_their_own(gateway: Callable[[], Gateway]) -> None:
    """It is made of their row, which nobody has before the transaction."""
    one = gateway()
    one.run(one.group([a_text("HELP", PHONES[0])], ["A001"]))
    ahead = one.group([a_text("JOIN Ali Lahore", PHONES[1]), a_text("INVITE", PHONES[1])], ["A002", "A003"])
    one.foresee(ahead)
    one.run(ahead)
    with reading(one.engine) as connection:
        [joined] = connection.execute(select(Member.sender_id, Member.invite_code)).all()
    assert joined.invite_code == code_for(joined.sender_id, one.service.reference().invite_key)


def test_on_sqlite_the_recorder_looks_ahead(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL nobody waits for another's group, and looking twice would cost more than it gains."""
    asked: list[int] = []
    monkeypatch.setattr(Group, "foresee", lambda self, connection: asked.append(len(self.texts)))
    service.record([a_text("HELP"), a_text("HELP", PHONES[1])])
    assert asked == ([2] if service.engine.dialect.name == "sqlite" else [])
