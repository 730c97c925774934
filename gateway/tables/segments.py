"""Audience rules that organisers have saved under a name."""

from datetime import datetime
from typing import Any

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.tables.base import Base, BigId, Json, UtcDateTime


class SavedSegment(Base):
    """A named rule. `folded` is the name as it is compared: one name, however it is typed, is one segment.

    `rule` is the text with its names as they are on file, `json` the same rule for programs.
    """

    __tablename__ = "saved_segments"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    folded: Mapped[str] = mapped_column(String(160), unique=True)
    rule: Mapped[str] = mapped_column(Text)
    json: Mapped[dict[str, Any]] = mapped_column(Json)
    saved_by: Mapped[str] = mapped_column(String(60), default="")
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime)
