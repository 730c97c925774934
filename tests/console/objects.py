"""Objects for the matrix: one that lies in Multan, for each kind of address that names one.

Somebody who is bound to Lahore must be answered 404 for it. Register a factory for every route with a parameter, by the
beginning of its path; the longest beginning counts. `NO_AREA` says that the objects belong to no area.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, insert, select

from gateway.members import import_desk
from gateway.rules.opaque_ids import OpaqueIds
from gateway.tables import Broadcast, Event, InboxThread, Member, PickupPoint, Place, Report, Sender
from segments import parse, to_json, to_text
from tests.gateway.conftest import settings_for

Factory = Callable[[Connection], Mapping[str, str]]


def NO_AREA(_connection: Connection) -> Mapping[str, str]:
    return {}


def place_id(connection: Connection, key: str) -> int:
    return int(connection.execute(select(Place.id).where(Place.key == key)).scalar_one())


def a_member(connection: Connection, city: str = "multan", number: str = "+923001112233", name: str = "Mehr") -> int:
    now = datetime.now(UTC)
    sender_id = connection.execute(
        insert(Sender.__table__)
        .values(key=number, language="en", consent="joined", first_seen_at=now, last_seen_at=now)
        .returning(Sender.id)
    ).scalar_one()
    connection.execute(
        insert(Member.__table__).values(
            sender_id=sender_id, name=name, city_id=place_id(connection, city), language="en", joined_at=now,
            updated_at=now,
        )
    )  # fmt: skip
    return int(sender_id)


def an_event(connection: Connection, key: str = "multan-rally", lat: float = 30.2, lon: float = 71.47) -> int:
    doors = datetime.now(UTC) + timedelta(days=1)
    made = insert(Event.__table__).values(
        key=key,
        name="Rally",
        names={},
        venue="Ground",
        lat=lat,
        lon=lon,
        zone="Asia/Karachi",
        doors_at=doors,
        ends_at=doors + timedelta(hours=6),
    )
    return int(connection.execute(made.returning(Event.id)).scalar_one())


def a_report(connection: Connection, ref: str = "4F2C", sender_id: int | None = None, **others: object) -> int:
    now = datetime.now(UTC)
    values = {
        "ref": ref, "sender_id": sender_id or a_member(connection), "state": "received", "text": "no water",
        "opened_at": now, "updated_at": now, "because": [], **others,
    }  # fmt: skip
    return int(connection.execute(insert(Report.__table__).values(values).returning(Report.id)).scalar_one())


def a_point(connection: Connection, city: str = "Multan") -> int:
    event = an_event(connection)
    made = insert(PickupPoint.__table__).values(
        event_id=event, name="Chowk", names={}, aliases=[], city=city, lat=30.2, lon=71.47, landmarks={}
    )
    return int(connection.execute(made.returning(PickupPoint.id)).scalar_one())


def _report_in_multan(connection: Connection) -> Mapping[str, str]:
    a_report(connection, lat=30.2, lon=71.47)
    return {"ref": "4F2C"}


def _member_in_multan(connection: Connection) -> Mapping[str, str]:
    ids = OpaqueIds(settings_for("sqlite://").key_for("people in addresses"))
    return {"person": ids.hide(a_member(connection, number="+923001112255"))}


def _person_in_the_inbox(connection: Connection) -> Mapping[str, str]:
    ids = OpaqueIds(settings_for("sqlite://").key_for("people in addresses"))
    sender_id = a_member(connection, number="+923001112244")
    row = {"sender_id": sender_id, "last_inbound_id": 0, "last_at": datetime.now(UTC)}
    connection.execute(insert(InboxThread.__table__).values(row))
    return {"person": ids.hide(sender_id)}


def _file_of_a_colleague(connection: Connection) -> Mapping[str, str]:
    import_desk.keep(connection, "a-colleagues-file", "a.csv", "sealed", "somebody", datetime.now(UTC))
    return {"key": "a-colleagues-file"}


def _point_in_multan(connection: Connection) -> Mapping[str, str]:
    return dict.fromkeys(("point_id", "id"), str(a_point(connection)))


def _broadcast_to_multan(connection: Connection) -> Mapping[str, str]:
    rule = parse("city:multan")
    connection.execute(
        insert(Broadcast.__table__).values(
            key="to-multan", name="To Multan", rule=to_text(rule), rule_json=to_json(rule), texts={"en": "Come"},
            created_by="omar", created_at=datetime.now(UTC),
        )
    )  # fmt: skip
    return {"key": "to-multan"}


OBJECTS: dict[str, Factory] = {
    "/console/staff": NO_AREA,
    "/console/settings": NO_AREA,
    "/console/reports": _report_in_multan,
    "/console/members": _member_in_multan,
    "/console/members/import": _file_of_a_colleague,
    "/console/inbox": _person_in_the_inbox,
    "/console/pickups": _point_in_multan,
    "/console/broadcasts": _broadcast_to_multan,
}
