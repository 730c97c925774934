"""In a JOIN's words the place and the seat are found in any order, and people's names are left as names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments import Gazetteer, Place, default_gazetteer, extract


@pytest.mark.parametrize(
    ("text", "place", "code", "rest"),
    [
        ("Ali Khan Lahore NA-130 students", "Lahore", "NA-130", "Ali Khan students"),
        ("students lahore Ali", "Lahore", None, "students Ali"),
        ("علی لاہور این اے ۱۳۰", "Lahore", "NA-130", "علی"),
        ("NA-130 Lahore Ali", "Lahore", "NA-130", "Ali"),
        ("Bilal Sialkot", "Sialkot", None, "Bilal"),
        ("Sahiwal Ali", "Sahiwal", None, "Ali"),
        ("Islam Lahore", "Lahore", None, "Islam"),
        ("Ali Khan", None, None, "Ali Khan"),
        ("Islam", None, None, "Islam"),
        ("Hala Khan lahore", "Lahore", None, "Hala Khan"),
        ("Hala Khan", None, None, "Hala Khan"),
        ("Hala", "Hala", None, ""),
        ("Rustam Ali Mardan", "Mardan", None, "Rustam Ali"),
        ("LAHORE.NA-130", "Lahore", "NA-130", ""),
        ("Ali,Lahore,NA130", "Lahore", "NA-130", "Ali"),
        ("ali n a 130 lahore", "Lahore", "NA-130", "ali"),
        ("Ali faislabad students", "Faisalabad", None, "Ali students"),
        ("Ayesha Karchi", "Karachi", None, "Ayesha"),
        ("Imran Khan mianwli", "Mianwali", None, "Imran Khan"),
        ("Zubair dera ghazi khn", "Dera Ghazi Khan", None, "Zubair"),
        ("Jahangir D.I. Khan", "Dera Ismail Khan", None, "Jahangir"),
        ("Ali Toba Tek Singh", "Toba Tek Singh", None, "Ali"),
        ("Ali TT Singh 2", "Toba Tek Singh", "NA-106", "Ali"),
        ("Ali Lahore XIV", "Lahore", "NA-130", "Ali"),
        ("Noor hyderabad sindh ps 62", "Hyderabad", "PS-62", "Noor"),
        ("Ali Multan Road Lahore", "Lahore", None, "Ali Multan Road"),
        ("kotri bridge", None, None, "kotri bridge"),
        ("Kashif Korangi Karachi", "Korangi", None, "Kashif"),
        ("Ali from Lahore", "Lahore", None, "Ali"),
        ("Nawab Khan nawabshah", "Nawabshah", None, "Nawab Khan"),
        ("Sana Ullah quetta NA 263", "Quetta", "NA-263", "Sana Ullah"),
        ("Raja mirpur ajk", "Mirpur", None, "Raja"),
        ("O'Neil Lahore", "Lahore", None, "O'Neil"),
        ("Ali\u200f لاهور", "Lahore", None, "Ali\u200f"),
        ("", None, None, ""),
    ],
)
def test_place_and_seat_are_found_in_any_order(text: str, place: str | None, code: str | None, rest: str) -> None:
    found = extract(text)
    assert (found.place.name, found.constituency.code, " ".join(found.rest)) == (place, code, rest)


def test_a_tied_name_is_asked_about_and_leaves_the_name_of_the_person() -> None:
    found = extract("Raja Jalalpur")
    assert found.place.name is None
    assert found.place.alternatives == ("Jalalpur Pirwala", "Jalalpur Jattan", "Jalalpur Bhattian")
    assert found.rest == ("Raja",)


def test_a_provincial_seat_beside_the_national_one_is_kept_apart() -> None:
    found = extract("Ali PP-173 NA-130")
    assert found.constituency.code == "NA-130"
    assert [other.code for other in found.others] == ["PP-173"]
    assert found.rest == ("Ali",)


def test_an_old_number_in_a_join_is_asked_about() -> None:
    assert extract("Ali NA-272").constituency.alternatives == ("NA-257", "NA-259")
    assert extract("Ali NA-9 2018").constituency.code == "NA-10"


def test_a_neighbourhood_is_taken_before_its_city_and_the_city_settles_it() -> None:
    saddars = [Place(key=city, name="Saddar", kind="neighbourhood", city=city) for city in ("Karachi", "Rawalpindi")]
    places = Gazetteer(
        [*default_gazetteer(), *saddars, Place(key="k1", name="Korangi No. 1", kind="stop", city="Karachi")]
    )
    found = extract("Ali Saddar Rawalpindi", places)
    assert found.place.place is not None
    assert (found.place.place.key, found.rest) == ("Rawalpindi", ("Ali",))
    assert extract("Ali Saddar", places).place.alternatives == ("Saddar (Karachi)", "Saddar (Rawalpindi)")
    assert extract("Ali Saddar", places, near="Karachi").place.name == "Saddar"
    assert extract("korangi no 1 karachi Ali", places).place.name == "Korangi No. 1"
    assert extract("korangi no 4 karachi Ali", places).place.name in ("Korangi", "Karachi")


def test_an_organisers_words_are_never_a_misspelt_place() -> None:
    assert extract("Ali nurses").place.name is None
    assert extract("Ali mardans").place.name == "Mardan"
    assert extract("Ali mardans", ignore=frozenset({"mardans"})).place.name is None


@pytest.mark.parametrize(
    "text",
    ["Muhammad Usman", "Khalid Mehmood", "Sadia Bibi", "Sher Khan", "Kiran Naz", "Abdul Sattar",
     "Shahid Latif", "Javed Akhtar",
     "Noor Jahan", "Kamran Akmal students", "Ghulam Rasool", "Hafiz Saeed", "Sultan Mehmood",
     "Umar Gul lawyers", "Hassan Ali",
     "Karim Bakhsh", "Mehar Ali", "Malik Riaz", "Zulfiqar Bhutto", "Faisal", "Jamal Shah", "Iqbal",
     "فاطمہ بی بی", "محمد اسلم"],
)  # fmt: skip
def test_people_are_not_places(text: str) -> None:
    found = extract(text)
    assert found.place.name is None
    assert found.constituency.code is None
    assert " ".join(found.rest) == text


@given(st.text(max_size=80))
def test_no_text_raises_and_no_word_is_invented(text: str) -> None:
    assert all(word in text for word in extract(text).rest)


@given(st.permutations(["Lahore", "NA-130", "students", "Bilal"]))
def test_the_order_of_the_words_does_not_matter(words: list[str]) -> None:
    found = extract(" ".join(words))
    assert (found.place.name, found.constituency.code) == ("Lahore", "NA-130")
    assert sorted(found.rest) == ["Bilal", "students"]


@pytest.mark.parametrize(
    "text", ["1 " * 800, "x y z " * 260, "ali " * 400, "lahore karachi " * 100, "NA " * 500, "لاہور " * 260]
)
def test_a_text_of_the_greatest_length_is_read_too(text: str) -> None:
    assert len(extract(text).rest) <= len(text.split())
    assert extract("Lahore NA-130 " + text).constituency.code in ("NA-130", None)
