"""Import members: say first what each row would do, then do it. Only proof of consent makes a member of a row.

A row is new, changed, same or refused; what is refused stays out and is named with its line. STOP is never undone: who
has texted STOP, also before an ERASE, is refused whatever the file says. Rows are written in small transactions, so
that texts that come in meanwhile never wait long; each is judged again under lock, and an import that was cut off goes
on where it stopped.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, select

from faults import Fault, fault
from gateway.bulk import among, insert_rows, update_rows, values
from gateway.hooks.events import NewEvent, emit
from gateway.members.erased import erased_and_stopped
from gateway.members.import_rows import Covers, ImportRow
from gateway.members.rows import filing_changes, filing_columns, member_state
from gateway.members.terms import Findable, write_terms
from gateway.pipeline import Pipeline
from gateway.places.directory import Directory
from gateway.rules.conversation import MemberState
from gateway.tables import ConsentEntry, Filing, Member, Sender
from segments.csv_files import RowProblem

CHUNK = 500
NEW, CHANGED, SAME, REFUSED = "new", "changed", "same", "refused"
VERDICTS = (NEW, CHANGED, SAME, REFUSED)

_senders, _members = Sender.__table__, Member.__table__
_READ = (
    select(
        _senders.c.id, _senders.c.key, _senders.c.consent, _senders.c.number_state,
        _senders.c.language.label("sender_language"),
        *(column for column in _members.c if column.name not in ("sender_id", "language")),
    )
    .select_from(_senders.outerjoin(_members, _members.c.sender_id == _senders.c.id))
    .where(among(_senders.c.key, "keys"))
    .order_by(_senders.c.key)
)  # fmt: skip


@dataclass(frozen=True)
class ImportTerms:
    """What judging stands on beside the rows. `secret` is the key of `members.erased`; `covers` says whom the person
    who imports may see; `import_key` goes into the record of consent."""

    directory: Directory
    secret: bytes
    covers: Covers
    import_key: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """What one row would do. `changes` are (field, old, new); `problem` says why a row is refused."""

    line: int
    verdict: str
    row: ImportRow | None = None
    changes: Sequence[tuple[str, str, str]] = ()
    problem: RowProblem | None = None
    before: Any = None


def judge(
    connection: Connection, rows: Iterable[ImportRow | RowProblem], terms: ImportTerms, *, hold: bool = False
) -> list[Judged]:
    """Return what each row would do now.

    :param hold: in a writing transaction: hold the senders' rows until the commit
    """
    given = list(rows)
    good = [row for row in given if isinstance(row, ImportRow)]
    phones = [row.phone for row in good]
    query = _READ.with_for_update(of=_senders) if hold else _READ
    known = {row.key: row for row in connection.execute(query, {"keys": values(phones)})}
    missing = [phone for phone in phones if phone not in known]
    ghosts = erased_and_stopped(Pipeline(connection), missing, terms.secret)() if missing else frozenset()
    return [
        Judged(row.line, REFUSED, problem=row)
        if isinstance(row, RowProblem)
        else _judge_one(row, known.get(row.phone), row.phone in ghosts, terms)
        for row in given
    ]


def _judge_one(row: ImportRow, known: Any, erased: bool, terms: ImportTerms) -> Judged:
    before = member_state(known, terms.directory) if known else None
    after = filed(row, before)
    wrong: Fault | None = None
    column = ""
    if not terms.covers(after.city, after.constituency, after.provincial) or (
        before and not terms.covers(before.city, before.constituency, before.provincial)
    ):
        wrong = fault("member.outside", "This person is not in your areas. Leave the row out.")
        column = "city"
    elif erased or (known and known.consent == "stopped"):
        wrong = fault("member.stopped", "This number has texted STOP. Only its own START or JOIN brings it back.")
        column = "phone"
    elif before is None and row.proof is None:
        wrong = fault(
            "member.no_proof",
            "A new member needs proof of consent: fill in consent_words, consent_at and consent_source.",
        )
        column = "consent_words"
    if wrong:
        return Judged(row.line, REFUSED, row, problem=RowProblem(row.line, column, wrong))
    if before is None:
        return Judged(row.line, NEW, row, before=known)
    changes = [(one["field"], one["old"], one["new"]) for one in filing_changes(before, after, terms.directory)]
    if row.language and row.language != known.sender_language:
        changes.append(("language", known.sender_language or "", row.language))
    return Judged(row.line, CHANGED if changes else SAME, row, changes, before=known)


def filed(row: ImportRow, before: MemberState | None) -> MemberState:
    """Return how a person is filed after a row: what the row leaves empty stays, and groups are only added."""
    known = before or MemberState()
    return replace(
        known,
        name=row.name or known.name,
        city=row.city or known.city,
        constituency=row.constituency or known.constituency,
        provincial=row.provincial or known.provincial,
        affinities=known.affinities | (row.affinities or 0),
    )


def write_rows(connection: Connection, rows: Sequence[ImportRow], terms: ImportTerms, now: datetime) -> list[Judged]:
    """Judge some rows again under lock and write those that are not refused; returns what became of each."""
    wanted = [one.row for one in judge(connection, rows, terms) if one.verdict == NEW and one.row]
    fresh = [
        {
            "key": row.phone, "consent": "none", "misses": 0, "replies": 0, "number_state": "unknown",
            "first_seen_at": now, "last_seen_at": now,
        }
        for row in sorted(wanted, key=lambda row: row.phone)
    ]  # fmt: skip
    insert_rows(connection, _senders, fresh, or_ignore=True)
    done = judge(connection, rows, terms, hold=True)
    _enrol(connection, [one for one in done if one.verdict == NEW], terms, now)
    _refile(connection, [one for one in done if one.verdict == CHANGED], terms, now)
    return done


def _enrol(connection: Connection, new: Sequence[Judged], terms: ImportTerms, now: datetime) -> None:
    members, consents, senders, names = [], [], [], []
    for one in new:
        row, known = one.row, one.before
        assert row is not None and row.proof is not None and known is not None
        member = filed(row, None)
        language = known.sender_language or row.language
        members.append(
            {"sender_id": known.id, **filing_columns(member, terms.directory), "language": language,
             "reachable": known.number_state != "dead", "joined_at": now, "updated_at": now}
        )  # fmt: skip
        senders.append({"id": known.id, "consent": "joined", "language": language})
        consents.append(
            {"sender_id": known.id, "action": "join", "scope": "all", "words": row.proof.words,
             "reason": f"import: {row.proof.source}"[:160], "carrier": "import",
             "carrier_id": f"{terms.import_key[:40]}:{row.line}", "wording": "", "given_at": row.proof.given_at}
        )  # fmt: skip
        names.append(Findable(known.id, row.phone, member.name, renamed=False))
    update_rows(connection, _senders, senders)
    insert_rows(connection, _members, members)
    insert_rows(connection, ConsentEntry.__table__, consents)
    with Pipeline(connection) as pipeline:
        write_terms(pipeline, names)
    emit(connection, [NewEvent("member.joined", one["sender_id"], {"again": False}) for one in members], now)


def _refile(connection: Connection, changed: Sequence[Judged], terms: ImportTerms, now: datetime) -> None:
    history, names = [], []
    for one in changed:
        row, known = one.row, one.before
        before = member_state(known, terms.directory)
        assert row is not None and before is not None
        after = filed(row, before)
        columns = filing_columns(after, terms.directory) | {"updated_at": now}
        if row.language:
            columns["language"] = row.language
            connection.execute(_senders.update().where(_senders.c.id == known.id).values(language=row.language))
        connection.execute(_members.update().where(_members.c.sender_id == known.id).values(columns))
        kept = {"sender_id": known.id, "changed_at": now}
        history += [{**change, **kept} for change in filing_changes(before, after, terms.directory)]
        if after.name != before.name:
            names.append(Findable(known.id, row.phone, after.name))
    insert_rows(connection, Filing.__table__, history)
    with Pipeline(connection) as pipeline:
        write_terms(pipeline, names)


def chunks(rows: Iterable[ImportRow | RowProblem], size: int = CHUNK) -> Iterable[list[ImportRow | RowProblem]]:
    """Yield the rows in chunks of `size`."""
    feed = iter(rows)
    while chunk := list(islice(feed, size)):
        yield chunk
