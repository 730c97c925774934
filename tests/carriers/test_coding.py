"""Letters and headers on the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.carriers.coding import (
    GSM7,
    LATIN1,
    UCS2,
    Concat,
    charset_of,
    concat_header,
    decode,
    decode_gsm7,
    encode_gsm7,
    read_header,
)  # fmt: skip
from gateway.rules.message_parts import GSM_BASIC, GSM_EXTENSION, count_parts, split_parts

LETTERS = GSM_BASIC + GSM_EXTENSION


@given(st.text(alphabet=LETTERS, max_size=200))
def test_what_is_written_can_be_read_and_costs_what_was_counted(text: str) -> None:
    octets = encode_gsm7(text)
    assert decode_gsm7(octets) == text
    assert len(octets) == count_parts(text).units


@given(st.text(max_size=400), st.booleans())
def test_every_part_fits_with_its_header(text: str, wide: bool) -> None:
    pieces = split_parts(text, wide=wide)
    assert "".join(pieces) == text
    if len(pieces) == 1:
        return
    header = concat_header(Concat(1, len(pieces), 1), wide=wide)
    ucs2 = count_parts(text).encoding == "UCS-2"
    for piece in pieces:
        if ucs2:
            assert len(header) + len(piece.encode("utf-16-be", "surrogatepass")) <= 140
        else:
            assert -(-len(header) * 8 // 7) + len(encode_gsm7(piece)) <= 160


@given(st.binary(max_size=200), st.sampled_from([GSM7, UCS2, LATIN1, "utf-8", "no-such-charset"]))
def test_nothing_that_comes_in_is_refused(data: bytes, charset: str) -> None:
    text = decode(data, charset)
    text.encode()  # it can be stored
    assert "\x00" not in text
    read_header(data)


@given(st.integers(0, 0xFFFF), st.integers(2, 255), st.data(), st.booleans(), st.binary(max_size=20))
def test_a_header_is_read_back(ref: int, total: int, data: st.DataObject, wide: bool, words: bytes) -> None:
    number = data.draw(st.integers(1, total))
    concat, rest = read_header(concat_header(Concat(ref, total, number), wide=wide) + words)
    assert concat == Concat(ref | 0x10000 if wide else ref & 0xFF, total, number)
    assert rest == words


@pytest.mark.parametrize(
    ("coding", "data", "charset"),
    [
        (0, b"x", GSM7), (1, b"Hello\n", LATIN1), (1, b"\x1be 5", GSM7), (3, b"\xe9", LATIN1), (8, b"", UCS2),
        (0x18, b"", UCS2), (0xE0, b"", UCS2), (0xF0, b"", GSM7), (0x10, b"", GSM7), (4, b"\xff", LATIN1),
    ],
)  # fmt: skip
def test_data_coding(coding: int, data: bytes, charset: str) -> None:
    assert charset_of(coding, data) == charset


@pytest.mark.parametrize(
    "header", [b"\x05", b"\x05\x00\x03\x01\x02", b"\x05\x00\x03\x01\x02\x03x", b"\x05\x00\x03\x01\x01\x01x"]
)
def test_a_header_that_contradicts_itself_is_no_part(header: bytes) -> None:
    assert read_header(header)[0] is None
