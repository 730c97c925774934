"""From a report's words to its sorting: triage, and the place that is named. Pure."""

import re
from dataclasses import dataclass

from gateway.reports.triage import TriageRules
from gateway.rules.report_talk import Sorting
from segments import ConstituencyRegister, Gazetteer, Place, extract

_POSITION = re.compile(r"(?<![\d.])(-?\d{1,2}\.\d{3,})\s*(?:,|%2C|\s)\s*(-?\d{1,3}\.\d{3,})(?![\d.])", re.IGNORECASE)
_MOST_FOR_PLACE = 400  # letters in which a place is looked for


@dataclass(frozen=True)
class Sorter:
    """The rules and the places of one moment. `gazetteer` knows the event's pick-up points too."""

    rules: TriageRules
    gazetteer: Gazetteer
    register: ConstituencyRegister

    def sort(self, text: str) -> Sorting:
        """Return what a text is about and where: a spot on the ground, else a place spelt exactly, else nothing."""
        verdict = self.rules.judge(text)
        place = None if verdict.kind == "noise" else self._place(text)
        lat, lon = (place.lat, place.lon) if place else (None, None)
        if position := _position(text):
            lat, lon = position
        if verdict.spot:
            told, key = verdict.spot, f"spot:{verdict.spot}"
        elif place:
            told, key = place.name, f"place:{place.key}"
        elif lat is not None and lon is not None:
            told, key = f"{lat:.4f},{lon:.4f}", f"at:{lat:.3f},{lon:.3f}"
        else:
            told, key = "", ""
        return Sorting(
            category=verdict.category,
            kind=verdict.kind,
            urgency=verdict.urgency,
            because=verdict.because,
            place=told[:120],
            place_key=key[:140],
            lat=lat,
            lon=lon,
            pages=verdict.pages,
        )

    def _place(self, text: str) -> Place | None:
        # A near spelling would find some village in nearly every sentence.
        match = extract(text[:_MOST_FOR_PLACE], self.gazetteer, self.register, misspelt=False).place
        return match.place if match.certain else None


def _position(text: str) -> tuple[float, float] | None:
    for found in _POSITION.finditer(text):
        lat, lon = float(found[1]), float(found[2])
        if -90 <= lat <= 90 and -180 <= lon <= 180:
            return lat, lon
    return None
