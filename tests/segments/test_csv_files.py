"""Every bad row of a CSV is named by line, column and remedy, and nothing is taken in by halves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.constituencies import Constituency
from segments.csv_files import (
    FileProblem,
    RowProblem,
    decode,
    official_code,
    read_constituencies,
    read_places,
    sorted_out,
)
from segments.places import Place


def places(*lines: str, cities: dict[str, tuple[float, float]] | None = None) -> tuple[list[Place], list[RowProblem]]:
    return sorted_out(read_places(lines, cities))


def test_a_place_may_have_names_in_every_language_and_many_aliases() -> None:
    good, problems = places(
        "name,lat,lon,city,district,province,country,kind,aliases,name_ur,name_ps",
        "Kalma Chowk,31.5042,74.3316,Lahore,Lahore,Punjab,Pakistan,chowk,kalma | Kalima Chowk|,کلمہ چوک,",
    )
    assert problems == []
    (place,) = good
    assert (place.name, place.lat, place.lon, place.kind, place.city) == (
        "Kalma Chowk",
        31.5042,
        74.3316,
        "chowk",
        "Lahore",
    )
    assert place.names == {"ur": "کلمہ چوک"}
    assert place.aliases == ("kalma", "Kalima Chowk")


def test_only_name_and_position_are_needed() -> None:
    good, problems = places("name,lat,lon", "Lahore,31.558,74.351")
    assert (good[0].kind, good[0].city, problems) == ("city", None, [])


@pytest.mark.parametrize(
    "lines",
    [
        ["\ufeffname,lat,lon\r\n", "Lahore,31.5,74.3\r\n"],
        ["name;lat;lon", "Lahore;31.5;74.3"],
        ["name\tlat\tlon", "Lahore\t31.5\t74.3"],
        [" Name , LAT ,Lon", " Lahore , 31.5 , 74.3 "],
        ['"name","lat","lon"', '"Lahore","31.5","74.3"', "", ",,"],
    ],
)
def test_files_from_any_office_program_are_read(lines: list[str]) -> None:
    good, problems = places(*lines)
    assert [(place.name, place.lat) for place in good] == [("Lahore", 31.5)]
    assert problems == []


@pytest.mark.parametrize(
    ("row", "column", "says"),
    [
        (",31.5,74.3", "name", "empty"),
        ("...,31.5,74.3", "name", "no letter"),
        ("x" * 121 + ",31.5,74.3", "name", "121 characters"),
        ("Lahore,,74.3", "lat", "empty"),
        ("Lahore,abc,74.3", "lat", "not a number"),
        ('Lahore,"31,5",74.3', "lat", "point, not a comma"),
        ("Lahore,nan,74.3", "lat", "not a number"),
        ("Lahore,31.5,1e999", "lon", "not a number"),
        ("Lahore,131.5,24.3", "lat", "swapped"),
        ("Lahore,231.5,24.3", "lat", "between -90 and 90"),
        ("Lahore,31.5,274.3", "lon", "between -180 and 180"),
        ("Lahore,0,0", "lat", "sea off Africa"),
        ("Lahore,31.5,74.3,,many", "population", "whole number"),
        ("Lahore,31.5,74.3,,1,more", "", "6 values for 5 columns"),
        ("Ù„Ø§ÛÙˆØ±,31.5,74.3", "name", "garbled"),
    ],
)
def test_a_bad_row_is_named_with_its_remedy(row: str, column: str, says: str) -> None:
    good, problems = places("name,lat,lon,city,population", "Multan,30.2,71.5,,", row)
    assert [place.name for place in good] == ["Multan"]
    assert [(problem.line, problem.column) for problem in problems] == [(3, column)]
    assert says in problems[0].sentence
    assert problems[0].sentence.endswith(".")


def test_all_faults_of_a_file_are_told_at_once() -> None:
    _, problems = places("name,lat,lon", ",x,y", "Lahore,31.5,74.3", "Multan,x,71.5")
    assert [(problem.line, problem.column) for problem in problems] == [(2, "name"), (2, "lat"), (2, "lon"), (4, "lat")]


def test_a_line_number_counts_the_lines_of_the_file_also_after_a_value_of_two_lines() -> None:
    _, problems = places("name,lat,lon", '"Kalma\n', 'Chowk",31.5,74.3', "Multan,x,71.5")
    assert [problem.line for problem in problems] == [4]


@pytest.mark.parametrize(
    ("heading", "says"),
    [("", "is empty"), ("name,latitude,lon", "lat is missing"), ("place,x,y", "name, lat, lon are missing"),
     ("name,lat,lon,name", "there twice"),
     ("name,lat,lon,colour", "colour is not known"), ("name", "lat, lon are missing")],
)  # fmt: skip
def test_a_wrong_heading_is_one_problem(heading: str, says: str) -> None:
    good, problems = places(heading, "Lahore,31.5,74.3")
    assert good == []
    assert [problem.line for problem in problems] == [1]
    assert says in problems[0].sentence


def test_a_file_without_rows_says_so() -> None:
    assert "no row" in places("name,lat,lon")[1][0].sentence


def test_duplicates_are_named_with_the_first_line() -> None:
    good, problems = places(
        "name,lat,lon,city", "Saddar,24.85,67.02,Karachi", "Saddar,33.6,73.05,Rawalpindi", "SADDAR.,24.86,67.03,karachi"
    )
    assert [place.city for place in good] == ["Karachi", "Rawalpindi"]
    assert len({place.key for place in good}) == 2
    assert [(problem.line, "line 2" in problem.sentence) for problem in problems] == [(4, True)]


def test_a_key_given_twice_is_a_problem() -> None:
    _, problems = places("key,name,lat,lon", "a,Lahore,31.5,74.3", "a,Multan,30.2,71.5")
    assert [(problem.line, problem.column) for problem in problems] == [(3, "key")]


def test_a_place_far_from_its_city_or_with_exchanged_degrees_is_named() -> None:
    cities = {"Lahore": (31.55, 74.35)}
    _, problems = places(
        "name,lat,lon,city",
        "Saddar,24.85,67.02,Lahore",
        "Kalma Chowk,74.33,31.5,Lahore",
        "Lahore,74.35,31.55,",
        cities=cities,
    )
    assert [problem.line for problem in problems] == [2, 3, 4]
    assert "far from Lahore" in problems[0].sentence
    assert all("swapped" in problem.sentence for problem in problems[1:])


def test_constituencies_take_their_area_and_ordinal_from_the_name() -> None:
    good, problems = sorted_out(
        read_constituencies(
            [
                "code,name,delimitation,district,name_ur",
                "na 0130,Lahore-XIV,2024,Lahore,لاہور ۱۴",
                "NA-1,Chitral,2024,Upper|Lower,",
            ]
        )
    )
    assert problems == []
    lahore, chitral = good
    assert (lahore.code, lahore.area, lahore.ordinal, lahore.delimitation) == ("NA-130", "Lahore", 14, 2024)
    assert (lahore.house, lahore.number, lahore.districts) == ("NA", 130, ("Lahore",))
    assert (chitral.area, chitral.ordinal, chitral.districts) == ("Chitral", None, ("Upper", "Lower"))


@pytest.mark.parametrize(
    ("row", "column", "says"),
    [(",Lahore-I,2024", "code", "empty"),
     ("NA-2,,2024", "name", "empty"), ("NA-2,Swat,soon", "delimitation", "whole number"),
     ("NA-2,Swat,24", "delimitation", "not a year"), ("na1,Swat,2024", "code", "line 2 already")],
)  # fmt: skip
def test_a_bad_constituency_is_named_with_its_remedy(row: str, column: str, says: str) -> None:
    good, problems = sorted_out(read_constituencies(["code,name,delimitation", "NA-1,Chitral,2024", row]))
    assert len(good) == 1
    assert [(problem.line, problem.column) for problem in problems] == [(3, column)]
    assert says in problems[0].sentence


def test_one_code_may_stand_in_two_delimitations() -> None:
    _, problems = sorted_out(read_constituencies(["code,name,delimitation", "NA-1,Chitral,2024", "NA-1,Chitral,2018"]))
    assert problems == []


@pytest.mark.parametrize(
    ("written", "code"),
    [("na130", "NA-130"), ("N-7", "N-7"), (" Leeds  East ", "Leeds East"), ("E14000530", "E-14000530")],
)
def test_codes_have_one_form(written: str, code: str) -> None:
    assert official_code(written) == (code if written != "E14000530" else "E14000530")


def test_bytes_of_another_encoding_are_refused_with_the_line() -> None:
    assert decode("\ufeffname\nلاہور".encode()) == "name\nلاہور"
    assert decode("name\nلاہور".encode("utf-16")) == "name\nلاہور"
    with pytest.raises(FileProblem, match=r"Line 2 .*UTF-8"):
        decode("name\nلاہور".encode("cp1256"))


@given(st.lists(st.text(max_size=40), max_size=6))
def test_no_file_raises(lines: list[str]) -> None:
    for row in read_places(["name,lat,lon", *lines]):
        assert isinstance(row, Place | RowProblem)
    for seat in read_constituencies(lines):
        assert isinstance(seat, Constituency | RowProblem)
