"""The numbers that are approved, on fresh and odd cases: abroad, prices by long prefixes, city names, erased people."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from gateway.broadcasts import moves
from gateway.broadcasts.drafts import BroadcastError
from gateway.broadcasts.plan import Planner, plan_chunk
from gateway.database import reading, writing
from gateway.inbound.erase import erase_sender
from gateway.rules.carrier_routes import Route
from gateway.rules.message_parts import cheapest, count_parts
from gateway.rules.prices import Price, Prices
from gateway.rules.sending_hours import SendingHours
from gateway.rules.templates import DEFAULTS, render
from gateway.tables import OutboundText, Sender
from tests.broadcasts.conftest import TEXTS, Desk, desk, outbox

__all__ = ["desk", "outbox"]

GSM = "abcé è€{}[]~\\^|@£"
ODD = st.text(alphabet=st.sampled_from([*GSM, "ع", "ی", "’", "😀", "\u200f", " "]), max_size=40)


def move_abroad(desk: Desk, sender_id: int, key: str) -> None:
    with writing(desk.engine) as connection:
        connection.execute(update(Sender).where(Sender.id == sender_id).values(key=key))


def test_people_abroad_are_texted_on_purpose_at_their_price_and_hour(desk: Desk) -> None:
    ids = desk.members(4)
    move_abroad(desk, ids[0], "+4915112345678")
    move_abroad(desk, ids[1], "+971501234567")
    key = desk.draft(texts={"en": "Come at 5"})
    numbers = desk.preview(key)["numbers"]
    assert numbers["recipients"] == 2 and numbers["left_out"] == {"wrong country": 2}
    assert numbers["abroad"] == {"+49": 1, "+971": 1}
    prices = Prices("PKR", (Price("*", "+92", Decimal("1.85")), Price("*", "*", Decimal("9"))))
    desk.set_terms(prefixes=("+49", "+92"), prices=prices, hours=SendingHours.read("09:00-21:00"))
    desk.outbox.clock.now = datetime(2026, 10, 5, 6, tzinfo=UTC)  # eleven in Karachi, eight in Berlin
    shown = desk.preview(key)
    assert shown["numbers"]["recipients"] == 3 and shown["numbers"]["abroad"] == {"+971": 1}
    assert shown["numbers"]["cost"] == "12.7"
    assert shown["numbers"]["parts_by_zone"] == {"Asia/Karachi": 2, "Europe/Berlin": 1}
    assert datetime.fromisoformat(shown["when"]["last_text"]).astimezone(ZoneInfo("Europe/Berlin")).hour == 9
    assert shown["when"]["ends_in_quiet_hours"] and not shown["when"]["starts_in_quiet_hours"]


_TOLD = ("first_text", "last_text")


@pytest.mark.parametrize(
    ("own", "first", "last"), [("00:00-24:00", 9, 9), ("18:00-22:00", 18, 18), ("20:00-03:00", 20, 20), ("", 9, 9)]
)
def test_the_time_told_is_in_the_hours_of_the_house_and_its_own(desk: Desk, own: str, first: int, last: int) -> None:
    """As the outbox holds them: hours wider than the house's open nothing."""
    desk.members(2)
    desk.set_terms(hours=SendingHours.read("09:00-21:00"))
    desk.outbox.clock.now = datetime(2026, 10, 5, 2, tzinfo=UTC)  # seven in the morning in Karachi
    when = desk.preview(desk.draft(texts={"en": "Come"}, hours=own))["when"]
    told = [datetime.fromisoformat(when[name]).astimezone(ZoneInfo("Asia/Karachi")).hour for name in _TOLD]
    assert told == [first, last] and when["starts_in_quiet_hours"]


def test_hours_that_the_house_never_sends_in_are_refused(desk: Desk) -> None:
    desk.members(1)
    desk.set_terms(hours=SendingHours.read("09:00-21:00"))
    with pytest.raises(BroadcastError, match="22:00-23:00 and in the sending hours 09:00-21:00") as refused:
        desk.draft(hours="22:00-23:00")
    assert refused.value.about == "hours"
    key = desk.draft(hours="20:00-23:00")
    desk.set_terms(hours=SendingHours.read("09:00-20:00"))
    with pytest.raises(BroadcastError, match="No time of day"):
        desk.preview(key)


def test_a_broadcast_whose_hours_lie_apart_by_now_does_not_begin(desk: Desk) -> None:
    """It would wait for ever, and nobody would know why."""
    desk.members(1)
    desk.set_terms(hours=SendingHours.read("09:00-21:00"))
    key = desk.draft(texts={"en": "Come"}, hours="20:00-23:00")
    desk.approve(key)
    desk.set_terms(hours=SendingHours.read("09:00-20:00"))
    with pytest.raises(BroadcastError, match="No time of day"):
        moves.start(desk.engine, key, "sana", desk.terms, desk.now)
    assert desk.row(key).state == "approved" and desk.outbox.texts() == []


def test_a_price_or_route_for_a_long_beginning_of_a_number_holds(desk: Desk) -> None:
    """Two numbers that differ in the eleventh sign alone."""
    desk.members(2)
    with reading(desk.engine) as connection:
        first, second = connection.execute(
            select(Sender.key).where(Sender.key.like("+92%")).order_by(Sender.key)
        ).scalars()
    assert first[:12] == second[:12]
    prices = (Price("*", "+92", Decimal(2)), Price("*", first, Decimal(30)), Price("other", second, Decimal(400)))
    desk.set_terms(prices=Prices("PKR", prices))
    assert desk.preview(desk.draft(texts={"en": "Come"}))["numbers"]["cost"] == "32"
    routes = (Route(second, ("other",)), Route("*", ("simulated",)))
    desk.set_terms(routes=routes)
    assert desk.preview(desk.draft(texts={"en": "Come"}))["numbers"]["cost"] == "430"


def test_a_default_that_makes_a_text_too_long_is_refused_when_it_is_written(desk: Desk) -> None:
    nearly = "x" * (153 * 10 - 4) + "{name}"
    with pytest.raises(BroadcastError, match="10 are the most"):
        desk.draft(texts={"en": nearly})
    assert desk.draft(texts={"en": nearly}, defaults={"en": {"name": "all"}})
    with pytest.raises(BroadcastError, match="10 are the most"):
        desk.draft(texts={"en": nearly}, defaults={"en": {"name": "one and all"}})


def test_a_city_whose_name_makes_a_text_too_long_is_told_by_the_preview(desk: Desk) -> None:
    desk.members(2)
    nearly = "x" * (153 * 10 - 4) + "{city}"
    key = desk.draft(texts={"en": nearly}, defaults={"en": {"city": "here"}})
    with pytest.raises(BroadcastError, match="11 parts"):
        desk.preview(key)


def test_the_second_person_sees_the_very_numbers_that_were_asked_for(desk: Desk) -> None:
    desk.members(3)
    key = desk.draft()
    first = desk.preview(key)
    desk.later(minutes=5)
    again = desk.preview(key)
    assert (again["digest"], again["numbers"], again["samples"]) == (
        first["digest"],
        first["numbers"],
        first["samples"],
    )
    desk.members(1, first=50)
    assert desk.preview(key)["digest"] != first["digest"]
    with pytest.raises(BroadcastError, match="no longer what you looked at"):
        moves.approve(desk.engine, key, first["digest"], "bilal", desk.terms, desk.now)


@pytest.mark.parametrize("which", [1, 2])
def test_words_read_before_an_erase_are_not_kept_after_it(desk: Desk, which: int) -> None:
    """The planner reads a chunk, the person sends ERASE, then the chunk is written."""
    ids = desk.members(3)
    key = desk.draft(texts={"en": "Dear {name}, come"})
    desk.approve(key)
    with writing(desk.engine) as connection:
        broadcast_id = moves.begin(connection, key, "sana", desk.terms, desk.now)
    assert broadcast_id is not None
    with reading(desk.engine) as connection:
        planner = Planner.read(connection, broadcast_id, desk.terms)
    with reading(desk.engine) as connection:
        chunk = planner.chunk(connection, 0, desk.now, 100)
    with writing(desk.engine) as connection:
        erase_sender(connection, ids[which], desk.key_of(ids[which]), b"secret", desk.now, stopped=False)
    plan_chunk(desk.engine, broadcast_id, desk.terms, desk.now, planner=planner, ready=lambda *_: chunk)
    with reading(desk.engine) as connection:
        bodies = dict(connection.execute(select(OutboundText.sender_id, OutboundText.body)).all())
    assert bodies[ids[which]] == "" and bodies[ids[0]] == "Dear Ali, come"
    desk.plan()
    desk.outbox.steps()
    found = desk.account(key)
    assert found.suppressed == {"erased": 1} and found.recipients == 3 and found.adds_up


def test_the_account_adds_up_when_people_die_leave_are_erased_and_it_is_cancelled(desk: Desk) -> None:
    ids = desk.members(60)
    key = desk.begin(texts=TEXTS)
    desk.plan()
    worker = desk.outbox.another("few", in_flight=10)
    desk.outbox.step(worker)
    desk.outbox.stop(ids[20])
    desk.outbox.set_sender(ids[21], number_state="dead")
    with writing(desk.engine) as connection:
        for one in (ids[0], ids[22]):  # one who has the text already, one who waits for it
            erase_sender(connection, one, desk.key_of(one), b"secret", desk.now, stopped=True)
        connection.execute(
            update(OutboundText)
            .where(OutboundText.sender_id == ids[23])
            .values(expires_at=desk.now - timedelta(seconds=1))
        )
    for _ in range(2):
        desk.outbox.step(worker)
    assert desk.account(key).adds_up
    moves.cancel(desk.engine, key, "sana", desk.now)
    desk.outbox.steps(worker=worker)
    found = desk.account(key)
    assert found.adds_up and found.recipients == found.ended == 60
    assert found.suppressed["stopped"] == found.suppressed["dead number"] == found.suppressed["erased"] == 1
    assert found.suppressed["its time had passed"] == 1 and found.suppressed["the broadcast was cancelled"] > 0


@given(name=ODD, filler=st.integers(0, 330), tail=ODD)
@hypothesis_settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_no_odd_name_adds_a_part_and_every_part_is_counted(name: str, filler: int, tail: str) -> None:
    words = "Dear {name}, " + "a" * filler + tail.replace("{", "").replace("}", "")
    plain = render(words, DEFAULTS["en"], "", "")
    found = render(words, DEFAULTS["en"], name, "")
    assert found.counted.parts <= plain.counted.parts
    assert found.counted == count_parts(found.body)
    assert cheapest(found.body) == found.body


def test_the_numbers_of_the_draft_are_those_of_its_own_texts(desk: Desk) -> None:
    """GSM-7 letters of the extension table take two places, an emoji turns the text into UCS-2."""
    desk.members(2)
    euro = desk.preview(desk.draft(texts={"en": "€" * 80}))["numbers"]
    assert (euro["parts"], euro["by_encoding"][0]["encoding"]) == (2, "GSM-7")
    euro = desk.preview(desk.draft(texts={"en": "€" * 81}))["numbers"]
    assert euro["parts"] == 4
    emoji = desk.preview(desk.draft(texts={"en": "Come " + "😀" * 33}))["numbers"]
    assert (emoji["parts"], emoji["by_encoding"][0]["encoding"]) == (4, "UCS-2")
