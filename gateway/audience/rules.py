"""Audience rules over this database: the names on file, and the columns that a rule reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Select, select

from faults import Fault
from gateway.places.directory import Directory
from gateway.tables import InboundText, Member, Report, SeatHold, TopicStop
from gateway.tables.members import EVERY_MEMBER
from segments import Atlas, Rule, describe, parse, settle_names, to_text
from segments.sql import Condition, MemberColumns, to_sql

_members = Member.__table__.c


@dataclass(frozen=True)
class Audience:
    """A settled rule, ready to be counted and read. `now` (aware) is when its ages and days count from.

    :param prefixes: how numbers begin that are texted at all ("+92"); none given: every country
    """

    rule: Rule
    remarks: tuple[Fault, ...]
    atlas: Atlas
    columns: MemberColumns
    now: datetime
    prefixes: tuple[str, ...] = ()

    def condition(self, *, heed_stops: bool) -> Condition:
        return to_sql(self.rule, self.columns, self.atlas, self.now, heed_stops=heed_stops)

    @property
    def text(self) -> str:
        return to_text(self.rule)

    @property
    def sentence(self) -> str:
        return describe(self.rule, self.atlas)


def read_audience(
    text: str,
    directory: Directory,
    now: datetime,
    *,
    zone: tzinfo,
    default_language: str,
    prefixes: tuple[str, ...] = (),
) -> Audience:
    """Return the audience that a rule's text means.

    :raises RuleError: the text is no rule, or names something that is not on file
    """
    atlas = atlas_of(directory, zone, default_language)
    settled = settle_names(parse(text), atlas, text)
    return Audience(settled.rule, settled.remarks, atlas, columns_of(directory), now, prefixes)


def atlas_of(directory: Directory, zone: tzinfo, default_language: str) -> Atlas:
    """Return what the names in rules stand for."""

    def group_named(text: str) -> str | None:
        group = directory.groups.named(text)
        return group.key if group else None

    return Atlas(
        gazetteer=directory.gazetteer,
        register=directory.register,
        affinities={group.key: group.names for group in directory.groups.all},
        find_affinity=group_named,
        default_language=default_language,
        zone=zone,
        pickups=frozenset({"asked", *pickup_histories()}),
        provincial_houses=directory.provincial_houses,
    )


def columns_of(directory: Directory) -> MemberColumns:
    """Return where a rule finds what it asks about."""
    reports, texts = Report.__table__.c, InboundText.__table__.c
    return MemberColumns(
        id=_members.sender_id,
        city=_members.city_id,
        constituency=_members.constituency_id,
        provincial=_members.provincial_id,
        affinities=_members.affinities,
        language=_members.language,
        reachable=_members.reachable,
        referrer=_members.referrer_id,
        joined_at=_members.joined_at,
        seen_on=_members.seen_on,
        place_ids=directory.place_ids,
        seat_ids=directory.seat_ids,
        bits={group.key: group.bit for group in directory.groups.all},
        referrer_of_code=_referrer_of_code,
        reports=select(reports.sender_id, reports.opened_at.label("at")).subquery("reported"),
        asked=select(texts.sender_id, texts.received_at.label("at")).where(texts.command == "WHERE").subquery("asked"),
        topic_stops=TopicStop.__table__,
        joined_between=_joined_between,
        pickups=pickup_histories(),
    )


def _referrer_of_code(code: str) -> Select[Any]:
    inviter = Member.__table__.alias("inviter")
    return select(inviter.c.sender_id).where(inviter.c.invite_code == code)


def _joined_between(earliest: datetime, before: datetime) -> Select[Any]:
    return select(_members.sender_id).where(
        _members.joined_at >= earliest, _members.joined_at < before, EVERY_MEMBER
    )  # fmt: skip


def pickup_histories() -> Mapping[str, Select[Any]]:
    """Return, for each kind of pick-up history beside "asked", a select of the senders that have it."""
    holds = SeatHold.__table__.c
    return {state: select(holds.sender_id).where(holds.state == state) for state in ("held", "travelled")}
