"""Pictures are fetched from Twilio's own hosts only."""

import asyncio

import pytest

from gateway.carriers.twilio.media import MediaRefused, check_link, fetch


@pytest.mark.parametrize(
    "url",
    [
        "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1",
        "https://media.twiliocdn.com/AC1/x",
        "https://s3-external-1.amazonaws.com/media.twiliocdn.com/AC1/x",
    ],
)
def test_twilios_own_links_are_fine(url: str) -> None:
    check_link(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.twilio.com/x",
        "https://api.twilio.com.evil.example/x",
        "https://api.twilio.com@127.0.0.1/x",
        "https://user:secret@api.twilio.com/x",
        "https://127.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://api.twilio.com:8443/x",
        "https://s3-external-1.amazonaws.com/somebody-else/x",
        "file:///etc/passwd",
        "",
    ],
)
def test_every_other_link_is_refused_before_anything_is_called(url: str) -> None:
    with pytest.raises(MediaRefused, match="not point to Twilio"):
        check_link(url)
    with pytest.raises(MediaRefused):
        asyncio.run(fetch(url, "AC1", "token"))
