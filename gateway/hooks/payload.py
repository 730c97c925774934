"""What is told of an event, read from the tables when it is sent: after ERASE there is nothing left to tell."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, select

from gateway.rules.phone_numbers import mask
from gateway.tables import Affinity, Broadcast, Constituency, Member, Place, Report, Sender

_senders, _members, _reports = Sender.__table__, Member.__table__, Report.__table__
_broadcasts, _places, _seats = Broadcast.__table__, Place.__table__, Constituency.__table__


def payloads(
    connection: Connection, events: Iterable[Any], *, with_phones: bool, with_texts: bool
) -> dict[int, dict[str, Any]]:
    """Return the data of each event by its id, for an endpoint that may see so much.

    :param events: rows with the columns of `HookEvent`
    :param with_phones: whole numbers instead of masked ones
    :param with_texts: the words of reports, and the place they name
    """
    given = list(events)
    people = _People(connection, [one.subject_id for one in given if one.kind.startswith("member.")], with_phones)
    reports = _reports_of(connection, [one.subject_id for one in given if one.kind.startswith("report.")])
    reporters = _People(connection, [row.sender_id for row in reports.values()], with_phones)
    broadcasts = _broadcasts_of(connection, [one.subject_id for one in given if one.kind.startswith("broadcast.")])
    told: dict[int, dict[str, Any]] = {}
    for one in given:
        match one.kind.partition(".")[0]:
            case "member" if one.kind == "member.joined":
                data: dict[str, Any] = {"member": people.filed(one.subject_id)}
            case "member" if one.kind == "member.erased":
                data = {"member": {"id": one.subject_id}}
            case "member":
                data = {"member": people.known(one.subject_id)}
            case "report":
                data = {"report": _report(reports.get(one.subject_id), one.subject_id, reporters, with_texts)}
            case "broadcast":
                data = {"broadcast": broadcasts.get(one.subject_id, {}) | dict(one.facts)}
            case _:
                data = {"endpoint": one.subject_id}
        told[one.id] = data | ({} if "broadcast" in data else dict(one.facts))
    return told


class _People:
    """Senders by id, as far as an endpoint may see them."""

    def __init__(self, connection: Connection, ids: list[int], with_phones: bool) -> None:
        self._with_phones = with_phones
        self._rows: Mapping[int, Any] = {}
        self._groups: list[tuple[int, str]] = []
        if not ids:
            return
        wanted = (
            select(
                _senders.c.id, _senders.c.key, _senders.c.language, _members.c.joined_at, _members.c.affinities,
                _places.c.key.label("city"), _seats.c.code, _seats.c.delimitation,
            )
            .select_from(
                _senders.outerjoin(_members, _members.c.sender_id == _senders.c.id)
                .outerjoin(_places, _places.c.id == _members.c.city_id)
                .outerjoin(_seats, _seats.c.id == _members.c.constituency_id)
            )
            .where(_senders.c.id.in_(set(ids)))
        )  # fmt: skip
        self._rows = {row.id: row for row in connection.execute(wanted)}
        self._groups = [(row.bit, row.key) for row in connection.execute(select(Affinity.bit, Affinity.key))]

    def known(self, number: int) -> dict[str, Any]:
        row = self._rows.get(number)
        gone = row is None or row.key.startswith("erased:")
        phone = None if gone or row is None else row.key if self._with_phones else mask(row.key)
        return {"id": number, "phone": phone}

    def filed(self, number: int) -> dict[str, Any]:
        row = self._rows.get(number)
        if row is None or row.joined_at is None:
            return self.known(number)
        return self.known(number) | {
            "city": row.city,
            "constituency": {"code": row.code, "delimitation": row.delimitation or None} if row.code else None,
            "affinities": sorted(key for bit, key in self._groups if row.affinities >> bit & 1),
            "language": row.language,
            "joined_at": row.joined_at.isoformat(),
        }


def _reports_of(connection: Connection, ids: list[int]) -> Mapping[int, Any]:
    if not ids:
        return {}
    return {row.id: row for row in connection.execute(select(_reports).where(_reports.c.id.in_(set(ids))))}


def _report(row: Any, number: int, reporters: _People, with_texts: bool) -> dict[str, Any]:
    if row is None:
        return {"id": number}
    said = {"text": row.text, "place": row.place or None} if with_texts else {}
    return {
        "id": number,
        "ref": row.ref,
        "event": row.event_key or None,
        "state": row.state,
        "category": row.category,
        "urgency": row.urgency,
        "opened_at": row.opened_at.isoformat(),
        "reporter": reporters.known(row.sender_id),
    } | said


def _broadcasts_of(connection: Connection, ids: list[int]) -> dict[int, dict[str, Any]]:
    if not ids:
        return {}
    rows = connection.execute(select(_broadcasts).where(_broadcasts.c.id.in_(set(ids))))
    return {
        row.id: {"key": row.key, "name": row.name, "begun_at": row.begun_at.isoformat() if row.begun_at else None}
        for row in rows
    }
