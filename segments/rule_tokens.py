"""The signs of a rule's text, one after another: words, names in quotation marks, and what joins them."""

import unicodedata
from dataclasses import dataclass
from typing import Literal

from faults import fault
from segments.rule import RuleError

# What other keyboards give for the signs; one sign for one, so that columns stay true.
_SIGNS = str.maketrans("＆｜！（）：＜＞＝＂“”„«»‘’", '&|!():<>=""""""\'\'')
_WIDE = {"≤": "<=", "≥": ">=", "≠": "!=", "¬": "!", "∧": "&", "∨": "|"}
_STOPS = frozenset('&|!()<>="≤≥≠¬∧∨')

Kind = Literal["word", "quoted", "sign", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    value: str
    at: int  # column, from 1
    end: int


def plain_signs(text: str) -> str:
    """Return the text with what other keyboards give for our signs made ours, and invisible signs made blanks."""
    return "".join(" " if unicodedata.category(sign) in ("Cf", "Cc") else sign for sign in text).translate(_SIGNS)


def digits_of(text: str) -> str:
    """Return the text with digits of any script as 0 to 9."""
    return "".join(str(unicodedata.decimal(sign)) if unicodedata.decimal(sign, None) is not None else sign
                   for sign in text)  # fmt: skip


class Tokens:
    """Gives the tokens of one text; columns are those of the text as it was typed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.signs = plain_signs(text)
        self.place = 0

    def next(self) -> Token:
        signs, at = self.signs, self.place
        while at < len(signs) and signs[at].isspace():
            at += 1
        if at >= len(signs):
            self.place = at
            return Token("end", "", at + 1, at)
        if signs[at] == '"' or (signs[at] == "'" and signs.find("'", at + 1) > at):
            return self._quoted(at)
        sign = signs[at]
        if sign in _WIDE:
            self.place = at + 1
            return Token("sign", _WIDE[sign], at + 1, at + 1)
        for found in ("<=", ">=", "!=", "&&", "||", "==", "<>"):
            if signs.startswith(found, at):
                self.place = at + 2
                value = {"&&": "&", "||": "|", "==": "=", "<>": "!="}.get(found, found)
                return Token("sign", value, at + 1, at + 2)
        if sign in "&|!()<>=:":
            self.place = at + 1
            return Token("sign", sign, at + 1, at + 1)
        end = at
        while end < len(signs) and not signs[end].isspace() and signs[end] not in _STOPS and signs[end] != ":":
            end += 1
        self.place = end
        return Token("word", signs[at:end], at + 1, end)

    def _quoted(self, at: int) -> Token:
        end = self.signs.find(self.signs[at], at + 1)
        if end < 0:
            raise RuleError(
                fault("rule.quote_open", "This quotation mark is never closed."),
                fault("rule.second_quote", 'Write a second " after the name.'),
                column=at + 1,
            )
        self.place = end + 1
        return Token("quoted", self.text[at + 1 : end], at + 1, end + 1)
