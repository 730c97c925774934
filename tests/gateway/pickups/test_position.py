"""Map links in the forms that phones paste, and numbers that are no position."""

import pytest

from gateway.pickups.position import has_short_link, read_position

HERE = (31.5497, 74.3436)


@pytest.mark.parametrize(
    "text",
    [
        "31.5497,74.3436",
        "31.5497, 74.3436",
        "31.5497 74.3436",
        "WHERE 31.5497،74.3436",
        "۳۱٫۵۴۹۷, ۷۴٫۳۴۳۶",
        "Lat: 31.5497, Lon: 74.3436",
        "31.5497° N, 74.3436° E",
        "31°32'58.92\"N 74°20'36.96\"E",
        "https://maps.google.com/?q=31.5497,74.3436",
        "https://maps.google.com/maps?q=31.5497%2C74.3436&z=17&hl=en",
        "https://maps.google.com/maps?q=loc:31.5497,74.3436",
        "https://www.google.com/maps/search/?api=1&query=31.5497%2C74.3436",
        "https://www.google.com/maps/@31.5497,74.3436,17z",
        "https://www.google.com/maps/place/31%C2%B032'58.9%22N+74%C2%B020'37.0%22E/@31.9,74.9,17z/data=!4m4!3m3!8m2!3d31.5497!4d74.3436",
        "https://www.google.com/maps/place/Lahore/@31.48,74.19,11z/data=!3m1!4b1!4m6!3m5!1s0x39:0x2!8m2!3d31.5497!4d74.3436!16zL20",
        "https://www.google.com/maps/dir/?api=1&destination=31.5497,74.3436",
        "https://www.google.com/maps/search/31.5497,+74.3436?entry=tts",
        "https://maps.google.com/?ll=31.5497,74.3436",
        "geo:31.5497,74.3436",
        "geo:31.5497,74.3436;u=35",
        "geo:0,0?q=31.5497,74.3436(My+place)",
        "https://maps.apple.com/?ll=31.5497,74.3436&q=Dropped%20Pin",
        "https://maps.apple.com/?q=Pin&ll=31.5497,74.3436&t=m",
        "https://maps.apple.com/place?coordinate=31.5497,74.3436&name=Marked",
        "https://www.openstreetmap.org/?mlat=31.5497&mlon=74.3436#map=17/31.9/74.9",
        "https://www.openstreetmap.org/#map=17/31.5497/74.3436",
        "https://waze.com/ul?ll=31.5497,74.3436&navigate=yes",
        "I am here: https://maps.google.com/?q=31.5497,74.3436 please send bus",
    ],
)
def test_positions(text: str) -> None:
    found = read_position(text)
    assert found is not None
    assert found == pytest.approx(HERE, abs=1e-5)


def test_south_and_west() -> None:
    assert read_position("-33.8688, -151.2093") == (-33.8688, -151.2093)
    assert read_position("33.8688S 151.2093W") == (-33.8688, -151.2093)


@pytest.mark.parametrize(
    "text",
    [
        "", "meet at 5.30 or 6.30", "Rs 12.50, 20.75 only?"[:11], "0300 1234567", "95.1234, 200.5678", "geo:0,0",
        "pay 31.5 and 74.3", "https://example.com/a?b=1", "NA-130 31.5497", "https://maps.app.goo.gl/AbC123",
        "10.30 11.45 12.15", "version 3.11.2, 3.12.1",
    ],
)  # fmt: skip
def test_no_position(text: str) -> None:
    assert read_position(text) is None


def test_short_links_are_known_as_such() -> None:
    assert has_short_link("https://maps.app.goo.gl/AbC123?g_st=iw")
    assert has_short_link("https://goo.gl/maps/xyz")
    assert not has_short_link("https://maps.google.com/?q=31.5,74.3")
