"""Members as a file, CSV or XLSX, written as it is read: memory stays flat, however many there are.

No cell is ever a formula. Source: OWASP, "CSV Injection": in CSV a cell that begins with = + - @, a tab or a carriage
return (or their full-width twins) gets an apostrophe before it; in XLSX every cell is written as a text.
"""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from sqlalchemy import ColumnElement, Connection, Engine, func, select

from gateway.database import reading
from gateway.members.listing import list_members
from gateway.places.directory import Directory
from gateway.rules.phone_numbers import mask
from gateway.tables import Member

HEADING = (
    "phone", "name", "city", "constituency", "provincial_constituency", "affinities", "language", "consent",
    "reachable", "joined_at", "seen_on",
)  # fmt: skip
CHUNK = 2_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_PIECE = 64 * 1024


def count_export(connection: Connection, condition: ColumnElement[bool], joined_by: datetime) -> int:
    """Return how many members a file will have."""
    wanted = select(func.count()).select_from(Member.__table__).where(condition, Member.joined_at <= joined_by)
    return connection.execute(wanted).scalar_one()


def export_rows(
    engine: Engine,
    condition: ColumnElement[bool],
    directory: Directory,
    joined_by: datetime,
    zone: tzinfo,
    *,
    reveal: bool,
) -> Iterator[tuple[str, ...]]:
    """Yield the heading and a row per member, a chunk in each short transaction, by rising id.

    :param condition: on the columns of members
    :param joined_by: aware; who joins later is not in the file
    :param reveal: whole numbers; masked otherwise
    """
    yield HEADING
    after = 0
    fitting = condition & (Member.joined_at <= joined_by)
    while True:
        with reading(engine) as connection:
            rows = list_members(connection, fitting, after, CHUNK)
        for row in rows:
            yield _row(row, directory, zone, reveal)
        if len(rows) < CHUNK:
            return
        after = rows[-1].sender_id


def _row(row: Any, directory: Directory, zone: tzinfo, reveal: bool) -> tuple[str, ...]:
    place = directory.places.get(directory.place_keys.get(row.city_id, ""))
    seats = (directory.seat_keys.get(number) for number in (row.constituency_id, row.provincial_id))
    return (
        row.key if reveal else mask(row.key),
        row.name,
        place.name if place else "",
        *(seat[0] if seat else "" for seat in seats),
        "|".join(group.key for group in directory.groups.of(row.affinities)),
        row.language or "",
        row.consent,
        "yes" if row.reachable else "no",
        f"{row.joined_at.astimezone(zone):%Y-%m-%d %H:%M}",
        row.seen_on.isoformat() if row.seen_on else "",
    )


def safe_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_csv(rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Yield a CSV in UTF-8 with its mark (Excel reads Urdu only so), every cell quoted."""
    yield b"\xef\xbb\xbf"
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    for row in rows:
        writer.writerow([safe_cell(cell) for cell in row])
        if out.tell() > _PIECE:
            yield _emptied(out)
    yield _emptied(out)


def _emptied(out: io.StringIO) -> bytes:
    written = out.getvalue().encode()
    out.seek(0)
    out.truncate()
    return written


def as_xlsx(rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Yield an XLSX whose cells are all texts; it is gathered in a nameless file, because its end is written first."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("Members")
    for row in rows:
        sheet.append([_text_cell(sheet, cell) for cell in row])
    with tempfile.TemporaryFile() as kept:
        workbook.save(kept)
        kept.seek(0)
        while piece := kept.read(_PIECE):
            yield piece


def _text_cell(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub(" ", text))
    cell.data_type = "s"
    return cell
