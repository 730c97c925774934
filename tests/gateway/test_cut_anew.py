"""A signature that was seen once fits other cuts of the same letters: none may speak for somebody else."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select

from gateway.database import reading
from gateway.settings import Settings
from gateway.tables import Sender
from tests.gateway.twilio_client import SMS, Carrier, carrier_for, inbound, sid


@pytest.fixture
def carrier(settings: Settings) -> Iterator[Carrier]:
    with carrier_for(settings) as made:
        yield made


def test_a_signature_cut_anew_into_a_stop_from_somebody_else_is_refused(carrier: Carrier, engine: Engine) -> None:
    victim, fake = "+923007654321", sid()
    carrier.text("JOIN Sana Lahore", victim)
    # The attacker texts this; Twilio signs it in good faith, and it is an ordinary text of theirs.
    true = inbound(f"STOPFrom{victim}MessageSid{fake}NumMedia0To80022ToCity", "+923009999999")
    assert carrier.post(true).status_code == 200
    # The same signed letters, cut into other fields; the tail of the true form hides in the city's name.
    head = {key: value for key, value in true.items() if key < "Body"}
    tail = "".join(key + true[key] for key in sorted(true) if key > "Body")
    cut = head | {"Body": "STOP", "From": victim, "MessageSid": fake, "NumMedia": "0", "To": "80022", "ToCity": tail}
    assert carrier.sign(SMS, cut) == carrier.sign(SMS, true), "the attack must be real"
    answer = carrier.post(cut)
    assert answer.status_code == 403
    with reading(engine) as connection:
        consent = connection.execute(select(Sender.consent).where(Sender.key == victim)).scalar_one()
    assert consent == "joined"


def test_a_cut_with_an_unknown_field_is_refused_too(carrier: Carrier) -> None:
    victim, fake = "+923007654321", sid()
    true = inbound(f"STOPFrom{victim}MessageSid{fake}To80022Z", "+923009999999")
    head = {key: value for key, value in true.items() if key < "Body"}
    tail = "".join(key + true[key] for key in sorted(true) if key > "Body")
    cut = head | {"Body": "STOP", "From": victim, "MessageSid": fake, "To": "80022", "Z": tail}
    assert carrier.sign(SMS, cut) == carrier.sign(SMS, true), "the attack must be real"
    assert carrier.post(cut).status_code == 403


@pytest.mark.parametrize(
    ("planted", "name", "tail"),
    [
        ("FromCity", "FromCity", "From+923009999999FromCity"),  # the true sender in a known field
        ("FromB", "FromBFrom", "+923009999999"),  # the true key as the end of a key that Twilio may add tomorrow
        ("FromBFr", "FromBFrFr", "om+923009999999"),  # the true key cut in two
    ],
)
def test_a_cut_that_keeps_the_true_message_id_is_refused(
    carrier: Carrier, engine: Engine, planted: str, name: str, tail: str
) -> None:
    victim = "+923007654321"
    carrier.text("JOIN Sana Lahore", victim)
    true = inbound(f"STOPFrom{victim}{planted}", "+923009999999")
    cut = true | {"Body": "STOP", "From": victim, name: tail}
    assert carrier.sign(SMS, cut) == carrier.sign(SMS, true), "the attack must be real"
    assert carrier.post(cut).status_code == 403
    assert carrier.post(true).status_code == 200, "the text itself is kept"
    with reading(engine) as connection:
        consent = connection.execute(select(Sender.consent).where(Sender.key == victim)).scalar_one()
    assert consent == "joined"
