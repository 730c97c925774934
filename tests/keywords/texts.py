"""Labelled texts: what people type, and what it must be read as. Written for the project; see docs/vocabulary.md."""

import re
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).parent / "data"
_ESCAPE = re.compile(r"\\(n|t|u[0-9a-f]{4})")


class Labelled(NamedTuple):
    text: str
    name: str
    argument: str  # "*": not looked at
    mark: str  # "c": certain, must be understood; "r": reasonable, 95 of 100 must be


def _plain(written: str) -> str:
    return _ESCAPE.sub(lambda found: f"\\{found[1]}".encode().decode("unicode_escape"), written)


def commands(name: str) -> list[Labelled]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()[1:]
    return [Labelled(*(_plain(cell) for cell in line.split("\t"))) for line in lines]


def chatter(name: str) -> list[str]:
    return [_plain(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]
