"""docs/consent-cases.md carried out: every row is texted by a phone in the state that it names."""

import pytest
from sqlalchemy import Engine, select

from gateway.database import reading
from gateway.tables import Sender
from keywords import parse
from tests.gateway.conftest import Texting
from tests.keywords.test_consent_cases import ROWS

BEFORE = {
    "none": [],
    "joined": ["JOIN Ali Lahore"],
    "stopped": ["JOIN Ali Lahore", "STOP"],
    "asked": ["JOIN Ali Lahore", "REPORT"],
    "seat-holder": ["JOIN Ali Lahore"],
}
CONSENT = {"none": "none", "joined": "joined", "stopped": "stopped", "asked": "joined", "seat-holder": "joined"}


def expected(state: str, body: str, read: str) -> set[str]:
    """The consent that may stand after the text."""
    name, _, argument = read.partition(" · ")
    if name == "STOP":
        # A topic that we know leaves that topic only; one that we do not know opts out of everything.
        return {"stopped", CONSENT[state]} if argument else {"stopped"}
    if state == "stopped" and (name == "START" or (name == "YES" and parse(body).language == "en")):
        return {"joined"}
    if name == "JOIN":
        return {"joined"}
    return {CONSENT[state]}


@pytest.mark.parametrize("kind", ["opting out", "the rest"])
def test_every_row_ends_in_the_consent_that_the_table_says(text: Texting, engine: Engine, kind: str) -> None:
    rows = [row for row in ROWS if (row[2].startswith("STOP")) == (kind == "opting out") and row[0] != "seat-holder"]
    assert len(rows) > 40
    wrong = []
    for number, (state, body, read) in enumerate(rows):
        phone = f"+9230177{number:05}"
        for earlier in BEFORE[state]:
            text(earlier, phone)
        reply = text(body, phone)
        with reading(engine) as connection:
            consent = connection.execute(select(Sender.consent).where(Sender.key == phone)).scalar_one()
        if consent not in expected(state, body, read):
            wrong.append((state, body, read, consent))
        if read == "STOP" and (reply is not None) != (state != "stopped"):
            wrong.append((state, body, "confirmations", reply))
    assert wrong == []
