"""Compare what the script expects with what is in the database."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from demo.replay import Sent
from demo.script import FILED, Step
from gateway.database import reading
from gateway.places.directory import Directory
from gateway.places.store import read_directory
from gateway.tables import ConsentEntry, InboundText, Member, OutboundText, Report, ReportEntry, SeatHold, Sender


@dataclass(slots=True)
class _Phone:
    """What the script says that a phone has come to."""

    consent: str = "none"
    filed: dict[str, str] = field(default_factory=dict)
    member: bool = False
    erased: bool = False
    seats: int = 0


def mismatches(engine: Engine, sent: Sequence[Sent]) -> list[str]:
    """Return a sentence for every effect that is missing, wrong or too many; none when all is as the script says."""
    phones = _expected(sent)
    with reading(engine) as connection:
        found = [said for one in sent for said in _of_text(connection, one, phones[one.step.number])]
        directory = read_directory(connection)
        for number, phone in phones.items():
            found += _of_phone(connection, directory, number, phone)
        found += _totals(connection, sent, phones)
    return found


def _expected(sent: Sequence[Sent]) -> dict[str, _Phone]:
    phones: dict[str, _Phone] = {}
    for one in sent:
        _follow(phones.setdefault(one.step.number, _Phone()), one.step)
    return phones


def _follow(phone: _Phone, step: Step) -> None:
    if step.erased:
        phone.member, phone.erased, phone.filed, phone.consent = False, True, {}, "none"
    if step.consent == "join":
        phone.member = True
    match step.consent:
        case "join":
            phone.consent = "joined"
        case "start":
            phone.consent = "joined" if phone.member else "none"
        case "stop":
            phone.consent = "stopped"
    phone.filed |= step.filed
    if step.seats is not None:
        phone.seats = step.seats


def _of_text(connection: Connection, one: Sent, phone: _Phone) -> Iterator[str]:
    step, where = one.step, f"line {one.step.line}, {one.text!r}"
    if set(one.statuses) != {200}:
        yield f"{where}: answered with {', '.join(map(str, one.statuses))} instead of 200"
        return
    if len(set(one.answers)) > 1:
        yield f"{where}: the copies of one message got different answers"
    if bool(step.answer) != bool(one.answers[0]) or step.answer not in one.answers[0]:
        yield f"{where}: answered {one.answers[0]!r}, expected {step.answer or 'silence'!r} in it"
    rows = connection.execute(
        select(InboundText.__table__, Sender.key)
        .join(Sender, Sender.id == InboundText.sender_id)
        .where(InboundText.carrier_id == one.sid)
    ).all()
    if len(rows) != 1:
        yield f"{where}: is in the database {len(rows)} times"
        return
    [row] = rows
    if (row.command or "") != step.command:
        yield f"{where}: taken for {row.command}, expected {step.command or 'no command'}"
    replies = connection.execute(select(OutboundText.__table__).where(OutboundText.inbound_id == row.id)).all()
    if len(replies) != bool(step.answer):
        yield f"{where}: {len(replies)} answers are in the database"
    for reply in replies:
        if reply.state != "delivered":
            yield f"{where}: its answer is {reply.state}, though the receipt said delivered"
    if phone.erased:
        if row.key == step.number or row.body:
            yield f"{where}: something of an erased person is still in the database"
        return
    if (row.key, row.body) != (step.number, one.text):
        yield f"{where}: stored as {row.body!r} of {row.key}"
    ledger = connection.execute(select(ConsentEntry.action).where(ConsentEntry.carrier_id == one.sid)).scalars().all()
    if list(ledger) != [step.consent] * bool(step.consent):
        yield f"{where}: the consent ledger says {list(ledger)}, expected {step.consent or 'nothing'!r}"
    lines = select(ReportEntry.kind, ReportEntry.text).where(
        ReportEntry.inbound_id == row.id, ReportEntry.kind.in_(("received", "more"))
    )
    told = [tuple(line) for line in connection.execute(lines)]
    if told != ([step.report] if step.report else []):
        yield f"{where}: the iReports say {told}, expected {step.report or 'nothing'}"


def _of_phone(connection: Connection, directory: Directory, number: str, phone: _Phone) -> Iterator[str]:
    sender = connection.execute(select(Sender.__table__).where(Sender.key == number)).first()
    if phone.erased:
        if sender is not None:
            yield f"{number}: erased, but still in the database"
        return
    if sender is None:
        yield f"{number}: not in the database"
        return
    if sender.consent != phone.consent:
        yield f"{number}: consent is {sender.consent}, expected {phone.consent}"
    member = connection.execute(select(Member.__table__).where(Member.sender_id == sender.id)).first()
    if (member is not None) != phone.member:
        yield f"{number}: {'is' if member else 'is not'} a member"
    elif member is not None:
        filed = filing(member, directory)
        for name in FILED:
            wanted = phone.filed.get(name, "")
            if sorted(filed[name].split()) != sorted(wanted.split()):
                yield f"{number}: {name} is {filed[name]!r}, expected {wanted!r}"
        if member.reachable != (phone.consent == "joined"):
            yield f"{number}: counted as {'reachable' if member.reachable else 'not reachable'}"
    held = select(func.sum(SeatHold.seats)).where(SeatHold.sender_id == sender.id, SeatHold.state == "held")
    seats = connection.execute(held).scalar() or 0
    if seats != phone.seats:
        yield f"{number}: holds {seats} seats, expected {phone.seats}"


def filing(member: Any, directory: Directory) -> dict[str, str]:
    """Return a member's row in the script's words."""
    place = directory.places.get(directory.place_keys.get(member.city_id, ""))
    seat = directory.seat_keys.get(member.constituency_id)
    return {
        "name": member.name,
        "city": place.name if place else "",
        "seat": seat[0] if seat else "",
        "groups": " ".join(group.key for group in directory.groups.of(member.affinities)),
    }


def _totals(connection: Connection, sent: Sequence[Sent], phones: dict[str, _Phone]) -> Iterator[str]:
    wanted = {
        InboundText: len(sent),
        OutboundText: sum(bool(one.step.answer) for one in sent),
        Member: sum(phone.member for phone in phones.values()),
        Report: sum(one.step.report is not None and one.step.report[0] == "received" for one in sent),
        ConsentEntry: sum(bool(one.step.consent) for one in sent if not phones[one.step.number].erased),
    }
    for table, expected in wanted.items():
        count = connection.execute(select(func.count()).select_from(table)).scalar_one()
        if count != expected:
            yield f"{table.__tablename__}: {count} rows, expected {expected}"
