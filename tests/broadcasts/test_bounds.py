"""Who is bound to cities and seats: their rules, their drafts, and what they see."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audience.bounds import area_rule, lies_within
from gateway.broadcasts import moves
from gateway.broadcasts.drafts import (
    BroadcastError,
    Draft,
    DraftChanged,
    change_draft,
    draft_of,
    find_within,
    list_broadcasts,
    marks_of,
    new_draft,
)
from gateway.database import reading, writing
from segments import MemberFacts, Rule, matches, parse
from segments.rule import every
from tests.broadcasts.conftest import TEXTS, Desk
from tests.segments.rule_strategies import ATLAS, NOW, members, rules


@dataclass(frozen=True)
class Bounds:
    cities: frozenset[str] = frozenset()
    seats: frozenset[str] = frozenset()


LAHORE = Bounds(frozenset({"lahore"}))
BOTH = Bounds(frozenset({"lahore", "malir"}), frozenset({"NA-117@2024"}))


@given(rules, members, st.sampled_from([LAHORE, BOTH]))
def test_a_rule_that_lies_within_holds_nobody_outside(rule: Rule, member: MemberFacts, areas: Bounds) -> None:
    area = area_rule(areas)
    assert area is not None
    held = rule if lies_within(rule, areas) else every([rule, area])
    assert lies_within(held, areas)
    if matches(held, member, ATLAS, NOW):
        assert matches(rule, member, ATLAS, NOW)
        assert matches(area, member, ATLAS, NOW)


@pytest.mark.parametrize(
    ("text", "within"),
    [("city:lahore", True), ("city:lahore & affinity:women", True), ("all", False), ("!city:malir", False),
     ("city:lahore | affinity:women", False), ("city:lahore | city:malir & reachable", True), ("!!city:lahore", True),
     ("constituency:NA-117@2024", True), ("constituency:NA-117@2018", False), ("district:Lahore", False)],
)  # fmt: skip
def test_what_lies_within(text: str, within: bool) -> None:
    assert lies_within(parse(text), BOTH) is within


def test_a_bound_draft_keeps_the_bound_in_its_rule(desk: Desk) -> None:
    desk.members(3)
    desk.members(4, first=100, city="multan")
    with writing(desk.engine) as connection:
        key = new_draft(connection, Draft("Ours", "all", TEXTS), desk.directory, desk.terms, "sana", desk.now, LAHORE)
        change = Draft("Ours", "city:multan | language:ur", TEXTS)
    assert desk.row(key).rule == "city:lahore"
    assert desk.preview(key)["numbers"]["recipients"] == 3
    with writing(desk.engine) as connection:
        change_draft(connection, key, change, desk.directory, desk.terms, "sana", desk.now, LAHORE)
        row = find_within(connection, key, LAHORE)
        again = draft_of(row)
        change_draft(connection, key, again, desk.directory, desk.terms, "sana", desk.now, LAHORE)
    assert desk.row(key).rule == "(city:multan | language:ur) & city:lahore"  # and not twice
    assert desk.preview(key)["numbers"]["recipients"] == 0


def test_who_is_bound_sees_only_what_lies_in_their_areas(desk: Desk) -> None:
    ours, theirs, old = desk.draft("Ours"), desk.draft("Theirs", "city:multan"), desk.draft("Old", "affinity:women")
    with reading(desk.engine) as connection:
        assert [row.key for row in list_broadcasts(connection, 2, LAHORE)] == [ours]
        assert len(list_broadcasts(connection, 2)) == 2
        assert find_within(connection, ours, LAHORE).key == ours
        for key in (theirs, old):
            with pytest.raises(BroadcastError, match="There is no broadcast"):
                find_within(connection, key, LAHORE)


def test_a_change_names_what_somebody_else_changed_meanwhile(desk: Desk) -> None:
    key = desk.draft()
    opened = marks_of(draft_of(desk.row(key)))
    mine, theirs = Draft("Rally", "city:lahore", {"en": "Mine"}), Draft("March", "city:lahore", TEXTS)
    with writing(desk.engine) as connection:
        change_draft(connection, key, theirs, desk.directory, desk.terms, "bilal", desk.now, opened_on=opened)
    with pytest.raises(DraftChanged) as refused, writing(desk.engine) as connection:
        change_draft(connection, key, mine, desk.directory, desk.terms, "sana", desk.now, opened_on=opened)
    assert refused.value.parts == ("name",)
    assert desk.row(key).texts == TEXTS


def test_asking_for_approval_holds_until_the_draft_changes(desk: Desk) -> None:
    desk.members(3)
    key = desk.draft()
    with pytest.raises(BroadcastError, match="not previewed"):
        moves.ask_approval(desk.engine, key, "x", "sana", desk.now)
    digest = desk.preview(key)["digest"]
    with pytest.raises(BroadcastError, match="field staff"):
        moves.ask_approval(desk.engine, key, digest, "munshi", desk.now)
    moves.ask_approval(desk.engine, key, digest, "sana", desk.now)
    assert (desk.row(key).asked_by, desk.row(key).asked_digest) == ("sana", digest)
    with pytest.raises(BroadcastError, match="has asked"):
        moves.ask_approval(desk.engine, key, digest, "sana", desk.now)
    with writing(desk.engine) as connection:
        change_draft(connection, key, Draft("Rally", "all", TEXTS), desk.directory, desk.terms, "sana", desk.now)
    assert (desk.row(key).asked_by, desk.row(key).asked_at) == ("", None)


def test_a_move_is_undone_with_the_transaction_that_it_is_a_part_of(desk: Desk) -> None:
    desk.members(3)
    key = desk.begin()
    with pytest.raises(RuntimeError), writing(desk.engine) as connection:
        moves.pause(connection, key, "sana", desk.now)
        raise RuntimeError
    assert desk.row(key).state == "planning"
