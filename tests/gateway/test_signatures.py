"""Our HMAC is the SDK's, for any fields and either algorithm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator, get_signature_algorithm

from gateway.carriers.twilio.signature import Signatures

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
FORMS = st.dictionaries(st.from_regex(r"[A-Z][A-Za-z0-9]{0,12}", fullmatch=True), WORDS, max_size=25)


@given(FORMS, st.sampled_from(["HMAC_SHA1", "HMAC_SHA256"]), WORDS)
def test_what_the_sdk_signs_is_valid_and_nothing_else(fields: dict[str, str], algorithm: str, extra: str) -> None:
    base, path = "https://jalsa.example", "/webhooks/twilio/sms?x=1"
    ours, sdk = Signatures(base, "secret"), RequestValidator("secret")
    settings = f"algorithm={algorithm}"
    signature = sdk.compute_signature(base + path, fields, algorithm)
    assert ours.valid(path, fields, signature, settings)
    assert not ours.valid(path, {**fields, "Zz": extra + "x"}, signature, settings)
    assert not ours.valid(path + "&", fields, signature, settings)
    other = "HMAC_SHA1" if algorithm == "HMAC_SHA256" else "HMAC_SHA256"
    assert not ours.valid(path, fields, signature, f"algorithm={other}")


SDK_FORM = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}


@pytest.mark.parametrize(
    ("base", "signature"),
    [
        ("https://mycompany.com", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://mycompany.com", "kvajT1Ptam85bY51eRf/AJRuM3w="),  # signed with :443
        ("http://mycompany.com", "0ZXoZLH/DfblKGATFgpif+LLRf4="),  # signed with :80
        ("https://mycompany.com:1234", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),  # signed without its port
        ("http://mycompany.com:1234", "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
    ],
)
def test_the_examples_of_the_sdks_own_tests(base: str, signature: str) -> None:
    ours, path = Signatures(base, "12345"), "/myapp.php?foo=1&bar=2"
    assert ours.valid(path, SDK_FORM, signature, None)
    assert not ours.valid(path, SDK_FORM, signature, "algorithm=HMAC_SHA256")
    assert not ours.valid("/myapp.php?bar=2&foo=1", SDK_FORM, signature, None)


@pytest.mark.parametrize("base", ["https://jalsa.example", "https://jalsa.example:8443", "http://jalsa.example/sms/in"])
@pytest.mark.parametrize(
    "settings",
    [
        None, "", "key=k1", "algorithm=", "algorithm=,algorithm=HMAC_SHA256", " key=k1 , algorithm = hmac_sha256 ",
        "Algorithm=HMAC_SHA256", "algorithm=HMAC_SHA256;key=k1", "algorithm=none", "algorithm=HMAC_SHA512", ";,=,",
    ],
)  # fmt: skip
def test_an_odd_settings_header_never_opens_more_than_the_sdk_does(base: str, settings: str | None) -> None:
    path, form = "/webhooks/twilio/sms?x=1", {"Body": "JOIN", "From": "+923001234501"}
    sdk, named = RequestValidator("secret"), get_signature_algorithm(settings)
    for signed_with in ("HMAC_SHA1", "HMAC_SHA256"):
        signature = sdk.compute_signature(base + path, form, signed_with)
        theirs = sdk.validate(base + path, form, signature, named)
        ours = Signatures(base, "secret").valid(path, form, signature, settings)
        assert theirs or not ours
        if settings is None or settings.lower().count("algorithm=") < 2:
            assert ours == theirs
