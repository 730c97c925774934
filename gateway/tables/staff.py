"""Console logins."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from gateway.tables.base import Base, BigId, UtcDateTime


class Staff(Base):
    """A person who works for the movement: role `admin`, `organiser` or `field`. The password is kept as argon2.

    `second_factor` is the sealed secret of their one-time codes, `last_code` the time step of the last one that was
    accepted, so that none is accepted twice. `language` and `theme` are how they see the console.
    """

    __tablename__ = "staff"
    __table_args__ = (CheckConstraint("role IN ('admin', 'organiser', 'field')", "role"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    login: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(80), default="")
    role: Mapped[str] = mapped_column(String(10))
    phone: Mapped[str | None] = mapped_column(String(64), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    must_change_password: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    second_factor: Mapped[str | None] = mapped_column(Text)
    last_code: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    language: Mapped[str] = mapped_column(String(8), default="", server_default="")
    theme: Mapped[str] = mapped_column(String(8), default="auto", server_default="auto")
