"""Who sent a text: read the From and To of a webhook, a number typed by staff, and mask both for logs and pages.

Source: ITU-T E.164 and the numbering plans that libphonenumber carries (package phonenumbers); sender names as in
3GPP TS 23.040 9.1.2.5 (eleven GSM-7 signs at most); the channel prefixes `whatsapp:` and `rcs:` as in Twilio's page
"Messages resource". A number that fits its country's lengths but lies in a range libphonenumber does not list is kept
and may be texted: it did text us, plans grow, and turning a person away is the worse mistake.
"""

import re
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE as REGIONS_OF_CODE
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberDesc, PhoneNumberFormat, PhoneNumberType

from faults import Fault, FaultError, fault
from orthography import fold


class SenderKind(StrEnum):
    """What a From or To is."""

    MOBILE = "mobile"  # also where a country's plan does not tell mobiles from landlines (+1)
    LANDLINE = "landline"
    SERVICE = "service"  # toll-free, premium, shared-cost, pager and the like: no person's own phone
    UNLISTED = "unlisted"  # the right length for its country, in a range libphonenumber does not list
    SHORT_CODE = "short_code"
    ALPHANUMERIC = "alphanumeric"
    ACCOUNT = "account"  # a name that WhatsApp, RCS or another channel uses in place of a number
    UNKNOWN_COUNTRY = "unknown_country"
    INVALID = "invalid"


_TEXTABLE = frozenset({SenderKind.MOBILE, SenderKind.UNLISTED})


class Sender(NamedTuple):
    """One sender. `key` is what to store: the E.164 number, else a form that no number can have.

    `channel` is "sms" or the prefix the carrier put before the number; `region` is an ISO 3166 code or None.
    """

    kind: SenderKind
    channel: str
    e164: str | None
    key: str
    region: str | None

    @property
    def can_be_texted(self) -> bool:
        """Whether a person may hold this number and get a text from us on it."""
        return self.kind in _TEXTABLE

    def __repr__(self) -> str:
        return f"Sender({self.kind}, {self.channel}, {mask(self.key)}, {self.region})"


class MemberNumberError(FaultError):
    """What was typed is no number that can be texted; the fault says why, with the digits masked."""


_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_LONGEST = 16  # a plus and fifteen digits (ITU-T E.164, 6.1); some countries' service numbers have more
_CHANNEL = re.compile(r"([a-z]{2,20}):(.*)", re.DOTALL)
_CHANNELS_OF_NUMBERS = frozenset({"sms", "whatsapp", "rcs"})
_SEPARATORS = re.compile(r"[\s().\-‐‑‒–—−/_]+")
_DIGITS = re.compile(r"\+?[0-9]+")
_SENDER_NAME = re.compile(r"(?=.*[a-z])[a-z0-9 &_+.\-]{1,11}")
_SPREADSHEET_FLOAT = re.compile(r"([0-9]{7,15})\.0")
_SPREADSHEET_ROUNDED = re.compile(r"[0-9][.,]?[0-9]*e\+?[0-9]+")


def read_sender(raw: str, default_region: str) -> Sender:
    """Return who `raw`, a From or To value, is; every string has an answer.

    `default_region` (ISO 3166, upper case) is where numbers without a country code belong; ValueError if unknown.
    """
    return _read_e164(raw) or _read_other(raw, default_region)


def read_member_number(raw: str, region: str, *, listed_only: bool = False) -> str:
    """Return the E.164 number that staff typed or a CSV holds; MemberNumberError says what is wrong.

    With `listed_only` a number outside its country's known ranges is refused too: in a file it is most often a slip.
    """
    typed = fold(raw)
    shown = mask_all(raw.strip())[:40]
    if not typed:
        raise MemberNumberError(fault("phone.empty", "The phone number is empty."))
    if _SPREADSHEET_ROUNDED.fullmatch(typed):
        raise MemberNumberError(
            fault(
                "phone.rounded",
                "“{shown}” was rounded by a spreadsheet: format the column as text and export again.",
                shown=shown,
            )
        )
    if whole := _SPREADSHEET_FLOAT.fullmatch(typed):
        typed = whole[1]
    sender = read_sender(typed, region)
    if sender.e164 is not None and sender.can_be_texted:
        if listed_only and sender.kind is SenderKind.UNLISTED:
            raise MemberNumberError(
                fault(
                    "phone.unlisted",
                    "“{shown}” is in no known number range of {region}: check the digits.",
                    shown=shown,
                    region=sender.region or "",
                )
            )
        return sender.e164
    raise MemberNumberError(_why_not(sender.kind, shown))


def _why_not(kind: SenderKind, shown: str) -> Fault:
    match kind:
        case SenderKind.LANDLINE:
            return fault("phone.landline", "“{shown}” is a landline: it cannot receive texts.", shown=shown)
        case SenderKind.SERVICE:
            return fault("phone.service", "“{shown}” is a service number, not a person's phone.", shown=shown)
        case SenderKind.SHORT_CODE:
            return fault("phone.short", "“{shown}” is too short for a phone number.", shown=shown)
        case SenderKind.ALPHANUMERIC:
            return fault("phone.name", "“{shown}” is a name, not a phone number.", shown=shown)
        case SenderKind.ACCOUNT:
            return fault("phone.account", "“{shown}” is an account name, not a phone number.", shown=shown)
        case SenderKind.UNKNOWN_COUNTRY:
            return fault("phone.country", "“{shown}” starts with a country code that no country has.", shown=shown)
    return fault(
        "phone.none",
        "“{shown}” is not a phone number: digits are missing, too many, or mixed with other signs.",
        shown=shown,
    )


# Reading -------------------------------------------------------------------------------------------------------------


class _Plan(NamedTuple):
    """The ranges of one region, for numbers already in E.164: the common case, at a tenth of the library's price."""

    region: str
    leading: re.Pattern[str] | None
    every: re.Pattern[str]
    typed: re.Pattern[str]
    mobile: re.Pattern[str]
    trunk: str | None


_NOTHING = re.compile("(?!)")


@lru_cache(maxsize=1024)
def _plans(first_three: str) -> tuple[int, tuple[_Plan, ...]]:
    """Return how long the country code is and the plans of its regions, in the library's order."""
    for length in (1, 2, 3):
        if regions := REGIONS_OF_CODE.get(int(first_three[:length])):
            return length, tuple(plan for region in regions if (plan := _plan(region)) is not None)
    return 0, ()


@lru_cache(maxsize=256)
def _plan(region: str) -> _Plan | None:
    known = PhoneMetadata.metadata_for_region(region, None)
    if known is None:
        return None
    kinds: tuple[PhoneNumberDesc | None, ...] = (
        known.premium_rate,
        known.toll_free,
        known.shared_cost,
        known.pager,
        known.uan,
        known.voicemail,
    )
    kinds += (known.voip, known.personal_number)
    return _Plan(
        region,
        re.compile(known.leading_digits) if known.leading_digits else None,
        _any_of(known.general_desc),
        _any_of(*kinds, known.fixed_line, known.mobile),
        _any_of(known.mobile),
        known.national_prefix,
    )


def _any_of(*kinds: PhoneNumberDesc | None) -> re.Pattern[str]:
    patterns = [kind.national_number_pattern for kind in kinds if kind is not None and kind.national_number_pattern]
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns)) if patterns else _NOTHING


def _read_e164(text: str, channel: str = "sms") -> Sender | None:
    """Return the mobile that a well-formed E.164 `text` is, or None where a closer look is needed."""
    if not _E164.fullmatch(text):
        return None
    code_length, plans = _plans(text[1:4])
    national = text[code_length + 1 :]
    for plan in plans:
        if plan.leading is not None:
            if not plan.leading.match(national):
                continue
        elif not (plan.every.fullmatch(national) and plan.typed.fullmatch(national)):
            continue
        return Sender(SenderKind.MOBILE, channel, text, text, plan.region) if plan.mobile.fullmatch(national) else None
    return None


@lru_cache(maxsize=16384)
def _read_other(raw: str, default_region: str) -> Sender:
    if default_region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"{default_region!r} is not a region with a numbering plan (ISO 3166, such as PK).")
    text = fold(raw)
    channel = "sms"
    if prefixed := _CHANNEL.fullmatch(text):
        channel, text = prefixed[1], prefixed[2].strip()
    digits = _SEPARATORS.sub("", text)
    if channel in _CHANNELS_OF_NUMBERS and _DIGITS.fullmatch(digits):
        if digits.startswith("00"):
            digits = "+" + digits[2:]
        return _read_digits(digits, default_region, channel) or _not_a_number(digits, channel)
    if channel != "sms":
        kind = SenderKind.ACCOUNT if 0 < len(text) <= 100 else SenderKind.INVALID
        return Sender(kind, channel, None, f"{channel}:{_bounded(text)}", None)
    if _SENDER_NAME.fullmatch(text):
        return Sender(SenderKind.ALPHANUMERIC, channel, None, text.upper(), None)
    return Sender(SenderKind.INVALID, channel, None, "?" + _bounded(text), None)


def _read_digits(digits: str, region: str, channel: str) -> Sender | None:
    if digits.startswith("+"):
        return _read_e164(digits, channel) or _read_with_library(digits, None, channel, unlisted=True)
    if sender := _read_home_mobile(digits, region, channel):
        return sender
    if len(digits) > 6:
        return (
            _read_with_library(digits, region, channel, unlisted=False)
            or _read_with_library("+" + digits, None, channel, unlisted=False)
            or (_read_with_library(digits, region, channel, unlisted=True) if len(digits) > 8 else None)
        )
    # So few digits are a short code, unless the country has mobiles that short.
    sender = _read_with_library(digits, region, channel, unlisted=False)
    return sender if sender is not None and sender.kind is SenderKind.MOBILE else None


def _read_home_mobile(digits: str, region: str, channel: str) -> Sender | None:
    """Read the country code without its plus, or the trunk prefix, where that makes a mobile: landlines do not text."""
    home = str(phonenumbers.country_code_for_region(region))
    if digits.startswith(home) and (sender := _read_e164("+" + digits, channel)):
        return sender
    plan = _plan(region)
    if plan is not None and plan.trunk and digits.startswith(plan.trunk):
        return _read_e164(f"+{home}{digits.removeprefix(plan.trunk)}", channel)
    return None


def _read_with_library(digits: str, region: str | None, channel: str, *, unlisted: bool) -> Sender | None:
    try:
        number = phonenumbers.parse(digits, region)
    except NumberParseException:
        return None
    kind = _KINDS.get(phonenumbers.number_type(number), SenderKind.SERVICE)
    if kind is SenderKind.UNLISTED:
        if not unlisted or not _is_whole(number):
            return None
        of_code = REGIONS_OF_CODE.get(number.country_code or 0)
        of_number = of_code[0] if of_code else None
    else:
        of_number = phonenumbers.region_code_for_number(number)
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if len(e164) > _LONGEST or (kind is SenderKind.UNLISTED and not _reads_back(e164)):
        return None
    return Sender(kind, channel, e164, e164, of_number)


def _reads_back(e164: str) -> bool:
    """Whether a number is read as itself: the library takes another zero away from "+4900000" each time."""
    number = phonenumbers.parse(e164, None)
    return bool(_E164.fullmatch(e164)) and phonenumbers.format_number(number, PhoneNumberFormat.E164) == e164


def _is_whole(number: phonenumbers.PhoneNumber) -> bool:
    possible = phonenumbers.is_possible_number_with_reason(number)
    return possible == phonenumbers.ValidationResult.IS_POSSIBLE


_KINDS = {
    PhoneNumberType.MOBILE: SenderKind.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: SenderKind.MOBILE,
    PhoneNumberType.VOIP: SenderKind.MOBILE,  # people text from such numbers, and get texts on them
    PhoneNumberType.PERSONAL_NUMBER: SenderKind.MOBILE,
    PhoneNumberType.FIXED_LINE: SenderKind.LANDLINE,
    PhoneNumberType.UNKNOWN: SenderKind.UNLISTED,
}


def _not_a_number(digits: str, channel: str) -> Sender:
    if not digits.startswith("+") and 3 <= len(digits) <= 8:
        return Sender(SenderKind.SHORT_CODE, channel, None, digits, None)
    if _E164.fullmatch(digits) and not any(int(digits[1 : 1 + n]) in REGIONS_OF_CODE for n in (1, 2, 3)):
        return Sender(SenderKind.UNKNOWN_COUNTRY, channel, None, "?" + digits, None)
    return Sender(SenderKind.INVALID, channel, None, "?" + _bounded(digits), None)


def _bounded(text: str) -> str:
    """Return `text`, shortened past 40 signs in such a way that two texts still differ."""
    if len(text) <= 40:
        return text
    return text[:23] + "~" + blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


# Masking -------------------------------------------------------------------------------------------------------------

_HIDDEN = "•••"
_NUMBER_IN_TEXT = re.compile(r"\+?\d(?:[\s().\-‐‑‒–—−/_\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069]{0,3}\d){6,}")
_DATE = re.compile(r"(?:19|20)\d\d-[01]\d-[0-3]\d(?:[ T]?[0-2]\d)?", re.ASCII)


def mask(number: str) -> str:
    """Return a number for logs and pages, such as "+92300•••4567": enough to tell two apart, too little to dial.

    Short codes are nobody's own and stay readable; of a sender's name two letters stay.
    """
    channel, colon, rest = number.rpartition(":")
    prefix = channel[:20] + colon
    if found := _NUMBER_IN_TEXT.fullmatch(rest.strip("? ")):
        return prefix + _mask_found(found)
    if rest.isdigit():
        return prefix + rest
    return prefix + rest[:2] + _HIDDEN if rest else prefix


def mask_all(text: str) -> str:
    """Return `text` with every run of seven or more digits masked, however it is spaced; dates stay (2026-10-05)."""
    return _NUMBER_IN_TEXT.sub(_mask_found, text)


def _mask_found(found: re.Match[str]) -> str:
    if _DATE.fullmatch(found[0]):
        return found[0]
    digits = "".join(sign for sign in found[0] if sign.isdigit())
    return _mask_digits(digits, plus="+" if found[0].startswith("+") else "")


def _mask_digits(digits: str, plus: str) -> str:
    last = 4 if len(digits) >= 9 else 2
    first = max(0, min(5, len(digits) - last - 3))
    return plus + digits[:first] + _HIDDEN + digits[-last:]
