"""What became of a broadcast, to the last recipient; and when it is done."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select, text, update

from gateway.broadcasts.drafts import find
from gateway.database import reading, writing
from gateway.hooks.events import NewEvent, emit, wanted_kinds
from gateway.outbox.lanes_waiting import lanes_with_texts
from gateway.rules.broadcast_life import BroadcastState
from gateway.tables import Broadcast, BroadcastPlan, OutboundText
from gateway.tables.texts import OPEN_TEXTS

_broadcasts, _plans, _texts = Broadcast.__table__, BroadcastPlan.__table__, OutboundText.__table__


@dataclass(frozen=True)
class Account:
    """`recipients` were planned, counted when they were; everything else is what their texts became.

    Done, recipients = delivered + sent (no receipt yet) + failed + suppressed + uncertain; before that some are
    `waiting` in the outbox or `on_the_way` to the carrier. `suppressed` never left: by a rule, because their time had
    passed, or because the broadcast was cancelled. `failed` left or tried to, and did not arrive.
    """

    key: str
    name: str
    state: str
    reason: str
    approved: int
    planned_whole: bool
    recipients: int
    delivered: int = 0
    sent: int = 0
    failed: Mapping[str, int] = field(default_factory=dict)
    suppressed: Mapping[str, int] = field(default_factory=dict)
    uncertain: int = 0
    waiting: int = 0
    on_the_way: int = 0
    parts: int = 0

    @property
    def ended(self) -> int:
        """Recipients of whom nothing more is started."""
        return self.delivered + self.sent + sum(self.failed.values()) + sum(self.suppressed.values()) + self.uncertain

    @property
    def adds_up(self) -> bool:
        return self.recipients == self.ended + self.waiting + self.on_the_way

    def totals(self) -> dict[str, int]:
        """Return the account in numbers alone."""
        return {
            "recipients": self.recipients,
            "delivered": self.delivered,
            "sent": self.sent,
            "failed": sum(self.failed.values()),
            "suppressed": sum(self.suppressed.values()),
            "uncertain": self.uncertain,
        }

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"ended": self.ended, "adds_up": self.adds_up}


def account_of(connection: Connection, key: str) -> Account:
    """Return the account of a broadcast, all on one view of the database.

    :raises BroadcastError: there is no such broadcast
    """
    row = find(connection, key)
    plan = connection.execute(select(_plans).where(_plans.c.broadcast_id == row.id)).first()
    left = _texts.c.attempts > 0
    groups = connection.execute(
        select(_texts.c.state, _texts.c.reason, _texts.c.error_code, left.label("left"), func.count().label("texts"),
               func.sum(_texts.c.parts).label("parts"))
        .where(_texts.c.broadcast_id == row.id)
        .group_by(_texts.c.state, _texts.c.reason, _texts.c.error_code, left)
    ).all()  # fmt: skip
    plain: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    suppressed: Counter[str] = Counter()
    parts = 0
    for group in groups:
        match group.state:
            case "suppressed" | "cancelled":
                suppressed[group.reason or group.state] += group.texts
            case "expired" if not group.left or group.reason:
                suppressed[group.reason or "its time had passed"] += group.texts
            case "failed" | "undelivered" | "expired":
                said = group.reason or {"undelivered": "not delivered"}.get(group.state, group.state)
                failed[f"{said} ({group.error_code})" if group.error_code else said] += group.texts
            case state:
                plain[state] += group.texts
        parts += group.parts if group.state in ("sent", "answered", "delivered", "undelivered", "uncertain") else 0
    return Account(
        key=row.key,
        name=row.name,
        state=row.state,
        reason=row.state_reason,
        approved=int(((row.preview or {}).get("numbers") or {}).get("recipients", 0)),
        planned_whole=bool(plan and plan.planned_at),
        recipients=int(plan.planned) if plan else 0,
        delivered=plain["delivered"],
        sent=plain["sent"] + plain["answered"],
        failed=dict(failed.most_common()),
        suppressed=dict(suppressed.most_common()),
        uncertain=plain["uncertain"],
        waiting=plain["queued"],
        on_the_way=plain["attempted"],
        parts=int(parts),
    )


def close_what_is_done(engine: Engine, now: datetime) -> int:
    """Move broadcasts whose last text has left to done, and back those that a late retry woke; returns how many."""
    with reading(engine) as connection:
        # Queued before attempted: a text that goes from one to the other in between is seen.
        busy = {lane.broadcast_id for lane in lanes_with_texts(connection)}
        attempted = select(_texts.c.broadcast_id).distinct().where(text(OPEN_TEXTS), _texts.c.state == "attempted")
        busy |= set(connection.execute(attempted).scalars())
        sending = select(_broadcasts.c.id).where(_broadcasts.c.state == BroadcastState.SENDING)
        done = [one for one in connection.execute(sending).scalars() if one not in busy]
        wakes = select(_broadcasts.c.id).where(
            _broadcasts.c.id.in_([one for one in busy if one]), _broadcasts.c.state == BroadcastState.DONE
        )
        woken = list(connection.execute(wakes).scalars())
        told = _told(connection, done) if done and "broadcast.done" in wanted_kinds(connection) else {}
    for ids, current, to, ended in (
        (done, BroadcastState.SENDING, BroadcastState.DONE, now),
        (woken, BroadcastState.DONE, BroadcastState.SENDING, None),
    ):
        if ids:
            mine = _broadcasts.c.id.in_(ids) & (_broadcasts.c.state == current)
            moved = update(_broadcasts).where(mine).values(state=to, ended_at=ended).returning(_broadcasts.c.id)
            with writing(engine) as connection:
                # Only who moved it tells it: another process may have been first.
                closed = [one for one in connection.execute(moved).scalars() if to == BroadcastState.DONE]
                emit(connection, [NewEvent("broadcast.done", one, told[one]) for one in closed if one in told], now)
    return len(done) + len(woken)


def _told(connection: Connection, ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Return the numbers of broadcasts as they ended; receipts that come later change them."""
    keys = connection.execute(select(_broadcasts.c.id, _broadcasts.c.key).where(_broadcasts.c.id.in_(ids)))
    return {row.id: account_of(connection, row.key).totals() for row in keys.all()}
