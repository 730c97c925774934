"""Hundreds of labelled texts: every certain one is understood, and no chatter enrols, opts out or reports."""

import pytest

from keywords import Command, parse
from tests.keywords.texts import Labelled, chatter, commands

DANGEROUS = {"JOIN", "START", "STOP", "ERASE", "REPORT"}
COMMANDS = ("commands.tsv", "commands_held_out.tsv", "commands_unseen.tsv", "commands_fresh.tsv", "commands_later.tsv")
CHATTER = ("chatter.txt", "chatter_held_out.txt", "chatter_unseen.txt", "chatter_fresh.txt", "chatter_later.txt")


def _right(row: Labelled) -> bool:
    command = parse(row.text)
    return command.name == row.name and row.argument in ("*", command.argument)


@pytest.mark.parametrize("row", [row for name in COMMANDS for row in commands(name) if row.mark == "c"])
def test_a_certain_text_is_understood(row: Labelled) -> None:
    command = parse(row.text)
    assert command.name == row.name, command.reason
    assert row.argument in ("*", command.argument)


def test_95_of_100_reasonable_texts_are_understood() -> None:
    rows = [row for name in COMMANDS for row in commands(name) if row.mark == "r"]
    missed = [row.text for row in rows if not _right(row)]
    assert len(missed) <= 0.05 * len(rows), missed


@pytest.mark.parametrize("text", [text for name in CHATTER for text in chatter(name)])
def test_chatter_enrols_nobody_opts_nobody_out_and_reports_nothing(text: str) -> None:
    command = parse(text)
    assert command.name not in DANGEROUS, command.reason


@pytest.mark.parametrize("row", [row for name in COMMANDS for row in commands(name) if row.name != "STOP"])
def test_no_other_command_carries_a_scope(row: Labelled) -> None:
    assert parse(row.text).scope == ""


def test_a_bridged_error_is_said() -> None:
    assert parse("JOIN Lahore").certain
    mistyped = parse("jion Lahore")
    assert mistyped == Command(
        "JOIN", "Lahore", "en", False, "the keyword and its argument, a typing error bridged", "", "jion"
    )
