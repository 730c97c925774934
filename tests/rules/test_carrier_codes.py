"""Each code of a carrier does to the text, the number and the broadcast what its meaning asks for."""

import pytest
import smpplib.consts
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.carrier_codes import HTTP, SMPP, TWILIO, Effect, Outcome, http_rule, smpp_rule, twilio_rule


@pytest.mark.parametrize(
    ("code", "outcome", "effect"),
    [
        (21610, "suppressed", "opt_out"),
        (63014, "suppressed", "opt_out"),
        (21211, "failed", "flag_number"),
        (21614, "failed", "flag_number"),
        (21635, "failed", "flag_number"),
        (30005, "failed", "flag_number"),
        (30006, "failed", "flag_number"),
        (30003, "retry_once", "none"),
        (30008, "retry_once", "none"),
        (30007, "failed", "spike_pauses"),
        (30004, "failed", "spike_pauses"),
        (21612, "failed", "spike_pauses"),
        (30001, "requeue", "pause"),
        (21611, "requeue", "pause"),
        (30034, "requeue", "pause"),
        (30002, "requeue", "halt"),
        (20003, "requeue", "halt"),
        (20005, "requeue", "halt"),
        (429, "requeue", "none"),
        (20429, "requeue", "none"),
        ("20429", "requeue", "none"),
        (30036, "expired", "none"),
        (30410, "uncertain", "none"),
        (21617, "failed", "none"),
        (63016, "failed", "none"),
        (99999, "failed", "spike_pauses"),
        (21204, "failed", "spike_pauses"),
        ("", "failed", "none"),
        (None, "failed", "none"),
        ("nonsense", "failed", "spike_pauses"),
    ],
)
def test_twilio(code: int | str | None, outcome: str, effect: str) -> None:
    rule = twilio_rule(code)
    assert (rule.outcome, rule.effect) == (outcome, effect)
    assert rule.reason


@pytest.mark.parametrize(
    ("status", "outcome", "effect"),
    [
        (0x00, "accepted", "none"),
        (0x58, "requeue", "none"),
        (0x14, "requeue", "none"),
        (0x0B, "failed", "flag_number"),
        (0x45, "retry_once", "none"),
        (0x0E, "requeue", "halt"),
        (0x0A, "requeue", "pause"),
        (0x400, "failed", "spike_pauses"),
    ],
)
def test_smpp(status: int, outcome: str, effect: str) -> None:
    rule = smpp_rule(status)
    assert (rule.outcome, rule.effect) == (outcome, effect)


def test_every_status_of_smpp_has_a_row() -> None:
    named = {getattr(smpplib.consts, name) for name in dir(smpplib.consts) if name.startswith("SMPP_ESME_")}
    assert len(named) > 40
    assert named <= set(SMPP)


@pytest.mark.parametrize(
    ("status", "connected", "outcome", "effect"),
    [
        (200, True, "accepted", "none"),
        (202, True, "accepted", "none"),
        (302, True, "requeue", "pause"),
        (400, True, "failed", "spike_pauses"),
        (401, True, "requeue", "halt"),
        (402, True, "requeue", "halt"),
        (404, True, "requeue", "pause"),
        (408, True, "uncertain", "none"),
        (429, True, "requeue", "none"),
        (500, True, "uncertain", "none"),
        (502, True, "uncertain", "none"),
        (503, True, "uncertain", "none"),
        (504, True, "uncertain", "none"),
        (None, True, "uncertain", "none"),
        (None, False, "requeue", "none"),
        (999, True, "uncertain", "none"),
    ],
)
def test_http(status: int | None, connected: bool, outcome: str, effect: str) -> None:
    rule = http_rule(status, connected=connected)
    assert (rule.outcome, rule.effect) == (outcome, effect)


@given(st.integers(0, 100_000))
def test_what_may_have_been_sent_is_never_sent_again(code: int) -> None:
    """Only rows whose text certainly did not reach a phone lead to another attempt; an unknown code never does."""
    if code not in TWILIO:
        assert twilio_rule(code).outcome is Outcome.FAILED
    if code >= 500:
        assert http_rule(code).outcome is Outcome.UNCERTAIN


def test_every_row_has_a_reason_fit_for_an_account() -> None:
    for table in (TWILIO, SMPP, HTTP):
        for rule in table.values():
            assert rule.reason == rule.reason.strip()
            assert len(rule.reason) <= 70
            assert not rule.reason.endswith(".")


def test_a_stop_and_a_dead_number_never_bring_another_attempt() -> None:
    for table in (TWILIO, SMPP, HTTP):
        for rule in table.values():
            if rule.effect is Effect.OPT_OUT:
                assert rule.outcome is Outcome.SUPPRESSED
            if rule.effect is Effect.FLAG_NUMBER:
                assert rule.outcome is Outcome.FAILED
            if rule.effect in (Effect.PAUSE, Effect.HALT):
                assert rule.outcome is Outcome.REQUEUE  # our trouble: nobody's text is lost by it
