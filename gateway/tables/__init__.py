"""The SQLAlchemy tables, by noun. Importing this package makes every table known to `Base.metadata`."""

from gateway.tables.accounts import (
    AuditEntry,
    AuditHead,
    FormToken,
    RateWindow,
    RecoveryCode,
    StaffArea,
    StaffSession,
)
from gateway.tables.api import ApiAct, ApiBudget, ApiKey, ApiStream
from gateway.tables.base import Base
from gateway.tables.broadcasts import (
    Broadcast,
    BroadcastEvent,
    BroadcastPlan,
    BroadcastSchedule,
    BroadcastTopic,
    ScheduleFire,
)
from gateway.tables.carriers import Alert, CarrierState
from gateway.tables.hooks import HookDelivery, HookEndpoint, HookEvent
from gateway.tables.inbox import CannedAnswer, InboxEntry, InboxThread
from gateway.tables.member_bits import MemberBits, MemberBitsState, MemberChange
from gateway.tables.members import (
    ConsentEntry,
    Filing,
    Member,
    MemberImport,
    MemberTerm,
    Referral,
    Sender,
    TopicStop,
)
from gateway.tables.numbers import Heartbeat, TextHour
from gateway.tables.overrides import Override
from gateway.tables.pickups import (
    Departure,
    Event,
    PickupAsk,
    PickupPoint,
    SeatHold,
    SeatWait,
    UnmatchedPlace,
    WalkRequest,
)
from gateway.tables.places import Affinity, Constituency, Counter, Place, Revision
from gateway.tables.reports import Report, ReportEntry, ReportLink, ReportStep, ReportTrend, StaffDuty
from gateway.tables.segments import SavedSegment
from gateway.tables.staff import Staff
from gateway.tables.texts import DeliveryReceipt, InboundPart, InboundText, OutboundText

__all__ = [
    "Affinity",
    "Alert",
    "ApiAct",
    "ApiBudget",
    "ApiKey",
    "ApiStream",
    "AuditEntry",
    "AuditHead",
    "Base",
    "Broadcast",
    "BroadcastEvent",
    "BroadcastPlan",
    "BroadcastSchedule",
    "BroadcastTopic",
    "CannedAnswer",
    "CarrierState",
    "ConsentEntry",
    "Constituency",
    "Counter",
    "DeliveryReceipt",
    "Departure",
    "Event",
    "Filing",
    "FormToken",
    "Heartbeat",
    "HookDelivery",
    "HookEndpoint",
    "HookEvent",
    "InboundPart",
    "InboundText",
    "InboxEntry",
    "InboxThread",
    "Member",
    "MemberBits",
    "MemberBitsState",
    "MemberChange",
    "MemberImport",
    "MemberTerm",
    "OutboundText",
    "Override",
    "PickupAsk",
    "PickupPoint",
    "Place",
    "RateWindow",
    "RecoveryCode",
    "Referral",
    "Report",
    "ReportEntry",
    "ReportLink",
    "ReportStep",
    "ReportTrend",
    "Revision",
    "SavedSegment",
    "ScheduleFire",
    "SeatHold",
    "SeatWait",
    "Sender",
    "Staff",
    "StaffArea",
    "StaffDuty",
    "StaffSession",
    "TextHour",
    "TopicStop",
    "UnmatchedPlace",
    "WalkRequest",
]
