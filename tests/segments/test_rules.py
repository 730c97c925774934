"""The rule language: what it reads, what it refuses and where, and that text, JSON and value are one."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segments import (
    MemberFacts,
    Rule,
    RuleError,
    default_gazetteer,
    default_register,
    describe,
    from_json,
    matches,
    parse,
    settle_names,
    to_json,
    to_text,
)
from segments.atlas import Atlas
from segments.rule import (
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_TERMS,
    Age,
    And,
    Days,
    Everyone,
    InSeat,
    Named,
    Not,
    Or,
    Reachable,
    RecentDay,
    ReportCount,
    When,
)
from tests.segments.rule_strategies import ATLAS, NOW, members, rules

LAHORE, STUDENTS, WOMEN = Named("city", "lahore"), Named("affinity", "students"), Named("affinity", "women")
PAKISTAN = Atlas(default_gazetteer(), default_register(), provincial_houses=frozenset({"PP", "PS", "PK", "PB"}))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("all", Everyone()),
        ("ALL", Everyone()),
        ("reachable", Reachable()),
        ("city:lahore", LAHORE),
        ("City : lahore", LAHORE),
        ("city=lahore", LAHORE),
        ("city!=lahore", Not(LAHORE)),
        ('city:"lahore"', LAHORE),
        ("city:'lahore'", LAHORE),
        ("city:“lahore”", LAHORE),
        ("city:none", Named("city", None)),
        ('city:"none"', Named("city", "none")),
        ("city:لاہور", Named("city", "لاہور")),
        ("city:geonames:1172451", Named("city", "geonames:1172451")),
        ("group:students", STUDENTS),
        # Precedence: ! binds closest, then &, then |.
        ("city:lahore & affinity:students | affinity:women", Or((And((LAHORE, STUDENTS)), WOMEN))),
        ("city:lahore & (affinity:students | affinity:women)", And((LAHORE, Or((STUDENTS, WOMEN))))),
        ("affinity:women | city:lahore & affinity:students", Or((WOMEN, And((LAHORE, STUDENTS))))),
        ("!city:lahore & affinity:women", And((Not(LAHORE), WOMEN))),
        ("!(city:lahore & affinity:women)", Not(And((LAHORE, WOMEN)))),
        ("!!city:lahore", Not(Not(LAHORE))),
        ("city:lahore and not affinity:women OR all", Or((And((LAHORE, Not(WOMEN))), Everyone()))),
        ("city:lahore && affinity:women || all", Or((And((LAHORE, WOMEN)), Everyone()))),
        ("（city：lahore ＆ affinity：women）", And((LAHORE, WOMEN))),
        ("\u200fcity:lahore\u200f", LAHORE),
        ("((((all))))", Everyone()),
        ("constituency:NA-119", InSeat("NA-119")),
        ("seat:NA-119@2018", InSeat("NA-119", 2018)),
        ('halqa:"این اے 119@۲۰۱۸"', InSeat("این اے 119", 2018)),
        ("constituency:none", InSeat(None)),
        ("joined>=2026-01-01", When("joined", ">=", Days(date(2026, 1, 1), date(2026, 1, 1)))),
        ("joined≥2026-01-01", When("joined", ">=", Days(date(2026, 1, 1), date(2026, 1, 1)))),
        ("joined:2026-12", When("joined", "=", Days(date(2026, 12, 1), date(2026, 12, 31)))),
        ("joined:2026", When("joined", "=", Days(date(2026, 1, 1), date(2026, 12, 31)))),
        ("joined:2026-01..2026-02-03", When("joined", "=", Days(date(2026, 1, 1), date(2026, 2, 3)))),
        ("joined:۲۰۲۶-۰۱-۰۵", When("joined", "=", Days(date(2026, 1, 5), date(2026, 1, 5)))),
        ("joined!=2026-01-05", Not(When("joined", "=", Days(date(2026, 1, 5), date(2026, 1, 5))))),
        ("seen:today", When("seen", "=", RecentDay(0))),
        ("seen<yesterday", When("seen", "<", RecentDay(1))),
        ("seen<30d", When("seen", "<", Age(720))),
        ('seen<"30 d"', None),
        ("seen>4w", When("seen", ">", Age(672))),
        ("asked<12h", When("asked", "<", Age(12))),
        ("asked<12hours", When("asked", "<", Age(12))),
        ("reports>0", ReportCount(">", 0)),
        ("reports:2", ReportCount("=", 2)),
        ("reported:2026-11", When("reported", "=", Days(date(2026, 11, 1), date(2026, 11, 30)))),
        ("referrer:7K2M", Named("referrer", "7K2M")),
        ("pickup:asked", Named("pickup", "asked")),
    ],
)
def test_reading(text: str, rule: Rule | None) -> None:
    if rule is None:
        with pytest.raises(RuleError):
            parse(text)
        return
    assert parse(text) == rule
    assert parse(to_text(rule)) == rule
    assert from_json(json.loads(json.dumps(to_json(rule)))) == rule


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("", 1, "empty"),
        ("  ", 1, "empty"),
        ("&", 1, "before “&”"),
        ("city:lahore &", 14, "ends where a term"),
        ("city:lahore & & all", 15, "before “&”"),
        ("city:lahore city:karachi", 13, "side by side"),
        ("city:lahore all", 13, "side by side"),
        ("(city:lahore", 1, "never closed"),
        ("all & (city:lahore | all", 7, "never closed"),
        ("city:lahore)", 12, "closes nothing"),
        ('city:"lahore', 6, "never closed"),
        ('city:""', 6, "nothing between"),
        ("city:", 6, "value should stand"),
        ("city: & all", 7, "value should stand"),
        ("city:rahim yar khan", 12, 'city:"rahim yar khan"'),
        ("city:rahim yar khan & all", 12, 'city:"rahim yar khan"'),
        ("city:rahim yar group:women", 12, 'city:"rahim yar"'),
        ("all & citty:lahore", 7, "Did you mean city"),
        ("all & zzzzzzz:lahore", 7, "Known are"),
        ("lahore", 1, "city:lahore"),
        ("city", 5, "needs a value"),
        ("joined", 7, "needs a comparison"),
        ("city<lahore", 5, "does not go with city"),
        ("reachable:yes", 10, "takes no value"),
        ("joined:2026-02-30", 8, "no day"),
        ("joined:2026-13", 8, "no day"),
        ("joined:0026", 8, "between 1990"),
        ("joined:soon", 8, "not a date"),
        ("joined:2026-03..2026-01", 8, "before the first"),
        ("joined<2026-01..2026-03", 7, "two dates"),
        ("seen:30d", 5, "seen<30d"),
        ("seen<30m", 6, "hours, days or weeks"),
        ("seen<5h", 6, "by day"),
        ("seen<0d", 6, "out of reach"),
        ("reports>x", 9, "not a number"),
        ("constituency:NA-119@old", 21, "delimitation"),
        ("province:none", 10, "city:none"),
        ("(" * (MAX_DEPTH + 1) + "all", MAX_DEPTH + 1, "deep"),
        ("!" * 200 + "all", MAX_DEPTH + 1, "deep"),
        ("|".join(["all"] * (MAX_TERMS + 1)), MAX_TERMS * 4 + 1, "more than"),
        ("all " * MAX_LENGTH, 0, "signs"),
    ],
)
def test_faults_point_at_their_place(text: str, column: int, says: str) -> None:
    with pytest.raises(RuleError) as raised:
        parse(text)
    assert raised.value.column == column
    assert says in f"{raised.value.sentence} {raised.value.remedy}"
    assert raised.value.remedy


def test_the_caret_stands_under_the_fault() -> None:
    with pytest.raises(RuleError) as raised:
        parse("city:lahore & x:y")
    first, shown, caret = str(raised.value).splitlines()
    assert first.startswith("Column 15:")
    assert shown[caret.index("^")] == "x"
    with pytest.raises(RuleError) as raised:
        parse("all & " * 60 + "x:y & " + "all & " * 60 + "all")
    _, shown, caret = str(raised.value).splitlines()
    assert len(shown) < 90
    assert shown[caret.index("^")] == "x"


@pytest.mark.parametrize(
    ("text", "settled", "remarked"),
    [
        ("city:LAHORE", "city:lahore", ""),
        ("city:لاہور", "city:lahore", ""),
        ("city:lahor", "city:lahore", "“lahor” was taken for Lahore."),
        ("district:لاہور", "district:Lahore", ""),
        ("province:kpk", 'province:"Khyber Pakhtunkhwa"', ""),
        ("province:پنجاب", "province:Punjab", ""),
        ("constituency:NA-119", "constituency:NA-119@2024", ""),
        ("seat:na119", "constituency:NA-119@2024", ""),
        ("seat:PP-145", "constituency:PP-145@2024", ""),
        ('seat:"این اے 130"', "constituency:NA-130@2024", ""),
        ("seat:NA-119@2018", "constituency:NA-119@2018", "NA-119 is a seat of 2018"),
        ("language:اردو", "language:ur", ""),
        ('language:"Roman Urdu"', "language:ur-Latn", ""),
        ("referrer:7k-2m", "referrer:7K2M", ""),
    ],
)
def test_names_are_found_on_file(text: str, settled: str, remarked: str) -> None:
    found = settle_names(parse(text), PAKISTAN, text)
    assert to_text(found.rule) == settled
    assert [str(remark)[: len(remarked)] for remark in found.remarks] == ([remarked] if remarked else [])
    again = settle_names(parse(settled), PAKISTAN, settled)
    assert again.rule == found.rule


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("all & city:xyzzyq", 12, "no city “xyzzyq”"),
        ("seat:NA-272", 6, "NA-272 is a number of 2018"),
        ("seat:NA-999", 6, "from NA-1 to NA-266"),
        ("seat:lahore", 6, "may be several seats"),
        ("seat:NA-1@1999", 6, "2018, 2024"),
        ("seat:NA-999@2018", 6, "no seat"),
        ("affinity:plumbers", 10, "no group"),
        ("language:klingon", 10, "not a language"),
        ("pickup:lost", 8, "no pick-up history"),
    ],
)
def test_names_not_on_file_are_said_with_their_place(text: str, column: int, says: str) -> None:
    with pytest.raises(RuleError) as raised:
        settle_names(parse(text), PAKISTAN, text)
    assert raised.value.column == column
    assert says in str(raised.value)


def test_a_name_of_two_places_is_asked_back() -> None:
    with pytest.raises(RuleError, match="may be several places") as raised:
        settle_names(parse("city:shahpur"), ATLAS, "city:shahpur")
    assert "city:shahpur-a" in raised.value.remedy
    assert "city:shahpur-b" in raised.value.remedy
    with pytest.raises(RuleError, match="part of Karachi"):
        settle_names(parse('city:"Malir"'), ATLAS)


def test_a_district_is_that_of_the_city_or_of_a_seat_that_lies_in_it_alone() -> None:
    joined = MemberFacts(joined_at=NOW)
    malir = parse("district:Malir")
    assert matches(malir, replace(joined, constituency=("NA-229", 2024)), ATLAS, NOW)
    assert matches(parse("district:Karachi"), replace(joined, constituency=("NA-229", 2024)), ATLAS, NOW)
    assert not matches(malir, replace(joined, city="karachi"), ATLAS, NOW)
    both = replace(joined, constituency=("NA-1", 2024))
    assert not matches(parse("district:Sargodha"), both, ATLAS, NOW)
    assert not matches(parse("district:Lahore"), both, ATLAS, NOW)
    assert matches(parse("province:Punjab"), both, ATLAS, NOW)


def test_a_seat_of_one_delimitation_is_not_that_of_another() -> None:
    old = MemberFacts(joined_at=NOW, constituency=("NA-117", 2018))
    assert matches(parse("seat:NA-117@2018"), old, ATLAS, NOW)
    assert not matches(parse("seat:NA-117@2024"), old, ATLAS, NOW)


@pytest.mark.parametrize(
    ("rule", "inside", "outside"),
    [
        # Midnight in Karachi is 19:00 UTC of the day before.
        ("joined:2026-03-01", datetime(2026, 2, 28, 19, 0, tzinfo=UTC), datetime(2026, 2, 28, 18, 59, tzinfo=UTC)),
        ("joined<=2026-03-01", datetime(2026, 3, 1, 18, 59, tzinfo=UTC), datetime(2026, 3, 1, 19, 0, tzinfo=UTC)),
        ("joined>2026-02-28", datetime(2026, 2, 28, 19, 0, tzinfo=UTC), datetime(2026, 2, 28, 18, 59, tzinfo=UTC)),
        ("joined:today", datetime(2026, 3, 2, 19, 0, tzinfo=UTC), datetime(2026, 3, 2, 18, 59, tzinfo=UTC)),
        ("joined<2d", NOW - timedelta(hours=47), NOW - timedelta(hours=48)),
        ("joined>=2d", NOW - timedelta(hours=48), NOW - timedelta(hours=47)),
    ],
)
def test_days_begin_in_the_movements_zone(rule: str, inside: datetime, outside: datetime) -> None:
    assert matches(parse(rule), MemberFacts(joined_at=inside), ATLAS, NOW)
    assert not matches(parse(rule), MemberFacts(joined_at=outside), ATLAS, NOW)


def test_who_left_a_group_is_not_addressed_as_one_of_it() -> None:
    woman = MemberFacts(joined_at=NOW, city="lahore", affinities=frozenset({"students", "women"}))
    left = replace(woman, left=frozenset({"affinity:students"}))
    both = parse("affinity:students | affinity:women")
    assert matches(both, left, ATLAS, NOW, heed_stops=True)
    assert not matches(parse("affinity:students"), left, ATLAS, NOW, heed_stops=True)
    assert matches(parse("affinity:students"), left, ATLAS, NOW)
    # Leaving a group never puts anyone into an audience that leaves the group out.
    assert not matches(parse("!affinity:students"), left, ATLAS, NOW, heed_stops=True)
    gone = replace(woman, left=frozenset({"city:lahore"}))
    assert not matches(parse("district:Lahore"), gone, ATLAS, NOW, heed_stops=True)
    assert matches(parse("province:Punjab"), gone, ATLAS, NOW, heed_stops=True)


@given(rules)
def test_text_json_and_value_are_one(rule: Rule) -> None:
    assert parse(to_text(rule)) == rule
    assert from_json(json.loads(json.dumps(to_json(rule)))) == rule
    assert settle_names(rule, ATLAS).rule == rule


@given(rules, members)
def test_not_is_the_opposite(rule: Rule, member: MemberFacts) -> None:
    assert matches(Not(rule), member, ATLAS, NOW) is not matches(rule, member, ATLAS, NOW)
    if matches(rule, member, ATLAS, NOW, heed_stops=True):
        assert matches(rule, member, ATLAS, NOW)


@given(rules, rules)
def test_the_sentence_is_total_and_tells_rules_apart(one: Rule, other: Rule) -> None:
    for language in ("en", "ur"):
        said = describe(one, ATLAS, language)
        assert "{" not in said
        assert said.count("(") == said.count(")")
    if describe(one, ATLAS) == describe(other, ATLAS):
        for member in _SOME:
            assert matches(one, member, ATLAS, NOW) == matches(other, member, ATLAS, NOW)


_SOME = [
    MemberFacts(NOW - timedelta(days=days), city, seat, None, groups, language, days % 2 == 0)
    for days, city, seat, groups, language in [
        (0, "lahore", ("NA-117", 2024), frozenset({"students"}), "ur"),
        (1, "karachi", ("NA-229", 2024), frozenset({"women"}), "en"),
        (2, "shahpur-a", ("NA-117", 2018), frozenset(), None),
        (30, None, None, frozenset({"students", "women"}), "ur-Latn"),
    ]
]


def test_the_sentence_names_the_place_among_places_of_one_name() -> None:
    assert describe(parse("city:shahpur-a"), ATLAS) == "Members who are filed in Shahpur (Sargodha)."
    assert describe(parse("city:lahore & !affinity:students"), ATLAS) == (
        "Members who are filed in Lahore and do not belong to students."
    )
    assert describe(parse("city:lahore"), ATLAS, "ur") == "وہ ارکان جو شہر لاہور میں درج ہیں۔"


pieces = st.sampled_from(
    [*'&|!()<>=:"\'@. ', "city", "joined", "seen", "reports", "seat", "all", "none", "and", "or", "not", "2026-01",
     "..", "30d", "NA-119@2018",
     "لاہور", "“", "＆", "\u200f", "\x00", "\ud800", "≥", "99999999999999999999", "²", "٣", "İ"]
)  # fmt: skip


@settings(max_examples=400)
@given(st.one_of(st.lists(pieces, max_size=30).map("".join), st.text(max_size=60)))
@example("reports>²")
@example("city:'a\"b'")
def test_whatever_is_typed_is_a_rule_or_a_rule_error(text: str) -> None:
    try:
        rule = parse(text)
    except RuleError as error:
        assert str(error)
        assert 0 <= error.column <= len(text) + 1
        return
    assert parse(to_text(rule)) == rule
    assert from_json(to_json(rule)) == rule
    try:
        settle_names(rule, PAKISTAN, text)
    except RuleError as error:
        assert str(error)


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.just(10**30), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                ["and", "or", "not", "city", "constituency", "delimitation", "joined", "reports", "<", "x"]
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=12,
)


@given(values)
def test_whatever_json_comes_is_a_rule_or_a_rule_error(value: object) -> None:
    try:
        rule = from_json(value)
    except RuleError as error:
        assert error.where
        return
    assert from_json(to_json(rule)) == rule


def test_deep_json_and_huge_numbers_are_refused() -> None:
    with pytest.raises(RuleError, match="comparison"):
        from_json({"reports": {">": 10**5000}})
    value: object = {"all": True}
    for _ in range(5000):
        value = {"not": value}
    with pytest.raises(RuleError, match="deep"):
        from_json(value)
