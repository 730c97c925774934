"""Rules and members made by Hypothesis, over a small country with everything that makes rules hard."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from segments import Atlas, Constituency, ConstituencyRegister, Gazetteer, MemberFacts, Place, Rule
from segments.rule import (
    Age,
    Days,
    Everyone,
    InSeat,
    Named,
    Not,
    Reachable,
    RecentDay,
    ReportCount,
    When,
    either,
    every,
    whole_month,
    whole_year,
)

NOW = datetime(2026, 3, 2, 20, 30, tzinfo=UTC)  # 3 March, half past one, in Karachi
ZONE = ZoneInfo("Asia/Karachi")

PLACES = (
    Place("lahore", "Lahore", names={"ur": "لاہور"}, district="Lahore", province="Punjab", population=13_000_000),
    Place("karachi", "Karachi", names={"ur": "کراچی"}, district="Karachi", province="Sindh", population=11_000_000),
    Place("malir", "Malir", kind="district", city="Karachi", district="Malir", province="Sindh"),
    Place("shahpur-a", "Shahpur", district="Sargodha", province="Punjab", population=20_000),
    Place("shahpur-b", "Shahpur", district="Nawabshah", province="Sindh", population=21_000),
    Place("nowhere", "Nowhere"),
)
SEATS = (
    Constituency("NA-117", "Lahore-I", 2024, "Lahore", 1, ("Lahore",), "Punjab"),
    Constituency("NA-229", "Malir-I", 2024, "Malir", 1, ("Malir", "Karachi"), "Sindh"),
    Constituency("NA-1", "Sargodha and Lahore", 2024, "Sargodha", 1, ("Sargodha", "Lahore"), "Punjab"),
    Constituency("NA-117", "Sargodha-I", 2018, "Sargodha", 1, ("Sargodha",), "Punjab"),
    Constituency("PP-145", "Lahore-I", 2024, "Lahore", 1, ("Lahore",), "Punjab"),
    Constituency("PS-84", "Malir-I", 2024, "Malir", 1, ("Malir", "Karachi"), "Sindh"),
)
GROUPS = {"students": {"en": "students", "ur": "طلبہ"}, "women": {"en": "women"}, "farmers": {"en": "farmers"}}
LANGUAGES = ("en", "ur", "ur-Latn")
CODES = ("7K2M", "9QRT")


def small_atlas() -> Atlas:
    return Atlas(
        gazetteer=Gazetteer(PLACES),
        register=ConstituencyRegister(SEATS, main_house="NA", current=2024),
        affinities=GROUPS,
        find_affinity=lambda text: text if text in GROUPS else None,
        default_language="en",
        zone=ZONE,
        pickups=frozenset({"asked", "held", "travelled"}),
        provincial_houses=frozenset({"PP", "PS"}),
    )


ATLAS = small_atlas()
NATIONAL = [(seat.code, seat.delimitation or 0) for seat in SEATS if seat.house == "NA"]
PROVINCIAL = [(seat.code, seat.delimitation or 0) for seat in SEATS if seat.house != "NA"]

comparisons = st.sampled_from(["<", "<=", ">", ">=", "="])
# Days around now, so that bounds are hit on both sides.
near_days = st.integers(-60, 3).map(lambda back: (NOW.astimezone(ZONE) + timedelta(days=back)).date())
moments = st.one_of(
    st.integers(-40 * 86_400, 3_600).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    st.integers(-40 * 24, 1).map(lambda hours: NOW + timedelta(hours=hours)),
    near_days.map(lambda day: datetime.combine(day, datetime.min.time(), ZONE).astimezone(UTC)),
    st.sampled_from([NOW, NOW - timedelta(microseconds=1), NOW - timedelta(days=1, microseconds=1)]),
)


@st.composite
def spans(draw: st.DrawFn) -> Days:
    first = draw(near_days)
    return draw(
        st.sampled_from(
            [
                Days(first, first),
                Days(first, first + timedelta(days=draw(st.integers(1, 9)))),
                whole_month(first.year, first.month),
                whole_year(first.year),
            ]
        )
    )


ages = st.one_of(st.integers(1, 45).map(lambda days: Age(days * 24)), st.integers(1, 1000).map(Age))


@st.composite
def when_terms(draw: st.DrawFn) -> Rule:
    comparison = draw(comparisons)
    time = draw(st.one_of(spans(), st.sampled_from([RecentDay(0), RecentDay(1)]), ages))
    if isinstance(time, Age) and comparison == "=":
        comparison = "<"
    if isinstance(time, Days) and time.first != time.last and time not in (
        whole_month(time.first.year, time.first.month), whole_year(time.first.year)
    ):  # fmt: skip
        comparison = "="
    field = draw(st.sampled_from(["joined", "seen", "reported", "asked"]))
    if field == "seen" and isinstance(time, Age):
        time = Age(-(-time.hours // 24) * 24)
    return When(field, comparison, time)


atoms: st.SearchStrategy[Rule] = st.one_of(
    st.just(Everyone()),
    st.just(Reachable()),
    st.sampled_from([None, *(place.key for place in PLACES)]).map(lambda key: Named("city", key)),
    st.sampled_from(sorted(ATLAS.districts)).map(lambda name: Named("district", name)),
    st.sampled_from(sorted(ATLAS.provinces)).map(lambda name: Named("province", name)),
    st.sampled_from([None, *GROUPS]).map(lambda key: Named("affinity", key)),
    st.sampled_from([None, *LANGUAGES]).map(lambda code: Named("language", code)),
    st.sampled_from([None, *CODES, "NONESUCH"]).map(lambda code: Named("referrer", code)),
    st.sampled_from(["asked", "held", "travelled"]).map(lambda kind: Named("pickup", kind)),
    st.sampled_from([None, *NATIONAL, *PROVINCIAL]).map(lambda seat: InSeat(*seat) if seat else InSeat(None)),
    when_terms(),
    st.builds(ReportCount, comparisons, st.integers(0, 4)),
)
rules: st.SearchStrategy[Rule] = st.recursive(
    atoms,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=4).map(every),
        st.lists(inner, min_size=2, max_size=4).map(either),
    ),
    max_leaves=8,
)

TOPICS = ["city:lahore", "city:malir", "affinity:students", "constituency:NA-117", "constituency:PP-145"]
members: st.SearchStrategy[MemberFacts] = st.builds(
    MemberFacts,
    joined_at=moments,
    city=st.sampled_from([None, *(place.key for place in PLACES)]),
    constituency=st.sampled_from([None, *NATIONAL]),
    provincial=st.sampled_from([None, None, *PROVINCIAL]),
    affinities=st.frozensets(st.sampled_from(sorted(GROUPS))),
    language=st.sampled_from([None, *LANGUAGES]),
    reachable=st.booleans(),
    referrer=st.sampled_from([None, None, *CODES]),
    seen_on=st.one_of(st.none(), near_days),
    reported=st.lists(moments, max_size=4).map(tuple),
    asked=st.lists(moments, max_size=2).map(tuple),
    pickups=st.frozensets(st.sampled_from(["held", "travelled"])),
    left=st.frozensets(st.sampled_from(TOPICS), max_size=2),
)
