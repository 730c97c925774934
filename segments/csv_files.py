"""Places and constituencies from CSV lines: every bad row is named by line, column and remedy. No file is opened here.

Places: `name`, `lat`, `lon`; may have `city`, `district`, `province`, `country`, `kind`, `population`, `key`,
`aliases` and `name_<language>` (`name_ur`). Constituencies: `code`, `name`; may have `delimitation`, `area`,
`ordinal`, `district`, `province`, `aliases` and `name_<language>`. Several values in one cell are parted by `|`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from faults import fault
from orthography import fold
from segments.constituencies import Constituency
from segments.csv_rows import (
    LANGUAGE_COLUMN,
    FileProblem,
    RowProblem,
    decode,
    distance_problem,
    name_problems,
    position_problems,
    rows,
    several,
    whole_number,
)
from segments.places import Place
from segments.spelling import key_of, tokens_of, word_set

__all__ = [
    "FileProblem",
    "RowProblem",
    "decode",
    "official_code",
    "read_constituencies",
    "read_places",
    "sorted_out",
]

PLACE_COLUMNS = word_set("name lat lon city district province country kind population key aliases")
CONSTITUENCY_COLUMNS = word_set("code name delimitation area ordinal district province aliases")
_CODE = re.compile(r"([^\W\d_]{1,6})[\W_]*0*(\d{1,5})")
T = TypeVar("T", Place, Constituency)


def read_places(
    lines: Iterable[str], city_positions: Mapping[str, tuple[float, float]] | None = None
) -> Iterator[Place | RowProblem]:
    """Yield a Place per good row and a RowProblem per fault, in the file's order.

    `lines`: the text, with or without line ends. `city_positions`: (lat, lon) of known cities by name; a place far
    from its city, or with lat and lon exchanged, is a problem. Accept the file only when no RowProblem came: see
    `sorted_out`.
    """
    seen: dict[tuple[str, ...], int] = {}
    keys: dict[str, int] = {}
    for line, row in rows(lines, PLACE_COLUMNS, ("name", "lat", "lon")):
        if isinstance(row, RowProblem):
            yield row
            continue
        problems = [*name_problems(line, row, "name"), *position_problems(line, row)]
        population, faults = whole_number(line, row, "population")
        problems.extend(faults)
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
            aliases=several(row.get("aliases", "")),
            city=city,
            district=row.get("district") or None,
            province=row.get("province") or None,
            country=row.get("country") or None,
            lat=float(row["lat"]),
            lon=float(row["lon"]),
            population=population or 0,
        )
        home = (city_positions or {}).get(city or place.name)
        if home and (far := distance_problem(line, place, home)):
            yield far
            continue
        same = (
            key_of(tokens_of(place.name)),
            *map(fold, (kind, city or "", row.get("district", ""), row.get("province", ""))),
        )
        if same in seen:
            yield RowProblem(
                line,
                "name",
                fault(
                    "row.place_twice",
                    "“{name}” is on line {line} already, in the same city and district. Remove one, or give them "
                    "different names or districts.",
                    name=place.name,
                    line=seen[same],
                ),
            )
            continue
        if place.key in keys and row.get("key"):
            at = keys[place.key]
            yield RowProblem(
                line,
                "key",
                fault(
                    "row.key_twice", "The key “{key}” is on line {at} already. Keys must differ.", key=place.key, at=at
                ),
            )
            continue
        if place.key in keys:
            place = replace(place, key=f"{place.key}-{line}")
        keys[place.key] = seen[same] = line
        yield place


def read_constituencies(lines: Iterable[str]) -> Iterator[Constituency | RowProblem]:
    """Yield a Constituency per good row and a RowProblem per fault, in the file's order."""
    seen: dict[tuple[str, str], int] = {}
    for line, row in rows(lines, CONSTITUENCY_COLUMNS, ("code", "name")):
        if isinstance(row, RowProblem):
            yield row
            continue
        problems = [*name_problems(line, row, "code"), *name_problems(line, row, "name")]
        year, faults = whole_number(line, row, "delimitation")
        problems.extend(faults)
        if year is not None and not 1800 <= year <= 2200:
            problems.append(
                RowProblem(
                    line,
                    "delimitation",
                    fault("row.year", "“{year}” is not a year. Write it as 2024, or leave it empty.", year=year),
                )
            )
        ordinal, faults = whole_number(line, row, "ordinal")
        problems.extend(faults)
        code = official_code(row["code"])
        if not problems and (code, row.get("delimitation", "")) in seen:
            at = seen[code, row.get("delimitation", "")]
            problems.append(
                RowProblem(
                    line,
                    "code",
                    fault(
                        "row.code_twice",
                        "“{code}” is on line {at} already. A code names one seat in a delimitation.",
                        code=code,
                        at=at,
                    ),
                )
            )
        if problems:
            yield from problems
            continue
        seen[code, row.get("delimitation", "")] = line
        area = row.get("area", "")
        if ordinal is None:
            area, ordinal = _area_and_ordinal(row["name"], area)
        districts = several(row.get("district", "")) or ((area,) if area else ())
        yield Constituency(
            code=code,
            name=row["name"],
            delimitation=year,
            area=area,
            ordinal=ordinal,
            districts=districts,
            province=row.get("province") or None,
            names=_names_by_language(row),
            aliases=several(row.get("aliases", "")),
        )


def sorted_out(read: Iterable[T | RowProblem]) -> tuple[list[T], list[RowProblem]]:
    """Return the good rows and the problems; a caller takes the rows only when there are no problems."""
    good: list[T] = []
    problems: list[RowProblem] = []
    for row in read:
        if isinstance(row, RowProblem):
            problems.append(row)
        else:
            good.append(row)
    return good, problems


def official_code(written: str) -> str:
    """Return a code in its common form: `na 0130` becomes `NA-130`; a code of another form is only trimmed."""
    match = _CODE.fullmatch(fold(written))
    return f"{match[1].upper()}-{match[2]}" if match else " ".join(written.split())


def _names_by_language(row: dict[str, str]) -> dict[str, str]:
    found = ((LANGUAGE_COLUMN.fullmatch(column), value) for column, value in row.items() if value)
    return {match[1]: value for match, value in found if match}


def _area_and_ordinal(name: str, area: str) -> tuple[str, int | None]:
    tokens = tokens_of(name)
    if len(tokens) > 1 and tokens[-1].isdigit():
        return area or re.sub(r"[\W_]*[^\W_]+$", "", name), int(tokens[-1])
    return area or name, None


def _key_from(name: str, context: str) -> str:
    return "-".join(tokens_of(f"{name} {context}" if context and context != name else name))
