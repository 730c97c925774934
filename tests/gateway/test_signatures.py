"""Our HMAC is the SDK's, for any fields and either algorithm."""

from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

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
