"""What is counted once and kept, because counting it again would read every text; and who of ours is alive."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from gateway.tables.base import Base, BigId, UtcDateTime


class TextHour(Base):
    """How many texts reached us in the hour that begins at `hour`, by how their senders were filed when it was counted.

    No id, number or word of a person is in it. `city_id` and the seats are None for those who were not filed.
    """

    __tablename__ = "text_hours"
    __table_args__ = (Index("ix_text_hours_hour", "hour"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    hour: Mapped[datetime] = mapped_column(UtcDateTime)
    city_id: Mapped[int | None] = mapped_column(BigInteger)
    constituency_id: Mapped[int | None] = mapped_column(BigInteger)
    provincial_id: Mapped[int | None] = mapped_column(BigInteger)
    texts: Mapped[int] = mapped_column(Integer)


class Heartbeat(Base):
    """When a worker or a clock (`kind`) was last at work; `name` is that of one process."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
