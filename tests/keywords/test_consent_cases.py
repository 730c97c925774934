"""docs/consent-cases.md is the law of consent: every row of it is checked here, word for word."""

import re
from pathlib import Path

import pytest

from keywords import looks_like_stop, parse

TABLE = Path(__file__).parents[2] / "docs" / "consent-cases.md"
STATES = {"none", "joined", "stopped", "asked", "seat-holder"}
_ROW = re.compile(r"\| (?P<state>[^|]+) \| `(?P<text>[^|]+)` \| `(?P<read>[^|]+)` \| [^|]+ \| [^|]+ \| [^|]+ \|")


def _rows() -> list[tuple[str, str, str]]:
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    found = []
    for line in lines:
        if line.startswith(("| State before", "|---")):
            continue
        row = _ROW.fullmatch(line)
        assert row, f"a row of the table that no test can read: {line}"
        found.append((row["state"], row["text"].replace("\\n", "\n"), row["read"]))
    return found


ROWS = _rows()


def test_the_table_is_whole() -> None:
    assert len(ROWS) > 150
    assert {state for state, _, _ in ROWS} == STATES


@pytest.mark.parametrize(("state", "text", "read"), ROWS)
def test_a_row_is_read_as_the_table_says(state: str, text: str, read: str) -> None:
    name, _, argument = read.partition(" · ")
    command = parse(text, audience=frozenset({state}) & {"seat-holder"})
    assert command.name == (None if name == "none" else name), command.reason
    if command.name:
        assert command.argument == argument
    if command.name == "STOP":
        assert command.scope == ("topic" if argument else "all")


@pytest.mark.parametrize("text", [text for state, text, read in ROWS if read.startswith("STOP") or state == "asked"])
def test_what_opts_out_looks_like_stop(text: str) -> None:
    answers = {"YES", "haan", "جی ہاں", "NO"}
    assert looks_like_stop(text) == (text not in answers)


def test_the_languages_of_yes_are_told_apart() -> None:
    assert parse("YES").language == "en"
    assert parse("haan").language == "ur-Latn"
    assert parse("ہاں").language == "ur"
