"""Keys for programs, what was done under which idempotency key, and what all processes together let a key do."""

from datetime import datetime

from sqlalchemy import Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gateway.tables.base import Base, BigId, Json, UtcDateTime


class ApiKey(Base):
    """A program's way in. The token is shown once; kept are `lookup`, which finds the row, and the token's hash.

    It acts under the login `key:` and its name, so a name is never used again, also after the key is revoked.
    `owner_id` is the person of the staff whose key it is; it opens nothing while they are not active. Keys from before
    there were owners may have none. `cities` (place keys) and `seats` (such as NA-130@2024) bind it to areas; both
    empty: everywhere.
    """

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    lookup: Mapped[str] = mapped_column(String(12), unique=True)
    token_hash: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]] = mapped_column(Json)
    cities: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")
    seats: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    created_by: Mapped[str] = mapped_column(String(60), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ApiAct(Base):
    """What one request of a key did and was answered: the same request again does nothing and is answered alike.

    Written in the transaction of the act itself, so there is no act without it. `fingerprint` is of the request's
    method, address and body. Kept for a day.
    """

    __tablename__ = "api_acts"
    __table_args__ = (
        UniqueConstraint("key_id", "idempotency_key"),
        Index("ix_api_acts_created_at", "created_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"))
    idempotency_key: Mapped[str] = mapped_column(String(255))
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None] = mapped_column(Integer)
    body: Mapped[str | None] = mapped_column(Text)
    location: Mapped[str] = mapped_column(String(255), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ApiBudget(Base):
    """How many requests a key has left, as of `at`: what each process lets it make comes out of this one row."""

    __tablename__ = "api_budgets"

    key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"), primary_key=True, autoincrement=False)
    left: Mapped[float] = mapped_column(Float)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ApiStream(Base):
    """A stream of events that some process has open. One whose `seen_at` is old belongs to a process that died."""

    __tablename__ = "api_streams"
    __table_args__ = (Index("ix_api_streams_key_id", "key_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"))
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
