"""How many SMS parts a text takes, where it is cut, and which letters make it dear.

Source: 3GPP TS 23.038 6.2.1 (default alphabet and its extension table), 3GPP TS 23.040 9.2.3.24.1 (a part of a
longer text gives six octets to its header). The national shift tables of TS 23.038 A.2 and A.3 are not used: Twilio
and most aggregators send none, so Urdu is always UCS-2. What Twilio calls UCS-2 is UTF-16 on the air.
"""

import re
import unicodedata
from itertools import pairwise
from typing import Literal, NamedTuple

Encoding = Literal["GSM-7", "UCS-2"]

GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = "\f^{}\\[~]|€"  # two septets each: an escape, then the sign

_LIMITS: dict[Encoding, tuple[int, int]] = {"GSM-7": (160, 153), "UCS-2": (70, 67)}  # alone, and joined with others

_ASCII_BASIC = "".join(sign for sign in GSM_BASIC if sign.isascii()).encode("ascii")
_ASCII_EXTENSION = "".join(sign for sign in GSM_EXTENSION if sign.isascii()).encode("ascii")
_OUTSIDE = re.compile(f"[^{re.escape(GSM_BASIC + GSM_EXTENSION)}]")
_EXTENSION = re.compile(f"[{re.escape(GSM_EXTENSION)}]")
_OUTSIDE_WITH_MARK = re.compile(f".[\u0300-\u036f]|{_OUTSIDE.pattern}", re.DOTALL)
_BEYOND_16_BITS = re.compile("[\U00010000-\U0010ffff]")
_ESCAPE = "\x1b"

# Signs that say the same in GSM-7. No letter is among them but the two modifier letters that serve as apostrophes.
_BLANKS = "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_INVISIBLE = (
    "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufe0e\ufe0f\ufeff"
)
_TYPOGRAPHIC = str.maketrans(
    dict.fromkeys("‘’‚‛‹›′‵ʻʼ`´＇", "'")
    | dict.fromkeys("“”„‟«»″‶〝〞＂", '"')
    | dict.fromkeys("‐‑‒–—―−﹘﹣－⁃", "-")
    | dict.fromkeys("•‣▪●", "*")
    | {"…": "...", "‥": "..", "⁄": "/", "∕": "/", "∼": "~"}
    | dict.fromkeys(_BLANKS, " ")
    | dict.fromkeys("\x0b\x85\u2028\u2029", "\n")
    | dict.fromkeys(_INVISIBLE, "")
)


class MessageParts(NamedTuple):
    """What a text costs: septets (GSM-7) or UTF-16 code units (UCS-2), and what still fits in its last part."""

    encoding: Encoding
    parts: int
    units: int
    units_left: int
    text: str

    @property
    def costly(self) -> "list[CostlyLetter]":
        """The letters that force UCS-2; worked out when asked for, because inbound counts every reply."""
        return costly_letters(self.text) if self.encoding == "UCS-2" else []

    def __repr__(self) -> str:
        return f"MessageParts({self.encoding}, parts={self.parts}, units={self.units}, units_left={self.units_left})"


class CostlyLetter(NamedTuple):
    """A letter outside GSM-7 at `position` (code points from 0), and what could stand in its place.

    `replacement` is None where nothing cheap says the same, and may be empty for an invisible sign. `automatic` is
    False where the replacement changes a letter (ā to a), which only a person may decide.
    """

    letter: str
    position: int
    replacement: str | None
    automatic: bool
    name: str


def count_parts(text: str) -> MessageParts:
    """Return what `text` costs on the air.

    An empty text is one part: networks carry it as one (Twilio refuses to send it, error 21602).
    """
    length = len(text)
    if text.isascii():
        rest = text.encode("ascii").translate(None, _ASCII_BASIC)
        if not rest and length <= 160:
            return MessageParts("GSM-7", 1, length, 160 - length, text)
        if rest.translate(None, _ASCII_EXTENSION):
            return _counted("UCS-2", length, length, text)
        return _counted("GSM-7", length + len(rest), length, text)
    if _OUTSIDE.search(text):
        try:
            return _counted("UCS-2", len(text.encode("utf-16-le")) // 2, length, text)
        except UnicodeEncodeError:  # surrogates came in one by one: look at every cut
            return _counted("UCS-2", len(text.encode("utf-16-le", "surrogatepass")) // 2, -1, text)
    return _counted("GSM-7", length + len(_EXTENSION.findall(text)), length, text)


def _counted(encoding: Encoding, units: int, letters: int, text: str) -> MessageParts:
    single, joined = _LIMITS[encoding]
    if units <= single:
        return MessageParts(encoding, 1, units, single - units, text)
    if units == letters:  # no pair that a cut could fall into
        parts = -(-units // joined)
        return MessageParts(encoding, parts, units, parts * joined - units, text)
    cuts = _cuts(_on_the_air(text, encoding), joined)
    return MessageParts(encoding, len(cuts) - 1, units, joined - (cuts[-1] - cuts[-2]), text)


def split_parts(text: str, *, wide: bool = False) -> list[str]:
    """Return the text of each part, cut where the network's limit falls, never inside an escape or surrogate pair.

    `wide` leaves room for a header with a 16-bit reference, which is an octet longer (TS 23.040 9.2.3.24.8).
    """
    counted = count_parts(text)
    if counted.parts == 1:
        return [text]
    on_the_air = _on_the_air(text, counted.encoding)
    cuts = _cuts(on_the_air, _LIMITS[counted.encoding][1] - wide)
    pieces = [on_the_air[start:end] for start, end in pairwise(cuts)]
    if counted.encoding == "GSM-7":
        return [piece.replace(_ESCAPE, "") for piece in pieces]
    return [piece.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass") for piece in pieces]


def cheapest(text: str) -> str:
    """Return `text` with typographic signs in plain form where that alone takes fewer parts, else `text` itself.

    Quotes, dashes, special blanks, ellipses and invisible signs are folded, and a letter typed in two pieces
    (e + accent) is joined; a letter itself is never changed, so a text with one letter outside GSM-7 comes back whole.
    """
    return cheapest_parts(text).text


def cheapest_parts(text: str) -> MessageParts:
    """Return what `cheapest(text)` costs, and that text with it, counted once."""
    before = count_parts(text)
    if before.encoding == "GSM-7" or before.parts == 1:
        return before
    folded = unicodedata.normalize("NFC", text).translate(_TYPOGRAPHIC)
    if _OUTSIDE.search(folded):
        return before
    after = count_parts(folded)
    return after if after.parts < before.parts else before


def costly_letters(text: str) -> list[CostlyLetter]:
    """Return every letter of `text` outside GSM-7 in order, each with its cheap replacement where there is one."""
    return [_costly(found[0], found.start()) for found in _OUTSIDE_WITH_MARK.finditer(text)]


def _costly(letter: str, position: int) -> CostlyLetter:
    joined = unicodedata.normalize("NFC", letter)
    name = " with ".join(unicodedata.name(sign, f"U+{ord(sign):04X}") for sign in joined)
    same = joined.translate(_TYPOGRAPHIC)
    if not _OUTSIDE.search(same):
        return CostlyLetter(letter, position, same, True, name)
    # What is left after the accent is gone may serve a reader, but it is another letter.
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(sign))
    bare = bare.translate(_TYPOGRAPHIC)
    if bare and bare != letter and not _OUTSIDE.search(bare):
        return CostlyLetter(letter, position, bare, False, name)
    return CostlyLetter(letter, position, None, False, name)


def _on_the_air(text: str, encoding: Encoding) -> str:
    """Return one sign per septet or per UTF-16 code unit, so that positions are what the network counts."""
    if encoding == "GSM-7":
        return _EXTENSION.sub(rf"{_ESCAPE}\g<0>", text)
    return _BEYOND_16_BITS.sub(_surrogate_pair, text)


def _surrogate_pair(letter: re.Match[str]) -> str:
    offset = ord(letter[0]) - 0x10000
    return chr(0xD800 + (offset >> 10)) + chr(0xDC00 + (offset & 0x3FF))


def _cuts(on_the_air: str, joined: int) -> list[int]:
    cuts, length = [0], len(on_the_air)
    while length - cuts[-1] > joined:
        cut = cuts[-1] + joined
        last = on_the_air[cut - 1]
        if last == _ESCAPE or ("\ud800" <= last <= "\udbff" and "\udc00" <= on_the_air[cut] <= "\udfff"):
            cut -= 1
        cuts.append(cut)
    return [*cuts, length]
