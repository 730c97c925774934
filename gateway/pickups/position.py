"""A position that somebody pasted: a map link in one of its many forms, or latitude and longitude. Pure."""

import re
from urllib.parse import unquote_plus

_NUMBER = r"([-+]?\d{1,3}(?:\.\d+)?)"
_PAIR = rf"{_NUMBER}\s*,\s*{_NUMBER}"
_LINK = re.compile(r"(?:https?://|geo:|www\.|maps\.|goo\.gl|osm\.org|openstreetmap\.org|//)", re.IGNORECASE)
_SHORT_LINK = re.compile(
    r"(?:maps\.app\.goo\.gl|goo\.gl/maps|g\.co/|g\.page/|goo\.gl/|osm\.org/go/|openstreetmap\.org/go/|maps\.apple/|"
    r"waze\.com/ul/h|w3w\.co/)",
    re.IGNORECASE,
)
# In a link, the pin before the place asked for, and both before the window that the map happened to show.
_IN_LINKS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"!3d{_NUMBER}!4d{_NUMBER}",
        rf"[?&](?:q|query|coordinate|point)=(?:loc:|point:)?\s*{_PAIR}",
        rf"[?&](?:destination|daddr|to|center|cp|ll|sll|viewpoint|saddr|origin)=\s*(?:loc:)?{_PAIR}",
        rf"[?&]mlat={_NUMBER}&(?:amp;)?mlon={_NUMBER}",
        rf"[?&]lat={_NUMBER}&(?:amp;)?(?:lon|lng)={_NUMBER}",
        rf"^geo:{_PAIR}|\bgeo:{_PAIR}",
        rf"/(?:place|search|dir)/{_PAIR}",
        rf"@{_PAIR}",
        rf"#map=\d+(?:\.\d+)?/{_NUMBER}/{_NUMBER}",
    )
)
_DEGREES = re.compile(
    r"(\d{1,3})\s*[°º]\s*(\d{1,2}(?:\.\d+)?)\s*['′’]\s*(?:(\d{1,2}(?:\.\d+)?)\s*(?:\"|″|”|''))?\s*([NSEW])",
    re.IGNORECASE,
)
_SIDED = re.compile(r"(?<![\d.])(\d{1,2}\.\d+)\s*°?\s*([NS])\b[\s,]*(\d{1,3}\.\d+)\s*°?\s*([EW])\b", re.IGNORECASE)
# Bare numbers must look like degrees of a phone's own precision, so that prices and times are none.
_BARE = re.compile(
    r"(?<![\d.])([-+]?\d{1,2}\.\d{2,})\s*°?\s*[,،;]\s*(?:lon(?:g|gitude)?|lng)?\s*[:=]?\s*([-+]?\d{1,3}\.\d{2,})(?![\d.])|"
    r"(?<![\d.])([-+]?\d{1,2}\.\d{3,})°?\s+(?:lon(?:g|gitude)?|lng)?\s*[:=]?\s*([-+]?\d{1,3}\.\d{3,})(?![\d.])",
    re.IGNORECASE,
)
_EASTERN_DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩٫", "01234567890123456789.")


def read_position(text: str) -> tuple[float, float] | None:
    """Return (lat, lon) of a pasted position or map link, in WGS 84 degrees; None if there is none in the text."""
    plain = text.translate(_EASTERN_DIGITS)
    if _LINK.search(plain):
        link = unquote_plus(plain).replace("&amp;", "&")
        for pattern in _IN_LINKS:
            for found in pattern.finditer(link):
                numbers = [float(number) for number in found.groups() if number is not None]
                if _real(*numbers):
                    return numbers[0], numbers[1]
        plain = link
    sides = [_sided(found) for found in _DEGREES.finditer(plain)]
    lats = [value for value, is_lat in sides if is_lat]
    lons = [value for value, is_lat in sides if not is_lat]
    if lats and lons and _real(lats[0], lons[0]):
        return lats[0], lons[0]
    if sided := _SIDED.search(plain):
        lat, lon = float(sided[1]), float(sided[3])
        lat, lon = -lat if sided[2] in "Ss" else lat, -lon if sided[4] in "Ww" else lon
        if _real(lat, lon):
            return lat, lon
    for pair in _BARE.finditer(plain):
        lat, lon = (float(number) for number in pair.groups() if number is not None)
        if _real(lat, lon):
            return lat, lon
    return None


def has_short_link(text: str) -> bool:
    """Whether a text holds a shortened map link, whose position only its maker's server knows."""
    return bool(_SHORT_LINK.search(text))


def has_link(text: str) -> bool:
    """Whether a text holds a link at all."""
    return bool(_LINK.search(text))


def _real(lat: float, lon: float) -> bool:
    """Whether a pair lies on the earth; 0, 0 is what a map says when it does not know."""
    return -90 <= lat <= 90 and -180 <= lon <= 180 and (lat, lon) != (0, 0)


def _sided(found: re.Match[str]) -> tuple[float, bool]:
    """Return degrees of a notation such as 31°32'58.9"N, and whether they are a latitude."""
    value = int(found[1]) + float(found[2]) / 60 + float(found[3] or 0) / 3600
    side = found[4].upper()
    return (-value if side in "SW" else value), side in "NS"
