"""Every From and To is somebody, the quick reading agrees with libphonenumber, and no masked number can be dialled."""

import random
import re

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.rules.phone_numbers import (
    MemberNumberError,
    SenderKind,
    mask,
    mask_all,
    read_member_number,
    read_sender,
)

MADE_UP = "+923001234567"


@pytest.mark.parametrize(
    "raw",
    [
        "+923001234567",
        "923001234567",
        "00923001234567",
        "03001234567",
        "0300 123-4567",
        "3001234567",
        " 923001234567",  # a "+" that came unescaped out of a form
        "+92 (0) 300 1234567",
        "+9203001234567",
        "\u200e+92\u00a0300\u00a01234567",
        "＋۹۲۳۰۰۱۲۳۴۵۶۷",
        "۰۳۰۰۱۲۳۴۵۶۷",
        "+92.300.123.4567",
    ],
)
def test_one_person_has_one_key_however_the_number_is_written(raw: str) -> None:
    sender = read_sender(raw, "PK")
    assert (sender.kind, sender.channel, sender.e164, sender.key, sender.region) == (
        "mobile",
        "sms",
        MADE_UP,
        MADE_UP,
        "PK",
    )
    assert sender.can_be_texted


@pytest.mark.parametrize(
    ("raw", "kind", "channel", "key", "region"),
    [
        ("whatsapp:+923001234567", "mobile", "whatsapp", MADE_UP, "PK"),
        ("WhatsApp: 923001234567", "mobile", "whatsapp", MADE_UP, "PK"),
        ("rcs:+923001234567", "mobile", "rcs", MADE_UP, "PK"),
        ("rcs:jalsa_agent", "account", "rcs", "rcs:jalsa_agent", None),
        ("whatsapp:PK.13491208655302741918", "account", "whatsapp", "whatsapp:pk.13491208655302741918", None),
        ("messenger:123456", "account", "messenger", "messenger:123456", None),
        ("JALSA", "alphanumeric", "sms", "JALSA", None),
        ("jalsa", "alphanumeric", "sms", "JALSA", None),
        ("8558", "short_code", "sms", "8558", None),
        ("80022", "short_code", "sms", "80022", None),
        ("1122", "short_code", "sms", "1122", None),
        ("+922135678901", "landline", "sms", "+922135678901", "PK"),
        ("021 35678901", "landline", "sms", "+922135678901", "PK"),
        ("+923901234567", "unlisted", "sms", "+923901234567", "PK"),
        ("+15551234567", "unlisted", "sms", "+15551234567", "US"),
        ("+12125550100", "mobile", "sms", "+12125550100", "US"),
        ("+18765550100", "mobile", "sms", "+18765550100", "JM"),
        ("+18005550100", "service", "sms", "+18005550100", "US"),
        ("+447400123456", "mobile", "sms", "+447400123456", "GB"),
        ("447400123456", "mobile", "sms", "+447400123456", "GB"),
        ("+999123456789", "unknown_country", "sms", "?+999123456789", None),
        ("+92123", "invalid", "sms", "?+92123", None),
        ("123456789012345678", "invalid", "sms", "?123456789012345678", None),
        ("", "invalid", "sms", "?", None),
        ("   ", "invalid", "sms", "?", None),
        ("\ud800", "invalid", "sms", "?", None),
        ("whatsapp:", "invalid", "whatsapp", "whatsapp:", None),
        ("a name too long", "invalid", "sms", "?a name too long", None),
    ],
)
def test_kinds(raw: str, kind: str, channel: str, key: str, region: str | None) -> None:
    sender = read_sender(raw, "PK")
    assert (sender.kind, sender.channel, sender.key, sender.region) == (kind, channel, key, region)
    assert sender.e164 == (key if key.startswith("+") else None)
    assert sender.can_be_texted == (kind in {"mobile", "unlisted"})


def test_a_number_belongs_to_the_default_region() -> None:
    assert read_sender("07400 123456", "GB").e164 == "+447400123456"
    assert read_sender("2125550100", "US").e164 == "+12125550100"
    assert read_sender("12125550100", "US").e164 == "+12125550100"
    assert read_sender("00923001234567", "US").e164 == MADE_UP  # 00 where the country itself dials 011
    assert read_sender("20 12 34 56", "DK").e164 == "+4520123456"
    # To the library a landline of a German town; but what texts us is the mobile +49 1515 ...
    assert read_sender("4915153451719", "DE").e164 == "+4915153451719"
    with pytest.raises(ValueError, match="XX"):
        read_sender("03001234567", "XX")


def test_long_garbage_keeps_keys_apart_and_short() -> None:
    one, other = read_sender("x" * 5000 + "1", "PK"), read_sender("x" * 5000 + "2", "PK")
    assert one.key != other.key
    assert len(one.key) <= 41


def test_the_quick_reading_agrees_with_the_library_in_every_region() -> None:
    """Example numbers of every kind in every region, and neighbours of them with some digits changed."""
    chance = random.Random(8558)
    compared = 0
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in sorted(phonenumbers.PhoneNumberType.values()):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            home = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
            if sum(sign.isdigit() for sign in home) > 6:  # fewer are read as a short code unless they are a mobile
                assert read_sender(home, region).e164 == _e164(example), (region, home)
            for changed in range(12):
                digits = list(_e164(example))
                for _ in range(changed // 3):
                    digits[chance.randrange(3, len(digits))] = chance.choice("0123456789")
                _same_as_library("".join(digits))
                compared += 1
    assert compared > 4000


def _same_as_library(typed: str) -> None:
    try:
        oracle = phonenumbers.parse(typed, None)
    except phonenumbers.NumberParseException:
        assert read_sender(typed, "PK").e164 is None
        return
    sender = read_sender(typed, "PK")
    if phonenumbers.is_valid_number(oracle):
        assert sender.e164 == _e164(oracle)
        assert sender.region == phonenumbers.region_code_for_number(oracle)
        landline = phonenumbers.number_type(oracle) == phonenumbers.PhoneNumberType.FIXED_LINE
        assert (sender.kind is SenderKind.LANDLINE) == landline
    else:
        assert sender.kind in {SenderKind.UNLISTED, SenderKind.INVALID}


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@given(st.one_of(st.text(max_size=60), st.from_regex(r"(whatsapp:|rcs:)?\+?[0-9 ()\-]{0,20}", fullmatch=True)))
@example("+4900000")
@example("+49000000000")
@example("+59800004037150100")
def test_every_string_has_an_answer_that_reads_back_as_itself(raw: str) -> None:
    sender = read_sender(raw, "PK")
    assert sender.key
    if sender.e164:
        # Of Iran's service numbers the library knows some with four digits ("+98 9601"), and we agree with it above.
        least = 5 if sender.kind is SenderKind.SERVICE else 6
        assert re.fullmatch(rf"\+[1-9][0-9]{{{least},14}}", sender.e164)
        assert read_sender(sender.e164, "PK").key == sender.key


def test_staff_and_csv_numbers() -> None:
    assert read_member_number("0300-1234567", "PK") == MADE_UP
    assert read_member_number("923001234567.0", "PK") == MADE_UP  # a spreadsheet's number column
    assert read_member_number("+923901234567", "PK") == "+923901234567"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "The phone number is empty."),
        ("9.23001E+11", "was rounded by a spreadsheet"),
        ("02135678901", "is a landline"),
        ("8558", "is too short"),
        ("0800 55 100", "is not a phone number|service number|too short"),
        ("Ali", "is a name"),
        ("+999123456789", "country code that no country has"),
        ("+92123", "digits are missing"),
        ("+923901234567", "in no known number range of PK"),
        ("telegram:ali", "account name"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(typed: str, sentence: str) -> None:
    with pytest.raises(MemberNumberError, match=sentence):
        read_member_number(typed, "PK", listed_only=True)


def test_the_sentence_does_not_carry_the_number() -> None:
    with pytest.raises(MemberNumberError) as caught:
        read_member_number("021 35678901", "PK")
    assert "35678901" not in str(caught.value).replace(" ", "")


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (MADE_UP, "+92300•••4567"),
        ("whatsapp:" + MADE_UP, "whatsapp:+92300•••4567"),
        ("+14155550100", "+1415•••0100"),
        ("+4520123456", "+452•••3456"),
        ("+2901234", "+29•••34"),
        ("0300 1234567", "0300•••4567"),
        ("80022", "80022"),
        ("JALSA", "JA•••"),
        ("", ""),
    ],
)
def test_mask(number: str, shown: str) -> None:
    assert mask(number) == shown


def test_the_repr_of_a_sender_is_masked() -> None:
    assert "1234567" not in repr(read_sender(MADE_UP, "PK"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call 0300-1234567 now", "call 0300•••4567 now"),
        ("From=%2B923001234567&To=80022", "From=%2B92300•••4567&To=80022"),
        ("tel:+92 (300) 123 4567", "tel:+92300•••4567"),
        ("۰۳۰۰۱۲۳۴۵۶۷", "۰۳۰۰•••۴۵۶۷"),
        ("0300\u200b123\u200b4567", "0300•••4567"),
        ("at 2026-10-05 12:30, 35000 sent, 3 of 4,000", "at 2026-10-05 12:30, 35000 sent, 3 of 4,000"),
        ("2026-10-05T12:30:00", "2026-10-05T12:30:00"),
    ],
)
def test_mask_all(text: str, shown: str) -> None:
    assert mask_all(text) == shown


@given(
    st.from_regex(r"\+?[0-9]([ \-.()]{0,2}[0-9]){6,14}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Nd"]), max_size=10),
)
def test_no_number_survives_masking(number: str, around: str) -> None:
    masked = mask_all(f"{around}x{number}x{around}")
    assert "•••" in masked or re.match(r"(19|20)\d\d-", number)
    digits = re.sub(r"\D", "", number)
    if not re.match(r"(19|20)\d\d-", number):
        assert digits not in re.sub(r"[^0-9•]", "", masked)
    assert mask_all(masked) == masked
