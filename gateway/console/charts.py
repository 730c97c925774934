"""Charts as SVG inside the page, drawn by leather.

What leather draws carries colours and fonts of its own. They are taken off and classes put in their place, which
static/now.css colours with the page's tokens: so a chart is right in light, dark and print, and the content policy
needs no exception. Every chart has a title and a sentence for those who do not see it; a table stands beside it.
"""

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import leather
from leather import theme
from markupsafe import Markup

from gateway.numbers.hours import Week
from gateway.numbers.minutes import Minute

# leather draws with one theme for all. Only its sizes matter here: they decide how much room the labels have.
theme.margin = 0.01
theme.tick_font_size, theme.tick_font_char_height, theme.tick_font_char_width = 12, 12, 7

LEVELS = 5
_WIDTH = 400
_SVG = "{http://www.w3.org/2000/svg}"
_NUMBER = re.compile(r"-?\d+\.\d+")
_DROPPED = ("fill", "stroke", "font-family", "font-size", "stroke-width", "stroke-dasharray", "style")


class _Cells(leather.shapes.base.Shape):  # type: ignore[misc]
    """One square for each pair of names; how strong it is stands in the third value of a row, 0 to LEVELS."""

    def validate_series(self, series: Any) -> None:
        pass

    def to_svg(self, width: Any, height: Any, x_scale: Any, y_scale: Any, series: Any, palette: Any) -> ET.Element:
        group = ET.Element("g", {"class": "cells"})
        drawn: dict[int, list[str]] = {}
        for datum in series.data():
            left, right = x_scale.project_interval(datum.x, 0, width)
            low, high = y_scale.project_interval(datum.y, height, 0)
            wide, tall = f"{right - left:.1f}", f"{abs(high - low):.1f}"
            drawn.setdefault(datum.row[2], []).append(f"M{left:.1f} {min(low, high):.1f}h{wide}v{tall}h-{wide}z")
        for strength, squares in sorted(drawn.items()):
            ET.SubElement(group, "path", {"class": f"level{strength}", "d": "".join(squares)})
        return group


def minutes_chart(minutes: Sequence[Minute], zone: ZoneInfo, title: str, words: str) -> Markup:
    """Draw texts in (class `s0`) and out (`s1`) as lines over the last minutes.

    :param title: what it shows, and `words` what it says, for screen readers
    """
    last = len(minutes) - 1
    chart = leather.Chart()
    for texts in ([one.texts_in for one in minutes], [one.texts_out for one in minutes]):
        chart.add_line(list(enumerate(texts)))
    top = _top(max(max(one.texts_in, one.texts_out) for one in minutes))
    chart.add_x_scale(0, last)
    chart.add_y_scale(0, top)
    marks = [number for number, one in enumerate(minutes) if one.begins.minute % 15 == 0 and 2 < number < last - 1]
    chart.add_x_axis(
        ticks=marks or [0], tick_formatter=lambda at, *_: f"{minutes[int(at)].begins.astimezone(zone):%H:%M}"
    )
    chart.add_y_axis(ticks=[0, top // 2, top] if top > 1 else [0, top], tick_formatter=lambda count, *_: f"{count:,}")
    return _finished(chart, 170, title, words)


def week_chart(week: Week, days: Sequence[str], title: str, words: str) -> Markup:
    """Draw the hours of the week as squares, the stronger the more texts come (classes `level0` to `level5`).

    :param days: the short names of the weekdays, Monday first
    """
    hours = [f"{hour:02}" for hour in range(24)]
    rows = [
        (hours[hour], days[day], level(week.texts[day][hour], week.most))
        for day in reversed(range(7))
        for hour in range(24)
    ]
    chart = leather.Chart()
    chart.set_x_scale(leather.Ordinal(hours))
    chart.set_y_scale(leather.Ordinal(list(reversed(days))))
    chart.add_x_axis(ticks=hours[::3])
    chart.add_series(leather.Series(rows), _Cells())
    return _finished(chart, 150, title, words)


def level(texts: int, most: int) -> int:
    """Return how strong a square is: 0 for none, else 1 to LEVELS by its share of the most."""
    return math.ceil(LEVELS * texts / most) if texts and most else 0


def _top(most: int) -> int:
    """Return where an axis ends: a round number that is not much above the most."""
    if most <= 4:
        return max(most, 1) + most % 2
    step: int = 10 ** (len(str(most)) - 1)
    return next(top for top in (step, 2 * step, 4 * step, 6 * step, 8 * step, 10 * step) if top >= most)


def _finished(chart: Any, height: int, title: str, words: str) -> Markup:
    drawn: Any = ET.fromstring(chart.to_svg(width=_WIDTH, height=height))  # noqa: S314 - leather's own, made just now
    svg = ET.Element(
        "svg",
        {
            "viewBox": f"0 0 {_WIDTH} {height}",
            "role": "img",
            "aria-label": f"{title}. {words}",
            "class": "chart",
            "direction": "ltr",
        },
    )
    ET.SubElement(svg, "title").text = title
    ET.SubElement(svg, "desc").text = words
    body = drawn[0]
    body.remove(body[0])  # the background
    margin = body[0]
    margin.remove(margin[0])  # the legend, which stands beside the chart in the page's own letters
    svg.append(body)
    lines = 0
    for element in body.iter():
        element.tag = element.tag.removeprefix(_SVG)
        for name in _DROPPED:
            element.attrib.pop(name, None)
        for name, value in element.items():
            element.set(name, _NUMBER.sub(lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), value))
        if element.get("class") == "series lines":
            element.set("class", f"s{lines}")
            lines += 1
    return Markup(ET.tostring(svg, encoding="unicode"))  # noqa: S704 - ElementTree has escaped what stands in it
