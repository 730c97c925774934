"""Escalation by real processes at once, one of them killed in the middle: every step is taken, and taken once."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, insert, select

from gateway.database import reading, writing
from gateway.service import Service, utc_now
from gateway.tables import OutboundText, Report, ReportEntry, ReportStep, Sender
from tests.reports.test_field import staffed

__all__ = ["staffed"]
ROOT = Path(__file__).parents[2]
REPORTS = 160
STEPS = REPORTS * 2  # field staff after a minute, the organiser after two
PEOPLE = 3  # two field staff are on duty, and one organiser


def overdue(service: Service) -> None:
    at = utc_now() - timedelta(minutes=3)
    with writing(service.engine) as connection:
        row = {"key": "+923005550000", "first_seen_at": at, "last_seen_at": at}
        sender = connection.execute(insert(Sender).values(row).returning(Sender.id)).scalar_one()
        row = {"sender_id": sender, "text": "speaker broken", "category": "sound", "urgency": 3}
        row |= {"opened_at": at, "updated_at": at}
        connection.execute(insert(Report), [row | {"ref": f"X{n}"} for n in range(REPORTS)])


def started(url: str, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.reports.ticking", url, *words]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    heard(process, "ready")
    return process


def heard(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == f"{word}\n"


def count(service: Service, table: type, *conditions: object) -> int:
    with reading(service.engine) as connection:
        return connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()  # type: ignore


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def test_every_step_is_taken_once_by_processes_of_which_one_is_killed(staffed: Service, database_url: str) -> None:
    processes = [started(database_url, "halting")]
    try:
        overdue(staffed)
        heard(processes[0], "middle")  # steps of it are committed, others only written
        processes += [started(database_url) for _ in range(2)]
        assert 0 < count(staffed, ReportStep) < STEPS
        processes[0].send_signal(signal.SIGKILL)
        processes[0].wait(10)
        wait_until(lambda: count(staffed, ReportStep) >= STEPS)
        time.sleep(0.3)  # long enough for whoever would take one twice
        processes[2].send_signal(signal.SIGKILL)
        processes[2].wait(10)
        processes.append(started(database_url))  # and a restart when all is done
        time.sleep(0.3)
    finally:
        for one in processes:
            one.kill()
            one.wait(10)
    assert count(staffed, ReportStep) == STEPS
    assert count(staffed, ReportEntry, ReportEntry.kind == "page") == STEPS
    with reading(staffed.engine) as connection:
        told = connection.execute(select(OutboundText.sender_id, OutboundText.body)).all()
    late: Counter[int] = Counter()
    for sender, body in told:  # many at once are told as a list with their number
        late[sender] += int(body.split()[0]) if "iReports wait too long" in body else 1
    assert list(late.values()) == [REPORTS] * PEOPLE
