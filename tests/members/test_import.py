"""Members from a file: said first, done once, and never without proof of consent."""

import io
import threading
from datetime import timedelta
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select, true

from gateway.database import reading, writing
from gateway.members import import_desk
from gateway.members.import_desk import ImportGone, Preview
from gateway.members.import_files import text_of
from gateway.members.import_rows import read_rows
from gateway.members.importing import ImportTerms
from gateway.members.search import find_members, read_search, sender_of
from gateway.members.story import read_story
from gateway.places.store import read_directory
from gateway.service import Service, utc_now
from gateway.tables import ConsentEntry, Filing, Member, MemberImport
from segments.csv_rows import FileProblem
from tests.gateway.conftest import Texting

HEADING = "phone,name,city,constituency,affinities,language,consent_words,consent_at,consent_source\n"
PROOF = "I want your texts,2026-01-02 10:00,form 12"


def terms(service: Service, covers: Any = lambda *_filing: True) -> ImportTerms:
    with reading(service.engine) as connection:
        directory = read_directory(connection)
    return ImportTerms(directory, service.settings.key_for("erased numbers"), covers, "file1")


def rows(service: Service, text: str, given: ImportTerms) -> Any:
    settings = service.settings
    return read_rows(import_desk.lines_of(text), given.directory, settings.default_region, settings.zone, utc_now())


def preview(service: Service, text: str, given: ImportTerms | None = None) -> Preview:
    given = given or terms(service)
    with reading(service.engine) as connection:
        return import_desk.preview(connection, rows(service, text, given), given)


def carry_out(service: Service, text: str, key: str = "k1") -> Any:
    given = terms(service)
    with writing(service.engine) as connection:
        if not connection.execute(select(MemberImport.id).where(MemberImport.key == key)).first():
            import_desk.keep(connection, key, "a.csv", "sealed", "sana", utc_now())
    return import_desk.carry_out(service.engine, key, "sana", rows(service, text, given), given, utc_now())


def test_each_row_is_judged_and_refusals_name_line_and_remedy(service: Service, text: Texting) -> None:
    text("JOIN Ali Lahore", "+923001234501")
    text("JOIN Sana Lahore", "+923001234502")
    text("STOP", "+923001234503")
    text("JOIN Gone Lahore", "+923001234504")
    text("ERASE", "+923001234504")
    text("YES", "+923001234504")
    file = HEADING + "".join(
        f"{line}\n"
        for line in (
            f"0300 1234505,Bilal,Lahore,NA-130,students,ur,{PROOF}",
            "+923001234501,Ali,lahore,,,,,,",
            f"+923001234502,Sana Khan,Multan,,women,en,{PROOF}",
            f"+923001234503,Zahid,Lahore,,,,{PROOF}",
            f"+923001234504,Gone,Lahore,,,,{PROOF}",
            "+923001234506,Nobody,Lahore,,,,,,",
            f"0300 1234505,Twice,Lahore,,,,{PROOF}",
            f"12,Short,Lahore,,,,{PROOF}",
            f"+923001234507,Far,Atlantis,NA-999,divers,xx,{PROOF}",
            "+923001234508,Late,Lahore,,,,yes,2999-01-01,form",
            "+923001234509,Half,Lahore,,,,yes,,form",
            f"+923001234510,Wrong,Lahore,NA-148,,,{PROOF}",
        )
    )
    found = preview(service, file)
    assert found.counts == {"new": 1, "same": 1, "changed": 1, "refused": 9}
    assert {one.line for one in found.shown["refused"]} == set(range(5, 14))
    [changed] = found.shown["changed"]
    assert {name for name, _, _ in changed.changes} >= {"name", "city", "affinities"}
    said = {(one.line, one.problem.column) for one in found.shown["refused"] if one.problem}
    assert {(5, "phone"), (6, "phone"), (7, "consent_words"), (8, "phone"), (9, "phone"), (10, "city"),
            (10, "constituency"), (10, "affinities"), (10, "language"), (11, "consent_at"), (12, "consent_at"),
            (13, "constituency")} == said  # fmt: skip
    assert "+92300123" not in str([str(one.problem) for one in found.shown["refused"]])
    with reading(service.engine) as connection:
        assert connection.execute(select(func.count()).select_from(Member)).scalar_one() == 2  # nothing is written


def test_a_yes_writes_members_with_their_proof_once(service: Service, text: Texting) -> None:
    text("JOIN Ali Lahore", "+923001234501")
    file = HEADING + f"0300 1234505,Bilal Raza,Lahore,NA-130,students,ur,{PROOF}\n+923001234501,Ali,Multan,,,,,,\n"
    first = carry_out(service, file)
    assert {name: number for name, number in first.items() if number} == {"new": 1, "changed": 1}
    assert carry_out(service, file) == first  # the same yes again
    with reading(service.engine) as connection:
        one = sender_of(connection, "+923001234505") or 0
        story = read_story(connection, one, read_directory(connection))
        assert story is not None and story.member is not None
        [entry] = story.ledger
        [found] = find_members(connection, read_search("raza 4505"), true()).members
        moved = connection.execute(select(Filing.field, Filing.old, Filing.new)).all()
    assert (entry.words, entry.reason, entry.carrier_id) == ("I want your texts", "import: form 12", "file1:2")
    assert f"{entry.given_at:%H:%M}" == "05:00"  # ten in Karachi
    assert (story.consent, story.language, story.reachable, found.name) == ("joined", "ur", True, "Bilal Raza")
    assert [tuple(row) for row in moved] == [("city", "lahore", "multan")]
    assert "Welcome" not in (text("ME", "+923001234505") or "Welcome")


def test_what_stopped_between_preview_and_yes_stays_out(service: Service, text: Texting) -> None:
    file = HEADING + f"0300 1234505,Bilal,Lahore,,,,{PROOF}\n"
    assert preview(service, file).counts["new"] == 1
    text("STOP", "+923001234505")
    assert carry_out(service, file)["refused"] == 1
    with reading(service.engine) as connection:
        assert connection.execute(select(func.count()).select_from(Member)).scalar_one() == 0


def test_two_who_say_yes_at_once_write_each_row_once(service: Service) -> None:
    file = HEADING + "".join(f"030012{number:05},Ali,Lahore,,,,{PROOF}\n" for number in range(40))
    with writing(service.engine) as connection:
        import_desk.keep(connection, "k1", "a.csv", "sealed", "sana", utc_now())
    both = [threading.Thread(target=carry_out, args=(service, file)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    with reading(service.engine) as connection:
        assert connection.execute(select(func.count()).select_from(Member)).scalar_one() == 40
        assert connection.execute(select(func.count()).select_from(ConsentEntry)).scalar_one() == 40
        row = connection.execute(select(MemberImport.__table__)).one()
    assert (row.state, row.content, row.counts["new"]) == ("done", None, 40)


def test_an_organiser_with_bounds_changes_nobody_elses_members(service: Service, text: Texting) -> None:
    text("JOIN Sana Multan", "+923001234502")
    file = HEADING + f"+923001234502,Sana,Lahore,,,,{PROOF}\n+923001234503,New,Multan,,,,{PROOF}\n"
    file += f"+923001234504,Mine,Lahore,,,,{PROOF}\n"
    found = preview(service, file, terms(service, lambda city, *_seats: city == "lahore"))
    assert (found.counts["new"], found.counts["refused"]) == (1, 2)


def test_files_are_dropped_by_hand_and_by_the_clock(service: Service) -> None:
    now = utc_now()
    with writing(service.engine) as connection:
        import_desk.keep(connection, "k1", "a\n.csv", "sealed", "sana", now - timedelta(hours=25))
        import_desk.keep(connection, "k2", "b.csv", "sealed", "sana", now)
        import_desk.drop(connection, "k2", "sana", now)
        with pytest.raises(ImportGone):
            import_desk.find(connection, "k1", "bilal")
    assert import_desk.drop_old(service.engine, now) == 1
    assert [(row.state, row.content) for row in import_desk.latest(service.engine, "sana")] == [("dropped", None)] * 2
    with pytest.raises(ImportGone):
        carry_out(service, HEADING + f"030012345,Ali,Lahore,,,,{PROOF}\n0300 1234505,B,,,,,{PROOF}\n", "k1")


def workbook(*lines: tuple[object, ...]) -> bytes:
    book, out = Workbook(), io.BytesIO()
    for line in lines:
        book.active.append(line)
    book.save(out)
    return out.getvalue()


def test_an_xlsx_is_read_as_the_csv_it_would_be(service: Service) -> None:
    from datetime import datetime

    heading = tuple(HEADING.strip().split(","))
    raw = workbook(
        heading,
        (
            923001234505,
            "بلال",
            "لاہور",
            None,
            "students|women",
            "ur",
            "I agree",
            datetime(2026, 1, 2, 10, 0),  # noqa: DTZ001 - as a spreadsheet has it
            "form, 1",
        ),
        ("0300 1234506", "Two\nLines", "Lahore", None, None, None, "I agree", "2026-01-02", "form"),
    )
    found = preview(service, text_of(raw))
    assert (found.counts["new"], found.counts["refused"]) == (2, 0)
    with pytest.raises(FileProblem, match="Line 2 has a formula"):
        text_of(workbook(heading, ("=1+1",)))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"PK\x03\x04 nonsense", "no XLSX"),
        (b"\xd0\xcf\x11\xe0" + b"0" * 100, "old Excel"),
        ("phone\n0300é".encode("latin-1"), "not UTF-8"),
        (b"a" * (10 * 1024 * 1024 + 1), "larger than 10 MB"),
    ],
)
def test_files_that_cannot_be_read_are_one_sentence(raw: bytes, why: str) -> None:
    with pytest.raises(FileProblem, match=why):
        text_of(raw)


def test_an_empty_file_and_an_odd_heading_are_problems(service: Service) -> None:
    for text in ("", "phone\n", "phone,password\n0300,x\n", "name\nAli\n"):
        found = preview(service, text)
        assert found.counts["refused"] == 1, text
        assert found.counts["new"] == 0
