"""Where people and seats are: places, constituencies of a delimitation, and the groups that organisers define."""

from sqlalchemy import CheckConstraint, Float, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gateway.tables.base import Base, BigId, Json


class Place(Base):
    """A city, town, neighbourhood or landmark that people name. `names` maps a language to its name there."""

    __tablename__ = "places"
    __table_args__ = (UniqueConstraint("key"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(20))
    city: Mapped[str] = mapped_column(String(120), default="")
    district: Mapped[str] = mapped_column(String(120), default="")
    province: Mapped[str] = mapped_column(String(120), default="")
    country: Mapped[str] = mapped_column(String(60), default="")
    lat: Mapped[float | None] = mapped_column(Float)
    lon: Mapped[float | None] = mapped_column(Float)
    population: Mapped[int] = mapped_column(Integer, default=0)
    names: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    aliases: Mapped[list[str]] = mapped_column(Json, default=list)
    source: Mapped[str] = mapped_column(String(20), default="base")


class Constituency(Base):
    """One seat of one delimitation: NA-130 of 2018 and NA-130 of 2024 are two rows, and may be two cities."""

    __tablename__ = "constituencies"
    __table_args__ = (UniqueConstraint("code", "delimitation"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(String(20))
    delimitation: Mapped[int] = mapped_column(Integer)
    tier: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(160))
    area: Mapped[str] = mapped_column(String(120), default="")
    ordinal: Mapped[int | None] = mapped_column(Integer)
    districts: Mapped[list[str]] = mapped_column(Json, default=list)
    province: Mapped[str] = mapped_column(String(120), default="")
    names: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    aliases: Mapped[list[str]] = mapped_column(Json, default=list)
    source: Mapped[str] = mapped_column(String(20), default="base")


class Affinity(Base):
    """A group that organisers define. `bit` is its place in the mask on a member's row: 0 to 61, never reused."""

    __tablename__ = "affinities"
    __table_args__ = (UniqueConstraint("key"), UniqueConstraint("bit"), CheckConstraint("bit BETWEEN 0 AND 61", "bit"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(40))
    bit: Mapped[int] = mapped_column(Integer)
    names: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    aliases: Mapped[list[str]] = mapped_column(Json, default=list)


class Revision(Base):
    """How often a kind of reference data has changed: every process reloads its index when the number moves."""

    __tablename__ = "revisions"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, default=0)


class Counter(Base):
    """The next number of a series that is handed out in blocks, such as report refs of one event."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    next: Mapped[int] = mapped_column(BigId, default=0)
