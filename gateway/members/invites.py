"""INVITE and "JOIN … REF 4F2C": a member's own code to pass on, and who is credited for a new member. Pure.

A referrer is credited up to `MOST_CREDITED` times, and `BURST` new members in an hour are flagged: a person does not
bring so many by text; a bought SIM box does. Flagged or not, everybody who joined has joined.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from gateway.rules.conversation import Asked, CreditInvite, Decision, Effect, EnrolMember, GiveInvite, Reply
from gateway.rules.refs import code_for, read_code

MOST_CREDITED = 1_000
BURST = 30
BURST_WITHIN = timedelta(hours=1)

_REF = re.compile(r"\b(?:ref|refer|referral|invite|code|ریفرنس|ریف)\b[\s.:#=-]*([^\W_]{4,6})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Inviter:
    """The member behind a code."""

    sender_id: int
    key: str


def read_invite(argument: str) -> tuple[str, str | None]:
    """Return the argument without its "REF 4F2C", and the code; None where no valid code stands."""
    for found in _REF.finditer(argument):
        if code := read_code(found[1]):
            return f"{argument[: found.start()]} {argument[found.end() :]}".strip(), code
    return argument, None


def credit(asked: Asked, code: str | None, inviters: Mapping[str, Inviter], decision: Decision) -> Decision:
    """Add to a JOIN's decision who brought this new member; nobody is credited for themselves or for an old member."""
    inviter = inviters.get(code or "")
    if inviter is None or asked.sender.member is not None or inviter.key == asked.sender.key:
        return decision
    effects: list[Effect] = [
        EnrolMember(replace(one.member, referrer_id=inviter.sender_id)) if isinstance(one, EnrolMember) else one
        for one in decision.effects
    ]
    return replace(decision, effects=(*effects, CreditInvite(inviter.sender_id)))


def invite(asked: Asked, key: bytes, short_code: str) -> Decision:
    """Give a member their code and a text to forward.

    :param key: the secret of the permutation that makes codes hard to guess
    """
    member = asked.sender.member
    if member is None or asked.sender.consent != "joined":
        return Decision(Reply("city_needs_join"))
    code = member.invite_code or code_for(asked.sender.id, key)
    effects = () if member.invite_code else (GiveInvite(code),)
    return Decision(Reply("invite", {"code": code, "number": short_code}), effects)
