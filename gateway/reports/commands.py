"""REPORT and STATUS, decided from values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.rules.conversation import Asked, CloseQuestion, Decision, OpenReport, Reply, Word, ask
from gateway.rules.refs import read_ref

MAX_REPORT_LENGTH = 1_600


@dataclass(frozen=True, slots=True)
class ReportState:
    """What anyone who has the ref may know of a report."""

    ref: str
    state: str
    updated_at: datetime


def report(asked: Asked, ref: str) -> Decision:
    """Open an iReport under a ref that was reserved for this text; a report without words asks what is wrong."""
    text = asked.argument.strip()
    if not text and not asked.media:
        return Decision(Reply("report_ask"), (ask("report", asked.now),))
    return _opened(text, ref)


def answer_report(asked: Asked, ref: str) -> Decision:
    """Take a whole text as what is wrong."""
    return _opened(asked.body.strip(), ref)


def _opened(text: str, ref: str) -> Decision:
    return Decision(Reply("report_opened", {"ref": ref}), (OpenReport(ref, text[:MAX_REPORT_LENGTH]), CloseQuestion()))


def status(asked: Asked, reports: Mapping[str, ReportState], example: str, zone: ZoneInfo) -> Decision:
    """Say how a report stands; a mistyped ref is refused, not misread. Anyone with the ref sees its state only."""
    typed = asked.argument.strip()
    if not typed:
        return Decision(Reply("status_ask", {"ref": example}))
    ref = read_ref(typed)
    found = reports.get(ref) if ref else None
    if not found:
        return Decision(Reply("status_unknown", {"ref": typed[:12]}))
    since = f"{found.updated_at.astimezone(zone):%d/%m %H:%M}"
    return Decision(Reply("status_answer", {"ref": found.ref, "state": Word(found.state), "time": since}))
