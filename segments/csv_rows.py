"""The rows of a CSV file: its delimiter, its heading, and what is wrong with a row. No file is opened here."""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from faults import Fault, FaultError, fault
from segments.places import Place
from segments.spelling import tokens_of

LANGUAGE_COLUMN = re.compile(r"name_([a-z]{2,3})")
_MOJIBAKE = re.compile("[ØÙÚÛ][\u0080-\u00bf\u2010-\u203a‰Œœ€]|Ã[\u0080-\u00bf]|\ufffd")
_DELIMITERS = ",;\t"
_FAR = 2.0  # degrees


class FileProblem(FaultError):
    """The file as a whole cannot be read; the fault says what to do."""


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong with one row: its line in the file (the heading is line 1), the column, and what to do."""

    line: int
    column: str
    fault: Fault

    @property
    def sentence(self) -> str:
        return str(self.fault)

    def __str__(self) -> str:
        return (
            f"line {self.line}, {self.column}: {self.sentence}" if self.column else f"line {self.line}: {self.sentence}"
        )


def decode(raw: bytes) -> str:
    """Return the text of a CSV file's bytes: UTF-8, or UTF-16 with its mark as Excel saves "Unicode text".

    Raises FileProblem, with the line, for any other encoding: guessing would garble names.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return raw.decode("utf-16")
        except UnicodeDecodeError:
            raise FileProblem(
                fault("file.cut_off", "The file starts as UTF-16 but is cut off. Save it again as CSV UTF-8.")
            ) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise FileProblem(
            fault(
                "file.not_utf8",
                "Line {line} is not UTF-8 text. In Excel choose Save As, “CSV UTF-8”; in LibreOffice choose the "
                "character set Unicode (UTF-8).",
                line=line,
            )
        ) from None


def rows(
    lines: Iterable[str], columns: frozenset[str], needed: tuple[str, ...]
) -> Iterator[tuple[int, dict[str, str] | RowProblem]]:
    feed = iter(lines)
    first = next((line for line in feed), "").lstrip("\ufeff")
    if not first.strip():
        yield (
            1,
            RowProblem(
                1,
                "",
                fault(
                    "file.first_line_empty",
                    "The first line must name the columns: {needed}. It is empty.",
                    needed=", ".join(needed),
                ),
            ),
        )
        return
    delimiter = max(_DELIMITERS, key=first.count)

    def each() -> Iterator[str]:
        yield first
        for line in feed:
            yield line.replace("\x00", "")

    reader = csv.reader((line if line.endswith("\n") else line + "\n" for line in each()), delimiter=delimiter)
    try:
        first_cells = next(reader)
    except csv.Error as error:
        yield (
            1,
            RowProblem(
                1,
                "",
                fault(
                    "file.first_line",
                    "The first line cannot be read ({error}). It must name the columns.",
                    error=str(error),
                ),
            ),
        )
        return
    heading = [name.strip().casefold().replace(" ", "_") for name in first_cells]
    wrong = _heading_fault(heading, columns, needed)
    if wrong:
        yield 1, RowProblem(1, "", wrong)
        return
    found_any = False
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            yield (
                line,
                RowProblem(
                    line,
                    "",
                    fault(
                        "row.unreadable",
                        "This row cannot be read ({error}). Check its quotation marks.",
                        error=str(error),
                    ),
                ),
            )
            continue
        if not any(cell.strip() for cell in cells):
            continue
        found_any = True
        if len(cells) > len(heading) and any(cell.strip() for cell in cells[len(heading) :]):
            yield (
                line,
                RowProblem(
                    line,
                    "",
                    fault(
                        "row.too_many",
                        "The row has {cells} values for {columns} columns. Put quotation marks around a value that "
                        "contains “{delimiter}”.",
                        cells=len(cells),
                        columns=len(heading),
                        delimiter=delimiter,
                    )
                    if delimiter != "\t"
                    else fault("row.too_many_tabs", "The row has more values than columns."),
                ),
            )
            continue
        row = {name: " ".join(cell.split()) for name, cell in zip(heading, cells, strict=False) if name}
        for name in heading:
            row.setdefault(name, "")
        garbled = next((name for name, cell in row.items() if _MOJIBAKE.search(cell)), None)
        if garbled:
            yield (
                line,
                RowProblem(
                    line,
                    garbled,
                    fault(
                        "row.garbled",
                        "“{cell}” looks garbled: the file was saved in another encoding. Save it as CSV UTF-8.",
                        cell=row[garbled],
                    ),
                ),
            )
            continue
        yield line, row
    if not found_any:
        yield 2, RowProblem(2, "", fault("file.no_rows", "There is no row below the column names."))


def _heading_fault(heading: list[str], columns: frozenset[str], needed: tuple[str, ...]) -> Fault | None:
    missing = [name for name in needed if name not in heading]
    if missing:
        there = ", ".join(heading)
        if len(missing) == 1:
            return fault(
                "file.lacks_column",
                "The column {column} is missing. The first line must name the columns; it reads: {heading}.",
                column=missing[0],
                heading=there,
            )
        return fault(
            "file.lacks_columns",
            "The columns {columns} are missing. The first line must name the columns; it reads: {heading}.",
            columns=", ".join(missing),
            heading=there,
        )
    twice = sorted({name for name in heading if name and heading.count(name) > 1})
    if twice:
        return fault("file.column_twice", "The column {column} is there twice. Remove one.", column=twice[0])
    unknown = [name for name in heading if name and name not in columns and not LANGUAGE_COLUMN.fullmatch(name)]
    if unknown:
        return fault(
            "file.column_unknown",
            "The column {column} is not known. Known are {columns} and name_ with a language, such as name_ur. Rename "
            "it or take it out.",
            column=unknown[0],
            columns=", ".join(sorted(columns)),
        )
    return None


def name_problems(line: int, row: dict[str, str], column: str) -> Iterator[RowProblem]:
    if not row[column]:
        yield RowProblem(
            line, column, fault("row.cell_empty", "The {column} is empty. Every row needs one.", column=column)
        )
    elif not tokens_of(row[column]):
        yield RowProblem(
            line,
            column,
            fault(
                "row.no_letters",
                "“{cell}” has no letter or digit. Write the {column} as people type it.",
                cell=row[column],
                column=column,
            ),
        )
    elif len(row[column]) > 120:
        yield RowProblem(
            line,
            column,
            fault(
                "row.cell_long",
                "The {column} has {count} characters; at most 120 are kept. Shorten it.",
                column=column,
                count=len(row[column]),
            ),
        )


def position_problems(line: int, row: dict[str, str]) -> Iterator[RowProblem]:
    values: dict[str, float] = {}
    for column in ("lat", "lon"):
        written = row[column]
        if not written:
            yield RowProblem(
                line,
                column,
                fault("row.degrees_empty", "The {column} is empty. Write degrees such as 31.5497.", column=column),
            )
            continue
        try:
            values[column] = float(written) if "_" not in written else float("nan")
        except ValueError:
            if re.fullmatch(r"-?\d+,\d+", written):
                yield RowProblem(
                    line,
                    column,
                    fault(
                        "row.degrees_comma",
                        "“{written}” is not a number of degrees such as 31.5497. Use a point, not a comma.",
                        written=written,
                    ),
                )
            else:
                yield RowProblem(
                    line,
                    column,
                    fault("row.degrees", "“{written}” is not a number of degrees such as 31.5497.", written=written),
                )
            continue
        if values[column] != values[column] or abs(values[column]) == float("inf"):
            yield RowProblem(
                line,
                column,
                fault("row.degrees", "“{written}” is not a number of degrees such as 31.5497.", written=written),
            )
            del values[column]
    if len(values) == 2:
        lat, lon = values["lat"], values["lon"]
        if abs(lat) > 90:
            if abs(lat) <= 180 and abs(lon) <= 90:
                yield RowProblem(
                    line,
                    "lat",
                    fault(
                        "row.latitude_swapped",
                        "“{lat}” is no latitude. Lat and lon look swapped: exchange them.",
                        lat=row["lat"],
                    ),
                )
            else:
                yield RowProblem(
                    line,
                    "lat",
                    fault("row.latitude", "“{lat}” is no latitude. It lies between -90 and 90.", lat=row["lat"]),
                )
        elif abs(lon) > 180:
            yield RowProblem(
                line,
                "lon",
                fault("row.longitude", "“{lon}” is no longitude. It lies between -180 and 180.", lon=row["lon"]),
            )
        elif lat == 0 and lon == 0:
            yield RowProblem(
                line,
                "lat",
                fault(
                    "row.no_position", "0, 0 lies in the sea off Africa: the position is unknown. Fill in the real one."
                ),
            )


def distance_problem(line: int, place: Place, home: tuple[float, float]) -> RowProblem | None:
    """Return a problem for a place over two degrees from its city, at `home` (lat, lon); with a hint when exchanging
    lat and lon would bring it there. A city of a known name elsewhere is no problem unless it is exchanged."""
    if place.lat is None or place.lon is None or _degrees_apart(home, (place.lat, place.lon)) <= _FAR:
        return None
    if _degrees_apart(home, (place.lon, place.lat)) <= _FAR:
        return RowProblem(
            line, "lat", fault("row.swapped", "lat and lon of “{name}” look swapped: exchange them.", name=place.name)
        )
    if place.city is None:
        return None
    return RowProblem(
        line,
        "lat",
        fault(
            "row.far",
            "“{name}” lies far from {city}. Check the position and the city.",
            name=place.name,
            city=place.city,
        ),
    )


def _degrees_apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    return max(abs(one[0] - other[0]), abs(one[1] - other[1]))


def whole_number(line: int, row: dict[str, str], column: str) -> tuple[int | None, list[RowProblem]]:
    written = row.get(column, "")
    if not written:
        return None, []
    if re.fullmatch(r"\d{1,12}", written):
        return int(written), []
    return None, [
        RowProblem(
            line,
            column,
            fault(
                "row.whole_number",
                "“{written}” is not a whole number. Write digits only, or leave it empty.",
                written=written,
            ),
        )
    ]


def several(cell: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in cell.split("|") if part.strip()))
