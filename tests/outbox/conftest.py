"""An outbox for a test: people, texts, a clock that the test moves, and a worker on a simulated network."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine, insert, select, update

from gateway.carriers.base import Carrier
from gateway.carriers.simulated.sender import NetworkManners, SimulatedCarrier
from gateway.database import reading, writing
from gateway.outbox.claim import Terms
from gateway.outbox.enqueue import NewText, enqueue
from gateway.outbox.lanes_waiting import ZoneOf
from gateway.outbox.worker import Worker
from gateway.rules.carrier_routes import Route
from gateway.rules.pace import Pace
from gateway.rules.sending_hours import SendingHours
from gateway.tables import Broadcast, ConsentEntry, Member, OutboundText, Sender

NOON = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)  # 12:00 in Karachi
ALL_DAY = SendingHours.read("00:00-24:00")
EVERYWHERE = (Route("*", ("simulated",)),)


class FakeClock:
    """Now, as a test says."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self, _connection: Connection | None = None) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


def terms(name: str = "worker-1", **others: Any) -> Terms:
    given: dict[str, Any] = {
        "worker": name,
        "routes": EVERYWHERE,
        "paces": {"simulated": Pace(10_000, 10_000)},
        "hours": ALL_DAY,
        "zone_of": ZoneOf(ZoneInfo("Asia/Karachi")),
    }
    return Terms(**given | others)


@dataclass
class Outbox:
    """What a test does with the outbox."""

    engine: Engine
    clock: FakeClock = field(default_factory=FakeClock)
    carrier: SimulatedCarrier = field(init=False)
    worker: Worker = field(init=False)
    workers: list[Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.carrier = SimulatedCarrier(clock=self.clock, keep=None)
        self.worker = self.another()

    def another(self, name: str = "worker-1", carriers: Mapping[str, Carrier] | None = None, **others: Any) -> Worker:
        in_flight = others.pop("in_flight", 256)
        boundary = others.pop("boundary", lambda _name: None)
        made = Worker(
            self.engine, carriers or {"simulated": self.carrier}, terms(name, **others),
            clock=self.clock, in_flight=in_flight, boundary=boundary,
        )  # fmt: skip
        self.workers.append(made)
        return made

    def people(self, count: int, consent: str = "joined", first: int = 0) -> list[int]:
        """Make senders (members where they joined) and return their ids."""
        early = self.clock.now - timedelta(days=30)
        with writing(self.engine) as connection:
            rows = [
                {
                    "key": f"+92300{first + at:07d}", "consent": consent, "number_state": "alive",
                    "first_seen_at": early, "last_seen_at": early,
                }
                for at in range(count)
            ]  # fmt: skip
            keys = [row["key"] for row in rows]
            for start in range(0, count, 500):
                connection.execute(insert(Sender), rows[start : start + 500])
            found = connection.execute(select(Sender.id, Sender.key).where(Sender.key.like("+92300%")))
            ids = {row.key: row.id for row in found}
            if consent == "joined":
                members = [
                    {"sender_id": ids[key], "affinities": 0, "joined_at": early, "updated_at": early} for key in keys
                ]
                connection.execute(insert(Member.__table__), members)
        return [ids[key] for key in keys]

    def broadcast(self, key: str = "rally", state: str = "sending") -> int:
        with writing(self.engine) as connection:
            connection.execute(insert(Broadcast), {"key": key, "state": state})
            return connection.execute(select(Broadcast.id).where(Broadcast.key == key)).scalar_one()

    def put(self, ids: list[int], kind: str = "broadcast", body: str = "Come to Minar", **others: Any) -> int:
        """Put one text to each of these senders in the outbox."""
        routes = others.pop("routes", EVERYWHERE)
        with writing(self.engine) as connection:
            rows = connection.execute(select(Sender.id, Sender.key))
            keys = {row.id: row.key for row in rows}
            new = [NewText(kind, one, keys[one], body, **others) for one in ids]
            return enqueue(connection, new, routes, self.clock.now)

    def step(self, worker: Worker | None = None) -> int:
        return asyncio.run(_step(worker or self.worker))

    def steps(self, most: int = 100, worker: Worker | None = None) -> int:
        """Do rounds until nothing moves; returns how many texts moved."""
        return asyncio.run(_steps(worker or self.worker, most))

    def texts(self) -> list[Any]:
        with reading(self.engine) as connection:
            return list(connection.execute(select(OutboundText.__table__).order_by(OutboundText.id)))

    def states(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for row in self.texts():
            counts[row.state] = counts.get(row.state, 0) + 1
        return counts

    def sender(self, sender_id: int) -> Any:
        with reading(self.engine) as connection:
            return connection.execute(select(Sender.__table__).where(Sender.id == sender_id)).one()

    def set_sender(self, sender_id: int, **values: Any) -> None:
        with writing(self.engine) as connection:
            connection.execute(update(Sender).where(Sender.id == sender_id).values(values))

    def stop(self, sender_id: int) -> None:
        """What a STOP that commits leaves behind."""
        with writing(self.engine) as connection:
            connection.execute(update(Sender).where(Sender.id == sender_id).values(consent="stopped"))
            connection.execute(
                insert(ConsentEntry),
                {"sender_id": sender_id, "action": "stop", "scope": "all", "words": "STOP", "reason": "",
                 "carrier": "twilio", "carrier_id": "SM1", "wording": "", "given_at": self.clock.now},
            )  # fmt: skip

    def set_state(self, broadcast_id: int, state: str) -> None:
        with writing(self.engine) as connection:
            connection.execute(update(Broadcast).where(Broadcast.id == broadcast_id).values(state=state))

    def broadcast_row(self, broadcast_id: int) -> Any:
        with reading(self.engine) as connection:
            return connection.execute(select(Broadcast.__table__).where(Broadcast.id == broadcast_id)).one()

    def rows(self, table: Any) -> list[Any]:
        with reading(self.engine) as connection:
            return list(connection.execute(select(table.__table__)))

    def network(self, **manners: Any) -> None:
        self.carrier.manners = replace(NetworkManners(), **manners)

    def sent_numbers(self) -> list[str]:
        return [one.text.number for one in self.carrier.taken]


async def _step(worker: Worker) -> int:
    return await worker.step()


async def _steps(worker: Worker, most: int) -> int:
    moved = 0
    for _ in range(most):
        one = await worker.step()
        moved += one
        if not one:
            break
    return moved


@pytest.fixture
def outbox(engine: Engine) -> Iterator[Outbox]:
    made = Outbox(engine)
    yield made
    for worker in made.workers:
        worker._claimer.shutdown()
        worker._recorder.shutdown()
