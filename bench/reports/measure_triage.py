"""How right triage is: on the labelled rally texts and, given its path, on a file of real crisis texts.

    python -m bench.reports.measure_triage [--wrong] [--crisis FILE]

Beside it stand a majority guess and a plain naive Bayes over words (add-one smoothing), learnt from the tuning half.
None of the sets is truly unseen: whoever wrote the rules wrote the texts. `docs/reports.md` has what each reached when
it was first measured, before its misses were read and the words of their kind added. Expect of real texts what the
first figures of rally_b and rally_c say.
"""

import argparse
import csv
import json
import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.reports.triage import load_triage
from orthography import words

_TEXTS = Path(__file__).parent / "texts"


@dataclass(frozen=True)
class Labelled:
    category: str
    kind: str
    spot: str
    text: str
    urgency: str = ""
    """"0" to "3", where it was labelled."""


def read_rows(name: str) -> list[Labelled]:
    lines = (_TEXTS / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return [Labelled(*line.split("\t")) for line in lines]


class NaiveBayes:
    """Multinomial naive Bayes over folded words, add-one smoothing."""

    def __init__(self, rows: Iterable[tuple[str, str]]) -> None:
        self._labels: Counter[str] = Counter()
        self._words: dict[str, Counter[str]] = defaultdict(Counter)
        for text, label in rows:
            self._labels[label] += 1
            self._words[label].update(words(text))
        self._vocabulary = {word for counted in self._words.values() for word in counted}

    def guess(self, text: str) -> str:
        known = [word for word in words(text) if word in self._vocabulary]

        def weight(label: str) -> float:
            counted = self._words[label]
            whole = sum(counted.values()) + len(self._vocabulary)
            return math.log(self._labels[label]) + sum(math.log((counted[word] + 1) / whole) for word in known)

        return max(sorted(self._labels), key=weight)


def accuracy(truth: Sequence[str], guessed: Sequence[str]) -> float:
    return round(sum(a == b for a, b in zip(truth, guessed, strict=True)) / len(truth), 3)


def macro_f1(truth: Sequence[str], guessed: Sequence[str]) -> float:
    scores = [f1(truth, guessed, label)["f1"] for label in set(truth)]
    return round(sum(scores) / len(scores), 3)


def f1(truth: Sequence[str], guessed: Sequence[str], label: str) -> dict[str, float]:
    right = sum(a == b == label for a, b in zip(truth, guessed, strict=True))
    said, there = sum(one == label for one in guessed), sum(one == label for one in truth)
    precision, recall = right / said if said else 0.0, right / there if there else 0.0
    whole = precision + recall
    return {
        "precision": round(precision, 3),
        "recall": round(recall, 3),
        "f1": round(2 * precision * recall / whole, 3) if whole else 0.0,
    }


MEASURED = ("tune", "held_out", "hard", "fresh", "rally_a", "rally_b", "rally_c")


def rally(*, wrong: bool) -> dict[str, object]:
    rules, learnt = load_triage(), read_rows("tune")
    result: dict[str, object] = {}
    for name in MEASURED:
        rows = read_rows(name)
        if name in ("rally_b", "rally_c"):  # rally_a is seen by then, and it has urgencies to learn from
            learnt = read_rows("tune") + read_rows("rally_a")
        verdicts = [rules.judge(row.text) for row in rows]
        truth, kinds = [row.category for row in rows], [row.kind for row in rows]
        measured: dict[str, object] = {
            "texts": len(rows),
            "category": _both(truth, [one.category for one in verdicts]),
            "kind": {"accuracy": accuracy(kinds, [one.kind for one in verdicts])},
            "paged": f1(
                [str(one in ("medical", "crush")) for one in truth], [str(one.pages) for one in verdicts], "True"
            ),
            "spot_right": accuracy(
                [row.spot for row in rows],
                [one.spot if row.spot else "" for row, one in zip(rows, verdicts, strict=True)],
            ),
        }
        if rows[0].urgency:
            measured["urgency"] = _urgency(rows, [str(one.urgency) for one in verdicts])
        picks: list[tuple[str, Callable[[Labelled], str]]] = [
            ("category", lambda row: row.category), ("kind", lambda row: row.kind), ("urgency", lambda row: row.urgency)
        ]  # fmt: skip
        for what, pick in picks:
            known = [row for row in learnt if pick(row)]
            if name != "tune" and pick(rows[0]) and known:
                measured[f"{what}_beside"] = _beside(known, rows, pick)
        result[name] = measured
        if wrong:
            for row, one in zip(rows, verdicts, strict=True):
                if (row.category, row.kind) != (one.category, one.kind) or (row.spot and row.spot != one.spot):
                    print(name, row, one.category, one.kind, one.spot, one.because)
    return result


def _both(truth: Sequence[str], guessed: Sequence[str]) -> dict[str, float]:
    return {"accuracy": accuracy(truth, guessed), "macro_f1": macro_f1(truth, guessed)}


def _urgency(rows: Sequence[Labelled], ours: Sequence[str]) -> dict[str, float]:
    """Return how right the urgency is, and the share that is lower than it should be."""
    truth = [row.urgency for row in rows]
    too_low = sum(a > b for a, b in zip(truth, ours, strict=True))
    return _both(truth, ours) | {"too_low": round(too_low / len(rows), 3)}


def _beside(learnt: list[Labelled], held: list[Labelled], pick: Callable[[Labelled], str]) -> dict[str, object]:
    majority = Counter(map(pick, learnt)).most_common(1)[0][0]
    model = NaiveBayes((row.text, pick(row)) for row in learnt)
    truth = [pick(row) for row in held]
    return {
        "majority": _both(truth, [majority] * len(held)),
        "naive_bayes": _both(truth, [model.guess(row.text) for row in held]),
    }


CRISIS_LABELS = {
    "medical": {"medical_help", "medical_products"},
    "water": {"water", "food"},
    "lost": {"missing_people", "search_and_rescue"},
    "transport": {"transport"},
}
"""What of the file's labels each of our categories is held to; our other categories have none there."""


def crisis(path: Path, *, wrong: bool) -> dict[str, object]:
    """Per category that the file knows: ours, naive Bayes learnt from its even rows, measured on its odd rows."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row["message"], set(row["labels"].split("|"))) for row in csv.DictReader(file)]
    learnt, held = rows[::2], rows[1::2]
    rules = load_triage()
    result: dict[str, object] = {"texts": len(held)}
    for category, labels in CRISIS_LABELS.items():
        truth = [str(bool(one & labels)) for _, one in held]
        ours = [str(rules.judge(text).scores.get(f"category.{category}", 0) >= 3) for text, _ in held]
        model = NaiveBayes((text, str(bool(one & labels))) for text, one in learnt)
        guessed = [model.guess(text) for text, _ in held]
        result[category] = {
            "in_file": truth.count("True"),
            "rules": f1(truth, ours, "True") | {"accuracy": accuracy(truth, ours)},
            "naive_bayes": f1(truth, guessed, "True") | {"accuracy": accuracy(truth, guessed)},
            "majority": {"f1": 0.0, "accuracy": round(1 - truth.count("True") / len(truth), 3)},
        }
    asks = [str("request" in one) for _, one in held]
    verdicts = [rules.judge(text) for text, _ in held]  # the file counts nobody who only asks for information
    ours = [str(one.scores.get("kind.help", 0) >= 4 and one.category != "information") for one in verdicts]
    model = NaiveBayes((text, str("request" in one)) for text, one in learnt)
    guessed = [model.guess(text) for text, _ in held]
    result["request"] = {
        "in_file": asks.count("True"),
        "rules": f1(asks, ours, "True") | {"accuracy": accuracy(asks, ours)},
        "naive_bayes": f1(asks, guessed, "True") | {"accuracy": accuracy(asks, guessed)},
        "majority": {"f1": 0.0, "accuracy": round(1 - asks.count("True") / len(asks), 3)},
    }
    if wrong:
        for text, labels in learnt:
            verdict = rules.judge(text)
            for category, wanted in CRISIS_LABELS.items():
                if bool(labels & wanted) != (verdict.scores.get(f"category.{category}", 0) >= 3):
                    print(category, bool(labels & wanted), text[:150], verdict.because)
    return result


def speed() -> float:
    """Microseconds of processor time per text."""
    rules = load_triage()
    texts = [row.text for name in ("tune", "held_out") for row in read_rows(name)]
    for text in texts:
        rules.judge(text)
    began = time.process_time()
    for _ in range(10):
        for text in texts:
            rules.judge(text)
    return round((time.process_time() - began) / (10 * len(texts)) * 1e6, 1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("--crisis", type=Path)
    given = parser.parse_args()
    result: dict[str, object] = {"rally": rally(wrong=given.wrong), "microseconds_per_text": speed()}
    if given.crisis:
        result["crisis"] = crisis(given.crisis, wrong=given.wrong)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
