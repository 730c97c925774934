"""The text of an audience rule, read into a rule: `city:lahore & (affinity:students | affinity:women) & !reachable`.

    rule    = side { "|" side }            "or" may be written for |
    side    = piece { "&" piece }          "and" for &; it binds closer than |
    piece   = "!" piece | "(" rule ")" | term       "not" for !
    term    = "all" | "reachable" | field ":" value | field ( "<" | "<=" | ">" | ">=" | "=" | "!=" ) value

Letters may be of either case; names may be quoted and in any script. Bounded in length, depth and terms. Every fault is
a RuleError that points at the column and says what to write.
"""

import re
from typing import NoReturn

from rapidfuzz import process
from rapidfuzz.distance import OSA

from faults import fault
from segments.rule import (
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_TERMS,
    Age,
    Comparison,
    Everyone,
    InSeat,
    Named,
    NameField,
    Not,
    Reachable,
    ReportCount,
    Rule,
    RuleError,
    TimeField,
    When,
    either,
    every,
)
from segments.rule_advice import NONE_REMEDY, example, whole_example, write
from segments.rule_times import read_time
from segments.rule_tokens import Token, Tokens, digits_of

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
MAX_REPORTS = 1_000_000_000

_SEAT = re.compile(r"(.+?)(?:@(.*))?", re.DOTALL)


def parse(text: str) -> Rule:
    """Return the rule that a text says; names stay as typed.

    :raises RuleError: and nothing else, whatever the text
    """
    if len(text) > MAX_LENGTH:
        raise RuleError(
            fault(
                "rule.long", "The rule has {count} signs; at most {most} are read.", count=len(text), most=MAX_LENGTH
            ),
            fault("rule.shorter_or_save", "Make it shorter, or save parts of the audience as segments of their own."),
        )
    try:
        return _Reader(text).whole()
    except RuleError as error:
        raise error.located(text) from None


class _Reader:
    """Reads one rule, term by term, from left to right."""

    def __init__(self, text: str) -> None:
        self.tokens = Tokens(text)
        self.signs = self.tokens.signs
        self.terms = 0
        self.token = self.tokens.next()

    # Tokens -----------------------------------------------------------------------------------------------------

    def _step(self) -> Token:
        taken = self.token
        self.token = self.tokens.next()
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
            raise RuleError(
                fault("rule.empty", "The rule is empty."),
                fault("rule.write_all", "Write all for everyone, or a term such as city:lahore."),
                column=1,
            )
        rule = self._any_of(0)
        if self._is_sign(")"):
            raise RuleError(
                fault("rule.bracket_closes", "This bracket closes nothing."),
                fault("rule.take_out_or_open", "Take it out, or open one with ( before."),
                column=self.token.at,
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
                fault("rule.deep_here", "Brackets and ! lie more than {most} deep here.", most=MAX_DEPTH),
                fault("rule.flatter", "Write it flatter."),
                column=self.token.at,
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
                raise RuleError(
                    fault("rule.bracket_open", "This bracket is never closed."),
                    fault("rule.close_bracket", "Write ) where it ends."),
                    column=opened.at,
                )
            self._not_joined()
        return self._term()

    def _not_joined(self) -> NoReturn:
        at = self.token.at
        if self.token.kind == "sign" and self.token.value in "<>=:!=":
            raise RuleError(
                fault("rule.sign_for_join", "“{value}” stands where & or | should.", value=self.token.value),
                fault("rule.join", "Join two terms with & or |."),
                column=at,
            )
        raise RuleError(
            fault("rule.side_by_side", "Two terms stand side by side here."),
            fault("rule.put_sign", "Put & (both) or | (either) between them."),
            column=at,
        )

    # Terms ------------------------------------------------------------------------------------------------------

    def _term(self) -> Rule:
        token = self.token
        if token.kind == "end":
            raise RuleError(
                fault("rule.ends", "The rule ends where a term should stand."),
                fault("rule.write_term", "Write a term such as city:lahore."),
                column=token.at,
            )
        if token.kind == "sign":
            raise RuleError(
                fault("rule.term_before", "A term should stand before “{value}”.", value=token.value),
                fault("rule.write_one", "Write one such as city:lahore."),
                column=token.at,
            )
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise RuleError(
                fault("rule.many_terms", "The rule has more than {most} terms.", most=MAX_TERMS),
                fault("rule.shorter", "Make it shorter."),
                column=token.at,
            )
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
            raise RuleError(
                fault("rule.no_value", "“{value}” takes no value.", value=token.value),
                fault("rule.write_alone", "Write {word} alone, or {negated}.", word=word, negated=f"!{word}"),
                column=sign.at,
            )
        self._unknown_field(token)

    def _lone(self, token: Token, word: str) -> Rule:
        if word in ("all", "everyone"):
            return Everyone()
        if word == "reachable":
            return Reachable()
        name = f'"{token.value}"' if token.kind == "quoted" or not token.value.isalnum() else token.value
        if word in _NAME_FIELDS or word in _SEAT_FIELDS:
            raise RuleError(
                fault("rule.needs_value", "“{value}” needs a value.", value=token.value),
                write(f"{word}:{example(word)}"),
                column=token.end + 1,
            )
        if word in _TIME_FIELDS or word == "reports":
            raise RuleError(
                fault("rule.needs_comparison", "“{value}” needs a comparison.", value=token.value),
                write(f"{word}{example(word)}"),
                column=token.end + 1,
            )
        raise RuleError(
            fault("rule.no_term", "“{value}” is no term.", value=token.value),
            fault(
                "rule.say_what",
                "Say what it is: {city}, {group} or the like.",
                city=f"city:{name}",
                group=f"affinity:{name}",
            ),
            column=token.at,
        )

    def _unknown_field(self, token: Token) -> NoReturn:
        near = process.extractOne(
            token.value.casefold(), (*FIELDS, "group", "seat"), scorer=OSA.distance, score_cutoff=2
        )
        remedy = fault("rule.known_fields", "Known are {fields}, all and reachable.", fields=", ".join(FIELDS))
        if near:
            remedy = fault("rule.did_you_mean", "Did you mean {near}?", near=near[0])
        raise RuleError(
            fault("rule.no_field", "“{value}” is not something that members are filed by.", value=token.value),
            remedy,
            column=token.at,
        )

    def _value(self, field: str, sign: Token) -> Token:
        """Take the value after a field; a bare one may hold colons and may not be parted by blanks."""
        if self.token.kind == "quoted":
            if not self.token.value.strip():
                raise RuleError(
                    fault("rule.nothing_quoted", "There is nothing between the quotation marks."),
                    fault("rule.name_in_quotes", "Write a name in them."),
                    column=self.token.at,
                )
            return self._step()
        if self.token.kind != "word":
            raise RuleError(
                fault("rule.value_lacks", "A value should stand after “{term}”.", term=f"{field}{sign.value}"),
                write(whole_example(field)),
                column=self.token.at,
            )
        first = self._step()
        while self._is_sign(":") and self.token.at == first.end + 1:
            self._step()
            if self.token.kind == "word" and self.token.at == first.end + 2:
                joined = self._step()
                first = Token("word", f"{first.value}:{joined.value}", first.at, joined.end)
            else:
                raise RuleError(
                    fault("rule.colon", "There is a colon too many."),
                    fault("rule.take_out", "Take it out."),
                    column=first.end + 1,
                )
        if self.token.kind == "word" and not self._is_word("and", "or", "not"):
            self._several_words(field, sign, first)
        return first

    def _several_words(self, field: str, sign: Token, first: Token) -> NoReturn:
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
            fault("rule.needs_quotes", "A name of several words needs quotation marks."),
            write(f'{field}{sign.value}"{" ".join(words)}"'),
            column=at,
        )

    def _named(self, word: str, sign: Token) -> Rule:
        if sign.value not in (":", "=", "!="):
            raise RuleError(
                fault("rule.not_with", "“{value}” does not go with {word}.", value=sign.value, word=word),
                write(f"{word}:{example(word)}"),
                column=sign.at,
            )
        token = self._value(word, sign)
        none = token.kind == "word" and token.value.casefold() == "none"
        rule: Rule
        if word in _SEAT_FIELDS:
            rule = InSeat(None, at=token.at) if none else self._seat(token)
        else:
            field = _NAME_FIELDS[word]
            if none and field in _NO_NONE:
                raise RuleError(
                    fault("rule.no_none", "“none” does not go with {word}.", word=word),
                    NONE_REMEDY[field],
                    column=token.at,
                )
            rule = Named(field, None if none else token.value, at=token.at)
        return Not(rule) if sign.value == "!=" else rule

    def _seat(self, token: Token) -> InSeat:
        found = _SEAT.fullmatch(token.value)
        assert found  # a value has at least one sign
        code, written = found[1].strip(), found[2]
        if written is None:
            return InSeat(code, at=token.at)
        year = digits_of(written.strip())
        if not re.fullmatch(r"\d{4}", year):
            raise RuleError(
                fault("rule.no_year", "“{written}” is not the year of a delimitation.", written=written),
                write(f"{code}@2018"),
                column=token.at + token.value.index("@") + 1,
            )
        return InSeat(code, int(year), at=token.at)

    def _when(self, field: TimeField, sign: Token) -> Rule:
        token = self._value(field, sign)
        written = digits_of(token.value.strip().casefold())
        comparison: Comparison = "=" if sign.value in (":", "=", "!=") else sign.value  # type: ignore[assignment]
        time = read_time(written, token, field)
        if isinstance(time, Age) and comparison == "=":
            raise RuleError(
                fault(
                    "rule.exact_age",
                    "“{value}” is a length of time, and hardly anyone fits it to the minute.",
                    value=token.value,
                ),
                fault(
                    "rule.write_age",
                    "Write {less} for less long ago, or {more} for longer ago.",
                    less=f"{field}<{written}",
                    more=f"{field}>{written}",
                ),
                column=sign.at,
            )
        if ".." in written and comparison != "=":
            raise RuleError(
                fault("rule.two_dates", "“{value}” does not go with two dates.", value=sign.value),
                write(f"{field}:{written}"),
                column=sign.at,
            )
        rule = When(field, comparison, time, at=token.at)
        return Not(rule) if sign.value == "!=" else rule

    def _count(self, sign: Token) -> Rule:
        token = self._value("reports", sign)
        written = digits_of(token.value.strip())
        if not re.fullmatch(r"\d{1,10}", written) or int(written) > MAX_REPORTS:
            raise RuleError(
                fault("rule.no_count", "“{value}” is not a number of reports.", value=token.value),
                fault("rule.write_reports", "Write it as reports>0."),
                column=token.at,
            )
        comparison: Comparison = "=" if sign.value in (":", "=", "!=") else sign.value  # type: ignore[assignment]
        rule = ReportCount(comparison, int(written), at=token.at)
        return Not(rule) if sign.value == "!=" else rule
