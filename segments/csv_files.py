"""Places and constituencies from CSV lines: every bad row is named by line, column and remedy. No file is opened here.

Places: `name`, `lat`, `lon`; may have `city`, `district`, `province`, `country`, `kind`, `population`, `key`,
`aliases` and `name_<language>` (`name_ur`). Constituencies: `code`, `name`; may have `delimitation`, `area`,
`ordinal`, `district`, `province`, `aliases` and `name_<language>`. Several values in one cell are parted by `|`.
"""

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from orthography import fold
from segments.constituencies import Constituency
from segments.places import Place
from segments.spelling import key_of, tokens_of

PLACE_COLUMNS = frozenset("name lat lon city district province country kind population key aliases".split())
CONSTITUENCY_COLUMNS = frozenset("code name delimitation area ordinal district province aliases".split())
_LANGUAGE_COLUMN = re.compile(r"name_([a-z]{2,3})")
_MOJIBAKE = re.compile("[ØÙÚÛ][\u0080-\u00bf\u2010-\u203a‰Œœ€]|Ã[\u0080-\u00bf]|\ufffd")
_DELIMITERS = ",;\t"
_KINDS_OF_AREA = frozenset({"city", "town", "district", "area"})
T = TypeVar("T", Place, Constituency)
_CODE = re.compile(r"([^\W\d_]{1,6})[\W_]*0*(\d{1,5})")


class FileProblem(ValueError):
    """The file as a whole cannot be read; the text says what to do."""


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong with one row: its line in the file (the heading is line 1), the column, and what to do."""

    line: int
    column: str
    sentence: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.sentence}" if self.column else f"line {self.line}: {self.sentence}"


def decode(raw: bytes) -> str:
    """Return the text of a CSV file's bytes: UTF-8, or UTF-16 with its mark as Excel saves "Unicode text".

    Raises FileProblem, with the line, for any other encoding: guessing would garble names.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return raw.decode("utf-16")
        except UnicodeDecodeError:
            raise FileProblem("The file starts as UTF-16 but is cut off. Save it again as CSV UTF-8.") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise FileProblem(
            f"Line {line} is not UTF-8 text. In Excel choose Save As, “CSV UTF-8”; in LibreOffice choose the "
            "character set Unicode (UTF-8)."
        ) from None


def read_places(lines: Iterable[str]) -> Iterator[Place | RowProblem]:
    """Yield a Place per good row and a RowProblem per fault, in the file's order.

    `lines`: the text, with or without line ends. Accept the file only when no RowProblem came: see `sorted_out`.
    """
    seen: dict[tuple[str, str], tuple[int, Place]] = {}
    keys: dict[str, int] = {}
    for line, row in _rows(lines, PLACE_COLUMNS, ("name", "lat", "lon")):
        if isinstance(row, RowProblem):
            yield row
            continue
        problems = [*_name_problems(line, row, "name"), *_position_problems(line, row)]
        population, fault = _whole_number(line, row, "population")
        problems.extend(fault)
        if problems:
            yield from problems
            continue
        city = row.get("city") or None
        kind = row.get("kind") or ("neighbourhood" if city and city != row["name"] else "city")
        place = Place(
            key=row.get("key") or _key_from(row["name"], city or row.get("district", "")),
            name=row["name"],
            kind=kind,
            names=_names_by_language(row),
            aliases=_several(row.get("aliases", "")),
            city=city,
            district=row.get("district") or None,
            province=row.get("province") or None,
            country=row.get("country") or None,
            lat=float(row["lat"]),
            lon=float(row["lon"]),
            population=population or 0,
        )
        twin = seen.get((key_of(tokens_of(place.name)), "|".join(map(fold, (city or "", row.get("district", ""), row.get("province", ""))))))
        if twin and (twin[1].kind == kind):
            yield RowProblem(
                line, "name", f"“{place.name}” is on line {twin[0]} already, in the same city and district. "
                "Remove one, or give them different names or districts."
            )
            continue
        if place.key in keys:
            if row.get("key"):
                yield RowProblem(line, "key", f"The key “{place.key}” is on line {keys[place.key]} already. Keys must differ.")
                continue
            place = _with_key(place, f"{place.key}-{line}")
        keys[place.key] = line
        seen[key_of(tokens_of(place.name)), "|".join(map(fold, (city or "", row.get("district", ""), row.get("province", ""))))] = (line, place)
        yield place


def read_constituencies(lines: Iterable[str]) -> Iterator[Constituency | RowProblem]:
    """Yield a Constituency per good row and a RowProblem per fault, in the file's order."""
    seen: dict[tuple[str, str], int] = {}
    for line, row in _rows(lines, CONSTITUENCY_COLUMNS, ("code", "name")):
        if isinstance(row, RowProblem):
            yield row
            continue
        problems = [*_name_problems(line, row, "code"), *_name_problems(line, row, "name")]
        year, fault = _whole_number(line, row, "delimitation")
        problems.extend(fault)
        if year is not None and not 1800 <= year <= 2200:
            problems.append(RowProblem(line, "delimitation", f"“{year}” is not a year. Write it as 2024, or leave it empty."))
        ordinal, fault = _whole_number(line, row, "ordinal")
        problems.extend(fault)
        code = official_code(row["code"])
        if not problems and (code, row.get("delimitation", "")) in seen:
            at = seen[code, row.get("delimitation", "")]
            problems.append(
                RowProblem(line, "code", f"“{code}” is on line {at} already. A code names one seat in a delimitation.")
            )
        if problems:
            yield from problems
            continue
        seen[code, row.get("delimitation", "")] = line
        area = row.get("area", "")
        if ordinal is None:
            area, ordinal = _area_and_ordinal(row["name"], area)
        districts = _several(row.get("district", "")) or ((area,) if area else ())
        yield Constituency(
            code=code,
            name=row["name"],
            delimitation=year,
            area=area,
            ordinal=ordinal,
            districts=districts,
            province=row.get("province") or None,
            names=_names_by_language(row),
            aliases=_several(row.get("aliases", "")),
        )


def sorted_out(rows: Iterable[T | RowProblem]) -> tuple[list[T], list[RowProblem]]:
    """Return the good rows and the problems; a caller takes the rows only when there are no problems."""
    good: list[T] = []
    problems: list[RowProblem] = []
    for row in rows:
        if isinstance(row, RowProblem):
            problems.append(row)
        else:
            good.append(row)
    return good, problems


def official_code(written: str) -> str:
    """Return a code in its common form: `na 0130` becomes `NA-130`; a code of another form is only trimmed."""
    match = _CODE.fullmatch(fold(written))
    return f"{match[1].upper()}-{match[2]}" if match else " ".join(written.split())


def _rows(
    lines: Iterable[str], columns: frozenset[str], needed: tuple[str, ...]
) -> Iterator[tuple[int, dict[str, str] | RowProblem]]:
    feed = iter(lines)
    first = next((line for line in feed), "").lstrip("\ufeff")
    if not first.strip():
        yield 1, RowProblem(1, "", f"The first line must name the columns: {', '.join(needed)}. It is empty.")
        return
    delimiter = max(_DELIMITERS, key=first.count)

    def each() -> Iterator[str]:
        yield first
        for line in feed:
            yield line.replace("\x00", "")

    reader = csv.reader((line if line.endswith("\n") else line + "\n" for line in each()), delimiter=delimiter)
    heading = [name.strip().casefold().replace(" ", "_") for name in next(reader)]
    fault = _heading_fault(heading, columns, needed)
    if fault:
        yield 1, RowProblem(1, "", fault)
        return
    found_any = False
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            yield line, RowProblem(line, "", f"This row cannot be read ({error}). Check its quotation marks.")
            continue
        if not any(cell.strip() for cell in cells):
            continue
        found_any = True
        if len(cells) > len(heading) and any(cell.strip() for cell in cells[len(heading) :]):
            yield line, RowProblem(
                line, "", f"The row has {len(cells)} values for {len(heading)} columns. Put quotation marks around a "
                f"value that contains “{delimiter}”." if delimiter != "\t" else "The row has more values than columns."
            )
            continue
        row = {name: " ".join(cell.split()) for name, cell in zip(heading, cells, strict=False) if name}
        for name in heading:
            row.setdefault(name, "")
        garbled = next((name for name, cell in row.items() if _MOJIBAKE.search(cell)), None)
        if garbled:
            yield line, RowProblem(
                line, garbled, f"“{row[garbled]}” looks garbled: the file was saved in another encoding. Save it as CSV UTF-8."
            )
            continue
        yield line, row
    if not found_any:
        yield 2, RowProblem(2, "", "There is no row below the column names.")


def _heading_fault(heading: list[str], columns: frozenset[str], needed: tuple[str, ...]) -> str | None:
    missing = [name for name in needed if name not in heading]
    if missing:
        return (
            f"The column{'s' if len(missing) > 1 else ''} {', '.join(missing)} {'are' if len(missing) > 1 else 'is'} "
            f"missing. The first line must name the columns; it reads: {', '.join(heading)}."
        )
    twice = sorted({name for name in heading if name and heading.count(name) > 1})
    if twice:
        return f"The column {twice[0]} is there twice. Remove one."
    unknown = [name for name in heading if name and name not in columns and not _LANGUAGE_COLUMN.fullmatch(name)]
    if unknown:
        return (
            f"The column {unknown[0]} is not known. Known are {', '.join(sorted(columns))} and name_ with a language, "
            "such as name_ur. Rename it or take it out."
        )
    return None


def _name_problems(line: int, row: dict[str, str], column: str) -> Iterator[RowProblem]:
    if not row[column]:
        yield RowProblem(line, column, f"The {column} is empty. Every row needs one.")
    elif not tokens_of(row[column]):
        yield RowProblem(line, column, f"“{row[column]}” has no letter or digit. Write the {column} as people type it.")
    elif len(row[column]) > 120:
        yield RowProblem(line, column, f"The {column} has {len(row[column])} characters; at most 120 are kept. Shorten it.")


def _position_problems(line: int, row: dict[str, str]) -> Iterator[RowProblem]:
    values: dict[str, float] = {}
    for column in ("lat", "lon"):
        written = row[column]
        if not written:
            yield RowProblem(line, column, f"The {column} is empty. Write degrees such as 31.5497.")
            continue
        try:
            values[column] = float(written) if "_" not in written else float("nan")
        except ValueError:
            comma = " Use a point, not a comma." if re.fullmatch(r"-?\d+,\d+", written) else ""
            yield RowProblem(line, column, f"“{written}” is not a number of degrees such as 31.5497.{comma}")
            continue
        if values[column] != values[column] or abs(values[column]) == float("inf"):
            yield RowProblem(line, column, f"“{written}” is not a number of degrees such as 31.5497.")
            del values[column]
    if len(values) == 2:
        lat, lon = values["lat"], values["lon"]
        if abs(lat) > 90:
            hint = "lat and lon look swapped: exchange them." if abs(lat) <= 180 and abs(lon) <= 90 else "It lies between -90 and 90."
            yield RowProblem(line, "lat", f"“{row['lat']}” is no latitude. {hint[0].upper()}{hint[1:]}")
        elif abs(lon) > 180:
            yield RowProblem(line, "lon", f"“{row['lon']}” is no longitude. It lies between -180 and 180.")
        elif lat == 0 and lon == 0:
            yield RowProblem(line, "lat", "0, 0 lies in the sea off Africa: the position is unknown. Fill in the real one.")


def far_from_city(places: Iterable[tuple[int, Place]], city_position: dict[str, tuple[float, float]]) -> Iterator[RowProblem]:
    """Yield a problem for a place over two degrees from the city that it says it is in, with a hint when exchanging
    lat and lon would bring it there. `city_position`: (lat, lon) by city name."""
    for line, place in places:
        home = city_position.get(place.city or "")
        if home is None or place.lat is None or place.lon is None:
            continue
        if _degrees_apart(home, (place.lat, place.lon)) <= 2:
            continue
        swapped = _degrees_apart(home, (place.lon, place.lat)) <= 2
        hint = "lat and lon look swapped: exchange them." if swapped else "Check the position and the city."
        yield RowProblem(line, "lat", f"“{place.name}” lies far from {place.city}. {hint[0].upper()}{hint[1:]}")


def _degrees_apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    return max(abs(one[0] - other[0]), abs(one[1] - other[1]))


def _whole_number(line: int, row: dict[str, str], column: str) -> tuple[int | None, list[RowProblem]]:
    written = row.get(column, "")
    if not written:
        return None, []
    if re.fullmatch(r"\d{1,12}", written):
        return int(written), []
    return None, [RowProblem(line, column, f"“{written}” is not a whole number. Write digits only, or leave it empty.")]


def _several(cell: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in cell.split("|") if part.strip()))


def _names_by_language(row: dict[str, str]) -> dict[str, str]:
    found = ((_LANGUAGE_COLUMN.fullmatch(column), value) for column, value in row.items() if value)
    return {match[1]: value for match, value in found if match}


def _area_and_ordinal(name: str, area: str) -> tuple[str, int | None]:
    tokens = tokens_of(name)
    if len(tokens) > 1 and tokens[-1].isdigit():
        return area or re.sub(r"[\W_]*[^\W_]+$", "", name), int(tokens[-1])
    return area or name, None


def _key_from(name: str, context: str) -> str:
    return "-".join(tokens_of(f"{name} {context}" if context and context != name else name))


def _with_key(place: Place, key: str) -> Place:
    return replace(place, key=key)
