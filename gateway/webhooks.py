"""Twilio's webhooks: signature, form, collector, TwiML. A text is never answered before it is committed."""

import asyncio
import time
from datetime import UTC, datetime

import structlog
from fastapi import APIRouter, Request, Response
from prometheus_client import Counter, Histogram
from sqlalchemy.exc import InterfaceError, OperationalError

from gateway.carriers.twilio import twiml
from gateway.carriers.twilio.form import BadForm, read_form, read_receipt, read_text
from gateway.carriers.twilio.signature import SIGNATURE_HEADER, SIGNATURE_SETTINGS_HEADER
from gateway.inbound.collector import Overloaded
from gateway.inbound.receipts import ReceivedReceipt, record_receipt
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

_SIGNATURE, _SETTINGS = SIGNATURE_HEADER.lower(), SIGNATURE_SETTINGS_HEADER.lower()
_RETRY = {"Retry-After": "1"}


class _Refused(Exception):
    """The request ends here with this response."""

    def __init__(self, response: Response) -> None:
        self.response = response


def _refusal(webhook: str, status: int, outcome: str, sentence: str) -> _Refused:
    _answers.labels(webhook, outcome).inc()
    log.info("webhook_refused", webhook=webhook, status=status, reason=sentence)
    headers = _RETRY if status == 503 else None
    return _Refused(Response(sentence + "\n", status, headers, media_type="text/plain"))


async def _signed_form(request: Request, webhook: str) -> dict[str, str]:
    """Return the fields of a request that our carrier signed."""
    service: Service = request.app.state.service
    headers = request.headers
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise _refusal(webhook, 415, "malformed", "Send application/x-www-form-urlencoded.")
    try:
        fields = read_form(await request.body())
    except BadForm as error:
        raise _refusal(webhook, 400, "malformed", str(error)) from None
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if not service.signatures.valid(path, fields, headers.get(_SIGNATURE), headers.get(_SETTINGS)):
        raise _refusal(webhook, 403, "forged", "The signature is missing or does not fit PUBLIC_BASE_URL and the form.")
    return fields


@router.post("/webhooks/twilio/sms")
@router.post("/webhooks/twilio/sms/fallback")
async def sms(request: Request) -> Response:
    """An inbound text. Twilio gets 200 with TwiML only when the text and its effects are committed."""
    began = time.perf_counter()
    service: Service = request.app.state.service
    try:
        fields = await _signed_form(request, "sms")
        try:
            text = read_text(fields, service.settings.account_sid, datetime.now(UTC))
        except BadForm as error:
            raise _refusal("sms", 403, "cut_anew", str(error)) from None
        try:
            answer = await service.collector.submit(text)
        except (DatabaseUnavailable, Overloaded):
            answer = None
        if answer is None:
            raise _refusal("sms", 503, "unavailable", "The text could not be recorded; send it again.")
    except _Refused as refused:
        return refused.response
    _answers.labels("sms", "duplicate" if answer.duplicate else "answered").inc()
    _seconds.observe(time.perf_counter() - began)
    if answer.body is None or answer.outbound_id is None:
        return Response(twiml.EMPTY, media_type="text/xml")
    return Response(
        twiml.message(answer.body, service.settings.status_callback(answer.outbound_id)), media_type="text/xml"
    )


@router.post("/webhooks/twilio/status")
async def status(request: Request) -> Response:
    """A delivery receipt of Twilio's."""
    service: Service = request.app.state.service
    try:
        fields = await _signed_form(request, "status")
        try:
            carrier_id, state, code = read_receipt(fields, service.settings.account_sid)
        except BadForm as error:
            raise _refusal("status", 400, "malformed", str(error)) from None
        given = request.query_params.get("text", "")
        receipt = ReceivedReceipt(
            carrier="twilio",
            carrier_id=carrier_id,
            outbound_id=int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else None,
            status=state,
            error_code=code,
            received_at=datetime.now(UTC),
        )
        try:
            known = await asyncio.to_thread(record_receipt, service.engine, receipt)
        except (OperationalError, InterfaceError):
            raise _refusal("status", 503, "unavailable", "The receipt could not be recorded; send it again.") from None
    except _Refused as refused:
        return refused.response
    _answers.labels("status", "known" if known else "unknown").inc()
    return Response(status_code=204)
