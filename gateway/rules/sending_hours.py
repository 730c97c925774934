"""When a text may leave: the hours in which people want texts, on the clock of the place where they live.

Source of the rule: CTIA "Messaging Principles and Best Practices" and the US TCPA (47 CFR 64.1200(c)(1): not before 8
in the morning or after 9 in the evening, the recipient's time); the hours themselves are a setting. The person's wall
clock decides, so where clocks change the same words hold: an opening that falls into the hour a clock skips is the
moment after the jump, and an hour that comes twice is judged twice.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from faults import FaultError, fault

_WINDOW = re.compile(r"([0-2]?[0-9]):([0-5][0-9])\s*(?:-|–|to)\s*([0-2]?[0-9]):([0-5][0-9])")
_HOUR = timedelta(hours=1)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class SendingHours:
    """From `opens` up to, not including, `closes`; past midnight where `closes` is earlier; all day where equal.

    `within` are other hours that must hold too, such as the house's for a broadcast with hours of its own.
    """

    opens: time
    closes: time
    within: "SendingHours | None" = None

    @classmethod
    def read(cls, written: str) -> "SendingHours":
        """Return the hours of a setting such as "09:00-21:00"; FaultError if it is none."""
        found = _WINDOW.fullmatch(written.strip())
        if not found:
            raise FaultError(
                fault("setting.hours", "Sending hours are written like 09:00-21:00, not {written!r}.", written=written)
            )
        hours = [int(number) for number in found.groups()]
        if hours[2:] == [24, 0]:
            hours[2] = 0
        if hours[0] > 23 or hours[2] > 23:
            raise FaultError(fault("setting.no_such_hour", "A day has no such hour: {written!r}.", written=written))
        return cls(time(hours[0], hours[1]), time(hours[2], hours[3]))

    def __str__(self) -> str:
        return f"{self.opens:%H:%M}-{self.closes:%H:%M}"

    @property
    def windows(self) -> "tuple[SendingHours, ...]":
        """All the hours that must hold, each by itself."""
        own = SendingHours(self.opens, self.closes)
        return (own, *self.within.windows) if self.within else (own,)

    @property
    def all_day(self) -> bool:
        """Whether there are no quiet hours."""
        return all(one.opens == one.closes for one in self.windows)

    @property
    def never(self) -> bool:
        """Whether no time of day lies in them, because their windows lie apart."""
        return not any(self.hold(one.opens) for one in self.windows)

    def hold(self, wall: time) -> bool:
        """Whether the wall clock time `wall` lies in them."""
        if self.opens < self.closes:
            mine = self.opens <= wall < self.closes
        else:
            mine = self.opens == self.closes or wall >= self.opens or wall < self.closes
        return mine and (self.within is None or self.within.hold(wall))


def next_allowed(now: datetime, hours: SendingHours, zone: tzinfo, *, urgent: bool = False) -> datetime:
    """Return the first moment from `now` on (aware) at which a text may leave, as aware UTC.

    `zone` is the recipient's (a zoneinfo.ZoneInfo); `urgent` texts (medical, safety, an answer asked for) never wait.

    :raises ValueError: the hours are `never`
    """
    now = now.astimezone(UTC)
    if urgent or _open(now, hours, zone):
        return now
    candidates = [*_moments(now, [one.opens for one in hours.windows], zone), *_clock_changes(now, zone)]
    return min(moment for moment in candidates if moment >= now and _open(moment, hours, zone))


def quiet_from(now: datetime, hours: SendingHours, zone: tzinfo) -> datetime | None:
    """Return the first moment from `now` on (aware) that lies in quiet hours, as aware UTC; None if there are none."""
    if hours.all_day:
        return None
    now = now.astimezone(UTC)
    if not _open(now, hours, zone):
        return now
    candidates = [*_moments(now, [one.closes for one in hours.windows], zone), *_clock_changes(now, zone)]
    return min(moment for moment in candidates if moment >= now and not _open(moment, hours, zone))


def finish_time(start: datetime, parts: Mapping[ZoneInfo, int], pace: float, hours: SendingHours) -> datetime:
    """Return when the last part leaves if sending begins at `start` (aware) and rests in quiet hours, as aware UTC.

    Recipients in zones whose hours are open share the pace (parts a second); the others wait for their own morning.

    :param parts: how many go to each time zone; at least one zone
    :raises ValueError: a pace of 0, or the hours are `never`
    """
    left = {zone: _duration(count, pace) for zone, count in parts.items()}
    moment = start.astimezone(UTC)
    while True:
        opens = {zone: next_allowed(moment, hours, zone) for zone in left}
        awake = [zone for zone in left if opens[zone] <= moment]
        if not awake:
            moment = min(opens.values())
            continue
        work = sum((left[zone] for zone in awake), timedelta(0))
        changes = [opens[zone] for zone in left if zone not in awake]
        changes += [quiet for zone in awake if (quiet := quiet_from(moment, hours, zone))]
        until = min([moment + work, *changes])
        if until == moment + work:
            if len(awake) == len(left):
                return until
            left = {zone: rest for zone, rest in left.items() if zone not in awake}
        else:
            share = (until - moment) / work
            left |= {zone: left[zone] * (1 - share) for zone in awake}
        moment = until


def _duration(parts: int, pace: float) -> timedelta:
    if pace <= 0:
        raise ValueError(f"A pace is more than 0 parts a second, not {pace}.")
    return timedelta(seconds=parts / pace)


def _open(moment: datetime, hours: SendingHours, zone: tzinfo) -> bool:
    return hours.hold(moment.astimezone(zone).time())


def _moments(now: datetime, walls: Sequence[time], zone: tzinfo) -> list[datetime]:
    """Return the moments near `now` at which the wall clock shows one of some times, both where an hour comes twice."""
    today = now.astimezone(zone).date()
    days = [today + timedelta(days=ahead) for ahead in range(-1, 4)]
    return [
        datetime.combine(day, wall, zone).replace(fold=fold).astimezone(UTC)
        for wall in walls
        for day in days
        for fold in (0, 1)
    ]


def _clock_changes(now: datetime, zone: tzinfo) -> list[datetime]:
    """Return the moments in the next three days at which the zone's clocks jump."""
    changes: list[datetime] = []
    if _offset(now, zone) == _offset(now + 72 * _HOUR, zone):
        return changes
    for hour in range(72):
        before, after = now + hour * _HOUR, now + (hour + 1) * _HOUR
        if _offset(before, zone) != _offset(after, zone):
            while after - before > _MICROSECOND:
                middle = before + (after - before) / 2
                if _offset(middle, zone) == _offset(before, zone):
                    before = middle
                else:
                    after = middle
            changes.append(after)
    return changes


def _offset(moment: datetime, zone: tzinfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()
