"""How right the proposed clusters are: precision and recall of pairs on texts like those of the 2010 floods.

    python -m bench.reports.measure_clusters

The texts are made up for this measurement, in groups that are one problem each; places come from the base gazetteer.
They arrive in an order that mixes the groups, half a minute apart.
"""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

from gateway.reports.similar import Compared, best_head, content_words
from gateway.reports.sorting import Sorter
from gateway.reports.triage import load_triage
from segments import default_gazetteer, default_register

_TEXTS = Path(__file__).parent / "texts"
MEASURED = ("floods", "floods_b")
"""The second were written later; words of boats and roofs were added to the triage with them read."""


def measure(*, wrong: bool = False) -> dict[str, object]:
    """Return pairs of each set: how many are true, proposed, and both."""
    return {name: _measure(name, wrong=wrong) for name in MEASURED}


def _measure(name: str, *, wrong: bool) -> dict[str, object]:
    lines = [line.split("\t") for line in (_TEXTS / f"{name}.tsv").read_text(encoding="utf-8").splitlines()]
    sorter = Sorter(load_triage(), default_gazetteer(), default_register())
    start = datetime(2026, 1, 1, tzinfo=UTC)
    mixed = sorted(range(len(lines)), key=lambda number: (number * 7) % len(lines))
    seen = Counter(word for _, text in lines for word in content_words(text))
    heads: list[Compared] = []
    cluster: dict[int, int] = {}
    for turn, number in enumerate(mixed):
        text = lines[number][1]
        sorting = sorter.sort(text)
        new = Compared(
            number, sorting.category, sorting.place_key, sorting.lat, sorting.lon, text,
            start + timedelta(seconds=30 * turn),
        )  # fmt: skip
        best = best_head(new, heads, seen, len(lines))
        cluster[number] = best[0].id if best else number
        if not best:
            heads.append(new)
    pairs = list(combinations(range(len(lines)), 2))
    true = {pair for pair in pairs if lines[pair[0]][0] == lines[pair[1]][0]}
    proposed = {pair for pair in pairs if cluster[pair[0]] == cluster[pair[1]]}
    if wrong:
        for one, other in sorted(true ^ proposed):
            what = "missed" if (one, other) in true else "wrong "
            print(what, lines[one][1], "|", lines[other][1], sorter.sort(lines[one][1]), sorter.sort(lines[other][1]))
    both = len(true & proposed)
    return {
        "texts": len(lines),
        "true_pairs": len(true),
        "proposed_pairs": len(proposed),
        "precision": round(both / len(proposed), 3),
        "recall": round(both / len(true), 3),
    }


if __name__ == "__main__":
    import sys

    print(json.dumps(measure(wrong="--wrong" in sys.argv)))
