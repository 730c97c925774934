"""A seat is found in every way people type it; an old number is never silently misfiled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments import (
    Constituency,
    ConstituencyRegister,
    SeatStatus,
    contradiction,
    default_gazetteer,
    default_register,
    resolve_constituency,
    resolve_place,
)

REGISTER = default_register()
TODAY = [seat for seat in REGISTER.constituencies if seat.delimitation == 2024]
NATIONAL = [seat for seat in TODAY if seat.house == "NA"]
URDU_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
URDU_HOUSES = {"NA": "این اے", "PP": "پی پی", "PS": "پی ایس", "PK": "پی کے", "PB": "پی بی"}


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("na130", "NA-130"), ("NA130", "NA-130"), ("N.A.130", "NA-130"), ("NA–130", "NA-130"), ("NA—130", "NA-130"),
        ("NA 130", "NA-130"), ("na-130 lahore", "NA-130"), ("lahore na 130", "NA-130"), ("NA#130", "NA-130"),
        ("NA No. 130", "NA-130"), ("na_130", "NA-130"), ("NA/130", "NA-130"),
        ("NA:130", "NA-130"), ("NA-0130", "NA-130"),
        ("halqa 130", "NA-130"), ("halqa NA 130", "NA-130"),
        ("halqa na-130 hai", "NA-130"), ("my seat is NA-130", "NA-130"),
        ("این اے ۱۳۰", "NA-130"), ("این اے-130", "NA-130"), ("حلقہ این اے 130", "NA-130"), ("اين اے ١٣٠", "NA-130"),
        ("N A - 1 3 0", "NA-130"), ("n a 130", "NA-130"), ("NA-13O", "NA-130"),
        ("ＮＡ１３０", "NA-130"), ("ΝΑ-130", "NA-130"),
        ("NA\u200b-\u200e130", "NA-130"), ("NA\u00a0130", "NA-130"), ("NA-130 (Lahore-XIV)", "NA-130"),
        ("Lahore XIV", "NA-130"), ("Lahore-14", "NA-130"), ("lahore 14", "NA-130"), ("lahore no 14", "NA-130"),
        ("lhr 14", "NA-130"), ("lahor 14", "NA-130"), ("لاہور ۱۴", "NA-130"),
        ("Lahore I", "NA-117"), ("Lahore V", "NA-121"),
        ("TT Singh 2", "NA-106"), ("toba tek singh ii", "NA-106"), ("D.G. Khan 1", "NA-184"), ("DI Khan I", "NA-44"),
        ("RYK 3", "NA-171"), ("Chitral", "NA-1"), ("چترال", "NA-1"), ("hangu", "NA-36"), ("orakzai", "NA-36"),
        ("tank", "NA-43"), ("upper dir", "NA-5"), ("kohistan", "NA-12"), ("Hafizabad", "NA-67"), ("wazirabad", "NA-66"),
        ("Karachi East 4", "NA-238"), ("karachi central III", "NA-249"),
        ("korangi 2", "NA-233"), ("kemari 1", "NA-242"),
        ("gwadar", "NA-259"), ("islamabad 2", "NA-47"), ("faislabad 10", "NA-104"), ("nawabshah 1", "NA-207"),
        ("PP-147", "PP-147"), ("pp147", "PP-147"), ("P.P. 147", "PP-147"),
        ("پی پی ۱۴۷", "PP-147"), ("PS 104", "PS-104"),
        ("PK-72", "PK-72"), ("پی کے 72", "PK-72"), ("PB-40", "PB-40"), ("پی بی ۴۰", "PB-40"), ("پی ایس 104", "PS-104"),
        ("Lahore 20", "PP-164"), ("pp lahore 14", "PP-158"), ("lahore 14 pp", "PP-158"),
        ("NA-1", "NA-1"), ("NA-266", "NA-266"),
        ("NA-130 2024", "NA-130"), ("na 8 bajaur", "NA-8"), ("kolai palas", "NA-12"),
    ],
)  # fmt: skip
def test_a_seat_is_found_as_people_type_it(typed: str, code: str) -> None:
    match = resolve_constituency(typed)
    assert (match.code, match.status) == (code, SeatStatus.FOUND)


@pytest.mark.parametrize("seat", TODAY, ids=lambda seat: seat.code)
def test_every_seat_of_today_is_found_in_every_written_form(seat: Constituency) -> None:
    house, number = seat.house, str(seat.number)
    urdu = f"{URDU_HOUSES[house]} {number.translate(URDU_DIGITS)}"
    forms = [f"{house}-{number}", f"{house.lower()}{number}", f"{house[0]}.{house[1]}.{number}", f"{house}–{number}",
             f"{house} {number.zfill(3)}", f"{house} # {number}", urdu, f"halqa {house} {number}"]  # fmt: skip
    assert [resolve_constituency(form).code for form in forms] == [seat.code] * len(forms)


@pytest.mark.parametrize("seat", NATIONAL, ids=lambda seat: seat.code)
def test_every_national_seat_is_found_by_its_name(seat: Constituency) -> None:
    assert resolve_constituency(seat.name).code == seat.code
    if seat.ordinal:
        assert resolve_constituency(f"{seat.area} {seat.ordinal}").code == seat.code
        assert resolve_constituency(f"{seat.area.upper()} no. {seat.ordinal}").code == seat.code


@pytest.mark.parametrize(
    ("typed", "asked", "valid"),
    [("NA-0", "NA-0", (1, 266)), ("NA-273", "NA-273", (1, 266)),
     ("NA-1300", "NA-1300", (1, 266)), ("na 999", "NA-999", (1, 266)),
     ("PP-400", "PP-400", (1, 297)), ("PS-131", "PS-131", (1, 130)),
     ("PK 116", "PK-116", (1, 115)), ("PB-52", "PB-52", (1, 51))],
)  # fmt: skip
def test_a_number_that_no_seat_has_is_refused_with_the_valid_range(
    typed: str, asked: str, valid: tuple[int, int]
) -> None:
    match = resolve_constituency(typed)
    assert (match.code, match.status, match.asked, match.valid_range) == (None, SeatStatus.OUT_OF_RANGE, asked, valid)


@pytest.mark.parametrize(
    ("typed", "code", "old"),
    [("NA-268", "NA-260", "Chaghi"), ("NA-267", "NA-261", "Mastung"), ("NA-269", "NA-256", "Khuzdar"),
     ("NA-9 2018", "NA-10", "Buner"), ("2018 NA 1", "NA-1", "Chitral"), ("purana NA-8", "NA-9", "Malakand"),
     ("NA-40 (2018)", "NA-8", "Bajaur"), ("old na 220", "NA-213", "Umerkot")],
)  # fmt: skip
def test_an_old_number_whose_districts_are_one_seat_now_is_mapped(typed: str, code: str, old: str) -> None:
    match = resolve_constituency(typed)
    assert (match.code, match.status) == (code, SeatStatus.MAPPED)
    assert match.old is not None
    assert match.old.delimitation == 2018
    assert match.old.area.startswith(old[:4])


@pytest.mark.parametrize(
    ("typed", "first"),
    [("NA-272", ("NA-257", "NA-259")), ("NA-271", ("NA-258", "NA-259")), ("NA-270", ("NA-257", "NA-258")),
     ("NA-125 2018", ("NA-119",)), ("NA-136 in 2018", ("NA-130",)), ("NA-55 2018", ("NA-49", "NA-50"))],
)  # fmt: skip
def test_an_old_number_that_is_several_seats_now_is_asked_about(typed: str, first: tuple[str, ...]) -> None:
    match = resolve_constituency(typed)
    assert (match.code, match.status) == (None, SeatStatus.OLD_NUMBER)
    assert match.alternatives[: len(first)] == first


def test_the_delimitation_may_be_given_and_the_text_may_overrule_it() -> None:
    assert resolve_constituency("NA-9", delimitation=2018).code == "NA-10"
    assert resolve_constituency("NA-9 2024", delimitation=2018).code == "NA-9"
    assert resolve_constituency("PP-147 2018").status is SeatStatus.OLD_NUMBER  # 2018's provincial seats are not known


@pytest.mark.parametrize(
    ("typed", "count"), [("Lahore", 14), ("quetta", 3), ("karachi", 22), ("لاہور", 14), ("peshawar", 5), ("130", 3)]
)
def test_a_name_with_several_seats_is_asked_about(typed: str, count: int) -> None:
    match = resolve_constituency(typed)
    assert (match.code, match.status, len(match.choices)) == (None, SeatStatus.AMBIGUOUS, count)


def test_a_number_without_its_assembly_says_which_others_it_may_be() -> None:
    assert resolve_constituency("halqa 130").alternatives == ("PP-130", "PS-130")


@pytest.mark.parametrize(
    "typed", ["NA-130 Karachi", "NA-1 lahore", "chitral na 130", "NA-130 Lahore-XIII", "PP-147 multan"]
)
def test_a_code_with_an_area_elsewhere_is_asked_about(typed: str) -> None:
    match = resolve_constituency(typed)
    assert (match.code, match.status) == (None, SeatStatus.CONTRADICTION)
    assert match.alternatives


def test_two_codes_are_asked_about() -> None:
    assert resolve_constituency("NA-130 NA-131").alternatives == ("NA-130", "NA-131")


@pytest.mark.parametrize("typed", ["", "hello", "students", "ali khan", "NA", "na lahor", "۱", "999", "lahore 99"])
def test_what_names_no_seat_has_no_code(typed: str) -> None:
    assert resolve_constituency(typed).code is None


def test_an_ordinal_that_an_area_does_not_have_is_out_of_range() -> None:
    match = resolve_constituency("TT Singh 9")
    assert (match.status, match.valid_range) == (SeatStatus.OUT_OF_RANGE, (1, 3))


@pytest.mark.parametrize(
    ("city", "code", "contradict"),
    [("Lahore", "NA-1", True), ("Lahore", "NA-130", False), ("Karachi", "NA-238", False), ("Karachi", "NA-130", True),
     ("Islamabad", "NA-54", True), ("Gujranwala", "NA-66", False),
     ("Wazirabad", "NA-66", False), ("Chitral", "NA-1", False),
     ("Murree", "NA-51", False), ("Mingora", "NA-2", False), ("Hub", "NA-257", False), ("Nawabshah", "NA-207", False),
     ("Hyderabad", "PS-60", False), ("Hyderabad", "PP-1", True), ("Karachi East", "NA-235", False)],
)  # fmt: skip
def test_a_seat_in_another_district_than_the_city_contradicts_it(city: str, code: str, contradict: bool) -> None:
    place, seat = resolve_place(city).place, resolve_constituency(code).constituency
    assert place is not None
    assert seat is not None
    found = contradiction(place, seat)
    assert (found is not None) == contradict
    if found:
        assert found.place_district == place.district
        assert found.seat_districts == seat.districts


def test_nothing_contradicts_an_unknown_place_or_seat() -> None:
    assert contradiction(None, NATIONAL[0]) is None
    assert contradiction(resolve_place("lahore").place, None) is None


def test_every_seat_lies_in_a_district_that_some_place_is_in() -> None:
    districts = {place.district for place in default_gazetteer()}
    assert [seat.code for seat in TODAY if not set(seat.districts) & districts] == []


def test_the_numbers_of_seats_are_the_official_ones() -> None:
    count = {house: sum(seat.house == house for seat in TODAY) for house in REGISTER.houses()}
    assert count == {"NA": 266, "PP": 297, "PS": 130, "PK": 115, "PB": 51}
    assert sum(seat.delimitation == 2018 for seat in REGISTER.constituencies) == 272
    by_province = {
        name: sum(seat.province == name for seat in NATIONAL) for name in {seat.province for seat in NATIONAL}
    }
    assert by_province == {
        "Khyber Pakhtunkhwa": 45, "Islamabad": 3, "Punjab": 141, "Sindh": 61, "Balochistan": 16,
    }  # fmt: skip
    assert len({(seat.delimitation, seat.code) for seat in REGISTER.constituencies}) == len(REGISTER)


def test_another_country_needs_only_its_seats() -> None:
    seats = [
        Constituency(code="AC-12", name="Chandni Chowk", area="Chandni Chowk"),
        Constituency(code="AC-13", name="Matia Mahal", area="Matia Mahal"),
        Constituency(code="Leeds East", name="Leeds East", area="Leeds East"),
    ]
    register = ConstituencyRegister(seats)
    assert resolve_constituency("ac 12", register).code == "AC-12"
    assert resolve_constituency("chandni chok", register).code == "AC-12"
    assert resolve_constituency("leeds east", register).code == "Leeds East"
    assert resolve_constituency("leeds west", register).code is None
    assert resolve_constituency("NA-130", register).code is None


def test_an_empty_register_knows_nothing() -> None:
    assert resolve_constituency("NA-130", ConstituencyRegister([])).status is SeatStatus.UNKNOWN


@given(st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    match = resolve_constituency(text)
    assert (match.constituency is not None) == (match.status in (SeatStatus.FOUND, SeatStatus.MAPPED))


@given(
    st.sampled_from(["NA", "PP", "PS", "PK", "PB"]),
    st.integers(0, 1200),
    st.sampled_from(["", " ", "-", ".", "–", " # "]),
)
def test_a_number_is_its_own_seat_or_none(house: str, number: int, between: str) -> None:
    match = resolve_constituency(f"{house}{between}{number}")
    if match.status is SeatStatus.FOUND:
        assert match.code == f"{house}-{number}"
    else:
        assert REGISTER.seat(house, number) is None
