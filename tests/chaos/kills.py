"""A broadcast through a chaotic carrier while its workers are killed again and again; then the account is drawn up."""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, insert, select, update

from gateway.database import make_engine, reading, writing
from gateway.outbox.enqueue import NewText, enqueue
from gateway.outbox.uncertain import expire_leases
from gateway.rules.carrier_routes import Route
from gateway.tables import Broadcast, ConsentEntry, Member, OutboundText, Sender
from tests.fakes.chaos_twilio import ChaosTwilio, Manners

ACCEPTED = "carrier accepted"  # the kill comes from the carrier's side, between its POST and its answer
BOUNDARIES = (
    "before attempt commit",
    "after attempt commit",
    "before POST",
    ACCEPTED,
    "after answer",
    "before result commit",
    "after result commit",
)
AT_ONCE = 2
ROUND_S = 50.0
SENT = ("sent", "delivered")
OPEN = ("queued", "attempted", "uncertain")

_texts = OutboundText.__table__


@dataclass
class Outcome:
    """What a run did, and every promise that was broken."""

    kills: int = 0
    rounds: int = 0
    seconds: float = 0.0
    by_boundary: Counter[str] = field(default_factory=Counter)
    states: dict[str, int] = field(default_factory=dict)
    accepted: int = 0
    doubted: int = 0
    broken: list[str] = field(default_factory=list)


class Run:
    """One run of `kills` kills on one database."""

    def __init__(self, database: str, kills: int, seed: int, variant: str = "", boundaries: Any = BOUNDARIES) -> None:
        self.database, self.kills, self.variant, self.boundaries = database, kills, variant, boundaries
        self.random = random.Random(seed)
        self.offset = 0.0
        self.engine: Engine = make_engine(database)
        self.outcome = Outcome()
        self.stopped: dict[int, datetime] = {}
        calm = variant == "sends first"  # a variant that does not listen to what the carrier says
        self.manners = Manners(seed=seed) if calm else Manners(
            accept_then_reset=0.02, accept_then_504=0.02, throttle=0.01, server_error=0.005, refuse_connection=0.01,
            slow_s=0.004, list_lag_s=30.0, seed=seed,
        )  # fmt: skip

    def clock(self, _connection: object = None) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    def go(self) -> Outcome:
        began = time.monotonic()
        people = self._fill()
        zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.zygote"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            with ChaosTwilio(self.manners, self.clock) as fake:
                while self.outcome.kills < self.kills and self.outcome.rounds < 3 * self.kills + 20:
                    self._round(zygote, fake, [self._doom() for _ in range(AT_ONCE)])
                    self._someone_stops(people)
                for _ in range(60):
                    if not self._open():
                        break
                    self._round(zygote, fake, [("", 0)])
                    self.offset += 300
                self._draw_up(fake)
        finally:
            assert zygote.stdin
            zygote.stdin.close()
            zygote.wait(10)
            self.engine.dispose()
        self.outcome.seconds = time.monotonic() - began
        return self.outcome

    def _fill(self) -> list[int]:
        # A killed worker has sent what it sent: enough texts that the last kill still finds work on a slow machine.
        count = max(120, self.kills * 30)
        early = self.clock() - timedelta(days=1)
        with writing(self.engine) as connection:
            rows = [
                {"key": f"+92300{at:07d}", "consent": "joined", "number_state": "alive", "first_seen_at": early,
                 "last_seen_at": early}
                for at in range(count)
            ]  # fmt: skip
            for start in range(0, count, 500):
                connection.execute(insert(Sender), rows[start : start + 500])
            people = connection.execute(select(Sender.id, Sender.key).order_by(Sender.id)).all()
            members = [
                {"sender_id": one.id, "affinities": 0, "joined_at": early, "updated_at": early} for one in people
            ]
            connection.execute(insert(Member.__table__), members)
            connection.execute(insert(Broadcast), {"key": "chaos", "state": "sending"})
            broadcast = connection.execute(select(Broadcast.id)).scalar_one()
            texts = [NewText("broadcast", one.id, one.key, "Minar, 5 pm", broadcast_id=broadcast) for one in people]
            enqueue(connection, texts, (Route("*", ("twilio",)),), self.clock())
        return [one.id for one in people]

    def _doom(self) -> tuple[str, int]:
        boundary = self.random.choice(self.boundaries)
        most = 12 if boundary in (ACCEPTED, "after answer") else 3
        return boundary, self.random.randint(1, most)

    def _round(self, zygote: Any, fake: ChaosTwilio, dooms: list[tuple[str, int]]) -> None:
        """Let workers run side by side until each has died or has nothing to do; then the next minute begins."""
        pids = {}
        for boundary, nth in dooms:
            order = {
                "do": "spawn", "database": self.database, "twilio": fake.url, "offset": self.offset,
                "kill_at": boundary, "nth": nth, "variant": self.variant,
            }  # fmt: skip
            pid = _ask(zygote, order)["pid"]
            pids[pid] = boundary
            if boundary == ACCEPTED:
                fake.victims[pid] = nth
        for pid in pids:
            _ask(zygote, {"do": "go", "pid": pid})
        for pid, boundary in pids.items():
            ended = _ask(zygote, {"do": "wait", "pid": pid})
            fake.victims.pop(pid, None)
            if ended["killed"]:
                self.outcome.kills += 1
                self.outcome.by_boundary[boundary] += 1
            elif ended["code"]:
                self.outcome.broken.append(f"a worker ended with code {ended['code']}")
        self.outcome.rounds += 1
        self.offset += ROUND_S
        self._nothing_is_stuck()

    def _nothing_is_stuck(self) -> None:
        """Some worker is always alive, and looks at leases every few seconds: here we are that one."""
        if self.variant != "resends":
            self.outcome.doubted += expire_leases(self.engine, self.clock)
            with reading(self.engine) as connection:
                old = _texts.c.attempted_at < self.clock() - timedelta(seconds=60)
                stuck = connection.execute(select(func.count()).where(_texts.c.state == "attempted", old)).scalar_one()
            if stuck:
                self.outcome.broken.append(f"{stuck} texts were without an owner for over a minute")

    def _someone_stops(self, people: list[int]) -> None:
        with writing(self.engine) as connection:
            last = select(_texts.c.sender_id).where(_texts.c.state == "queued").order_by(_texts.c.id.desc()).limit(1)
            waiting = connection.execute(last).scalar()
            one = waiting if waiting and self.random.random() < 0.7 else self.random.choice(people)
            if one in self.stopped:
                return
            connection.execute(update(Sender).where(Sender.id == one).values(consent="stopped"))
            connection.execute(
                insert(ConsentEntry),
                {"sender_id": one, "action": "stop", "scope": "all", "words": "STOP", "reason": "", "carrier": "twilio",
                 "carrier_id": f"SM{one}", "wording": "", "given_at": self.clock()},
            )  # fmt: skip
        self.stopped[one] = self.clock()

    def _open(self) -> int:
        with reading(self.engine) as connection:
            return connection.execute(select(func.count()).where(_texts.c.state.in_(OPEN))).scalar_one()

    def _draw_up(self, fake: ChaosTwilio) -> None:
        """Hold the carrier's ledger against the database, text by text."""
        with reading(self.engine) as connection:
            rows = connection.execute(select(_texts)).all()
        times: Counter[int | None] = Counter(line.text_id for line in fake.ledger)
        self.outcome.accepted = len(fake.ledger)
        self.outcome.states = dict(Counter(row.state for row in rows))
        say = self.outcome.broken.append
        owners = {row.id: row for row in rows}
        for line in fake.ledger:
            row = owners.get(line.text_id or 0)
            if row is None:
                say(f"the carrier has {line.sid}, which is no text of ours")
                continue
            stop = self.stopped.get(row.sender_id)
            if stop is not None and line.at > stop:
                say(f"text {row.id} was started after the STOP of its recipient had committed")
        for row in rows:
            if times[row.id] > 1:
                say(f"text {row.id} was sent {times[row.id]} times")
            elif row.state in OPEN:
                say(f"text {row.id} is stuck: {row.state}")
            elif row.state in SENT and not times[row.id]:
                say(f"text {row.id} is lost: we say {row.state}, the carrier never had it")
            elif row.state not in SENT and times[row.id]:
                say(f"text {row.id} was sent, and we say {row.state}")
            elif row.state == "suppressed" and row.sender_id not in self.stopped:
                say(f"text {row.id} was kept back from someone who did not stop")
            elif row.state not in (*SENT, "suppressed"):
                say(f"text {row.id} was given up: {row.state} ({row.reason})")


def _ask(zygote: Any, order: dict[str, Any]) -> dict[str, Any]:
    zygote.stdin.write(json.dumps(order) + "\n")
    zygote.stdin.flush()
    answer: dict[str, Any] = json.loads(zygote.stdout.readline())
    return answer
