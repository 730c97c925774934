"""Broadcasts: one send to a segment each. The outbox reads `state` in every claim, so a pause holds at once."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from gateway.tables.base import Base, BigId, UtcDateTime


class Broadcast(Base):
    """One broadcast, as far as its texts depend on it.

    Its texts leave while `state` is `planning` or `sending`; they are cancelled once it is `cancelled`; in any other
    state they wait. The spike columns count what networks blocked of the texts of the last minutes (`rules.spike`).
    """

    __tablename__ = "broadcasts"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    state: Mapped[str] = mapped_column(String(12), default="draft", server_default="draft")
    state_reason: Mapped[str] = mapped_column(String(160), default="", server_default="")
    spike_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    spike_ended: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    spike_blocked: Mapped[int] = mapped_column(Integer, default=0, server_default="0")


class BroadcastTopic(Base):
    """A topic that a broadcast is about (`city:lahore`): who left it by STOP with a topic gets none of its texts."""

    __tablename__ = "broadcast_topics"

    broadcast_id: Mapped[int] = mapped_column(ForeignKey("broadcasts.id"), primary_key=True, autoincrement=False)
    topic: Mapped[str] = mapped_column(String(80), primary_key=True)
