"""What a member is found by: the words of the name as they are folded, and the last digits of the number."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete

from gateway.bulk import among, values
from gateway.pipeline import Pipeline
from gateway.tables import MemberTerm
from orthography import words

LONGEST_TERM = 40
_MOST_WORDS = 8
LAST_DIGITS = 4

_terms = MemberTerm.__table__
_FORGET = delete(_terms).where(among(_terms.c.sender_id, "senders"))


@dataclass(frozen=True, slots=True)
class Findable:
    """One member whose terms are to be written. `renamed`: there may be terms of an older name."""

    sender_id: int
    key: str
    name: str
    renamed: bool = True


def terms_of(name: str, key: str) -> set[str]:
    """Return the terms of a member: `{"ali", "raza", "#4501"}`."""
    found = {word[:LONGEST_TERM] for word in words(name)[:_MOST_WORDS]}
    return found | {f"#{key[-LAST_DIGITS:]}"} if key.startswith("+") else found


def write_terms(pipeline: Pipeline, members: Iterable[Findable]) -> None:
    """Write the terms of members whose name is new or has changed, in the transaction that writes the name."""
    given = {one.sender_id: one for one in members}
    old = [one.sender_id for one in given.values() if one.renamed]
    if old:
        pipeline.run(_FORGET, {"senders": values(old)})
    pipeline.insert(
        _terms,
        [{"term": term, "sender_id": one.sender_id} for one in given.values() for term in terms_of(one.name, one.key)],
        or_ignore=True,
    )
