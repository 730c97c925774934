"""The text of an audience rule, read into a rule: `city:lahore & (affinity:students | affinity:women) & !reachable`.

    rule    = side { "|" side }            "or" may be written for |
    side    = piece { "&" piece }          "and" for &; it binds closer than |
    piece   = "!" piece | "(" rule ")" | term       "not" for !
    term    = "all" | "reachable" | field ":" value | field ( "<" | "<=" | ">" | ">=" | "=" | "!=" ) value

Letters may be of either case; names may be quoted and in any script. Bounded in length, depth and terms. Every fault is
a RuleError that points at the column and says what to write.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Literal, NoReturn

from rapidfuzz import process
from rapidfuzz.distance import OSA

from segments.rule import (
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_TERMS,
    Age,
    Comparison,
    Days,
    Everyone,
    InSeat,
    Named,
    NameField,
    Not,
    Reachable,
    RecentDay,
    ReportCount,
    Rule,
    RuleError,
    TimeField,
    When,
    either,
    every,
    whole_month,
    whole_year,
)

_NAME_FIELDS: dict[str, NameField] = {
    "city": "city", "shehr": "city", "district": "district", "zila": "district", "province": "province",
    "affinity": "affinity", "group": "affinity", "language": "language", "lang": "language",
    "referrer": "referrer", "invitedby": "referrer", "pickup": "pickup",
}  # fmt: skip
_SEAT_FIELDS = frozenset({"constituency", "seat", "halqa"})
_TIME_FIELDS: dict[str, TimeField] = {"joined": "joined", "seen": "seen", "reported": "reported", "asked": "asked"}
FIELDS = ("city", "district", "province", "constituency", "affinity", "language", "referrer", "pickup", "joined",
          "seen", "reported", "asked", "reports")  # fmt: skip
_NO_NONE = frozenset({"district", "province", "pickup"})
_RECENT = {"today": 0, "yesterday": 1}
_HOURS = {"h": 1, "d": 24, "w": 168}
MAX_AGE_HOURS = 24 * 36500
FIRST_YEAR, LAST_YEAR = 1990, 2199
MAX_REPORTS = 1_000_000_000

# What other keyboards give for the signs; one sign for one, so that columns stay true.
_SIGNS = str.maketrans("＆｜！（）：＜＞＝＂“”„«»‘’", '&|!():<>=""""""\'\'')
_WIDE = {"≤": "<=", "≥": ">=", "≠": "!=", "¬": "!", "∧": "&", "∨": "|"}
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_AGE = re.compile(r"(\d{1,7})([a-z]+)")
_SEAT = re.compile(r"(.+?)(?:@(.*))?", re.DOTALL)
_STOPS = frozenset('&|!()<>="≤≥≠¬∧∨')

Kind = Literal["word", "quoted", "sign", "end"]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Kind
    value: str
    at: int  # column, from 1
    end: int


def parse(text: str) -> Rule:
    """Return the rule that a text says; names stay as typed.

    :raises RuleError: and nothing else, whatever the text
    """
    if len(text) > MAX_LENGTH:
        raise RuleError(
            f"The rule has {len(text)} signs; at most {MAX_LENGTH} are read.",
            "Make it shorter, or save parts of the audience as segments of their own.",
        )
    try:
        return _Reader(text).whole()
    except RuleError as error:
        raise error.located(text) from None


def plain_signs(text: str) -> str:
    """Return the text with what other keyboards give for our signs made ours, and invisible signs made blanks."""
    return "".join(" " if unicodedata.category(sign) in ("Cf", "Cc") else sign for sign in text).translate(_SIGNS)


class _Reader:
    """Reads one rule, term by term, from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.signs = plain_signs(text)
        self.place = 0
        self.terms = 0
        self.token = self._next()

    # Tokens -----------------------------------------------------------------------------------------------------

    def _next(self) -> _Token:
        signs, at = self.signs, self.place
        while at < len(signs) and signs[at].isspace():
            at += 1
        if at >= len(signs):
            self.place = at
            return _Token("end", "", at + 1, at)
        if signs[at] == '"' or (signs[at] == "'" and signs.find("'", at + 1) > at):
            return self._quoted(at)
        sign = signs[at]
        if sign in _WIDE:
            self.place = at + 1
            return _Token("sign", _WIDE[sign], at + 1, at + 1)
        for found in ("<=", ">=", "!=", "&&", "||", "==", "<>"):
            if signs.startswith(found, at):
                self.place = at + 2
                value = {"&&": "&", "||": "|", "==": "=", "<>": "!="}.get(found, found)
                return _Token("sign", value, at + 1, at + 2)
        if sign in "&|!()<>=:":
            self.place = at + 1
            return _Token("sign", sign, at + 1, at + 1)
        end = at
        while end < len(signs) and not signs[end].isspace() and signs[end] not in _STOPS and signs[end] != ":":
            end += 1
        self.place = end
        return _Token("word", signs[at:end], at + 1, end)

    def _quoted(self, at: int) -> _Token:
        end = self.signs.find(self.signs[at], at + 1)
        if end < 0:
            raise RuleError("This quotation mark is never closed.", 'Write a second " after the name.', column=at + 1)
        self.place = end + 1
        return _Token("quoted", self.text[at + 1 : end], at + 1, end + 1)

    def _step(self) -> _Token:
        taken = self.token
        self.token = self._next()
        return taken

    def _ended(self) -> bool:
        return self.token.kind == "end"

    def _is_word(self, *words: str) -> bool:
        return self.token.kind == "word" and self.token.value.casefold() in words

    def _is_sign(self, *signs: str) -> bool:
        return self.token.kind == "sign" and self.token.value in signs

    # Rules ------------------------------------------------------------------------------------------------------

    def whole(self) -> Rule:
        if self._ended():
            raise RuleError("The rule is empty.", "Write all for everyone, or a term such as city:lahore.", column=1)
        rule = self._any_of(0)
        if self._is_sign(")"):
            raise RuleError(
                "This bracket closes nothing.", "Take it out, or open one with ( before.", column=self.token.at
            )
        if not self._ended():
            self._not_joined()
        return rule

    def _any_of(self, depth: int) -> Rule:
        sides = [self._all_of(depth)]
        while self._is_sign("|") or self._is_word("or"):
            self._step()
            sides.append(self._all_of(depth))
        return either(sides)

    def _all_of(self, depth: int) -> Rule:
        pieces = [self._piece(depth)]
        while self._is_sign("&") or self._is_word("and"):
            self._step()
            pieces.append(self._piece(depth))
        return every(pieces)

    def _piece(self, depth: int) -> Rule:
        if depth >= MAX_DEPTH:
            raise RuleError(
                f"Brackets and ! lie more than {MAX_DEPTH} deep here.", "Write it flatter.", column=self.token.at
            )
        if self._is_sign("!") or self._is_word("not"):
            self._step()
            return Not(self._piece(depth + 1))
        if self._is_sign("("):
            opened = self._step()
            rule = self._any_of(depth + 1)
            if self._is_sign(")"):
                self._step()
                return rule
            if self._ended():
                raise RuleError("This bracket is never closed.", "Write ) where it ends.", column=opened.at)
            self._not_joined()
        return self._term()

    def _not_joined(self) -> NoReturn:
        at = self.token.at
        if self.token.kind == "sign" and self.token.value in "<>=:!=":
            raise RuleError(
                f"“{self.token.value}” stands where & or | should.", "Join two terms with & or |.", column=at
            )
        raise RuleError("Two terms stand side by side here.", "Put & (both) or | (either) between them.", column=at)

    # Terms ------------------------------------------------------------------------------------------------------

    def _term(self) -> Rule:
        token = self.token
        if token.kind == "end":
            raise RuleError(
                "The rule ends where a term should stand.", "Write a term such as city:lahore.", column=token.at
            )
        if token.kind == "sign":
            raise RuleError(
                f"A term should stand before “{token.value}”.", "Write one such as city:lahore.", column=token.at
            )
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise RuleError(f"The rule has more than {MAX_TERMS} terms.", "Make it shorter.", column=token.at)
        self._step()
        compared = self._is_sign(":", "<", "<=", ">", ">=", "=", "!=")
        word = token.value.casefold().replace("-", "").replace("_", "") if token.kind == "word" else ""
        if not compared:
            return self._lone(token, word)
        sign = self._step()
        if word in _NAME_FIELDS or word in _SEAT_FIELDS:
            return self._named(word, sign)
        if word in _TIME_FIELDS:
            return self._when(_TIME_FIELDS[word], sign)
        if word == "reports":
            return self._count(sign)
        if word in ("reachable", "all", "everyone"):
            raise RuleError(f"“{token.value}” takes no value.", f"Write {word} alone, or !{word}.", column=sign.at)
        self._unknown_field(token)

    def _lone(self, token: _Token, word: str) -> Rule:
        if word in ("all", "everyone"):
            return Everyone()
        if word == "reachable":
            return Reachable()
        name = f'"{token.value}"' if token.kind == "quoted" or not token.value.isalnum() else token.value
        if word in _NAME_FIELDS or word in _SEAT_FIELDS:
            raise RuleError(f"“{token.value}” needs a value.", f"Write {word}:{_example(word)}.", column=token.end + 1)
        if word in _TIME_FIELDS or word == "reports":
            raise RuleError(
                f"“{token.value}” needs a comparison.", f"Write {word}{_example(word)}.", column=token.end + 1
            )
        raise RuleError(
            f"“{token.value}” is no term.", f"Say what it is: city:{name}, affinity:{name} or the like.",
            column=token.at,
        )  # fmt: skip

    def _unknown_field(self, token: _Token) -> NoReturn:
        near = process.extractOne(
            token.value.casefold(), (*FIELDS, "group", "seat"), scorer=OSA.distance, score_cutoff=2
        )
        remedy = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(FIELDS)}, all and reachable."
        raise RuleError(f"“{token.value}” is not something that members are filed by.", remedy, column=token.at)

    def _value(self, field: str, sign: _Token) -> _Token:
        """Take the value after a field; a bare one may hold colons and may not be parted by blanks."""
        if self.token.kind == "quoted":
            if not self.token.value.strip():
                raise RuleError(
                    "There is nothing between the quotation marks.", "Write a name in them.", column=self.token.at
                )
            return self._step()
        if self.token.kind != "word":
            raise RuleError(
                f"A value should stand after “{field}{sign.value}”.", f"Write {_whole_example(field)}.",
                column=self.token.at,
            )  # fmt: skip
        first = self._step()
        while self._is_sign(":") and self.token.at == first.end + 1:
            self._step()
            if self.token.kind == "word" and self.token.at == first.end + 2:
                joined = self._step()
                first = _Token("word", f"{first.value}:{joined.value}", first.at, joined.end)
            else:
                raise RuleError("There is a colon too many.", "Take it out.", column=first.end + 1)
        if self.token.kind == "word" and not self._is_word("and", "or", "not"):
            self._several_words(field, sign, first)
        return first

    def _several_words(self, field: str, sign: _Token, first: _Token) -> NoReturn:
        at, end, words = self.token.at, first.end, [first.value]
        while self.token.kind == "word" and not self._is_word("and", "or", "not"):
            end = self.token.end
            following = self.signs[end:].lstrip()[:1]
            if following in (":", "<", ">", "=") or self._is_word("all", "reachable"):
                break
            words.append(self.token.value)
            self._step()
        if len(words) == 1:
            self._not_joined()
        raise RuleError(
            "A name of several words needs quotation marks.", f'Write {field}{sign.value}"{" ".join(words)}".',
            column=at,
        )  # fmt: skip

    def _named(self, word: str, sign: _Token) -> Rule:
        if sign.value not in (":", "=", "!="):
            raise RuleError(
                f"“{sign.value}” does not go with {word}.", f"Write {word}:{_example(word)}.", column=sign.at
            )
        token = self._value(word, sign)
        none = token.kind == "word" and token.value.casefold() == "none"
        rule: Rule
        if word in _SEAT_FIELDS:
            rule = InSeat(None, at=token.at) if none else self._seat(token)
        else:
            field = _NAME_FIELDS[word]
            if none and field in _NO_NONE:
                raise RuleError(f"“none” does not go with {word}.", _NONE_REMEDY[field], column=token.at)
            rule = Named(field, None if none else token.value, at=token.at)
        return Not(rule) if sign.value == "!=" else rule

    def _seat(self, token: _Token) -> InSeat:
        found = _SEAT.fullmatch(token.value)
        assert found  # a value has at least one sign
        code, written = found[1].strip(), found[2]
        if written is None:
            return InSeat(code, at=token.at)
        year = _digits(written.strip())
        if not re.fullmatch(r"\d{4}", year):
            raise RuleError(
                f"“{written}” is not the year of a delimitation.", f"Write {code}@2018.",
                column=token.at + token.value.index("@") + 1,
            )  # fmt: skip
        return InSeat(code, int(year), at=token.at)

    def _when(self, field: TimeField, sign: _Token) -> Rule:
        token = self._value(field, sign)
        written = _digits(token.value.strip().casefold())
        comparison: Comparison = "=" if sign.value in (":", "=", "!=") else sign.value  # type: ignore[assignment]
        time = self._time(written, token, field)
        if isinstance(time, Age) and comparison == "=":
            raise RuleError(
                f"“{token.value}” is a length of time, and hardly anyone fits it to the minute.",
                f"Write {field}<{written} for less long ago, or {field}>{written} for longer ago.", column=sign.at,
            )  # fmt: skip
        if ".." in written and comparison != "=":
            raise RuleError(f"“{sign.value}” does not go with two dates.", f"Write {field}:{written}.", column=sign.at)
        rule = When(field, comparison, time, at=token.at)
        return Not(rule) if sign.value == "!=" else rule

    def _time(self, written: str, token: _Token, field: TimeField) -> Days | RecentDay | Age:
        if written in _RECENT:
            return RecentDay(_RECENT[written])
        if found := _AGE.fullmatch(written):
            unit = found[2] if found[2] in _HOURS else found[2].rstrip("s")[:1] if found[2] in _LONG_UNITS else ""
            if not unit:
                raise RuleError(
                    f"“{token.value}” is no length of time.", f"Write hours, days or weeks: {field}<12h, "
                    f"{field}<30d, {field}<4w.", column=token.at,
                )  # fmt: skip
            hours = int(found[1]) * _HOURS[unit]
            if not 0 < hours <= MAX_AGE_HOURS:
                raise RuleError(
                    f"“{token.value}” is out of reach.", "Write something between 1h and 36500d.", column=token.at
                )
            if field == "seen" and hours % 24:
                raise RuleError(
                    "The last text is kept by day, not by hour.", "Write whole days: seen<1d is today.",
                    column=token.at,
                )  # fmt: skip
            return Age(hours)
        first, dots, last = written.partition("..")
        start = self._day(first.strip(), token)
        if not dots:
            return start
        end = self._day(last.strip(), token)
        if end.last < start.first:
            raise RuleError(
                "The second date is before the first.", f"Write {last.strip()}..{first.strip()}.", column=token.at
            )
        return Days(start.first, end.last)

    def _day(self, written: str, token: _Token) -> Days:
        found = _DAY.fullmatch(written)
        remedy = "Write it as 2026-01-31, 2026-01, 2026, or two of them with .. between."
        if not found:
            raise RuleError(f"“{token.value}” is not a date.", remedy, column=token.at)
        year, month, day = int(found[1]), int(found[2] or 0), int(found[3] or 0)
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise RuleError(f"The year {year} is not between {FIRST_YEAR} and {LAST_YEAR}.", remedy, column=token.at)
        try:
            if found[3]:
                return Days(date(year, month, day), date(year, month, day))
            return whole_month(year, month) if found[2] else whole_year(year)
        except ValueError:
            raise RuleError(f"There is no day {written} in the calendar.", remedy, column=token.at) from None

    def _count(self, sign: _Token) -> Rule:
        token = self._value("reports", sign)
        written = _digits(token.value.strip())
        if not re.fullmatch(r"\d{1,10}", written) or int(written) > MAX_REPORTS:
            raise RuleError(f"“{token.value}” is not a number of reports.", "Write it as reports>0.", column=token.at)
        comparison: Comparison = "=" if sign.value in (":", "=", "!=") else sign.value  # type: ignore[assignment]
        rule = ReportCount(comparison, int(written), at=token.at)
        return Not(rule) if sign.value == "!=" else rule


_LONG_UNITS = frozenset({"hour", "hours", "day", "days", "week", "weeks"})
_NONE_REMEDY: dict[str, str] = {
    "district": "Write city:none for members without a city.",
    "province": "Write city:none for members without a city.",
    "pickup": "Write !pickup:asked for members who never asked for a pick-up point.",
}


def _digits(text: str) -> str:
    """Return the text with digits of any script as 0 to 9."""
    return "".join(str(unicodedata.decimal(sign)) if unicodedata.decimal(sign, None) is not None else sign
                   for sign in text)  # fmt: skip


def _example(word: str) -> str:
    return {
        "affinity": "students", "group": "students", "language": "ur", "lang": "ur", "referrer": "7K2M",
        "invitedby": "7K2M", "pickup": "asked", "province": "punjab", "constituency": "NA-119", "seat": "NA-119",
        "halqa": "NA-119", "joined": ">=2026-01-01", "seen": "<30d", "reported": ":2026-01", "asked": "<7d",
        "reports": ">0",
    }.get(word, "lahore")  # fmt: skip


def _whole_example(word: str) -> str:
    example = _example(word)
    return f"{word}{example}" if example[0] in "<>:" else f"{word}:{example}"
