"""Receipts move a text forward only, and the order in which they come cannot matter."""

import inspect
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.delivery_status import (
    FINAL,
    MOVES,
    MoveRefused,
    TextState,
    forward,
    from_kannel,
    from_smpp,
    from_twilio,
    move,
)

REPORTABLE = [S for S in TextState if S in {from_twilio(word) for word in (
    "queued", "sent", "delivered", "undelivered", "failed", "canceled")} | {TextState.EXPIRED}]  # fmt: skip
states = st.sampled_from(list(TextState))
receipts = st.lists(st.sampled_from(REPORTABLE), max_size=6)


def after(current: TextState, reports: list[TextState]) -> TextState:
    for reported in reports:
        current = forward(current, reported) or current
    return current


@given(states, receipts, st.randoms(use_true_random=False))
def test_the_order_and_the_doubles_of_receipts_do_not_matter(
    start: TextState, reports: list[TextState], chance: object
) -> None:
    shuffled = reports + reports
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert after(start, reports) == after(start, shuffled)


@given(states, receipts)
def test_delivered_is_forever(start: TextState, reports: list[TextState]) -> None:
    assert after(start, [TextState.DELIVERED, *reports]) is TextState.DELIVERED
    assert after(start, [*reports, TextState.DELIVERED]) is TextState.DELIVERED


def test_a_late_or_doubled_receipt_changes_nothing() -> None:
    assert forward(TextState.DELIVERED, TextState.SENT) is None
    assert forward(TextState.DELIVERED, TextState.FAILED) is None
    assert forward(TextState.UNDELIVERED, TextState.SENT) is None
    assert forward(TextState.SENT, TextState.SENT) is None


@pytest.mark.parametrize("reported", REPORTABLE)
def test_any_receipt_resolves_what_is_uncertain(reported: TextState) -> None:
    assert forward(TextState.UNCERTAIN, reported) is reported
    assert forward(TextState.ATTEMPTED, reported) is reported  # it came before our own record of the answer
    assert forward(TextState.ANSWERED, reported) is reported


def test_good_news_corrects_bad_news() -> None:
    assert forward(TextState.UNDELIVERED, TextState.DELIVERED) is TextState.DELIVERED
    assert forward(TextState.FAILED, TextState.DELIVERED) is TextState.DELIVERED


def test_a_retry_that_was_already_queued_stops_when_the_first_attempt_turns_out_delivered() -> None:
    assert forward(TextState.QUEUED, TextState.DELIVERED) is TextState.DELIVERED


@pytest.mark.parametrize("kept_back", [TextState.SUPPRESSED, TextState.CANCELLED, TextState.EXPIRED])
def test_what_we_kept_back_stays_so_unless_the_phone_has_it(kept_back: TextState) -> None:
    assert forward(kept_back, TextState.UNDELIVERED) is None
    assert forward(kept_back, TextState.SENT) is None
    assert forward(kept_back, TextState.DELIVERED) is TextState.DELIVERED


@pytest.mark.parametrize("ours", sorted(set(TextState) - set(REPORTABLE)))
def test_no_carrier_reports_a_state_of_ours(ours: TextState) -> None:
    with pytest.raises(ValueError, match=ours.value):
        forward(TextState.SENT, ours)


def test_the_table_of_moves_is_whole() -> None:
    assert set(MOVES) == set(TextState)
    for current, to in itertools.product(TextState, repeat=2):
        if to in MOVES[current]:
            assert move(current, to) is to
        else:
            with pytest.raises(MoveRefused, match=current.value):
                move(current, to)


def test_nothing_is_attempted_but_from_the_queue() -> None:
    assert [state for state in TextState if TextState.ATTEMPTED in MOVES[state]] == [TextState.QUEUED]


def test_what_is_over_by_our_own_doing_stays_over() -> None:
    for state in (TextState.SUPPRESSED, TextState.CANCELLED, TextState.EXPIRED, TextState.DELIVERED):
        assert state in FINAL
        assert not MOVES[state]


def test_every_state_says_what_is_true_in_it() -> None:
    source = inspect.getsource(TextState)
    for state in TextState:
        said = source.split(f'{state.name} = "{state.value}"\n', 1)[1].lstrip()
        assert said.startswith('"""'), state


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("accepted", "sent"),
        ("scheduled", "sent"),
        ("queued", "sent"),
        ("sending", "sent"),
        ("sent", "sent"),
        ("partially_delivered", "sent"),
        ("delivered", "delivered"),
        ("Delivered ", "delivered"),
        ("read", "delivered"),
        ("undelivered", "undelivered"),
        ("failed", "failed"),
        ("canceled", "cancelled"),
        ("receiving", None),
        ("received", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_twilio(status: str, state: str | None) -> None:
    assert from_twilio(status) == state


@pytest.mark.parametrize(
    ("stat", "state"),
    [
        ("DELIVRD", "delivered"),
        ("delivrd", "delivered"),
        ("UNDELIV", "undelivered"),
        ("EXPIRED", "expired"),
        ("DELETED", "cancelled"),
        ("REJECTD", "failed"),
        ("ACCEPTD", "sent"),
        ("ENROUTE", "sent"),
        ("UNKNOWN", "sent"),
        ("GARBAGE", None),
        (1, "sent"),
        (2, "delivered"),
        (3, "expired"),
        (4, "cancelled"),
        (5, "undelivered"),
        (6, "sent"),
        (7, "sent"),
        (8, "failed"),
        (200, None),
        (-1, None),
    ],
)
def test_smpp(stat: str | int, state: str | None) -> None:
    assert from_smpp(stat) == state


def test_kannel() -> None:
    assert [from_kannel(dlr) for dlr in (1, 2, 4, 8, 16, 64)] == [
        "delivered",
        "undelivered",
        "sent",
        "sent",
        "failed",
        None,
    ]
