"""Points as a CSV that `csv_file` reads again: the columns of an import, but for the marshals' phones."""

import csv
import io
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from gateway.pickups.overview import PointSeen

COLUMNS = (
    "name", "name_ur", "city", "lat", "lon", "aliases", "landmark", "landmark_ur", "departures", "seats", "opens",
    "closes", "state",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def points_csv(points: Sequence[PointSeen], zone: ZoneInfo) -> str:
    """Return the points as CSV with CRLF line ends; times are in `zone` with their date.

    A cell that a spreadsheet would take for a formula begins with an apostrophe, which an import takes off again.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for point in points:
        buses = [bus for bus in point.buses if bus.left_at is None]
        counted = any(bus.seats is not None for bus in buses)
        seats = "|".join("" if bus.seats is None else str(bus.seats) for bus in buses) if counted else ""
        writer.writerow(
            [
                _safe(point.name),
                _safe(point.names.get("ur", "")),
                _safe(point.city),
                f"{point.lat:.6f}",
                f"{point.lon:.6f}",
                _safe("|".join(point.aliases)),
                _safe(point.landmarks.get("", "")),
                _safe(point.landmarks.get("ur", "")),
                "|".join(f"{bus.planned_at.astimezone(zone):%Y-%m-%d %H:%M}" for bus in buses),
                seats,
                f"{point.opens_at.astimezone(zone):%Y-%m-%d %H:%M}" if point.opens_at else "",
                f"{point.closes_at.astimezone(zone):%Y-%m-%d %H:%M}" if point.closes_at else "",
                point.state,
            ]
        )
    return out.getvalue()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
