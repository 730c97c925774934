"""The first page after sign-in: what is happening this minute."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from gateway.accounts.viewer import Permission, Viewer
from gateway.console.access import allowed
from gateway.console.charts import minutes_chart, week_chart
from gateway.console.live import Topic, stream
from gateway.console.now_numbers import NowNumbers
from gateway.console.shell import console_of, page, render, visit_of

router = APIRouter(prefix="/console", include_in_schema=False)

_EVERY_S = 5.0
FRAGMENTS = ("trouble", "figures", "texts", "reports", "filling", "broadcasts", "joins", "carriers", "week")


@router.get("/")
def now(request: Request, viewer: Viewer = Depends(allowed(Permission.SEE_NOW))) -> Response:
    """What is happening this minute, in the viewer's areas and as far as their role lets them see."""
    return page(request, "now/now.html", fragments=FRAGMENTS, **_values(request, viewer))


@router.get("/live")
def now_live(request: Request, viewer: Viewer = Depends(allowed(Permission.SEE_NOW))) -> Response:
    """The same as it changes: looked at every five seconds, sent where something is new."""

    def fragments() -> Mapping[str, str]:
        values = _values(request, viewer)
        return {f"now-{name}": render(request, f"now/_{name}.html", **values) for name in FRAGMENTS}

    # The moment is the version: the numbers behind it are kept, so asking again costs nothing.
    return stream(request, viewer, Topic("now", lambda _: int(time.time() / _EVERY_S), _EVERY_S), fragments)


def _values(request: Request, viewer: Viewer) -> dict[str, Any]:
    console, at = console_of(request), datetime.now(UTC)
    found = _numbers(request).look(viewer, at, console.settings)
    values = {"short_code": console.settings.short_code, "at": at} | found
    language = visit_of(request).language

    def say(key: str, **given: Any) -> str:
        return console.wording.say(language, key, **given)

    if minutes := found["minutes"]:
        values["texts_in"] = sum(one.texts_in for one in minutes)
        values["texts_out"] = sum(one.texts_out for one in minutes)
        words = say("now.texts_words", come=f"{values['texts_in']:,}", gone=f"{values['texts_out']:,}")
        values["texts_chart"] = minutes_chart(minutes[:-1], console.settings.zone, say("now.texts"), words)
        # For those who read: the hour in twelve pieces of five minutes.
        values["pieces"] = [
            (piece[0].begins, sum(one.texts_in for one in piece), sum(one.texts_out for one in piece))
            for piece in (minutes[start : start + 5] for start in range(0, len(minutes), 5))
        ]
        week = found["week"]
        days = [say(f"now.day{number}") for number in range(7)]
        values["days"] = days
        if week.peak:
            day, hour = week.peak
            peak = say("now.week_peak", day=say(f"now.whole_day{day}"), hour=f"{hour:02}:00")
            values |= {"peak": peak, "week_chart": week_chart(week, days, say("now.week"), peak)}
    return values


def _numbers(request: Request) -> NowNumbers:
    state = request.app.state
    if not hasattr(state, "now_numbers"):
        state.now_numbers = NowNumbers(console_of(request).engine)
    numbers: NowNumbers = state.now_numbers
    return numbers
