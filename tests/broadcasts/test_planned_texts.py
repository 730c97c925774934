"""Who is in a plan, and each one's own words and hours, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from gateway.broadcasts.plan import plan_chunk
from gateway.broadcasts.words import zone_of_number
from gateway.database import writing
from gateway.outbox.enqueue import NewText, enqueue
from gateway.rules.message_parts import cheapest_parts
from gateway.tables import OutboundText, Sender
from tests.broadcasts.conftest import Desk, desk, outbox

__all__ = ["desk", "outbox"]


@pytest.mark.parametrize("ahead", [True, False])
def test_who_joins_while_it_is_planned_is_not_in_it(desk: Desk, ahead: bool) -> None:
    desk.members(2)
    key = desk.begin()
    desk.later(minutes=1)
    desk.members(1, first=50, joined_at=desk.now)
    if ahead:
        desk.plan()
    while plan_chunk(desk.engine, desk.row(key).id, desk.terms, desk.now):
        pass
    assert (desk.account(key).recipients, desk.row(key).state) == (2, "sending")


def test_only_a_broadcast_that_may_have_been_read_of_late_keeps_the_next_one_back(desk: Desk) -> None:
    ids = desk.members(6)
    desk.begin(name="First")
    desk.plan()
    desk.outbox.steps()
    desk.later(days=1)
    changes = (
        {},
        {"state": "failed"},
        {"state": "suppressed"},
        {"created_at": desk.now - timedelta(days=3, seconds=1)},
        {"kind": "report", "broadcast_id": None},
        {},
    )
    for sender, values in zip(ids, changes, strict=True):
        if values:
            with writing(desk.engine) as connection:
                connection.execute(update(OutboundText).where(OutboundText.sender_id == sender).values(**values))
    key = desk.begin(name="Second", quiet_days=3)
    desk.plan()
    broadcast = desk.row(key).id
    kept = {row.sender_id for row in desk.outbox.texts() if row.broadcast_id == broadcast and row.state == "suppressed"}
    assert kept == {ids[0], ids[5]}, "the last one of a chunk among them"


def test_each_is_texted_in_their_words_and_by_the_clock_of_their_number(desk: Desk) -> None:
    texts = {"ur": "{city} کے {name}", "en": "Dear {name} of {city}"}
    reads_urdu = desk.members(1, language="ur")
    reads_neither = desk.members(1, first=10, language="ur-Latn")
    nameless = desk.members(1, first=20, name="", city=None)
    with writing(desk.engine) as connection:
        connection.execute(update(Sender).where(Sender.id == reads_neither[0]).values(key="+4915112345678"))
    desk.set_terms(prefixes=("+92", "+49"))
    desk.begin(rule="all", texts=texts, defaults={"en": {"name": "comrade"}})
    desk.plan()
    found = {row.sender_id: row for row in desk.outbox.texts()}
    assert {sender: (row.language, row.body) for sender, row in found.items()} == {
        reads_urdu[0]: ("ur", "لاہور کے Ali"),
        reads_neither[0]: ("en", "Dear Ali of Lahore"),
        nameless[0]: ("en", "Dear comrade of your city"),
    }
    assert ["Europe/Berlin" in found[one[0]].lane for one in (reads_urdu, reads_neither)] == [False, True]


def test_a_country_of_many_zones_keeps_our_clock_where_it_is_one_of_them() -> None:
    number = "+79161234567"
    assert zone_of_number(number, "Europe/Moscow") == "Europe/Moscow"
    assert zone_of_number(number, "Asia/Karachi") != "Asia/Karachi"


def test_what_is_sent_is_what_was_counted(desk: Desk) -> None:
    [person, *_] = desk.members(1)
    text = NewText("broadcast", person, "+923001234501", "Buses leave at 5", counted=cheapest_parts("Buses leave at 6"))
    with pytest.raises(ValueError, match="counted"), writing(desk.engine) as connection:
        enqueue(connection, [text], desk.terms.routes, desk.now)
    with writing(desk.engine) as connection:
        right = text._replace(counted=cheapest_parts(text.body))
        assert enqueue(connection, [right], desk.terms.routes, desk.now) == 1
