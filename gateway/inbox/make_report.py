"""Make an iReport of a text that was sent without the word REPORT: by the same decision and effects as with it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from gateway.hooks.events import NewEvent, emit
from gateway.inbox.desk import InboxRefused, already_done, enter, hold, set_state
from gateway.inbox.threads import ANSWERED
from gateway.pipeline import Pipeline
from gateway.reports import effects
from gateway.reports.commands import TROUBLE, ReportDesk, report
from gateway.reports.notices import Notifier
from gateway.reports.sorting import Sorter
from gateway.reports.staff import read_staff
from gateway.reports.talks import own_reports
from gateway.rules.conversation import Asked, ContinueReport, Effect, OpenReport, SenderState
from gateway.tables import InboundText, Report, ReportEntry, Sender
from keywords import Command

_texts = InboundText.__table__
# Whether they tell of a danger is answered with the report: a YES that comes later would tell it twice.
_FORGET_TROUBLE = (
    update(Sender)
    .where(Sender.id == bindparam("asked"), Sender.question == TROUBLE)
    .values(question=None, question_data=None, question_expires_at=None)
)


@dataclass(frozen=True)
class ReportMaker:
    """What making a report stands on: this moment's triage and rally, a fresh ref, and how people are told."""

    sorter: Sorter
    event_key: str
    fresh_ref: Callable[[], str]
    notifier: Notifier


@dataclass(frozen=True, slots=True)
class _Reporter:
    id: int


@dataclass(frozen=True, slots=True)
class _Done:
    effect: Effect
    sender: _Reporter
    inbound_id: int


@dataclass(frozen=True, slots=True)
class _Around:
    now: datetime
    event_key: str
    notifier: Notifier
    events: list[NewEvent] = field(default_factory=list)


def make_report(
    connection: Connection, sender_id: int, inbound_id: int, by: str, now: datetime, maker: ReportMaker, *, once: str
) -> str:
    """Open an iReport from one of the person's texts, or add it to theirs of the last minutes; returns the ref.

    The person is told the ref as if they had texted REPORT, unless they texted STOP. A text that is in a report already
    gives that report's ref, however often it is asked for.

    :raises InboxRefused: unknown (also when the text is not this person's), erased
    """
    sender, thread = hold(connection, sender_id)
    text = connection.execute(
        select(_texts.c.body, _texts.c.media).where(_texts.c.id == inbound_id, _texts.c.sender_id == sender_id)
    ).first()
    if text is None:
        raise InboxRefused("unknown")
    if known := _report_of(connection, inbound_id):
        return known
    body = (text.body or "").strip()
    if not body and not text.media:
        raise InboxRefused("erased")
    language = sender.language or maker.notifier.default_language
    mine = own_reports(Pipeline(connection), [sender_id], maker.event_key, now)().get(sender_id, ())
    asked = Asked(
        command=Command("REPORT", argument=body, reason="made from the inbox"),
        body=body,
        sender=SenderState(sender.key, language=sender.language, consent=sender.consent, id=sender_id, reports=mine),
        language=language,
        now=now,
        media=len(text.media or ()),
    )
    someone = any(one.phone for one in read_staff(connection).values())
    decision = report(asked, ReportDesk(maker.sorter, maker.fresh_ref(), someone))
    around, ref = _Around(now, maker.event_key, maker.notifier), ""
    with Pipeline(connection) as pipeline:
        for effect in decision.effects:
            if isinstance(effect, OpenReport | ContinueReport):
                ref = effect.ref
                effects.APPLIERS[type(effect)](pipeline, [_Done(effect, _Reporter(sender_id), inbound_id)], around)
    connection.execute(_FORGET_TROUBLE, {"asked": sender_id})
    emit(connection, around.events, now)
    if decision.reply:
        maker.notifier.tell_reporter(connection, sender_id, decision.reply, now, urgent=True, language=language)
    if not already_done(connection, sender_id, once):
        enter(connection, sender_id, "report", by, now, ref, once=once)
    set_state(connection, thread, ANSWERED)
    return ref


def _report_of(connection: Connection, inbound_id: int) -> str | None:
    return connection.execute(
        select(Report.ref)
        .join(ReportEntry, ReportEntry.report_id == Report.id)
        .where(ReportEntry.inbound_id == inbound_id)
        .limit(1)
    ).scalar()
