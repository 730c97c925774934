"""The rules that are measured: those that organisers count all day, and one or more of every kind of term."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gateway.audience.rules import Audience, read_audience
from gateway.places.directory import Directory

QUICK_MS, ANY_MS = 30, 1_500
CITY, SEAT, GROUP = "lahore", "NA-119", "students"
QUICK = (
    f"city:{CITY} & constituency:{SEAT} & affinity:{GROUP}",
    f"constituency:{SEAT} & (affinity:{GROUP} | affinity:women) & !affinity:youth",
)
OTHERS = (
    "all",
    f"city:{CITY}",
    f"city:{CITY} & affinity:{GROUP}",
    f"city:{CITY} & language:ur",
    "city:none",
    "affinity:students & !affinity:women",
    "language:ur-Latn",
    "district:faisalabad & !affinity:youth",
    "province:punjab | province:kpk",
    "constituency:NA-119 | constituency:NA-120 | constituency:PP-145",
    "!constituency:none & !constituency:NA-119",
    "joined>=2026-06-01",
    "joined<30d",
    "joined:2026-10",
    "seen<30d & affinity:farmers",
    f"city:{CITY} & seen<90d",
    "!referrer:none",
    "referrer:BENCH1",
    "!reachable",
    "asked<30d",
    "!pickup:asked & affinity:women",
    "pickup:held | pickup:travelled",
    "reports>=1 & reported<14d",
    "reports>0 | asked<7d",
    "!(city:karachi | city:lahore) & reports:0 & seen>60d",
    "!(joined<100d & !affinity:youth) & (language:en | seen<200d | referrer:none) & !district:malir",
)
NOW = datetime(2026, 11, 22, 12, 0, 7, tzinfo=UTC)


def audience(rule: str, directory: Directory) -> Audience:
    return read_audience(rule, directory, NOW, zone=ZoneInfo("Asia/Karachi"), default_language="en", prefixes=("+92",))
