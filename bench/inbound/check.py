"""Whether what was answered is what is on record."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import unescape

from sqlalchemy import func, select

from bench.inbound.texts import Sent
from gateway.database import make_engine, reading
from gateway.tables import ConsentEntry, InboundText, Member, OutboundText, Report, ReportEntry, Sender

_MESSAGE = re.compile(r'<Message statusCallback="[^"]*text=(\d+)">(.*?)</Message>', re.DOTALL)

Answered = tuple[Sent, str]
"""A text that got 200, and the body that it got."""


def problems(url: str, answered: Iterable[Answered], unanswered: Sequence[Sent], members_before: int) -> list[str]:
    """Return what does not fit, one sentence each; an empty list if every 200 is on record with its reply and effects.

    :param unanswered: texts that were sent and got no 200; they may or may not be on record
    """
    given = list(answered)
    engine = make_engine(url)
    found: list[str] = []
    with reading(engine) as connection:
        rows = connection.execute(
            select(InboundText.carrier_id, InboundText.command, OutboundText.id, OutboundText.body, Sender.key)
            .join(Sender, Sender.id == InboundText.sender_id)
            .outerjoin(OutboundText, OutboundText.inbound_id == InboundText.id)
        ).all()
        flagged = connection.scalar(select(func.count()).where(InboundText.flagged)) or 0
        consents = _counts(connection.execute(select(ConsentEntry.carrier_id)).scalars())
        reports = _counts(
            connection.execute(
                select(InboundText.carrier_id)
                .join(ReportEntry, ReportEntry.inbound_id == InboundText.id)
                .join(Report, Report.id == ReportEntry.report_id)
            ).scalars()
        )
        members = set(connection.execute(select(Sender.key).join(Member, Member.sender_id == Sender.id)).scalars())
    engine.dispose()
    stored = {row.carrier_id: row for row in rows}
    if len(stored) != len(rows):
        found.append("Some texts are on record twice.")
    if flagged:
        found.append(f"{flagged} texts were flagged.")
    wrong: Counter[str] = Counter()
    joined = set()
    for text, body in given:
        row = stored.get(text.sid)
        if row is None:
            wrong["answered with 200 but not on record"] += 1
            continue
        said = _said(body)
        if said != ((row.id, row.body) if row.id is not None else None):
            wrong["answered otherwise than is on record"] += 1
        if row.key != text.sender:
            wrong["filed under another sender"] += 1
        if text.kind and row.command != text.kind:
            wrong[f"written as {text.kind} but taken for {row.command}"] += 1
        if consents[text.sid] != (row.command in ("JOIN", "STOP")):
            wrong[f"{row.command} with {consents[text.sid]} lines of consent"] += 1
        # One line of one report for each REPORT; a text without a command may add a line to a report.
        if not (row.command == "REPORT") <= reports[text.sid] <= (row.command in ("REPORT", None)):
            wrong[f"{row.command} with {reports[text.sid]} reports"] += 1
        if row.command == "JOIN":
            joined.add(text.sender)
    maybe = {text.sender for text in unanswered if text.kind == "JOIN"}
    if missing := joined - members:
        wrong["answered as joined but no member"] += len(missing)
    if len(members - joined - maybe) > members_before:
        wrong["members that nobody made"] += len(members - joined - maybe) - members_before
    if extra := stored.keys() - {text.sid for text, _ in given} - {text.sid for text in unanswered}:
        wrong["on record but never sent"] += len(extra)
    return found + [f"{count} texts: {what}." for what, count in wrong.items()]


def _counts(ids: Iterable[str]) -> Counter[str]:
    return Counter(ids)


def _said(body: str) -> tuple[int, str] | None:
    match = _MESSAGE.search(body)
    return (int(match[1]), unescape(match[2])) if match else None
