"""The lines of an uploaded file, CSV or XLSX. An XLSX is turned into the CSV that it would have been saved as."""

import csv
import io
import zipfile
from datetime import date, datetime
from typing import Any

from openpyxl import load_workbook

from faults import fault
from segments.csv_rows import FileProblem, decode

MOST_BYTES = 10 * 1024 * 1024
_MOST_UNPACKED = 200 * 1024 * 1024
_MOST_COLUMNS = 60
_MOST_LINES = 60_000
_ZIP = b"PK\x03\x04"


def text_of(raw: bytes) -> str:
    """Return an uploaded file as CSV text, line for line.

    :raises FileProblem: too large, of another kind, of another encoding, or with formulas; the text says what to do
    """
    if len(raw) > MOST_BYTES:
        raise FileProblem(
            fault(
                "file.large",
                "The file is larger than {most} MB. Part it into several files.",
                most=MOST_BYTES // 1024 // 1024,
            )
        )
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise FileProblem(
            fault("file.old_excel", "This is an old Excel file (.xls). Save it as .xlsx or as “CSV UTF-8”.")
        )
    if not raw.startswith(_ZIP):
        return decode(raw)
    try:
        return _from_workbook(raw)
    except FileProblem:
        raise
    except Exception:  # whatever is wrong in somebody's file, it is a file that cannot be read
        raise FileProblem(
            fault("file.no_xlsx", "The file is no XLSX that can be read. Save it again, or as “CSV UTF-8”.")
        ) from None


def _from_workbook(raw: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        if sum(one.file_size for one in packed.infolist()) > _MOST_UNPACKED:
            raise FileProblem(
                fault("file.unpacks", "The file unpacks to far more than it should. Save it as “CSV UTF-8”.")
            )
    workbook = load_workbook(io.BytesIO(raw), read_only=True, data_only=False)
    sheet = workbook.worksheets[0]
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n").writerow
    for number, row in enumerate(sheet.iter_rows(max_col=_MOST_COLUMNS), 1):
        if number > _MOST_LINES:
            raise FileProblem(
                fault(
                    "file.many_lines",
                    "The file has more than {most:,} lines. Part it into several files.",
                    most=_MOST_LINES,
                )
            )
        write([_cell(cell, number) for cell in row] or [""])
    workbook.close()
    return out.getvalue()


def _cell(cell: Any, line: int) -> str:
    value = cell.value
    if cell.data_type == "f":
        raise FileProblem(
            fault("file.formula", "Line {line} has a formula. Copy the sheet and paste it as values.", line=line)
        )
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a number that a spreadsheet took for one
    return " ".join(str(value).split())
