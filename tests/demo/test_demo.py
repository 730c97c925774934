"""The demo passes on the real script, and fails as soon as one effect is not what the script says."""

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, delete, insert, update

from demo.check import mismatches
from demo.replay import Sent, replay, running
from demo.script import COLUMNS, ScriptError, read_script
from gateway.database import make_engine
from gateway.service import utc_now
from gateway.tables import ConsentEntry, InboundText, Member, OutboundText, Report, ReportEntry, Sender

ROOT = Path(__file__).parents[2]
HEADING = ",".join(COLUMNS)
NOW = utc_now()


def _demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    # A setting of the machine must not change the morning.
    environment = os.environ | {"SHORT_CODE": "nonsense", "DATABASE_URL": "sqlite:////nowhere/at/all.db"}
    command = [sys.executable, "-m", "demo", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_the_morning_ends_well() -> None:
    done = _demo()
    assert done.returncode == 0, done.stdout + done.stderr
    for title in ("Who joined where", "What was asked and answered", "Reports opened", "Consent"):
        assert title in done.stdout
    assert "200 texts" in done.stdout and "60 phones" in done.stdout and "NOT AS" not in done.stdout
    assert re.search(r"\+92300[0-9]", done.stdout) is None  # phones are masked


BROKEN = f"""{HEADING}
01,JOIN Sana Lahore,1,WHERE,Lahore,name=Sana;city=Lahore,join,,
02,JOIN Bilal Lahore,1,JOIN,Karachi,name=Bilal;city=Lahore,join,,
03,JOIN Hina Lahore,1,JOIN,Lahore,name=Hina;city=Karachi,join,,
04,STOP,1,STOP,no more texts,,start,,
05,REPORT no water,1,REPORT,iReport,,,no tea,
06,JOIN Omar Kasur,1,JOIN,Kasur,name=Omar;city=Kasur,join,,5
07,HELP,1,HELP,,,,,
"""


def test_a_broken_expectation_is_listed_and_fails(tmp_path: Path) -> None:
    script = tmp_path / "broken.csv"
    script.write_text(BROKEN, encoding="utf-8")
    done = _demo("--script", str(script))
    assert done.returncode == 1, done.stdout + done.stderr
    listed = [line.removeprefix("NOT AS THE SCRIPT SAYS: ") for line in done.stdout.splitlines() if "NOT AS" in line]
    for sentence in (
        "line 2, 'JOIN Sana Lahore': taken for JOIN, expected WHERE",
        "line 3, 'JOIN Bilal Lahore': answered",
        "+923000001003: city is 'Lahore', expected 'Karachi'",
        "line 5, 'STOP': the consent ledger says ['stop'], expected 'start'",
        "line 6, 'REPORT no water': the iReports say [('received', 'no water')], expected ('received', 'no tea')",
        "+923000001006: holds 0 seats, expected 5",
        "line 8, 'HELP': answered",
    ):
        assert [line for line in listed if line.startswith(sentence)], (sentence, listed)


GOOD = f"""{HEADING}
01,JOIN Sana Lahore students,2,JOIN,Lahore,name=Sana;city=Lahore;groups=students,join,,
01,REPORT no water at the gate,2,REPORT,iReport,,,no water at the gate,
02,STOP,1,STOP,no more texts,,stop,,
"""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[Sent]]]:
    folder = tmp_path_factory.mktemp("demo")
    (folder / "good.csv").write_text(GOOD, encoding="utf-8")
    with running(folder) as gateway:
        sent = asyncio.run(replay(read_script(folder / "good.csv"), gateway, lambda: None))
    yield folder, sent


@pytest.fixture
def copied(played: tuple[Path, list[Sent]], tmp_path: Path) -> Iterator[Engine]:
    """A copy of the database after the good script, to spoil."""
    with (
        closing(sqlite3.connect(played[0] / "demo.db")) as source,
        closing(sqlite3.connect(tmp_path / "copy.db")) as to,
    ):
        source.backup(to)
    engine = make_engine(f"sqlite:///{tmp_path / 'copy.db'}")
    yield engine
    engine.dispose()


def test_nothing_is_listed_when_all_is_there(copied: Engine, played: tuple[Path, list[Sent]]) -> None:
    assert mismatches(copied, played[1]) == []


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (delete(OutboundText).where(OutboundText.inbound_id == 1), "0 answers are in the database"),
        (update(OutboundText).values(state="sent"), "though the receipt said delivered"),
        (update(InboundText).values(body="x"), "stored as 'x'"),
        (update(Member).values(affinities=0), "groups is '', expected 'students'"),
        (update(Member).values(reachable=False), "counted as not reachable"),
        (delete(Member), "is not a member"),
        (update(Sender).values(consent="joined"), "consent is joined, expected stopped"),
        (delete(ConsentEntry), "the consent ledger says []"),
        (update(ReportEntry).values(text="x"), "the iReports say [('received', 'x')]"),
        (delete(ReportEntry), "the iReports say []"),
        (
            insert(Report).values(
                event_key="", ref="ZZZZ", sender_id=1, state="received", text="", opened_at=NOW, updated_at=NOW
            ),
            "reports: 2 rows, expected 1",
        ),
    ],
)  # fmt: skip
def test_whatever_is_missing_or_too_much_is_listed(
    copied: Engine, played: tuple[Path, list[Sent]], statement: object, sentence: str
) -> None:
    careless = create_engine(copied.url)  # without our own rules: SQLite then minds no foreign key
    with careless.begin() as connection:
        connection.execute(statement)  # type: ignore[call-overload]
    careless.dispose()
    assert [line for line in mismatches(copied, played[1]) if sentence in line]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("phone,text\n", "the first line must be"),
        (f"{HEADING}\n01,HELP,many,HELP,,,,,\n", "line 2"),
        (f"{HEADING}\n01,HELP,1,HELP,,colour=red,,,\n", "line 2"),
        (f"{HEADING}\n01,HELP,1,HELP,,,,,,,9\n", "line 2"),
    ],
)
def test_a_malformed_script_is_named(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "script.csv").write_text(content, encoding="utf-8")
    with pytest.raises(ScriptError, match=sentence):
        read_script(tmp_path / "script.csv")
    with pytest.raises(ScriptError, match="No such file"):
        read_script(tmp_path / "none.csv")
