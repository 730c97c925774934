"""How a place name is spelt: what must agree exactly, and what people write in many ways.

People write Urdu names in Latin letters by ear: vowels, doubled letters and h come and go, q and k, w and v, ph and f
are one. Numbers, block letters and words such as North or New are never a matter of spelling: they name another place.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import OSA

from orthography import words


def word_set(text: str) -> frozenset[str]:
    """Return the words of a literal as a set, folded as the words of a text are."""
    return frozenset(words(text))


_MIXED = re.compile(r"\d+|[^\W\d_]+")
_ROMAN = {
    "ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9",
    **{ten + unit: str(10 * tens + value) for tens, ten in enumerate(("x", "xx", "xxx"), 1)
       for value, unit in enumerate(("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"))
       if ten + unit != "x"},
}  # fmt: skip
_ONE_LETTER_ROMAN = {"i": "1", "v": "5", "x": "10"}
_NUMBER_WORDS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10",
}  # fmt: skip
_NUMBER_SIGNS = frozenset({"no", "nos", "num", "number", "nmbr", "nambar", "نمبر", "نمبرز"})
_ORDINAL_ENDS = frozenset({"st", "nd", "rd", "th"})
_IZAFAT = frozenset({"e"})
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
QUALIFIERS = word_set(
    "north south east west central new old upper lower inner outer greater khurd kalan chota choti chhota chhoti bara "
    "bari barra cantt sadar saddar extension gate phase industrial"
)

# Words that say what kind of place it is: a road is not a colony, whatever the rest of the name.
KINDS = word_set(
    "road street lane gali chowk chowrangi colony town society goth village market bazar bazaar mandi hospital school "
    "college university cinema hotel masjid mosque park ground stadium station mor pul bridge building house office "
    "mills mill factory plaza mall square centre center nagar abadi qabristan darbar mazar camp"
)
_LIKE_ENDS = ({"o", "u"}, {"e", "i"})
_COMMON_ENDS = ("bd", "pr", "gr")

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
_URDU_FINAL_HE = re.compile(r"(?<=[^اویے])ہ\b")  # written h, spoken a
_SOUNDS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"ph", "f"),
        (r"gadh\b", "garh"),
        (r"que\b|ck|q", "k"),
        (r"x", "ks"),
        (r"tch|chh|ch|hc|c(?=[eiy])", "C"),
        (r"c", "k"),
        (r"^kw(?=[aeiou])", "ku"),
        (r"w", "v"),
        (r"zh|z|sh", "s"),
        (r"(?<=[kgtdbjprlCs])h|h\b|(?<=[aeiou])h(?=[^aeiou])", ""),
        (r"y", "i"),
        (r"ee|ea|ie", "i"),
        (r"oo|ou", "u"),
        (r"ai|ei|ae", "e"),
        (r"au|ao", "o"),
        (r"(?<=[^aeiou])e\b", ""),
    )
)
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
    latin: bool  # written in Latin letters


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


def plain_token(word: str) -> str | None:
    """Return the token of a folded word that reads the same beside any other word; None for numbers and the like."""
    if len(word) < 2 or not word.isalpha() or word in _ROMAN or word in _NUMBER_WORDS:
        return None
    return None if word in _NUMBER_SIGNS or word in _ORDINAL_ENDS else _SAME_WORD.get(word, word)


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
            if token in _IZAFAT and kept and _is_word(kept[-1]) and _is_word(following):
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


def _is_word(token: str) -> bool:
    return len(token) > 1 and token.isalpha() and token not in _LETTER_AFTER


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
    letters = "".join(rest)
    sound = sound_of(letters)
    qualifiers = tuple(sorted(token for token in rest if token in QUALIFIERS))
    return Spelling(tuple(tokens), key_of(tokens), exact, qualifiers, sound, bones_of(sound), letters.isascii())


@lru_cache(maxsize=65536)
def sound_of(letters: str) -> str:
    """Return how a name sounds, roughly: Latin and Urdu letters brought to one small alphabet."""
    if not letters.isascii():
        letters = _URDU_VAV_AS_V.sub("v", _URDU_FINAL_HE.sub("ا", letters)).translate(_URDU_SOUNDS)
    for pattern, sound in _SOUNDS:
        letters = pattern.sub(sound, letters)
    return _DOUBLED.sub(r"\1", letters)


def bones_of(sound: str) -> str:
    """Return the consonants of a sound; a vowel at the start is kept as one sign."""
    bones = _WEAK.sub("", sound)
    return "A" + bones[1:] if bones and bones[0] in _VOWELS else bones


def allowed(bones: str) -> float:
    """Return the highest cost at which a name of these consonants may still be taken for a known one.

    Endings that hundreds of names share (-abad, -pur, -garh) tell nothing and do not count.
    """
    telling = len(bones) - (2 if len(bones) > 4 and bones.endswith(_COMMON_ENDS) else 0)
    return (0.0, 0.0, 0.65, 0.65, 1.35, 1.7, 1.95, 2.65, 2.65, 3.0)[min(telling, 9)]


def cost(typed: Spelling, known: Spelling) -> float:
    """Return how far apart two names are by ear: a consonant 1.3, a vowel 0.3, more at the end of the name."""
    return _far(typed.sound, typed.bones, known.sound, known.bones)


def _far(sound: str, bones: str, known_sound: str, known_bones: str) -> float:
    far = float(OSA.distance(bones, known_bones))
    if far and len(bones) == len(known_bones) and sorted(bones) != sorted(known_bones):
        far += 0.3  # one consonant for another tells places apart more often than one left out
    far += 0.3 * OSA.distance(sound, known_sound)
    end, known_end = sound[-1:], known_sound[-1:]
    if end == known_end:
        return far
    if end in _VOWELS and known_end in _VOWELS:
        return far if {end, known_end} in _LIKE_ENDS else far + 0.8  # Kotla is not Kotli
    if end in _VOWELS or known_end in _VOWELS:
        return far + (1.2 if "i" in (end, known_end) else 0.9)  # Korang is not Korangi
    return far


def may_be_same(typed: Spelling, known: Spelling) -> bool:
    """Say whether two names may be spellings of one place.

    Numbers, letters and qualifiers agree; what is left when the shared words are taken away is near enough by
    itself, so that a long `Chowrangi` or `Road` lends its length to no other word; and no word stands for another.
    """
    if typed.exact != known.exact:
        return False
    same_count = len(typed.tokens) == len(known.tokens)
    if not same_count and typed.qualifiers != known.qualifiers:
        return False
    rest, known_rest = _without_shared(typed.tokens, known.tokens)
    if not rest or not known_rest:
        return not rest and not known_rest
    if same_count:
        if len(rest) == len(known_rest) and not all(map(_word_may_be_same, rest, known_rest)):
            return False
    elif not _kinds_agree(rest, typed.key, known_rest, known.key):
        return False
    sound, known_sound = sound_of("".join(rest)), sound_of("".join(known_rest))
    bones, known_bones = bones_of(sound), bones_of(known_sound)
    return _far(sound, bones, known_sound, known_bones) <= min(allowed(bones), allowed(known_bones))


def _without_shared(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[list[str], list[str]]:
    rest, left = [], list(other)
    for token in one:
        if token in left:
            left.remove(token)
        else:
            rest.append(token)
    return rest, left


def _kinds_agree(rest: list[str], key: str, known_rest: list[str], known_key: str) -> bool:
    return all(token in known_key for token in rest if token in KINDS) and all(
        token in key for token in known_rest if token in KINDS
    )


def _word_may_be_same(one: str, other: str) -> bool:
    if one in QUALIFIERS or other in QUALIFIERS:
        return (one not in QUALIFIERS or other not in QUALIFIERS) and len(one) > 3 and OSA.distance(one, other) <= 1
    sounds = sound_of(one), sound_of(other)
    bones = bones_of(sounds[0]), bones_of(sounds[1])
    far = OSA.distance(bones[0], bones[1])
    return far + 0.3 * OSA.distance(sounds[0], sounds[1]) <= max(1.0, allowed(max(bones, key=len)))
