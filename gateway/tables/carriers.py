"""What all workers share about a carrier, and what staff must be told."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from gateway.tables.base import Base, BigId, UtcDateTime


class CarrierState(Base):
    """One carrier's pace and health: one row that every worker locks for the moment of a claim.

    `busy_until` is `rules.pace`'s moment; `failures` and `probe_at` are `rules.carrier_health`'s; before `held_until`
    nothing goes out because the carrier asked us to wait; `halted_at` is set until a person lifts it.
    """

    __tablename__ = "carrier_states"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    busy_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    probe_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    held_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    halted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    halt_reason: Mapped[str] = mapped_column(String(160), default="", server_default="")


class Alert(Base):
    """Something that a person must look at: a carrier that halted, a broadcast that paused by itself."""

    __tablename__ = "alerts"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    carrier: Mapped[str | None] = mapped_column(String(20))
    broadcast_id: Mapped[int | None] = mapped_column(ForeignKey("broadcasts.id"))
    reason: Mapped[str] = mapped_column(String(160))
    raised_at: Mapped[datetime] = mapped_column(UtcDateTime)
    cleared_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
