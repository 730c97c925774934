"""A text as a carrier handed it to us: the same value whichever carrier it was."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.carriers.coding import Concat
from gateway.rules.carrier_codes import CodeRule
from gateway.rules.delivery_status import TextState


@dataclass(frozen=True, slots=True)
class ReceivedText:
    """One inbound text, verified. `carrier_id` is the carrier's own id, the key against handling it twice."""

    carrier: str
    carrier_id: str
    from_number: str
    to_number: str
    body: str
    received_at: datetime
    media: tuple[Mapping[str, str], ...] = ()
    opt_out_type: str | None = None
    """"STOP", "START" or "HELP" when the carrier has already understood it so, and answered."""
    queue_reply: bool = False
    """The carrier takes no answer in its own request, so the reply goes into the outbox, for this carrier."""


@dataclass(frozen=True, slots=True)
class ReceivedPart:
    """One part of a long text that the carrier leaves to us to join. `data` is in `charset`, its header taken off.

    Numbers have at most 40 signs.
    """

    carrier: str
    from_number: str
    to_number: str
    concat: Concat
    charset: str
    data: bytes
    received_at: datetime
    queue_reply: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back in the carrier's own response: our id of the reply and its words, or nothing to say."""

    outbound_id: int | None = None
    body: str | None = None
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class ReceivedReceipt:
    """One report of a carrier about one of our texts. `outbound_id` is the id that we gave, where it came back.

    `status` and `error_code` are in the carrier's own words; `reported` and `rule` are what they mean to us.
    """

    carrier: str
    carrier_id: str
    outbound_id: int | None
    status: str
    error_code: str
    received_at: datetime
    reported: TextState | None
    rule: CodeRule | None = None
