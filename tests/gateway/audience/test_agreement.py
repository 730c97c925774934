"""A rule's SQL and its mask mean what the rule means, on generated members and generated rules, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, update

from gateway.audience.bits import open_bits
from gateway.audience.fold import fold
from gateway.audience.rules import Audience, atlas_of, columns_of
from gateway.database import reading, writing
from gateway.places.directory import Directory
from gateway.tables import Member
from segments import MemberFacts, Rule, matches, parse, to_text
from segments.bits import places_in
from segments.masks import columns_read, mask
from segments.sql import to_sql
from tests.gateway.audience.filing import file_members, small_country
from tests.segments.rule_strategies import ATLAS, NOW, ZONE, members, rules

# Moments on and beside the bounds of the rules below: midnight in Karachi, and ten days ago.
_BOUNDS = [datetime(2026, 1, 31, 19, 0, tzinfo=UTC), datetime(2026, 2, 28, 19, 0, tzinfo=UTC), NOW - timedelta(days=10)]
_EDGES = [
    MemberFacts(joined_at=moment, reported=(moment,), asked=(moment,), seen_on=moment.astimezone(ZONE).date())
    for bound in _BOUNDS
    for moment in (bound - timedelta(microseconds=1), bound, bound + timedelta(microseconds=1))
]


@pytest.fixture(scope="module")
def population() -> list[MemberFacts]:
    """Four hundred members, the same on both databases."""
    found: list[MemberFacts] = []

    @settings(max_examples=400, database=None, deadline=None, derandomize=True, phases=[Phase.generate])
    @given(members)
    def draw(member: MemberFacts) -> None:
        found.append(member)

    draw()
    return found + _EDGES


@pytest.fixture
def filed(engine: Engine, population: list[MemberFacts]) -> tuple[Engine, Directory, list[MemberFacts]]:
    directory = small_country(engine)
    with writing(engine) as connection:
        file_members(connection, population, directory)
    fold(engine, lambda: NOW)
    with writing(engine) as connection:  # a third of the members have changed since their bits were written
        connection.execute(update(Member).where(Member.sender_id % 3 == 0).values(updated_at=NOW))
    return engine, directory, population


def _by_sql(engine: Engine, directory: Directory, rule: Rule, heed_stops: bool) -> set[int]:
    atlas = atlas_of(directory, ZONE, "en")
    condition = to_sql(rule, columns_of(directory), atlas, NOW, heed_stops=heed_stops)
    with reading(engine) as connection:
        ids = connection.execute(select(Member.sender_id).where(Member.sender_id < 900_000, condition)).scalars()
        return set(ids)


def _by_bits(engine: Engine, directory: Directory, rule: Rule, heed_stops: bool) -> set[int]:
    audience = Audience(rule, (), atlas_of(directory, ZONE, "en"), columns_of(directory), NOW)
    found = set[int]()
    with reading(engine) as connection:
        read = open_bits(connection, audience, sorted(columns_read(rule)))
        assert read is not None
        for block, ids in read.blocks():
            fits = mask(rule, block, audience.columns, audience.atlas, NOW, heed_stops=heed_stops)
            found |= {ids + place if isinstance(ids, int) else ids[place] for place in places_in(fits)}
    return {one for one in found if one < 900_000}


def _by_meaning(population: list[MemberFacts], rule: Rule, heed_stops: bool) -> set[int]:
    return {
        number for number, member in enumerate(population, 1)
        if matches(rule, member, ATLAS, NOW, heed_stops=heed_stops)
    }  # fmt: skip


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(rules, st.booleans())
def test_sql_and_bits_agree(filed: tuple[Engine, Directory, list[MemberFacts]], rule: Rule, heed_stops: bool) -> None:
    engine, directory, population = filed
    meant = _by_meaning(population, rule, heed_stops)
    assert _by_sql(engine, directory, rule, heed_stops) == meant, to_text(rule)
    assert _by_bits(engine, directory, rule, heed_stops) == meant, to_text(rule)


@pytest.mark.parametrize(
    "text",
    ["all", "!all", "!reachable", "city:lahore", "!city:lahore", "city:none", "district:Malir", "!district:Karachi",
     "province:Punjab", "!province:Sindh", "affinity:students", "!affinity:women", "affinity:none", "language:en",
     "!language:en", "language:ur", "!language:ur", "language:none", "referrer:7K2M", "!referrer:7K2M",
     "referrer:none", "constituency:NA-117@2018", "!constituency:NA-117@2024", "constituency:PP-145@2024",
     "!constituency:PS-84@2024", "constituency:none", "joined:2026-02", "!joined:2026-02", "joined<=2026-01",
     "joined>2026-02", "!joined<2026-03", "joined<10d", "joined<=10d", "joined>10d", "!joined>10d", "joined>=10d",
     "seen<10d", "!seen<10d", "seen<=10d", "seen>10d", "seen>=10d", "seen:today", "reported<10d", "!reported<10d",
     "reported:2026-02", "reports>0", "reports:0", "reports<2", "reports>=2", "!reports:2", "reports<=1",
     "asked<10d", "pickup:asked", "!pickup:asked", "pickup:held",
     "!pickup:held", "pickup:travelled"],
)  # fmt: skip
def test_every_term_splits_the_crowd_alike(filed: tuple[Engine, Directory, list[MemberFacts]], text: str) -> None:
    engine, directory, population = filed
    rule = parse(text)
    meant = _by_meaning(population, rule, False)
    assert _by_sql(engine, directory, rule, False) == meant
    assert _by_bits(engine, directory, rule, False) == meant
    if text not in ("all", "!all"):
        assert 0 < len(meant) < len(population), "the crowd is too much alike for this term"


def test_the_atlas_of_a_database_is_that_of_its_places(engine: Engine) -> None:
    atlas = atlas_of(small_country(engine), ZONE, "en")
    assert atlas.districts == ATLAS.districts
    assert atlas.provinces == ATLAS.provinces
