"""Twilio's webhooks: signature, form, collector, TwiML. A text is never answered before it is committed."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import structlog
from fastapi import APIRouter, Request, Response
from prometheus_client import Counter, Histogram
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.types import Receive, Scope, Send

from gateway.carriers.received import Answer
from gateway.carriers.twilio import twiml
from gateway.carriers.twilio.form import MAX_BODY_BYTES, BadForm, read_form, read_receipt, read_text
from gateway.carriers.twilio.signature import SIGNATURE_HEADER, SIGNATURE_SETTINGS_HEADER
from gateway.inbound.collector import Overloaded
from gateway.inbound.receipts import record_receipt, twilio_receipt
from gateway.inbound.record import DatabaseUnavailable
from gateway.service import Service

log = structlog.get_logger()

router = APIRouter(include_in_schema=False)

_answers = Counter("jalsa_webhook_answers_total", "Webhook requests by outcome", ["webhook", "outcome"])
_seconds = Histogram(
    "jalsa_inbound_seconds",
    "From a text's arrival to its committed answer",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

_answered, _duplicate = _answers.labels("sms", "answered"), _answers.labels("sms", "duplicate")

SMS_PATHS = frozenset(
    path + end for path in ("/webhooks/twilio/sms", "/webhooks/twilio/sms/fallback") for end in ("", "/")
)
"""A slash at the end is easily typed in the carrier's settings; a text must not be lost for it."""
_SIGNATURE, _SETTINGS = SIGNATURE_HEADER.lower(), SIGNATURE_SETTINGS_HEADER.lower()
_WANTED = frozenset(name.encode() for name in ("content-type", _SIGNATURE, _SETTINGS))
_RETRY = {"Retry-After": "1"}


def count_answer(webhook: str, outcome: str) -> None:
    """Count a webhook request by what became of it."""
    _answers.labels(webhook, outcome).inc()


def observe_seconds(seconds: float) -> None:
    """Note how long an inbound text took to its committed answer."""
    _seconds.observe(seconds)


class _Refused(Exception):
    """The request ends here with this answer."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status, self.body = status, sentence + "\n"

    def response(self) -> Response:
        return Response(self.body, self.status, _RETRY if self.status == 503 else None, media_type="text/plain")


def _refusal(webhook: str, status: int, outcome: str, sentence: str) -> _Refused:
    _answers.labels(webhook, outcome).inc()
    log.info("webhook_refused", webhook=webhook, status=status, reason=sentence)
    return _Refused(status, sentence)


def _signed_form(
    service: Service, webhook: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> dict[str, str]:
    """Return the fields of a request that our carrier signed."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise _refusal(webhook, 415, "malformed", "Send application/x-www-form-urlencoded.")
    try:
        fields = read_form(body)
    except BadForm as error:
        raise _refusal(webhook, 400, "malformed", str(error)) from None
    signed = f"{path}?{query}" if query else path
    if not service.signatures.valid(signed, fields, headers.get(_SIGNATURE), headers.get(_SETTINGS)):
        raise _refusal(webhook, 403, "forged", "The signature is missing or does not fit PUBLIC_BASE_URL and the form.")
    return fields


class SmsWebhook:
    """Inbound texts, answered before the web framework sees them: its routing, middleware and request objects cost as
    much processor time as recording, deciding and answering a text.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to one of `SMS_PATHS`."""
        began = time.perf_counter()
        status, media_type = 200, b"text/xml; charset=utf-8"
        extra: tuple[tuple[bytes, bytes], ...] = ()
        try:
            if scope["method"] != "POST":
                extra = ((b"allow", b"POST"),)
                raise _refusal("sms", 405, "malformed", "Choose HTTP POST in the carrier's settings.")
            answer = await self._answer(scope, await _read(receive))
        except _Refused as refused:
            status, media_type, said = refused.status, b"text/plain; charset=utf-8", refused.body
            if status == 503:
                extra = ((b"retry-after", b"1"),)
        except _Gone:
            return
        else:
            (_duplicate if answer.duplicate else _answered).inc()
            _seconds.observe(time.perf_counter() - began)
            said = twiml.EMPTY
            if answer.body is not None and answer.outbound_id is not None:
                said = twiml.message(answer.body, self._service.settings.status_callback(answer.outbound_id))
        body = said.encode()
        headers = [(b"content-length", b"%d" % len(body)), (b"content-type", media_type), *extra]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, body: bytes) -> Answer:
        """Return the answer to a text once it and its effects are committed.

        :raises _Refused: it is no text of our carrier's, or it could not be recorded
        """
        service = self._service
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"] if name in _WANTED
        }
        fields = _signed_form(service, "sms", scope["path"], scope["query_string"].decode("latin-1"), headers, body)
        try:
            text = read_text(fields, service.settings.account_sid, datetime.now(UTC))
        except BadForm as error:
            raise _refusal("sms", 403, "cut_anew", str(error)) from None
        try:
            answer = await service.submit(text)
        except (DatabaseUnavailable, Overloaded):
            answer = None
        if answer is None:
            raise _refusal("sms", 503, "unavailable", "The text could not be recorded; send it again.")
        return answer


class _Gone(Exception):
    """The client closed the connection before its request was whole."""


async def _read(receive: Receive) -> bytes:
    """Return the request's body; of one that is too long, enough to be refused."""
    pieces, length = [], 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise _Gone
        piece = event.get("body", b"")
        pieces.append(piece)
        length += len(piece)
        if not event.get("more_body", False) or length > MAX_BODY_BYTES:
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


@router.post("/webhooks/twilio/status")
@router.post("/webhooks/twilio/status/")
async def status(request: Request) -> Response:
    """A delivery receipt of Twilio's."""
    service: Service = request.app.state.service
    try:
        fields = _signed_form(
            service, "status", request.url.path, request.url.query, request.headers, await _read(request.receive)
        )
        try:
            carrier_id, state, code = read_receipt(fields, service.settings.account_sid)
        except BadForm as error:
            raise _refusal("status", 400, "malformed", str(error)) from None
        given = request.query_params.get("text", "")
        outbound_id = int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else None
        receipt = twilio_receipt(carrier_id, outbound_id, state, code, datetime.now(UTC))
        try:
            known = await asyncio.to_thread(record_receipt, service.engine, receipt)
        except (OperationalError, InterfaceError):
            raise _refusal("status", 503, "unavailable", "The receipt could not be recorded; send it again.") from None
    except _Refused as refused:
        return refused.response()
    except _Gone:
        return Response(status_code=400)
    _answers.labels("status", "known" if known else "unknown").inc()
    return Response(status_code=204)
