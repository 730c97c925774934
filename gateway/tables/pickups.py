"""Rallies, the places that buses leave from, who holds a seat, and what people asked for."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from gateway.tables.base import Base, BigId, Json, UtcDateTime


class Event(Base):
    """A rally: where, when, and in which time zone its hours are told."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    names: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    venue: Mapped[str] = mapped_column(String(160))
    lat: Mapped[float] = mapped_column(Float)
    lon: Mapped[float] = mapped_column(Float)
    zone: Mapped[str] = mapped_column(String(40))
    doors_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PickupPoint(Base):
    """A place where buses of one event leave. `landmarks` maps a language to how to recognise it.

    `state` moved: `lat` and `lon` are the new position, and it is in use. `live_rev` is the number that the revision
    "pickups-live" had when the state last changed, so that every process reads only what is new.
    """

    __tablename__ = "pickup_points"
    __table_args__ = (
        UniqueConstraint("event_id", "city", "name"),
        CheckConstraint("state IN ('open', 'full', 'closed', 'moved')", "state"),
        Index("ix_pickup_points_live_rev", "live_rev", postgresql_where=text("live_rev > 0")),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"))
    name: Mapped[str] = mapped_column(String(120))
    names: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    aliases: Mapped[list[str]] = mapped_column(Json, default=list, server_default=text("'[]'"))
    city: Mapped[str] = mapped_column(String(120))
    lat: Mapped[float] = mapped_column(Float)
    lon: Mapped[float] = mapped_column(Float)
    landmarks: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    marshal: Mapped[str | None] = mapped_column(String(80), index=True)
    """The key of the marshal's phone, as `senders.key`."""
    state: Mapped[str] = mapped_column(String(8), default="open", server_default="open")
    opens_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closes_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    live_rev: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class Departure(Base):
    """One bus (or row of buses) leaving a pick-up point at one time.

    `seats` None: nobody counts them. `held` are the seats promised by text; the database itself refuses one too many.
    `boarded` is what the marshal counted. `late_minutes` moves the time; `left_at` is set once the bus is gone.
    """

    __tablename__ = "departures"
    __table_args__ = (
        UniqueConstraint("pickup_point_id", "leaves_at"),
        CheckConstraint("held >= 0 AND (seats IS NULL OR held <= seats)", "held"),
        Index("ix_departures_live_rev", "live_rev", postgresql_where=text("live_rev > 0")),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    pickup_point_id: Mapped[int] = mapped_column(ForeignKey("pickup_points.id"))
    leaves_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seats: Mapped[int | None] = mapped_column(Integer)
    held: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    boarded: Mapped[int | None] = mapped_column(Integer)
    late_minutes: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    live_rev: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class SeatHold(Base):
    """Seats that one phone was promised on one departure. A phone has one running hold at most (`state` held).

    States: held, freed (given back), lapsed (the stated time passed), travelled (the bus has left).
    """

    __tablename__ = "seat_holds"
    __table_args__ = (
        CheckConstraint("seats >= 1", "seats"),
        CheckConstraint("state IN ('held', 'freed', 'lapsed', 'travelled')", "state"),
        Index(
            "uq_seat_holds_running",
            "sender_id",
            unique=True,
            postgresql_where=text("state = 'held'"),
            sqlite_where=text("state = 'held'"),
        ),
        Index("ix_seat_holds_departure_id", "departure_id", "state"),
        Index(
            "ix_seat_holds_until",
            "until",
            postgresql_where=text("state = 'held'"),
            sqlite_where=text("state = 'held'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    departure_id: Mapped[int] = mapped_column(ForeignKey("departures.id"))
    sender_id: Mapped[int] = mapped_column(ForeignKey("senders.id"), index=True)
    seats: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(10), default="held")
    held_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SeatWait(Base):
    """Someone who wanted a seat at a point that was full; told once when seats are free again."""

    __tablename__ = "seat_waits"
    __table_args__ = (
        Index(
            "ix_seat_waits_untold",
            "pickup_point_id",
            postgresql_where=text("told_at IS NULL"),
            sqlite_where=text("told_at IS NULL"),
        ),
    )

    sender_id: Mapped[int] = mapped_column(ForeignKey("senders.id"), primary_key=True, autoincrement=False)
    pickup_point_id: Mapped[int] = mapped_column(ForeignKey("pickup_points.id"), primary_key=True, autoincrement=False)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PickupAsk(Base):
    """One WHERE and what it was answered. Positions are rounded to some 100 metres, and nobody's phone is kept."""

    __tablename__ = "pickup_asks"
    __table_args__ = (Index("ix_pickup_asks_event", "event_id", "asked_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"))
    place: Mapped[str] = mapped_column(String(120), default="")
    lat: Mapped[float] = mapped_column(Float)
    lon: Mapped[float] = mapped_column(Float)
    nearest_id: Mapped[int | None] = mapped_column(ForeignKey("pickup_points.id"))
    """The nearest point of all, even when it was full or closed: where the demand is."""
    offered_id: Mapped[int | None] = mapped_column(ForeignKey("pickup_points.id"))
    metres: Mapped[int | None] = mapped_column(Integer)
    """To the point that was offered."""
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)


class UnmatchedPlace(Base):
    """A place in somebody's words that we did not know. `key` is the folded spelling; no phone is kept with it."""

    __tablename__ = "unmatched_places"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    words: Mapped[str] = mapped_column(String(80))
    near: Mapped[str] = mapped_column(String(120), default="")
    """The city of the member who asked first, if any."""
    times: Mapped[int] = mapped_column(Integer, default=1)
    first_asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    alias_of: Mapped[str | None] = mapped_column(String(120))
    """What staff have made it a spelling of."""


class WalkRequest(Base):
    """STEPS waiting for the walking router. The row goes once the directions are in the outbox."""

    __tablename__ = "walk_requests"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    sender_id: Mapped[int] = mapped_column(ForeignKey("senders.id"), index=True)
    pickup_point_id: Mapped[int] = mapped_column(ForeignKey("pickup_points.id"))
    language: Mapped[str] = mapped_column(String(8))
    lat: Mapped[float] = mapped_column(Float)
    lon: Mapped[float] = mapped_column(Float)
    tries: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
