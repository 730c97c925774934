"""Members on file, two organisers, and the moves of a broadcast, on a clock that the test moves."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, insert, select, update

from gateway.broadcasts import account, drafts, moves, preview
from gateway.broadcasts.drafts import Draft
from gateway.broadcasts.plan import plan_begun
from gateway.broadcasts.terms import BroadcastTerms
from gateway.database import reading, writing
from gateway.places.directory import Directory
from gateway.places.store import read_directory
from gateway.rules.prices import Price, Prices
from gateway.tables import Broadcast, Member, Sender, Staff
from tests.outbox.conftest import ALL_DAY, EVERYWHERE, Outbox, outbox

__all__ = ["outbox"]

TERMS = BroadcastTerms(
    zone=ZoneInfo("Asia/Karachi"),
    default_language="en",
    routes=EVERYWHERE,
    parts_per_second=100,
    hours=ALL_DAY,
    prices=Prices("PKR", (Price("*", "+92", Decimal("1.85")),)),
    prefixes=("+92",),
)
TEXTS = {"en": "Dear {name}, come to Minar at 5", "ur": "{name}، پانچ بجے مینار آئیں"}


@dataclass
class Desk:
    """What organisers do, each move as `sana` who drafts or `bilal` who approves."""

    outbox: Outbox
    terms: BroadcastTerms = TERMS
    directory: Directory = field(init=False)

    def __post_init__(self) -> None:
        with reading(self.engine) as connection:
            self.directory = read_directory(connection)
        with writing(self.engine) as connection:
            for login, role in (("sana", "organiser"), ("bilal", "admin"), ("munshi", "field")):
                connection.execute(
                    insert(Staff),
                    {"login": login, "role": role, "password_hash": "-", "active": True, "created_at": self.now,
                     "phone": "+923330000001" if login == "sana" else None},
                )  # fmt: skip

    @property
    def engine(self) -> Engine:
        return self.outbox.engine

    @property
    def now(self) -> Any:
        return self.outbox.clock.now

    def members(self, count: int, first: int = 0, **values: Any) -> list[int]:
        """File members in Lahore who read English, or as `values` say."""
        ids = self.outbox.people(count, first=first)
        city = values.pop("city", "lahore")
        values = {"city_id": self.directory.place_ids[city] if city else None, "name": "Ali", **values}
        with writing(self.engine) as connection:
            connection.execute(update(Member).where(Member.sender_id.in_(ids)).values(**values))
        return ids

    def draft(self, name: str = "Rally", rule: str = "city:lahore", **others: Any) -> str:
        made = Draft(name, rule, others.pop("texts", TEXTS), **others)
        with writing(self.engine) as connection:
            return drafts.new_draft(connection, made, self.directory, self.terms, "sana", self.now)

    def preview(self, key: str) -> Any:
        return preview.make_preview(self.engine, key, self.terms, self.now)

    def approve(self, key: str, by: str = "bilal") -> None:
        moves.approve(self.engine, key, self.preview(key)["digest"], by, self.terms, self.now)

    def start(self, key: str, by: str = "sana") -> None:
        moves.start(self.engine, key, by, self.terms, self.now)

    def begin(self, **others: Any) -> str:
        """Draft, preview, approve and start; returns the key."""
        key = self.draft(**others)
        self.approve(key)
        self.start(key)
        return key

    def plan(self) -> None:
        plan_begun(self.engine, self.terms, lambda: self.now)

    def close(self) -> int:
        return account.close_what_is_done(self.engine, self.now)

    def account(self, key: str) -> account.Account:
        with reading(self.engine) as connection:
            return account.account_of(connection, key)

    def row(self, key: str) -> Any:
        with reading(self.engine) as connection:
            return connection.execute(select(Broadcast.__table__).where(Broadcast.key == key)).one()

    def set_terms(self, **others: Any) -> None:
        self.terms = replace(self.terms, **others)

    def key_of(self, sender_id: int) -> str:
        with reading(self.engine) as connection:
            return connection.execute(select(Sender.key).where(Sender.id == sender_id)).scalar_one()

    def later(self, **span: float) -> None:
        self.outbox.clock.now += timedelta(**span)


@pytest.fixture
def desk(outbox: Outbox) -> Desk:
    return Desk(outbox)
