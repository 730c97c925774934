"""The usual way to build the same thing: Form parameters, the SDK's validator, one ORM session and commit per request.

It reads and writes the same rows and decides by the same rules; consent is written by ORM, every other effect by the
gateway's own applier, for one text at a time.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import FastAPI, Form, HTTPException, Request, Response
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import Message, MessagingResponse

from bench.inbound.texts import PATH
from gateway.carriers.received import ReceivedText
from gateway.inbound.conclusion import words_of
from gateway.inbound.decide import Snapshot, decide, language_of, understand
from gateway.inbound.effects import APPLIERS, Done, Surroundings, member_changed
from gateway.inbound.senders import KnownSender, known_sender, member_row, sender_row
from gateway.pipeline import Pipeline
from gateway.rules.conversation import Decision, EnrolMember, FileUnder, RecordConsent, SetLanguage, evolve
from gateway.rules.manners import with_manners
from gateway.rules.message_parts import cheapest, count_parts
from gateway.rules.phone_numbers import read_sender
from gateway.service import Service
from gateway.settings import load_settings
from gateway.tables import ConsentEntry, InboundText, Member, OutboundText, Sender


def create_app() -> FastAPI:
    settings = load_settings()
    service = Service(settings)
    validator = RequestValidator(settings.auth_token)
    # SQLite has one writer at a time; without a queue of our own before it, most of the time goes in its busy waits.
    queue: AbstractContextManager[Any] = (
        threading.Lock() if settings.database_url.startswith("sqlite") else nullcontext()
    )
    loading = threading.Lock()
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n")

    @app.post(PATH)
    async def sms(
        request: Request,
        message_sid: Annotated[str, Form(alias="MessageSid")],
        sender: Annotated[str, Form(alias="From")],
        to: Annotated[str, Form(alias="To")],
        body: Annotated[str, Form(alias="Body")] = "",
    ) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        signature = request.headers.get("X-Twilio-Signature", "")
        if not validator.validate(settings.public_base_url + PATH, form, signature):
            raise HTTPException(403)
        text = ReceivedText("twilio", message_sid, sender, to, body, datetime.now(UTC))
        return await run_in_threadpool(answer, text)

    def answer(text: ReceivedText) -> Response:
        with loading:
            reference = service.reference()
            [ref] = service.recorder.refs(1)
        with queue, Session(service.engine.execution_options(writing=True)) as session:
            reply = session.scalars(
                select(OutboundText).join(InboundText, InboundText.id == OutboundText.inbound_id)
                .where(InboundText.carrier_id == text.carrier_id, InboundText.carrier == text.carrier)
            ).one_or_none()  # fmt: skip
            if reply is None:
                reply = handle(session, text, reference, ref)
                session.commit()
            twiml = MessagingResponse()
            if reply:
                message = Message(status_callback=settings.status_callback(reply.id))
                message.body(reply.body)
                twiml.append(message)
        return Response(str(twiml), media_type="text/xml")

    def handle(session: Session, text: ReceivedText, reference: Any, ref: str) -> OutboundText | None:
        now = datetime.now(UTC)
        key = read_sender(text.from_number, settings.default_region).key
        sender = session.scalars(select(Sender).where(Sender.key == key).with_for_update()).one_or_none()
        if sender is None:
            sender = Sender(
                key=key,
                consent="none",
                misses=0,
                replies=0,
                number_state="unknown",
                first_seen_at=now,
                last_seen_at=now,
            )
            try:
                with session.begin_nested():
                    session.add(sender)
            except IntegrityError:  # the same person's other text was first
                sender = session.scalars(select(Sender).where(Sender.key == key).with_for_update()).one()
        member = session.get(Member, sender.id)
        known = known_sender(_Joined(sender, member), reference.directory)
        words = words_of(text)
        command = understand(words, reference)
        snapshot = Snapshot(known.now, reference, ref)
        language = language_of(text.body, command, snapshot, now)
        decision = decide(words, command, snapshot, language, now)
        if known.now.language is None and not decision.miss:
            known.now = evolve(known.now, SetLanguage(language))
        before = []
        for effect in decision.effects:
            before.append(known.now.member)
            known.now = evolve(known.now, effect)
        known.now, reply = with_manners(known.now, decision, now)
        inbound = InboundText(
            carrier=text.carrier, carrier_id=text.carrier_id, sender_id=sender.id, to_number=text.to_number,
            body=text.body, command=command.name, reason=command.reason[:160], flagged=False, received_at=now,
        )  # fmt: skip
        session.add(inbound)
        session.flush()
        outbound = None
        wording = f"{reply.wording if reply else ''}/{language}"
        if reply:
            body = cheapest(service.catalogue.render(reply, language))
            parts = count_parts(body)
            outbound = OutboundText(
                kind="reply", sender_id=sender.id, inbound_id=inbound.id, wording=reply.wording, language=language,
                body=body, encoding=parts.encoding, parts=max(1, parts.parts), state="answered", carrier=text.carrier,
                created_at=now, state_at=now,
            )  # fmt: skip
            session.add(outbound)
            session.flush()
        for name, value in sender_row(known, now).items():
            if name != "id":
                setattr(sender, name, value)
        today = now.astimezone(settings.zone).date()
        if member_changed(known, today):
            row = member_row(known, reference.directory, now, today)
            if member is None:
                session.add(Member(**row))
            else:
                for name, value in row.items():
                    setattr(member, name, value)
        around = Surroundings(
            reference.directory, now, service.recorder.erasing_key, reference.pickups, service.notifier,
            reference.zone, reference.default_language,
        )  # fmt: skip
        for row in _effect_rows(decision, known, before, text, inbound.id, wording, around, session):
            session.add(row)
        session.flush()
        return outbound

    return app


class _Joined:
    """A sender and its member as the one row that the gateway reads them as."""

    def __init__(self, sender: Sender, member: Member | None) -> None:
        self._sender, self._member = sender, member

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sender, name) if hasattr(Sender, name) else getattr(self._member, name, None)


def _effect_rows(
    decision: Decision,
    known: KnownSender,
    before: list[Any],
    text: ReceivedText,
    inbound_id: int,
    wording: str,
    around: Surroundings,
    session: Session,
) -> Iterator[Any]:
    for effect, earlier in zip(decision.effects, before, strict=True):
        match effect:
            case RecordConsent(action, scope, reason) if not action.endswith("-topic"):
                yield ConsentEntry(
                    sender_id=known.id, action=action, scope=scope, words=text.body, reason=reason[:160],
                    carrier=text.carrier, carrier_id=text.carrier_id, wording=wording, given_at=around.now,
                )  # fmt: skip
            case EnrolMember() | FileUnder() if earlier is None:
                pass  # the member's row is all
            case _ if apply := APPLIERS.get(type(effect)):
                with Pipeline(session.connection()) as pipeline:
                    apply(pipeline, [Done(effect, known, earlier, text, inbound_id, wording)], around)
