"""What a group of texts means for outgoing webhooks: consent given, taken back, and people erased."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from gateway.hooks.events import NewEvent
from gateway.rules.conversation import (
    Effect,
    EnrolMember,
    EraseSender,
    MemberState,
    RecordConsent,
    SenderState,
    evolve,
)


class _Known(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def was(self) -> SenderState: ...


class DoneEffect(Protocol):
    @property
    def effect(self) -> Effect: ...
    @property
    def sender(self) -> _Known: ...
    @property
    def before(self) -> MemberState | None: ...


def consent_events(done: Iterable[DoneEffect]) -> Iterator[NewEvent]:
    """Yield an event for every time that a number's consent turned, in order.

    It is worked out from how the sender stood before the group: a second STOP turns nothing, and JOIN and STOP in one
    group are both told.
    """
    states: dict[int, SenderState] = {}
    for one in done:
        number = one.sender.id
        was = states.get(number, one.sender.was)
        if not isinstance(one.effect, EnrolMember | RecordConsent | EraseSender):
            continue
        now = states[number] = evolve(was, one.effect)
        if isinstance(one.effect, EraseSender):
            yield NewEvent("member.erased", number)
        elif now.consent == "joined" != was.consent:
            yield NewEvent("member.joined", number, {"again": was.member is not None or was.consent == "stopped"})
        elif now.consent == "stopped" != was.consent:
            yield NewEvent("member.stopped", number, {"by": "text"})
