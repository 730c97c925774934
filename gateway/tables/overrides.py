"""What organisers change while the gateway runs."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gateway.tables.base import Base, BigId, Json, UtcDateTime


class Override(Base):
    """One version of something that stands in the place of what the files or the environment say.

    Rows are only added: the highest version of a kind and key is in force, and the others are its history. `value` is
    NULL where that version goes back to the built-in. Secrets are sealed before they come here.
    """

    __tablename__ = "overrides"
    __table_args__ = (
        UniqueConstraint("kind", "key", "version", name="uq_overrides_version"),
        CheckConstraint("version >= 1", "version"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(120))
    version: Mapped[int] = mapped_column(Integer)
    value: Mapped[Any] = mapped_column(Json, nullable=True)
    changed_by: Mapped[str] = mapped_column(String(60))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
