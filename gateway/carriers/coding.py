"""What a part looks like on the wire: the GSM default alphabet, UCS-2, and the header that joins parts.

Source: 3GPP TS 23.038 6.2.1 (alphabets) and 4 (data coding), 3GPP TS 23.040 9.2.3.24 (user data header), SMPP 3.4
5.2.19 (data_coding). Over SMPP and HTTP the septets of the default alphabet come one to an octet, not packed.
"""

from typing import NamedTuple

from gateway.rules.message_parts import GSM_BASIC

_ESCAPE = 0x1B
_EXTENSION = {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|",
              0x65: "€"}  # fmt: skip
# GSM_BASIC leaves out the escape itself, which stands at 0x1B.
_LETTERS = GSM_BASIC if len(GSM_BASIC) == 128 else GSM_BASIC[:_ESCAPE] + "\x1b" + GSM_BASIC[_ESCAPE:]
_TO_OCTETS = {letter: bytes([code]) for code, letter in enumerate(_LETTERS) if code != _ESCAPE} | {
    letter: bytes([_ESCAPE, code]) for code, letter in _EXTENSION.items()
}

GSM7, UCS2, LATIN1, UTF8 = "gsm7", "utf-16-be", "latin-1", "utf-8"
_NO_IA5_LETTERS = bytes(code for code in range(0x20) if chr(code) not in "\t\n\f\r")


def encode_gsm7(text: str) -> bytes:
    """Return the text in the default alphabet, a septet to an octet; KeyError for a letter that it has not."""
    return b"".join([_TO_OCTETS[letter] for letter in text])


def decode_gsm7(data: bytes) -> str:
    """Return the letters of unpacked septets; an unknown escape is the letter after it, as TS 23.038 asks."""
    letters: list[str] = []
    escaped = False
    for code in data:
        if escaped:
            letters.append(_EXTENSION.get(code) or (_LETTERS[code] if code < 0x80 and code != _ESCAPE else " "))
            escaped = False
        elif code == _ESCAPE:
            escaped = True
        else:
            letters.append(_LETTERS[code] if code < 0x80 else "\ufffd")
    return "".join(letters)


def decode(data: bytes, charset: str) -> str:
    """Return the letters of a text's octets. What cannot be read is U+FFFD; nothing is raised, nothing dropped."""
    if charset == GSM7:
        return decode_gsm7(data)
    try:
        text = data.decode(charset, "replace")
    except (LookupError, ValueError):  # no charset, or one that is no alphabet ("idna", "undefined")
        text = data.decode(UTF8, "replace")
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\x00", "\ufffd")


def charset_of(data_coding: int, data: bytes, default: str = GSM7) -> str:
    """Return the charset that an SMPP data_coding means; `default` is what the SMSC calls its default alphabet.

    1 is IA5 by the book, but some SMSCs (such as node-smpp) mean the default alphabet by it: octets that are no letters
    in IA5 tell.
    """
    if data_coding == 0x08 or (data_coding & 0xEC) == 0x08 or (data_coding & 0xF0) == 0xE0:
        return UCS2
    if data_coding == 0x01 and data.translate(None, _NO_IA5_LETTERS) != data:
        return GSM7
    if data_coding in (0x01, 0x02, 0x03, 0x04):  # octets without a charset are read as Latin-1: nothing is lost
        return LATIN1
    return default


class Concat(NamedTuple):
    """Which part of which text this is: `ref` is the sender's own, `number` counts from 1."""

    ref: int
    total: int
    number: int


def concat_header(concat: Concat, *, wide: bool = False) -> bytes:
    """Return the user data header of one part, with an 8-bit reference, or a 16-bit one where `wide`."""
    if wide:
        return bytes([6, 8, 4, *(concat.ref & 0xFFFF).to_bytes(2, "big"), concat.total, concat.number])
    return bytes([5, 0, 3, concat.ref & 0xFF, concat.total, concat.number])


def read_header(data: bytes) -> tuple[Concat | None, bytes]:
    """Return which part this is (None for a text of its own) and what follows the header.

    Elements that say something else (ports, shift tables) are passed over; a header that is longer than the data or
    contradicts itself is none at all, and the data comes back whole.
    """
    if not data or data[0] + 1 > len(data):
        return None, data
    header, rest = data[1 : data[0] + 1], data[data[0] + 1 :]
    concat, at = None, 0
    while at + 2 <= len(header):
        kind, length = header[at], header[at + 1]
        value = header[at + 2 : at + 2 + length]
        if len(value) < length:
            return None, data
        if kind == 0 and length == 3:
            concat = Concat(*value)
        elif kind == 8 and length == 4:
            concat = Concat(int.from_bytes(value[:2], "big") | 0x10000, value[2], value[3])
        at += 2 + length
    return concat if concat and sound(concat) else None, rest


def sound(concat: Concat) -> bool:
    """Whether the numbers can be those of a part of several; TS 23.040 says to ignore others."""
    return concat.total > 1 and 1 <= concat.number <= concat.total
