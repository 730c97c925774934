"""Reading a carrier's answer to one text: values in, a result out."""

import re
from datetime import datetime
from typing import Any

from gateway.carriers.base import SendResult
from gateway.carriers.http.profile import Answer
from gateway.carriers.http.trees import at_pointer, tree_of
from gateway.carriers.outcomes import rule_meaning
from gateway.rules.carrier_codes import CodeRule, Effect, Outcome, http_rule
from gateway.rules.retry import read_retry_after

LONGEST_ID = 64


def read_answer(
    answer: Answer, text_id: int, status: int, body: str, retry_after: str | None, now: datetime
) -> SendResult:
    """Return what an answer means for a text.

    A code of the carrier's own counts first, then what the file says of the status, then the status alone. A success
    that cannot be read as one (no pattern, no id) is uncertain: it is never taken for a refusal, nor sent again.
    """
    tree = tree_of(body)
    code = _found(answer.error_pattern, answer.error_pointer, body, tree)
    if code is not None and code in answer.errors:
        rule = rule_meaning(answer.errors[code], "HTTP", code)
    elif str(status) in answer.statuses:
        rule = rule_meaning(answer.statuses[str(status)], "HTTP", str(status))
    elif status >= 500:
        return SendResult(text_id, http_rule(status), reached=False)
    elif answer.accepts(status):
        rule = _accepted(answer, status, body, code)
    else:
        rule = http_rule(status)
        if rule.outcome is Outcome.ACCEPTED:  # a 2xx that the file does not count as accepted
            rule = _unread(status)
    if rule.outcome is Outcome.ACCEPTED:
        return _with_id(answer, text_id, status, body, tree, rule)
    wait = read_retry_after(retry_after, now) if rule.outcome is Outcome.REQUEUE else None
    return SendResult(text_id, rule, retry_after=wait)


def _accepted(answer: Answer, status: int, body: str, code: str | None) -> CodeRule:
    if answer.accepted_pattern is not None and not answer.accepted_pattern.search(body):
        if code:
            reason = f"the carrier refused it (error {code[:20]})"
            return CodeRule(f"HTTP {code}"[:20], Outcome.FAILED, Effect.SPIKE_PAUSES, reason)
        return _unread(status)
    return CodeRule(f"HTTP {status}", Outcome.ACCEPTED, Effect.NONE, "accepted")


def _with_id(answer: Answer, text_id: int, status: int, body: str, tree: Any, rule: CodeRule) -> SendResult:
    if not answer.gives_id:
        return SendResult(text_id, rule, carrier_id=own_id(text_id))
    carrier_id = _found(answer.id_pattern, answer.id_pointer, body, tree)
    if not carrier_id or len(carrier_id) > LONGEST_ID:
        return SendResult(text_id, _unread(status))
    return SendResult(text_id, rule, carrier_id=carrier_id)


def own_id(text_id: int) -> str:
    """Return what stands for the carrier's id where it gives none: ours, in a form that no carrier uses."""
    return f"text-{text_id}"


def _unread(status: int) -> CodeRule:
    return CodeRule(f"HTTP {status}", Outcome.UNCERTAIN, Effect.NONE, "the carrier's answer could not be understood")


def _found(pattern: re.Pattern[str] | None, pointer: str, body: str, tree: Any) -> str | None:
    if pattern is not None:
        found = pattern.search(body)
        return found[1].strip() if found else None
    return at_pointer(tree, pointer) if pointer else None
