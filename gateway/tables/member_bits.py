"""The members once more, as columns of bits, for counting any audience quickly: see docs/decisions/0009."""

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from gateway.tables.base import Base, BigId, UtcDateTime


class MemberBits(Base):
    """One column of the members whose sender ids lie in one block (`gateway.audience.bits.BLOCK` ids each)."""

    __tablename__ = "member_bits"

    block: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(12), primary_key=True)
    bits: Mapped[bytes] = mapped_column(LargeBinary)


class MemberChange(Base):
    """A member whose row, or whose sender's consent or number, is not yet in the bits as it is now.

    Written by triggers of the database, in the transaction that changes the row, so that nobody can forget it.
    """

    __tablename__ = "member_changes"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    sender_id: Mapped[int] = mapped_column(BigId)


class MemberBitsState(Base):
    """The one row that says whether the bits are whole, and who writes them.

    `form` is what the columns mean; bits of another form are made anew. `version` goes up with every write, so that
    two processes never write over each other; `busy_until` keeps a second one from beginning the same work.
    """

    __tablename__ = "member_bits_state"
    __table_args__ = (CheckConstraint("id = 1", "one_row"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    form: Mapped[str] = mapped_column(String(200))
    version: Mapped[int] = mapped_column(BigId)
    whole: Mapped[bool] = mapped_column(Boolean)
    busy_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
