"""Whether the audit log is what was written: every line, in order, to the end (`jalsa audit verify`)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select

from gateway.accounts.audit import KEYED, NONE, UNKEYED, Head, head, head_seal, key_of, line_hash
from gateway.tables import AuditEntry, AuditHead

_entries, _heads = AuditEntry.__table__, AuditHead.__table__
_CHUNK = 2_000
_SAYS = {
    "changed": "{lines} {was} changed after it was written, or written without the key.",
    "missing": "{lines} {was} taken out.",
    "unlinked": "{lines} {was} written after another line than the one before.",
    "unkeyed": "{lines} {was} written without a key, though an earlier line has one.",
    "cut_off": "{lines} {was} cut off: the head says that the log had come so far.",
    "head_behind": "{lines} {was} added past the head.",
    "head_differs": "The head is not that of the last line, {first}.",
    "head_forged": "The head was not written with this installation's key.",
    "head_unsealed": "The head carries no seal, though there are lines.",
    "head_missing": "The head was taken out.",
    "not_as_noted": "Line {first} is not the one that was noted.",
    "other_key": "No line fits SECRET_KEY: it is not the secret that the log was written with, or all of it is forged.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written, of the lines `first` to `last`."""

    kind: str
    first: int
    last: int

    def __str__(self) -> str:
        alone = self.first == self.last
        lines = f"Line {self.first}" if alone else f"Lines {self.first} to {self.last}"
        return _SAYS[self.kind].format(lines=lines, was="was" if alone else "were", first=self.first)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found, none if the log holds; `unkeyed` lines at its beginning were written before lines had a key."""

    head: Head
    unkeyed: int
    findings: tuple[Finding, ...]


def verify(connection: Connection, noted: Head | None = None) -> Verdict:
    """Read the whole log, in pieces, and compare.

    :param noted: a head that was written down elsewhere; its line must still be there as it was
    """
    key, found, keyed, fitting = key_of(connection), [], 0, 0
    expected, previous, unkeyed = 1, NONE, 0
    noted_seen = noted is None or noted.seq == 0
    for row in _rows(connection):
        seq = row["seq"]
        if seq != expected:
            found.append(Finding("missing", expected, seq - 1))
        elif row["previous"] != previous:
            found.append(Finding("unlinked", seq, seq))
        if row["version"] not in (UNKEYED, KEYED) or row["hash"] != line_hash(row, key):
            found.append(Finding("changed", seq, seq))
        elif row["version"] == UNKEYED and keyed:
            found.append(Finding("unkeyed", seq, seq))
        elif row["version"] == KEYED:
            fitting += 1
        keyed += row["version"] == KEYED
        unkeyed += row["version"] == UNKEYED and not keyed
        if noted and seq == noted.seq:
            noted_seen = row["hash"] == noted.hash
        expected, previous = seq + 1, row["hash"]
    of_head = _look_at_head(connection, key, expected - 1, previous)
    if keyed and not fitting and any(one.kind == "head_forged" for one in of_head):
        found = [one for one in found if one.kind != "changed" or one.first <= unkeyed]
        of_head = [Finding("other_key", unkeyed + 1, expected - 1)]
    found += of_head
    if noted and not noted_seen:
        found.append(Finding("not_as_noted", noted.seq, noted.seq))
    return Verdict(head(connection), unkeyed, tuple(sorted(_joined(found), key=lambda one: one.first)))


def _look_at_head(connection: Connection, key: bytes, ends: int, last_hash: str) -> list[Finding]:
    kept = connection.execute(select(_heads.c.seq, _heads.c.hash, _heads.c.seal).where(_heads.c.id == 1)).first()
    if kept is None:
        return [Finding("head_missing", ends, ends)]
    found = []
    if kept.seq > ends:
        found.append(Finding("cut_off", ends + 1, kept.seq))
    elif kept.seq < ends:
        found.append(Finding("head_behind", kept.seq + 1, ends))
    elif kept.hash != last_hash:
        found.append(Finding("head_differs", ends, ends))
    if kept.seal is None and (kept.seq or ends):
        found.append(Finding("head_unsealed", kept.seq, kept.seq))
    elif kept.seal is not None and kept.seal != head_seal(key, Head(kept.seq, kept.hash)):
        found.append(Finding("head_forged", kept.seq, kept.seq))
    return found


def _joined(found: list[Finding]) -> Iterator[Finding]:
    """Put lines that stand side by side with the same finding into one."""
    held: dict[str, Finding] = {}
    for one in found:
        before = held.get(one.kind)
        if before is not None and before.last + 1 == one.first:
            held[one.kind] = replace(before, last=one.last)
            continue
        if before is not None:
            yield before
        held[one.kind] = one
    yield from held.values()


def _rows(connection: Connection) -> Iterator[dict[str, Any]]:
    after = -1
    while True:
        query = select(_entries).where(_entries.c.seq > after).order_by(_entries.c.seq).limit(_CHUNK)
        read = connection.execute(query).mappings().all()
        yield from map(dict, read)
        if len(read) < _CHUNK:
            return
        after = read[-1]["seq"]
