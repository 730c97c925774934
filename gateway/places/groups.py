"""The groups on file: listed, added, named anew. A bit is never given to another group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from faults import Fault, FaultError, fault
from gateway.places.affinities import MAX_AFFINITIES, Group, Groups, TypedTwice
from gateway.places.store import bump
from gateway.tables import Affinity
from orthography import words

LANGUAGES = ("en", "ur", "ur-Latn")
_MAX_KEY_LENGTH, _MAX_NAME_LENGTH, _MOST_ALIASES = 40, 60, 60


class GroupRefused(FaultError):
    """A group that cannot be so; `field` is key, names or aliases, and the fault one sentence."""

    def __init__(self, field: str, reason: Fault) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class SavedGroup:
    """What a save did; `before` is None for a new group."""

    group: Group
    before: Group | None


def groups_on_file(connection: Connection) -> list[Group]:
    """Return the groups, the oldest first."""
    return [_group(row) for row in connection.execute(select(Affinity.__table__).order_by(Affinity.bit))]


def save_group(
    connection: Connection,
    key: str,
    names: Mapping[str, str],
    aliases: Sequence[str],
    *,
    anew: bool | None = None,
    keep: bool = False,
) -> SavedGroup:
    """Add a group, or change what a known one is called and how it is typed; its members stay in it.

    Call it in a writing transaction; every process knows the group within two seconds of its commit.

    :param anew: True where there must be no such group yet, False where there must be one
    :param keep: names and aliases that are not given stay
    :raises GroupRefused: it cannot be called so, two groups would be typed the same way, or there are too many
    """
    if not (key.isascii() and key.replace("-", "").isalnum() and key == key.lower() and len(key) <= _MAX_KEY_LENGTH):
        raise GroupRefused(
            "key",
            fault("group.key", "Write small Latin letters, digits and hyphens, up to {most}.", most=_MAX_KEY_LENGTH),
        )
    for language, said in names.items():
        if language not in LANGUAGES or not words(said) or len(said) > _MAX_NAME_LENGTH:
            raise GroupRefused(
                "names",
                fault(
                    "group.names",
                    "Write a name in {languages} of at most {most} letters.",
                    languages=", ".join(LANGUAGES),
                    most=_MAX_NAME_LENGTH,
                ),
            )
    if not all(words(one) and len(one) <= _MAX_NAME_LENGTH for one in aliases) or len(aliases) > _MOST_ALIASES:
        raise GroupRefused(
            "aliases",
            fault("group.alias", "Another way to type it has letters, {most} at most.", most=_MAX_NAME_LENGTH),
        )
    bump(connection, "places")  # holds the row, so that two new groups never take one bit
    rows = {row.key: _group(row) for row in connection.execute(select(Affinity.__table__))}
    known = rows.get(key)
    if anew is not None and anew == (known is not None):
        if anew:
            raise GroupRefused("key", fault("group.known", "There is a group {key!r} already.", key=key))
        raise GroupRefused("key", fault("group.unknown", "There is no group {key!r}.", key=key))
    bit = known.bit if known else max((one.bit for one in rows.values()), default=-1) + 1
    if bit >= MAX_AFFINITIES:
        raise GroupRefused(
            "key",
            fault(
                "group.most",
                "There are {most} groups already; that is the most that there can be.",
                most=MAX_AFFINITIES,
            ),
        )
    old_names, old_aliases = (known.names, known.aliases) if known and keep else ({}, ())
    merged = {**old_names, **names} or {"en": key}
    group = Group(key, bit, merged, tuple(sorted({*old_aliases, *aliases})))
    try:
        Groups([*(one for one in rows.values() if one.key != key), group])
    except TypedTwice as error:
        raise GroupRefused("aliases", error.fault) from None
    values: dict[str, Any] = {"names": dict(group.names), "aliases": list(group.aliases)}
    if known:
        connection.execute(update(Affinity).where(Affinity.key == key).values(values))
    else:
        connection.execute(insert(Affinity), {"key": key, "bit": bit, **values})
    return SavedGroup(group, known)


def _group(row: Any) -> Group:
    return Group(row.key, row.bit, row.names, tuple(row.aliases))
