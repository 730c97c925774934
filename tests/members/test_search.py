"""Members are found by words of their name, last digits and city, and only those that the reader may see."""

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import delete, func, insert, select, true, update

from gateway.database import reading, writing
from gateway.inbound.erase import erase_by_staff
from gateway.members.search import (
    FoundMember,
    Search,
    SearchError,
    find_members,
    is_masked,
    is_visible,
    read_search,
    sender_of,
)
from gateway.members.terms import terms_of
from gateway.places.store import read_directory
from gateway.rules.opaque_ids import MOST, OpaqueIds
from gateway.service import Service, utc_now
from gateway.tables import Member, MemberTerm, Sender
from tests.gateway.conftest import Texting


def found(service: Service, typed: str, city: str = "", visible: object = None) -> list[str]:
    with reading(service.engine) as connection:
        directory = read_directory(connection)
        search = read_search(typed, directory.place_ids[city] if city else None)
        page = find_members(connection, search, true() if visible is None else visible)  # type: ignore[arg-type]
    return [one.name for one in page.members]


def test_by_words_of_the_name_in_any_script_and_spelling(service: Service, text: Texting) -> None:
    text("JOIN Ali Raza Lahore", "+923001234501")
    text("JOIN Sana Rāza Multan", "+923001234502")
    text("شامل علي لاہور", "+923001234503")
    assert found(service, "raza") == ["Ali Raza", "Sana Rāza"]
    assert found(service, "RAZA ali") == ["Ali Raza"]
    assert found(service, "ra") == ["Ali Raza", "Sana Rāza"]  # the beginning of the last word
    assert found(service, "aza") == []
    assert found(service, "علی") == ["علي"]  # the Arabic letter, folded
    assert found(service, "raza", "multan") == ["Sana Rāza"]
    assert found(service, "", "lahore") == ["علي", "Ali Raza"]  # the newest first


def test_by_the_last_digits_as_they_are_shown(service: Service, text: Texting) -> None:
    text("JOIN Ali Lahore", "+923001234501")
    text("JOIN Sana Lahore", "+923009994501")
    text("JOIN Bilal Lahore", "+923001234602")
    assert sorted(found(service, "+92300•••4501")) == sorted(found(service, "4501")) == ["Ali", "Sana"]
    assert found(service, "94501") == ["Sana"]
    assert found(service, "sana 4501") == ["Sana"]
    assert found(service, "02") == ["Bilal"]
    with reading(service.engine) as connection:
        [one] = find_members(connection, read_search("602"), true()).members
        assert (one.phone, isinstance(one, FoundMember)) == ("+92300•••4602", True)
        assert sender_of(connection, "+923001234602") == one.sender_id
    for typed, why in (("1", "too_few_digits"), ("03001234501", "too_many_digits")):
        try:
            read_search(typed)
        except SearchError as error:
            assert str(error) == why
        else:
            raise AssertionError(typed)


@pytest.mark.parametrize(
    "typed",
    ["+92300•••4501", "92300•••4501", "+92 300 ••• 4501", "+92300***4501", "92300...4501", "+92300…4501",
     "92300xxx4501", "+۹۲۳۰۰•••۴۵۰۱", "+٩٢٣٠٠•••٤٥٠١", "ali +92300•••4501"],
)  # fmt: skip
def test_a_number_is_found_as_it_stands_on_a_page_however_it_is_retyped(
    service: Service, text: Texting, typed: str
) -> None:
    text("JOIN Ali Lahore", "+923001234501")
    text("JOIN Sana Lahore", "+923219994501")
    assert is_masked(typed)
    assert found(service, typed) == ["Ali"]


def test_of_a_masked_number_only_what_is_sure_counts(service: Service, text: Texting) -> None:
    text("JOIN Ali Lahore", "+923001234501")
    for typed in ("0300•••4501", "•••4501", "۴۵۰۱", "4501"):
        assert found(service, typed) == ["Ali"]
    assert found(service, "+92321•••4501") == []
    assert (
        not is_masked("Maxx Ali") and not is_masked("Alexx 4501") and read_search("Maxx Ali").words == ("maxx", "ali")
    )
    with pytest.raises(SearchError, match="too_few_digits"):
        read_search("+92300•••")


def test_a_new_name_is_found_and_the_old_one_is_not(service: Service, text: Texting) -> None:
    text("JOIN Ali Lahore")
    text("JOIN Akbar Lahore")
    assert found(service, "ali") == []
    assert found(service, "akbar") == ["Akbar"]
    text("ERASE")
    text("YES")
    assert found(service, "akbar") == []
    with reading(service.engine) as connection:
        assert connection.execute(select(func.count()).select_from(MemberTerm)).scalar_one() == 0


def test_pages_follow_each_other_and_show_each_once(service: Service) -> None:
    now = utc_now()
    with writing(service.engine) as connection:
        for number in range(1, 61):
            key = f"+92300555{number:04}"
            connection.execute(insert(Sender), {"id": number, "key": key, "first_seen_at": now, "last_seen_at": now})
            name = f"Ali Alim {number}" if number % 2 else "Ali"
            connection.execute(
                insert(Member),
                {"sender_id": number, "name": name, "affinities": 0, "joined_at": now, "updated_at": now},
            )
            terms = [{"term": term, "sender_id": number} for term in terms_of(name, key)]
            connection.execute(insert(MemberTerm), terms)
    for search in (Search(("al",)), Search(("alim", "ali")), Search()):
        seen: list[int] = []
        after, pages = None, 0
        with reading(service.engine) as connection:
            while pages == 0 or after:
                page = find_members(connection, search, true(), after, 10)
                seen += [one.sender_id for one in page.members]
                after, pages = page.after, pages + 1
        assert len(seen) == len(set(seen)) == (30 if len(search.words) > 1 else 60)


def test_who_is_outside_the_readers_view_is_not_found(service: Service, text: Texting) -> None:
    text("JOIN Ali Lahore", "+923001234501")
    text("JOIN Ali Multan", "+923001234502")
    text("hello", "+923001234503")
    with reading(service.engine) as connection:
        lahore = Member.city_id == read_directory(connection).place_ids["lahore"]
        ids = [sender_of(connection, f"+92300123450{n}") for n in (1, 2, 3)]
        seen = [is_visible(connection, one or 0, lahore, everyone=False) for one in (*ids, 999)]
        everywhere = [is_visible(connection, one or 0, true(), everyone=True) for one in (*ids, 999)]
    assert len(found(service, "ali", visible=lahore)) == 1
    assert (seen, everywhere) == ([True, False, False, False], [True, True, True, False])


def test_erased_by_an_admin_as_by_the_person(service: Service, text: Texting) -> None:
    text("JOIN Ali Lahore")
    text("REPORT no water at gate 3")
    secret = service.settings.key_for("erased numbers")
    with writing(service.engine) as connection:
        one = sender_of(connection, "+923001234501") or 0
        assert erase_by_staff(connection, one, secret, utc_now())
        assert not erase_by_staff(connection, one, secret, utc_now())  # a second click
    assert found(service, "ali") == []
    # Whoever texts from it again is new, and still stopped.
    text("hello")
    with reading(service.engine) as connection:
        assert connection.execute(select(Sender.consent).where(Sender.key == "+923001234501")).scalar() == "stopped"


def test_terms_are_written_for_members_of_before(service: Service, text: Texting) -> None:
    """What the migration does for members on file."""
    from alembic import command

    from gateway.migrate import alembic_config

    text("JOIN Ali Raza Lahore")
    with writing(service.engine) as connection:
        connection.execute(delete(MemberTerm))
        connection.execute(update(Member).values(name="Ali Raza"))
    with service.engine.connect() as connection:
        command.downgrade(alembic_config(connection), "0009")
        command.upgrade(alembic_config(connection), "head")
    assert found(service, "raza 4501") == ["Ali Raza"]


@given(some.integers(0, MOST - 1), some.binary(min_size=16, max_size=32))
def test_an_opaque_id_comes_back(number: int, key: bytes) -> None:
    ids = OpaqueIds(key)
    assert ids.read(ids.hide(number)) == number


def test_opaque_ids_do_not_follow_each_other() -> None:
    ids = OpaqueIds(b"k" * 32)
    written = {ids.hide(number) for number in range(1_000)}
    assert len(written) == 1_000
    assert len({one[:2] for one in written}) > 500
    for odd in ("", "abc", "ABCDEFGH", "ilou1234", "1234567é"):
        assert ids.read(odd) is None
