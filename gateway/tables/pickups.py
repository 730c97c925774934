"""Rallies and the places that buses leave from."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Float, ForeignKey, Integer, String, UniqueConstraint
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
    """A place where buses of one event leave. `landmarks` maps a language to how to recognise it."""

    __tablename__ = "pickup_points"
    __table_args__ = (
        UniqueConstraint("event_id", "city", "name"),
        CheckConstraint("state IN ('open', 'full', 'closed', 'moved')", "state"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"))
    name: Mapped[str] = mapped_column(String(120))
    names: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    city: Mapped[str] = mapped_column(String(120))
    lat: Mapped[float] = mapped_column(Float)
    lon: Mapped[float] = mapped_column(Float)
    landmarks: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    state: Mapped[str] = mapped_column(String(8), default="open", server_default="open")
    opens_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closes_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Departure(Base):
    """One bus (or row of buses) leaving a pick-up point at one time."""

    __tablename__ = "departures"
    __table_args__ = (UniqueConstraint("pickup_point_id", "leaves_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    pickup_point_id: Mapped[int] = mapped_column(ForeignKey("pickup_points.id"))
    leaves_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seats: Mapped[int | None] = mapped_column(Integer)
