"""How a place name is spelt: what must agree exactly, and what people write in many ways.

People write Urdu names in Latin letters by ear: vowels, doubled letters and h come and go, q and k, w and v, ph and f
are one. Numbers, block letters and words such as North or New are never a matter of spelling: they name another place.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import OSA

from orthography import words

_MIXED = re.compile(r"\d+|[^\W\d_]+")
_ROMAN = {
    "ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9",
    **{ten + unit: str(10 * tens + value) for tens, ten in enumerate(("x", "xx", "xxx"), 1)
       for value, unit in enumerate(("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"))
       if ten + unit != "x"},
}  # fmt: skip
_ONE_LETTER_ROMAN = {"i": "1", "v": "5", "x": "10"}
_NUMBER_WORDS = dict(zip("one two three four five six seven eight nine ten".split(), map(str, range(1, 11)), strict=True))
_NUMBER_SIGNS = frozenset({"no", "nos", "num", "number", "nmbr", "nambar", "نمبر", "نمبرز"})
_ORDINAL_ENDS = frozenset({"st", "nd", "rd", "th"})
_LETTER_AFTER = frozenset({"block", "sector", "street", "gali", "wing", "plot", "بلاک", "سیکٹر"})

_SAME_WORD = {
    "rd": "road", "blvd": "boulevard", "col": "colony", "clny": "colony", "colny": "colony", "coloney": "colony",
    "twn": "town", "sec": "sector", "sect": "sector", "blk": "block", "mkt": "market", "univ": "university",
    "uni": "university", "hosp": "hospital", "hsptl": "hospital", "chk": "chowk", "chok": "chowk", "chauk": "chowk",
    "cant": "cantt", "cantonment": "cantt", "cantonement": "cantt", "stn": "station", "soc": "society",
    "muhammed": "muhammad", "mohammad": "muhammad", "mohammed": "muhammad", "muhamad": "muhammad", "mohd": "muhammad",
    "ext": "extension", "extn": "extension", "ave": "avenue", "st": "street",
    "shumali": "north", "shamali": "north", "شمالی": "north", "janubi": "south", "junubi": "south", "جنوبی": "south",
    "شرقی": "east", "مشرقی": "east", "غربی": "west", "مغربی": "west", "sharqi": "east", "gharbi": "west",
    "وسطی": "central", "markazi": "central", "مرکزی": "central",
    "nai": "new", "naya": "new", "nayi": "new", "naye": "new", "نیا": "new", "نیی": "new", "نیو": "new",
    "purana": "old", "purani": "old", "پرانا": "old", "پرانی": "old",
    "bala": "upper", "بالا": "upper", "zareen": "lower", "zerin": "lower", "payan": "lower", "payeen": "lower",
    "زیرین": "lower", "پایین": "lower",
}  # fmt: skip
# Words that tell one place from its neighbour of nearly the same name: they agree, or the places differ.
QUALIFIERS = frozenset(
    "north south east west central new old upper lower inner outer greater khurd kalan chota choti chhota chhoti bara "
    "bari barra cantt sadar saddar extension gate phase industrial".split()
)

_URDU_SOUNDS = str.maketrans({
    "ا": "a", "ب": "b", "پ": "p", "ت": "t", "ٹ": "t", "ث": "s", "ج": "j", "چ": "ch", "ح": "h", "خ": "kh", "د": "d",
    "ڈ": "d", "ذ": "z", "ر": "r", "ڑ": "r", "ز": "z", "ژ": "z", "س": "s", "ش": "sh", "ص": "s", "ض": "z", "ط": "t",
    "ظ": "z", "ع": "a", "غ": "gh", "ف": "f", "ق": "q", "ک": "k", "گ": "g", "ل": "l", "م": "m", "ن": "n", "و": "o",
    "ہ": "h", "ی": "i", "ے": "e",
    # Letters of Sindhi and Pashto for the same sounds.
    "ٽ": "t", "ڊ": "d", "ڏ": "d", "ڻ": "n", "ڙ": "r", "ٿ": "th", "ڌ": "dh", "ڍ": "dh", "ڀ": "bh", "ڇ": "ch",
    "ڄ": "j", "ڃ": "n", "ڱ": "n", "ڳ": "g", "ټ": "t", "ډ": "d", "ړ": "r", "ښ": "sh", "ږ": "g", "څ": "s", "ځ": "z",
})  # fmt: skip
_URDU_VAV_AS_V = re.compile(r"(?:\b|(?<=[اہ]))و(?=[اہیے])|و(?=ا)")
_SOUNDS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"ph", "f"), (r"ck|q|x(?=\b)", "k"), (r"x", "ks"), (r"tch|chh|ch", "C"), (r"c(?=[eiy])", "s"), (r"c", "k"),
        (r"kw(?=[aeiou])|ku(?=[aeiou])", "ku"), (r"w", "v"), (r"zh|z", "s"), (r"sh", "s"),
        (r"(?<=[kgtdbjprlCs])h", ""), (r"h\b", ""), (r"(?<=[aeiou])h(?=[^aeiou])", ""),
        (r"(?<![aeiou])y(?=[aeiou])", "i"), (r"y", "i"), (r"ee|ea|ie", "i"), (r"oo|ou", "u"), (r"ai|ei|ae", "e"),
        (r"au|ao|aw(?![aeiou])", "o"), (r"(?<=[^aeiou])e\b", ""),
    )
)  # fmt: skip
_DOUBLED = re.compile(r"(.)\1+")
_WEAK = re.compile(r"(?<!^)[aeiouh]")
_VOWELS = "aeiou"


class Spelling(NamedTuple):
    """A name taken apart. `key` compares equal however words are joined; `exact` and `qualifiers` may not differ."""

    tokens: tuple[str, ...]
    key: str
    exact: tuple[str, ...]  # numbers and lone letters, in order
    qualifiers: tuple[str, ...]  # sorted
    sound: str  # what is left, by ear, vowels kept
    bones: str  # its consonants


def tokens_of(text: str) -> list[str]:
    """Return the words of a name in their common form: numbers in digits, digits apart from letters."""
    return tokens_of_words(words(text))


def tokens_of_words(folded: list[str]) -> list[str]:
    """As `tokens_of`, from words that are folded already."""
    tokens: list[str] = []
    last = len(folded) - 1
    for at, word in enumerate(folded):
        if word.isalpha():
            tokens.append(_one_word(word, tokens[-1] if tokens else "", at == last))
        elif word.isdigit():
            tokens.append(word.lstrip("0") or "0")
        else:
            tokens.extend(
                (piece.lstrip("0") or "0") if piece.isdigit() else _SAME_WORD.get(piece, piece)
                for piece in _MIXED.findall(word)
            )
    return _joined_initials(tokens)


def _one_word(word: str, before: str, is_last: bool) -> str:
    if word in _SAME_WORD:
        return _SAME_WORD[word]
    if before:
        if word in _ROMAN:
            return _ROMAN[word]
        if is_last and word in _ONE_LETTER_ROMAN and before not in _LETTER_AFTER and len(before) > 1:
            return _ONE_LETTER_ROMAN[word]
        if word in _NUMBER_WORDS:
            return _NUMBER_WORDS[word]
    return word


def _joined_initials(tokens: list[str]) -> list[str]:
    """Make `d g khan` `dg khan`, drop the No. of `no 4`, the th of `7 th` and the e of `gulshan e iqbal`."""
    kept: list[str] = []
    count = len(tokens)
    at = 0
    while at < count:
        token = tokens[at]
        following = tokens[at + 1] if at + 1 < count else ""
        if token in _NUMBER_SIGNS and following and (following.isdigit() or len(following) == 1):
            at += 1
            continue
        if kept and kept[-1].isdigit() and token in _ORDINAL_ENDS:
            at += 1
            continue
        if len(token) == 1 and token.isalpha():
            if token in "ei" and kept and len(kept[-1]) > 1 and len(following) > 1 and not following.isdigit():
                if kept[-1] not in _LETTER_AFTER and kept[-1].isalpha():
                    at += 1
                    continue
            end = at
            while end < count and len(tokens[end]) == 1 and tokens[end].isalpha():
                end += 1
            if end - at > 1 and not (end < count and tokens[end].isdigit()):
                kept.append("".join(tokens[at:end]))
                at = end
                continue
        kept.append(token)
        at += 1
    return kept


def key_of(tokens: list[str] | tuple[str, ...]) -> str:
    """Return the key under which a name is found however its words are joined or parted; numbers stay apart."""
    key = "".join(tokens)
    if key.isalpha():
        return key
    parted = [tokens[0]]
    for token in tokens[1:]:
        if token[0].isdigit() and parted[-1][-1].isdigit():
            parted.append("|")
        parted.append(token)
    return "".join(parted)


def spell(tokens: list[str] | tuple[str, ...]) -> Spelling:
    """Take a name apart. `tokens` as from `tokens_of`, at least one."""
    exact = tuple(token for token in tokens if token.isdigit() or len(token) == 1)
    rest = [token for token in tokens if not (token.isdigit() or len(token) == 1)]
    sound = sound_of("".join(rest))
    qualifiers = tuple(sorted(token for token in rest if token in QUALIFIERS))
    return Spelling(tuple(tokens), key_of(tokens), exact, qualifiers, sound, bones_of(sound))


@lru_cache(maxsize=65536)
def sound_of(letters: str) -> str:
    """Return how a name sounds, roughly: Latin and Urdu letters brought to one small alphabet."""
    if not letters.isascii():
        letters = _URDU_VAV_AS_V.sub("v", letters).translate(_URDU_SOUNDS)
    for pattern, sound in _SOUNDS:
        letters = pattern.sub(sound, letters)
    return _DOUBLED.sub(r"\1", letters)


def bones_of(sound: str) -> str:
    """Return the consonants of a sound; a vowel at the start is kept as one sign."""
    bones = _DOUBLED.sub(r"\1", _WEAK.sub("", sound))
    return "A" + bones[1:] if bones and bones[0] in _VOWELS else bones


def allowed(bones: int) -> float:
    """Return the highest cost at which a name of so many consonants may still be taken for a known one."""
    return (0.0, 0.0, 0.65, 0.95, 1.35, 1.7, 1.95, 2.65, 2.65, 3.0)[min(bones, 9)]


def cost(typed: Spelling, known: Spelling) -> float:
    """Return how far apart two names are by ear: a consonant 1.3, a vowel 0.3, a changed end 0.5 more."""
    far = OSA.distance(typed.bones, known.bones) + 0.3 * OSA.distance(typed.sound, known.sound)
    ends = typed.sound[-1:], known.sound[-1:]
    if ends[0] != ends[1] and (ends[0] in _VOWELS or ends[1] in _VOWELS):
        far += 0.5
    return far


def may_be_same(typed: Spelling, known: Spelling) -> bool:
    """Say whether two names may be spellings of one place: numbers, letters and qualifiers agree, and no word of
    one stands for another word in the other."""
    if typed.exact != known.exact:
        return False
    if len(typed.tokens) == len(known.tokens):
        return all(
            one == other or _word_may_be_same(one, other)
            for one, other in zip(typed.tokens, known.tokens, strict=True)
        )
    return typed.qualifiers == known.qualifiers


def _word_may_be_same(one: str, other: str) -> bool:
    if one in QUALIFIERS or other in QUALIFIERS:
        return (one not in QUALIFIERS or other not in QUALIFIERS) and len(one) > 3 and OSA.distance(one, other) <= 1
    sounds = sound_of(one), sound_of(other)
    bones = bones_of(sounds[0]), bones_of(sounds[1])
    far = OSA.distance(bones[0], bones[1])
    return far + 0.3 * OSA.distance(sounds[0], sounds[1]) <= max(1.0, allowed(max(len(bones[0]), len(bones[1]))))
