"""What others are told by webhooks, and the form of it: Standard Webhooks (standardwebhooks.com, specification 1.0).

A payload is thin and has a version; a field may be added to a version, and none is taken away or changed.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

VERSION = 1
SECRET_PREFIX = "whsec_"  # noqa: S105 - the specification's own, and no secret
TEST = "hook.test"
KINDS: Mapping[str, str] = {
    "member.joined": "a number gave consent by JOIN, or again by START or JOIN after STOP",
    "member.stopped": "a number may not be texted any more: STOP, or a carrier says that it opted out",
    "member.erased": "a person was taken off the record; what you hold of this id must go too",
    "report.opened": "an iReport came in",
    "report.resolved": "staff say that an iReport is solved",
    "report.reopened": "an iReport that was solved, closed or set aside is open again",
    "broadcast.done": "the last text of a broadcast has left",
}
"""The kinds that an endpoint can ask for; `hook.test` comes without asking."""


class UnknownKind(ValueError):
    """No event has this name; the text is one sentence."""


def check_kinds(kinds: Iterable[str]) -> tuple[str, ...]:
    """Return the kinds that are asked for, each once; "report.*" and "*" stand for several.

    :raises UnknownKind: one is none, or none is asked for
    """
    found: list[str] = []
    for kind in kinds:
        stem = kind.removesuffix("*")
        matching = [one for one in KINDS if one == kind or (kind.endswith("*") and one.startswith(stem))]
        if not matching:
            raise UnknownKind(f"There is no event {kind!r}; there are {', '.join(KINDS)}.")
        found += [one for one in matching if one not in found]
    if not found:
        raise UnknownKind(f"Name at least one event: {', '.join(KINDS)}.")
    return tuple(found)


def write_payload(kind: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    """Return the body of a webhook. `at` is aware: when it happened, not when it is sent."""
    said = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    whole = {"type": kind, "timestamp": said, "version": VERSION, "data": dict(data)}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def write_secret(key: bytes) -> str:
    """Return a secret as receivers are given it; ValueError unless it has 24 to 64 bytes."""
    if not 24 <= len(key) <= 64:
        raise ValueError("A secret has 24 to 64 bytes.")
    return SECRET_PREFIX + base64.b64encode(key).decode()


def read_secret(secret: str) -> bytes:
    """Return the bytes of a written secret; ValueError where it is none."""
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("A secret is whsec_ and base64.") from None


def headers(uid: str, sent_at: datetime, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """Return the headers of one attempt, with a signature for each secret that is valid now.

    :param uid: the event's id, the same for every attempt
    :param sent_at: aware; receivers refuse what is more than minutes old
    """
    second = str(int(sent_at.timestamp()))
    signed = b".".join((uid.encode(), second.encode(), body))
    signatures = (
        "v1," + base64.b64encode(hmac.digest(read_secret(secret), signed, hashlib.sha256)).decode()
        for secret in secrets
    )
    return {
        "content-type": "application/json",
        "webhook-id": uid,
        "webhook-timestamp": second,
        "webhook-signature": " ".join(signatures),
    }
