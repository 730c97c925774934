"""How many texts a second keywords.parse reads on one core: `python -m bench.keywords [COUNT]`.

The mix is written by the project: commands and chatter in three scripts, every text distinct, so that nothing is
answered from a cache. Beside it runs what most keyword gateways do: the first word, compared with a list. Both
read the same texts in the same run, several rounds in turn; the best round of each counts. The last line is JSON.
"""

import json
import random
import re
import sys
import time
from collections.abc import Callable

from keywords import load_vocabulary, parse

ROUNDS = 5
COUNT = 20_000

_NAMES = [
    "Ali Raza",
    "Sana",
    "Muhammad Usman",
    "Fatima Noor",
    "Bilal",
    "Ayesha Khan",
    "علی",
    "ثناء",
    "Rana Asad",
    "Zainab",
]
_PLACES = [
    "Lahore",
    "multan",
    "Kalma Chowk",
    "NA-130",
    "Korangi No. 4",
    "Gulshan Block 5",
    "لاہور",
    "کلمہ چوک",
    "D.G. Khan",
]
_JOINS = [
    "JOIN {n} {p}",
    "join {p}",
    "AoA JOIN {n}, {p}",
    "jion {p} {n}",
    "شامل {n} {p}",
    "shamil {p} {n}",
    "Fwd: JOIN.{p} {n}",
]
_ASKS = [
    "WHERE {p} {d}",
    "where is my bus from {p} {d}",
    "kahan {p} {d}",
    "{p} se bus kahan milegi",
    "کہاں {p} {d}",
    "whre {p} {d}",
]
_TELLS = [
    "REPORT no water at gate {d}",
    "report gate {d} par pani nahi {p}",
    "masla: bus {d} late hai {p}",
    "شکایت گیٹ {d} پر پانی نہیں",
]
_STOPS = [
    "stop texting me {d}",
    "STOP NA-{d}",
    "mujhe msg mat bhejo {d}",
    "پیغام مت بھیجیں {d}",
    "remove me from your list {d}",
]
_CHATTER = [
    "I am going to {p} with {n} tomorrow, will call you at {d} when I reach home and tell you everything",
    "Where are you? {n} has been waiting at {p} since {d} and nobody picks up the phone",
    "yaar {n} kal {p} gaya tha, wahan {d} log the aur bohat maza aya",
    "report kal submit karni hai {n} ne kaha {d} page likhne hain",
    "Stop worrying so much, {n} will be fine, the doctor in {p} said {d} days of rest",
    "آج {p} میں بہت گرمی ہے، {n} نے کہا کہ {d} بجے ملتے ہیں",
    "haan {n} ko bata dena ke {p} ki sarak band hai, {d} baje nikalna",
    "Happy birthday {n}! May you have {d} more, see you in {p}",
    "ok",
    "Join us at {p} on the {d}th, {n} is bringing the food",
    "میں نے {n} کو {p} میں دیکھا تھا، {d} دن پہلے کی بات ہے",
    "{n} ka number bhej do {d}",
]
_FIRST_WORD = re.compile(r"\s*(\w+)\s*(.*)", re.DOTALL)


def mix(count: int, seed: int = 80022) -> list[str]:
    """`count` distinct texts, half of them chatter."""
    chance = random.Random(seed)
    texts: set[str] = set()
    while len(texts) < count:
        kind = chance.choice([_CHATTER, _CHATTER, _CHATTER, _CHATTER, _JOINS, _ASKS, _TELLS, _STOPS])
        text = chance.choice(kind).format(
            n=chance.choice(_NAMES), p=chance.choice(_PLACES), d=chance.randrange(1, 100_000)
        )
        texts.add(text)
    return sorted(texts, key=lambda _: chance.random())


def naive() -> Callable[[str], str | None]:
    """The baseline: the first word, lower-cased, looked up in a list of keywords."""
    words = {
        keyword.words[0]: keyword.command
        for group in load_vocabulary().keywords.values()
        for keyword in group
        if len(keyword.words) == 1
    }

    def command(text: str) -> str | None:
        found = _FIRST_WORD.match(text)
        return words.get(found[1].lower()) if found else None

    return command


def texts_per_s(read: Callable[[str], object], texts: list[str]) -> float:
    """How many texts a second `read` takes, in time of this process."""
    began = time.process_time()
    for text in texts:
        read(text)
    return len(texts) / (time.process_time() - began)


def main(count: int = COUNT) -> None:
    """Measure and print."""
    baseline = naive()
    rounds = [mix(count, seed) for seed in range(ROUNDS)]  # new texts in every round
    parse("warm up")
    ours = [texts_per_s(parse, texts) for texts in rounds]
    theirs = [texts_per_s(baseline, texts) for texts in rounds]
    texts = rounds[-1]
    slowest = 0.0
    for text in texts:
        began = time.perf_counter()
        parse(text)
        slowest = max(slowest, time.perf_counter() - began)
    differ = sum(parse(text).name != baseline(text) for text in texts)
    print(f"keywords.parse       {max(ours):>10,.0f} texts/s  (rounds: {', '.join(f'{one:,.0f}' for one in ours)})")
    print(
        f"first word in a list {max(theirs):>10,.0f} texts/s  and reads {differ / len(texts):.0%} of them differently"
    )
    figures = {
        "texts_per_s": round(max(ours)),
        "texts_per_s_worst_round": round(min(ours)),
        "baseline_texts_per_s": round(max(theirs)),
        "vs_baseline": round(max(ours) / max(theirs), 3),
        "slowest_text_ms": round(slowest * 1000, 2),
        "texts": len(texts),
    }
    print(json.dumps({"keywords": figures}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
