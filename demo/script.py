"""The script of the morning: who texts what, and what must come of it. The columns of demo/morning.csv are

phone     01 to 99, or a whole number; texts of one phone follow each other, phones text at the same time
text      what is typed; {ref} is the ref that this phone was given last
copies    how many times the carrier delivers the same message, all at once
command   what it must be taken for; empty for no command
answer    what the answer must contain; empty where silence is right
filed     what changes in the member's filing: name, city, seat, groups ("city=Lahore;groups=women youth"), or erased
consent   the line that it must leave in the consent ledger: join, start, stop or stop-topic
report    the words of the iReport that it must open
seats     the seats that the phone holds from then on
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

COLUMNS = ("phone", "text", "copies", "command", "answer", "filed", "consent", "report", "seats")
FILED = ("name", "city", "seat", "groups")
ERASED = "erased"


class ScriptError(Exception):
    """The script cannot be played; the message names the line and what is wrong."""


@dataclass(frozen=True, slots=True)
class Step:
    """One text of the script and its expected effects. `line` is its line in the file; `number` E.164."""

    line: int
    number: str
    text: str
    copies: int = 1
    command: str = ""
    answer: str = ""
    filed: Mapping[str, str] = field(default_factory=dict)
    erased: bool = False
    consent: str = ""
    report: tuple[str, str] | None = None
    """The line on an iReport's timeline: ("received", words) opens one, ("more", words) adds to one."""
    seats: int | None = None


def read_script(path: Path) -> list[Step]:
    """Return the steps in order.

    :raises ScriptError: the file is missing, or a line is malformed
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise ScriptError(f"{path}: the first line must be {','.join(COLUMNS)}.")
            return [_step(row, reader.line_num, path) for row in reader]
    except OSError as error:
        raise ScriptError(f"{path}: {error.strerror}.") from None


def _step(row: Mapping[str, str], line: int, path: Path) -> Step:
    try:
        copies, seats = int(row["copies"]), int(row["seats"]) if row["seats"] else None
        filed = row["filed"]
        changes = {} if filed in ("", ERASED) else dict(part.split("=", 1) for part in filed.split(";"))
        if not changes.keys() <= set(FILED) or None in row or not row["phone"]:
            raise ValueError
    except (TypeError, ValueError):
        raise ScriptError(f"{path}, line {line}: a value is missing, or not in the form of its column.") from None
    phone = row["phone"]
    return Step(
        line=line,
        number=phone if phone.startswith("+") else f"+9230000010{phone}",
        text=row["text"],
        copies=copies,
        command=row["command"],
        answer=row["answer"],
        filed=changes,
        erased=filed == ERASED,
        consent=row["consent"],
        report=_report(row["report"]),
        seats=seats,
    )


def _report(written: str) -> tuple[str, str] | None:
    if not written:
        return None
    if written.startswith("+"):
        return "more", written[1:]
    return "received", "" if written == "?" else written
