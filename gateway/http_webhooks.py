"""The addresses that an HTTP carrier calls: /webhooks/http/<secret>/sms and /receipt, as the settings file says.

200 is only ever given for what is committed; 503 asks the carrier to send it again.
"""

import asyncio
import time
from datetime import UTC, datetime

import structlog
from fastapi import APIRouter, Request, Response

from gateway.carriers.http.guard import from_network, knows_secret, signed
from gateway.carriers.http.inbound import BadRequest, Item, read_items, read_receipt, read_text
from gateway.carriers.http.profile import Inbound, Profile, Receipts
from gateway.carriers.http.sender import HttpCarrier
from gateway.carriers.http.template import fill, for_header, for_json, for_xml, plain
from gateway.carriers.received import Answer, ReceivedPart, ReceivedReceipt
from gateway.reception import NotRecorded, Reception
from gateway.rules.message_parts import count_parts
from gateway.webhooks import count_answer, observe_seconds

log = structlog.get_logger()
_METHODS = ["GET", "POST", "PUT"]


class _Refused(Exception):
    def __init__(self, response: Response) -> None:
        self.response = response


def _refusal(webhook: str, status: int, outcome: str, sentence: str) -> _Refused:
    count_answer(webhook, outcome)
    log.info("webhook_refused", webhook=webhook, status=status, reason=sentence)
    headers = {"Retry-After": "1"} if status == 503 else None
    return _Refused(Response(sentence + "\n", status, headers, media_type="text/plain"))


def router_for(profile: Profile, reception: Reception, base_url: str) -> APIRouter:
    """Return the routes of an HTTP carrier, none where it only sends."""
    router = APIRouter(include_in_schema=False)
    inbound, receipts = profile.inbound, profile.receipts
    if inbound is not None:

        @router.api_route("/webhooks/http/{secret}/sms", methods=_METHODS)
        async def sms(request: Request, secret: str) -> Response:
            try:
                return await _take_texts(request, secret, profile, inbound, reception, base_url)
            except _Refused as refused:
                return refused.response

    if inbound is not None and receipts is not None:

        @router.api_route("/webhooks/http/{secret}/receipt", methods=_METHODS)
        async def receipt(request: Request, secret: str) -> Response:
            try:
                return await _take_receipts(request, secret, profile, inbound, receipts, reception)
            except _Refused as refused:
                return refused.response

    return router


async def _items(request: Request, secret: str, webhook: str, inbound: Inbound, pointer: str) -> list[Item]:
    if not knows_secret(inbound, secret):
        raise _refusal(webhook, 404, "forged", "There is nothing here.")
    if request.client is None or not from_network(inbound, request.client.host):
        raise _refusal(webhook, 403, "forged", "The request comes from a network that is not in the settings file.")
    query = request.scope.get("query_string", b"")
    body = await request.body()
    header = request.headers.get(inbound.hmac.header) if inbound.hmac else None
    if not signed(inbound, header, query, body):
        raise _refusal(webhook, 403, "forged", "The signature is missing or does not fit.")
    try:
        return read_items(query, request.headers.get("content-type", ""), body, pointer)
    except BadRequest as error:
        raise _refusal(webhook, 400, "malformed", str(error)) from None


async def _take_texts(
    request: Request, secret: str, profile: Profile, inbound: Inbound, reception: Reception, base_url: str
) -> Response:
    began = time.perf_counter()
    items = await _items(request, secret, "http_sms", inbound, inbound.items)
    now = datetime.now(UTC)
    try:
        texts = [read_text(inbound, HttpCarrier.name, item, now) for item in items]
    except BadRequest as error:
        raise _refusal("http_sms", 400, "malformed", str(error)) from None
    handed = [reception.part(one) if isinstance(one, ReceivedPart) else reception.text(one) for one in texts]
    answers = await asyncio.gather(*handed, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, NotRecorded):
            raise _refusal("http_sms", 503, "unavailable", "The text could not be recorded; send it again.")
        if isinstance(answer, BaseException):
            raise answer
        count_answer("http_sms", "duplicate" if answer.duplicate else "answered")
    observe_seconds(time.perf_counter() - began)
    given = answers[0] if len(answers) == 1 and isinstance(answers[0], Answer) else Answer()
    return _answer(profile, inbound, given, base_url)


def _answer(profile: Profile, inbound: Inbound, answer: Answer, base_url: str) -> Response:
    speaks = inbound.reply == "body" and answer.body is not None and answer.outbound_id is not None
    body = answer.body or ""
    encoding = count_parts(body).encoding
    values = {
        "reply": body,
        "id": str(answer.outbound_id or ""),
        "encoding": inbound.encodings.get(encoding, encoding),
        "dlr_url": profile.dlr_url(base_url, answer.outbound_id) if answer.outbound_id else "",
    }
    kind = inbound.content_type.partition(";")[0].strip().lower()
    escape = for_json if kind.endswith("json") else for_xml if kind.endswith("xml") else plain
    template = inbound.body if speaks else inbound.body_without_reply
    headers = {name: fill(value, values, for_header) for name, value in inbound.headers.items()} if speaks else {}
    headers["Content-Type"] = inbound.content_type
    return Response(fill(template, values, escape), inbound.status, headers)


async def _take_receipts(
    request: Request, secret: str, profile: Profile, inbound: Inbound, receipts: Receipts, reception: Reception
) -> Response:
    items = await _items(request, secret, "http_receipt", inbound, receipts.items)
    now = datetime.now(UTC)
    try:
        read = [read_receipt(profile, receipts, item) for item in items]
    except BadRequest as error:
        raise _refusal("http_receipt", 400, "malformed", str(error)) from None
    for one in read:
        try:
            known = await reception.receipt(
                ReceivedReceipt(
                    HttpCarrier.name, one.carrier_id, one.text_id, one.status, one.error, now, one.state, one.rule
                )
            )
        except NotRecorded:
            raise _refusal("http_receipt", 503, "unavailable", "It could not be recorded; send it again.") from None
        count_answer("http_receipt", "known" if known else "unknown")
    return Response(receipts.body, receipts.answer_status, {"Content-Type": receipts.content_type})
