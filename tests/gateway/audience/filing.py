"""Write generated members into a database, as their texts would have left them."""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, delete, insert

from gateway.database import reading, writing
from gateway.places.directory import Directory
from gateway.places.store import bump, place_row, read_directory, seat_row
from gateway.tables import (
    Affinity,
    Constituency,
    Departure,
    Event,
    InboundText,
    Member,
    PickupPoint,
    Place,
    Report,
    SeatHold,
    Sender,
    TopicStop,
)
from segments import MemberFacts
from tests.segments.rule_strategies import CODES, GROUPS, NOW, PLACES, SEATS

INVITERS = {code: 900_000 + number for number, code in enumerate(CODES)}


def small_country(engine: Engine) -> Directory:
    """Put the small country of the strategies in place of the base data."""
    with writing(engine) as connection:
        for table in (Place, Constituency, Affinity):
            connection.execute(delete(table))
        connection.execute(insert(Place.__table__), [place_row(place, "base") for place in PLACES])
        connection.execute(insert(Constituency.__table__), [seat_row(seat, "base", "PK") for seat in SEATS])
        rows = [
            {"key": key, "bit": bit, "names": names, "aliases": []} for bit, (key, names) in enumerate(GROUPS.items())
        ]
        connection.execute(insert(Affinity.__table__), rows)
        bump(connection, "places")
        connection.execute(
            insert(Sender.__table__),
            [_sender(number, True, None) for number in INVITERS.values()],
        )
        connection.execute(
            insert(Member.__table__),
            [
                {"sender_id": number, "invite_code": code, "joined_at": NOW, "updated_at": NOW, "affinities": 0,
                 "reachable": True}
                for code, number in INVITERS.items()
            ],
        )  # fmt: skip
    with reading(engine) as connection:
        return read_directory(connection)


def _sender(number: int, reachable: bool, language: str | None) -> dict[str, object]:
    return {
        "id": number, "key": f"+9239900{number:06}", "consent": "joined" if reachable else "stopped", "misses": 0,
        "replies": 0, "number_state": "alive", "first_seen_at": NOW, "last_seen_at": NOW, "language": language,
    }  # fmt: skip


def file_members(connection: Connection, members: Sequence[MemberFacts], directory: Directory) -> None:
    """Add the members with sender ids from 1."""
    bits = {group.key: group.bit for group in directory.groups.all}
    numbered = list(enumerate(members, 1))
    connection.execute(insert(Sender.__table__), [_sender(n, one.reachable, one.language) for n, one in numbered])
    connection.execute(
        insert(Member.__table__),
        [
            {
                "sender_id": number,
                "city_id": directory.place_ids[one.city] if one.city else None,
                "constituency_id": directory.seat_ids[one.constituency] if one.constituency else None,
                "provincial_id": directory.seat_ids[one.provincial] if one.provincial else None,
                "affinities": sum(1 << bits[key] for key in one.affinities),
                "language": one.language,
                "reachable": one.reachable,
                "referrer_id": INVITERS[one.referrer] if one.referrer else None,
                "joined_at": one.joined_at,
                "seen_on": one.seen_on,
                "updated_at": NOW,
            }
            for number, one in numbered
        ],
    )
    texts = [
        {"carrier": "simulated", "carrier_id": f"{number}-{place}-{command}", "sender_id": number, "to_number": "80022",
         "body": "", "command": command, "reason": "", "flagged": False, "received_at": at}
        for number, one in numbered
        for place, (command, at) in enumerate([*(("WHERE", at) for at in one.asked), ("HELP", NOW)])
    ]  # fmt: skip
    connection.execute(insert(InboundText.__table__), texts)
    reports = [
        {"event_key": "", "ref": f"{number}-{place}", "sender_id": number, "state": "received", "text": "",
         "opened_at": at, "updated_at": at}
        for number, one in numbered
        for place, at in enumerate(one.reported)
    ]  # fmt: skip
    if reports:
        connection.execute(insert(Report.__table__), reports)
    departure = _a_departure(connection)
    holds = [
        {"departure_id": departure, "sender_id": number, "seats": 1, "state": state, "held_at": NOW,
         "until": NOW}
        for number, one in numbered
        for state in ("freed", *sorted(one.pickups))
    ]  # fmt: skip
    connection.execute(insert(SeatHold.__table__), holds)
    stops = [{"sender_id": number, "topic": topic, "stopped_at": NOW} for number, one in numbered for topic in one.left]
    if stops:
        connection.execute(insert(TopicStop.__table__), stops)


def _a_departure(connection: Connection) -> int:
    rally = {"key": "rally", "name": "Rally", "names": {}, "venue": "Venue", "lat": 31.5, "lon": 74.3,
             "zone": "Asia/Karachi", "doors_at": NOW, "ends_at": NOW}  # fmt: skip
    event = connection.execute(insert(Event).values(**rally).returning(Event.id)).scalar_one()
    gate = {"event_id": event, "name": "Gate", "city": "Lahore", "lat": 31.5, "lon": 74.3}
    point = connection.execute(insert(PickupPoint).values(**gate).returning(PickupPoint.id)).scalar_one()
    bus = insert(Departure).values(pickup_point_id=point, leaves_at=NOW).returning(Departure.id)
    return int(connection.execute(bus).scalar_one())
