"""Exports carry every name unharmed and harm nobody: no cell is a formula, and memory stays flat."""

import csv
import io
import tracemalloc
from collections.abc import Iterator

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, true, update

from gateway.database import reading, writing
from gateway.members.exporting import HEADING, as_csv, as_xlsx, count_export, export_rows, safe_cell
from gateway.places.store import read_directory
from gateway.service import Service, utc_now
from gateway.tables import Member
from tests.gateway.conftest import Texting

HOSTILE = (
    "<script>alert(1)</script>",
    "'; DROP TABLE members; --",
    '=HYPERLINK("http://evil.example","x")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\tcmd",
    "\u202egnp.exe\u202c",
    "line\nINFO forged log line",
    'quote " and, comma; semicolon',
    "علی \u0000 رضا".replace("\u0000", ""),
)


def exported(service: Service, condition: object = None, reveal: bool = True) -> Iterator[tuple[str, ...]]:
    with reading(service.engine) as connection:
        directory = read_directory(connection)
    fitting = true() if condition is None else condition
    return export_rows(service.engine, fitting, directory, utc_now(), service.settings.zone, reveal=reveal)  # type: ignore[arg-type]


@pytest.fixture
def hostile(service: Service, text: Texting) -> Service:
    for number, name in enumerate(HOSTILE):
        phone = f"+9230012345{number:02}"
        text("JOIN Ali Lahore NA-130 students", phone)
        with writing(service.engine) as connection:
            newest = select(Member.sender_id).order_by(Member.sender_id.desc()).limit(1).scalar_subquery()
            connection.execute(update(Member).where(Member.sender_id == newest).values(name=name))
    return service


def test_csv_opens_with_every_name_and_no_formula(hostile: Service) -> None:
    raw = b"".join(as_csv(exported(hostile)))
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert tuple(rows[0]) == HEADING
    assert [row[1] for row in rows[1:]] == [safe_cell(name) for name in HOSTILE]
    assert [row[1].removeprefix("'") if row[1] != HOSTILE[1] else row[1] for row in rows[1:]] == [
        name.removeprefix("'") if name != HOSTILE[1] else name for name in HOSTILE
    ]
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)
    assert rows[1][0] == "'+923001234500"
    assert rows[1][2:6] == ["Lahore", "NA-130", "", "students"]


def test_xlsx_opens_with_every_name_as_a_text(hostile: Service) -> None:
    book = load_workbook(io.BytesIO(b"".join(as_xlsx(exported(hostile)))))
    rows = list(book.active.iter_rows(min_row=2))
    assert [row[1].value for row in rows] == list(HOSTILE)
    assert {cell.data_type for row in rows for cell in row if cell.value is not None} == {"s"}
    assert rows[0][0].value == "+923001234500"


def test_numbers_are_masked_and_only_the_condition_is_in_it(hostile: Service, text: Texting) -> None:
    text("JOIN Sana Multan", "+923009999999")
    with reading(hostile.engine) as connection:
        multan = Member.city_id == read_directory(connection).place_ids["multan"]
        assert count_export(connection, multan, utc_now()) == 1
    rows = list(exported(hostile, multan, reveal=False))
    assert [row[:3] for row in rows[1:]] == [("+92300•••9999", "Sana", "Multan")]


def test_memory_stays_flat() -> None:
    """A hundred times the rows must not need a hundred times the memory."""

    def peak(count: int) -> int:
        rows = (("+923001234567", f"Ali {number}", *("x",) * 9) for number in range(count))
        tracemalloc.start()
        for _ in as_csv(rows):
            pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(20_000) < 2 * peak(2_000) + 300_000
