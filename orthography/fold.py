"""Fold a text so that two spellings that a reader takes for the same letters compare equal.

Unicode's NFKC joins presentation forms, full-width and circled letters, but not the Arabic and Urdu code points
that look alike (ي ی, ك ک, ه ہ ھ) nor Cyrillic and Greek letters in a Latin word; both are added here.
Sources: Unicode Standard ch. 9.2 (Arabic letters of Urdu), UAX #15 (NFKC), UTS #39 (confusables; the subset
that a phone keyboard or an autocorrect produces).
"""

import re
import unicodedata

_ARABIC_TO_URDU = {
    "ي": "ی", "ى": "ی", "ې": "ی", "ۍ": "ی", "ێ": "ی", "ئ": "ی", "ۓ": "ے",
    "ك": "ک", "ڪ": "ک", "ګ": "گ",
    "ه": "ہ", "ھ": "ہ", "ة": "ہ", "ۃ": "ہ", "ۀ": "ہ", "ە": "ہ", "ۂ": "ہ",
    "أ": "ا", "إ": "ا", "ٱ": "ا", "آ": "ا",
    "ؤ": "و", "ۇ": "و", "ۆ": "و",
    "ں": "ن", "ڼ": "ن", "ء": None, "ـ": None,
}  # fmt: skip

# Letters of other alphabets drawn like a Latin one (UTS #39); by case, because Greek Ν is N but ν is v.
_LOOK_ALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХԌԚԜӀΑΒΕΖΗΙΚΜΝΟΡΤΥΧасԁеһіјӏорԛѕуԝхαικνορυ",
    "ABESIJKMHOPCTYXGQWLABEZHIKMNOPTYXacdehijlopqsywxaikvopu",
)
_FOREIGN_WORD = re.compile(r"[^\W\d_]*[Ͱ-ϿЀ-ԯ][^\W\d_]*")
_FOREIGN_LETTER = re.compile(r"[Ͱ-ϿЀ-ԯ]")

_SMALL_LETTERS = dict(
    zip("ᴀʙᴄᴅᴇꜰғɢʜɪıᴊᴋʟᴍɴᴏᴘǫꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdeffghiijklmnopqqrstuvwyz", strict=True)
)  # small capitals
_NEGATIVE_LETTERS = ((0x1F150, 0x1F169), (0x1F170, 0x1F189))  # white-on-black circled and squared A to Z
_APOSTROPHES = re.compile(r"(?<=\w)['’ʼ`´‘](?=\w)")
_WORD = re.compile(r"[^\W_]+")
_SPACE = re.compile(r"[^\S\n]+")


class _Folding(dict[int, str | None]):
    """What each code point becomes; worked out on first sight, then remembered."""

    def __missing__(self, code: int) -> str | None:
        self[code] = folded = _fold_one(code)
        return folded


def _fold_one(code: int) -> str | None:
    letter = chr(code)
    if letter in _ARABIC_TO_URDU:
        return _ARABIC_TO_URDU[letter]
    if letter in _SMALL_LETTERS:
        return _SMALL_LETTERS[letter]
    for first, last in _NEGATIVE_LETTERS:
        if first <= code <= last:
            return chr(ord("a") + code - first)
    category = unicodedata.category(letter)
    if letter in "\n\r\u2028\u2029\x0b\x0c\x85":
        return "\n"
    if category in ("Mn", "Me", "Cf", "Cs", "Cn"):  # marks, joiners, bidi controls: invisible to a reader
        return None
    if category == "Nd":
        return str(unicodedata.decimal(letter))
    if category in ("Cc", "Co", "So", "Zs"):  # controls, private use, emoji and other pictures part words
        return " "
    return letter


_folding = _Folding()


def _latin_if_it_looks_so(word: re.Match[str]) -> str:
    latin = word[0].translate(_LOOK_ALIKES)
    return word[0] if _FOREIGN_LETTER.search(latin) else latin


def fold(text: str) -> str:
    """Return `text` lower-cased with invisible marks gone and look-alike letters and digits made one.

    Any str comes in, lone surrogates too; out comes text whose lines are parted by a single newline sign and
    whose other white space is single blanks. Punctuation stays: what parts words is the caller's to say.
    """
    if text.isascii():
        folded = text.lower()
        if not folded.isprintable():
            folded = folded.translate(_folding)
    else:
        # Compose first, so that hamza and madda are one letter with their seat; then compatibility forms.
        composed = unicodedata.normalize("NFKC", text)
        folded = _FOREIGN_WORD.sub(_latin_if_it_looks_so, composed).casefold().translate(_folding)
        if not folded.isascii():
            # Latin accents come off (Faisalābād): decompose, drop marks, fold what the decomposition set free.
            folded = unicodedata.normalize("NFKD", folded).translate(_folding)
            folded = _FOREIGN_WORD.sub(_latin_if_it_looks_so, folded)
    return _SPACE.sub(" ", folded).strip()


def words(text: str) -> list[str]:
    """Return the words of a text, folded: runs of letters and digits; an apostrophe inside a word is dropped."""
    return _WORD.findall(_APOSTROPHES.sub("", fold(text)))
