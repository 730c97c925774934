"""The lines of the audience form as a browser sends them, and how form and rule text follow each other."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.broadcasts.drafts import digest_of
from gateway.console.forms import Form
from segments import RuleError, parse, to_text
from segments.rule_form import (
    NAME_FIELDS,
    TIME_FIELDS,
    Line,
    LineError,
    RuleForm,
    form_of,
    join_values,
    rule_of,
    split_values,
)

MOST_LINES = 40
EVERYONE = "everyone"
CHOICES = ("affinity", "language", "pickup")
"""Fields whose values are few and ticked, not typed."""
FIELDS = ("city", "district", "province", "constituency", "affinity", "language", "joined", "seen", "referrer",
          "reports", "reported", "pickup", "asked", "reachable", EVERYONE)  # fmt: skip
_AGE = "age"


@dataclass
class TypedLine:
    """One line as it stands in the form.

    `sign` of a length of time begins with "age"; `problem` is its fault, or "everyone".
    """

    field: str
    value: str = ""
    sign: str = "="
    negated: bool = False
    year: str = ""
    problem: RuleError | str = ""

    @property
    def kind(self) -> str:
        if self.field in CHOICES:
            return "choices"
        if self.field in TIME_FIELDS:
            return "time"
        if self.field == "reports":
            return "count"
        return "bare" if self.field in ("reachable", EVERYONE) else "names"

    @property
    def values(self) -> tuple[str, ...]:
        return split_values(self.value)


@dataclass
class TypedRule:
    """Form and text of one audience. `richer`: the text says more than the form can show, so the form is empty.

    `before` and `lines_before` are what stood on the page that was sent, so that it shows which of both was changed.
    """

    text: str = ""
    lines: list[TypedLine] = field(default_factory=list)
    any_of: bool = False
    before: str = ""
    lines_before: str = ""
    richer: bool = False
    error: RuleError | None = None
    overruled: str = ""

    @property
    def mark(self) -> str:
        return digest_of(
            [self.any_of, [[one.field, one.value, one.sign, one.negated, one.year] for one in self.lines]]
        )[:12]

    @property
    def fault(self) -> tuple[str, str, str] | None:
        """The text before its fault, the sign at fault, and the rest; signs that do not show are blanks."""
        if self.error is None or not self.error.column or not self.error.text:
            return None
        shown = "".join(sign if sign.isprintable() else " " for sign in self.error.text)
        place = self.error.column - 1
        return shown[:place], shown[place : place + 1] or "⌴", shown[place + 1 :]

    @classmethod
    def of_text(cls, text: str) -> "TypedRule":
        """Return what a page shows for a rule that is on file."""
        made = cls(text=text)
        made.follow_text()
        return made

    @classmethod
    def read(cls, form: Form) -> "TypedRule":
        made = cls(
            text=form.raw("rule").strip(),
            any_of=form.raw("join") == "any",
            before=form.raw("rule_before").strip(),
            lines_before=form.raw("lines_before"),
            richer=form.ticked("richer"),
        )
        for at in range(MOST_LINES):
            if (kind := form.text(f"l{at}.field", 20)) in FIELDS:
                made.lines.append(
                    TypedLine(
                        kind,
                        join_values(form.all(f"l{at}.value"))[:2_000],
                        form.text(f"l{at}.sign", 8) or "=",
                        form.ticked(f"l{at}.not"),
                        form.text(f"l{at}.year", 8),
                    )
                )
        return made

    def add(self, kind: str) -> None:
        if kind in FIELDS and len(self.lines) < MOST_LINES and not self.richer:
            self.lines.append(TypedLine(kind, sign="age<" if kind in ("seen", "reported", "asked") else
                                        ">=" if kind == "joined" else ">" if kind == "reports" else "="))  # fmt: skip

    def agree(self, changed: str = "") -> None:
        """Let the side that was not changed follow the other. Where both were, the text counts.

        :param changed: "rule" or "form" where the page's script knows it
        """
        text_moved = changed == "rule" or (not changed and self.text != self.before)
        lines_moved = changed == "form" or (not changed and self.mark != self.lines_before)
        if text_moved:
            if lines_moved and self.lines and (said := self._form_text()) and said != self.text:
                self.overruled = said
            self.follow_text()
        elif lines_moved:
            self.follow_form()
        elif self.lines and not self.richer:
            self._form_text()

    def follow_text(self) -> None:
        """Show the text's rule in the form, if it has the form's shape; a text that cannot be read leaves the form."""
        if not self.text:
            self.lines, self.richer = [], False
            return
        try:
            form = form_of(parse(self.text))
        except RuleError as error:
            self.error = error
            return
        self.richer = form is None
        self.any_of = bool(form and form.any_of)
        self.lines = [] if form is None else [_typed(line) for line in form.lines] or [TypedLine(EVERYONE)]

    def follow_form(self) -> None:
        """Write the text that the form says; a line that says nothing leaves the text as it is."""
        if not self.lines:
            self.text = ""
        elif (said := self._form_text()) is not None:
            self.text = said

    def _form_text(self) -> str | None:
        if len(self.lines) > 1 and any(line.field == EVERYONE for line in self.lines):
            self.lines[[line.field for line in self.lines].index(EVERYONE)].problem = "everyone"
            return None
        try:
            return to_text(rule_of(RuleForm(tuple(_lines(self.lines)), self.any_of)))
        except LineError as error:
            self.lines[error.line].problem = error
        except RuleError as error:
            self.error = error
        return None


def _lines(typed: Iterable[TypedLine]) -> Iterable[Line]:
    for line in typed:
        if line.field == EVERYONE:
            continue
        sign, values = line.sign, line.values
        if line.field in TIME_FIELDS and sign.startswith(_AGE):
            sign = sign.removeprefix(_AGE)
            values = tuple(f"{value}d" if value.isdecimal() else value.replace(" ", "") for value in values)
        if line.field in NAME_FIELDS:
            sign = "="
        year = int(line.year) if line.field == "constituency" and line.year.isdecimal() else None
        yield Line(line.field, values, sign, line.negated, year)


def _typed(line: Line) -> TypedLine:
    sign = line.sign
    if line.field in TIME_FIELDS and line.values[0][-1:] in ("d", "h"):
        sign = f"{_AGE}{sign}"
    year = "" if line.delimitation is None else str(line.delimitation)
    return TypedLine(line.field, join_values(line.values), sign, line.negated, year)
