"""The main job, end to end on both databases, in as few texts as can be."""

from tests.gateway.conftest import Texting


def test_a_person_joins_asks_reports_and_leaves(text: Texting) -> None:
    assert "Lahore" in (text("JOIN Ali Lahore") or "")
    assert "Ali" in (text("ME") or "")
    assert "iReport" in (text("REPORT no water at gate 3") or "")
    assert "no more texts" in (text("STOP") or "")
    assert text("STOP") is None
