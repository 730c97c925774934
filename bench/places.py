"""How long does finding a place take with 50,000 names, beside a naive scan of them all?

Run: python -m bench.places. The last line is one JSON object, times in microseconds. The names are made of words that
Pakistani neighbourhoods are named after, so that thousands share their endings, as real ones do.
"""

import itertools
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence

from rapidfuzz import process

from segments import Gazetteer, Place, default_gazetteer, extract, resolve_constituency, resolve_place
from segments.spelling import word_set

NAMES = 50_000
FIRST = sorted(
    word_set(
        "Ali Gul Shah Noor Kalma Model Faisal Iqbal Jinnah Liaquat "
        "Quaid Allama Johar Garden Green Canal Wapda Askari Awan "
        "Gujjar Rehman Islam Muslim Madina Makkah Bilal Umar Usman "
        "Siddiq Farooq Haider Hussain Hassan Abbas Akbar Babar "
        "Jahangir Alamgir Tariq Khalid Waleed Zafar Ghazi Shaheed Sultan Tipu Nawab Mughal Punjab Sindh Kashmir Khyber "
        "Bolan Ravi Chenab Jhelum Satluj Indus Mehran Makran Thar Cholistan Potohar Margalla Murree Gilgit Hunza Swat"
    )
)
SECOND = sorted(
    word_set("Abad Pur Garh Kot Wala Nagar Ganj Dera Khel Banda Chak Goth Patti Mor Pura Kalan Khurd Tibba Basti Jhok")
)
KINDS = sorted(
    word_set(
        "Colony Town Chowk Road Park Bazar Market Society Block Sector Phase Hospital School College Stop Bridge Mosque"
    )
)


def made_up_names(count: int) -> list[str]:
    """Return so many different names, the same ones every time."""
    plain = (f"{first}{second.lower()} {kind}" for first in FIRST for second in SECOND for kind in KINDS)
    numbered = (
        f"{first}{second.lower()} {kind} {number}"
        for number in range(1, 40)
        for first in FIRST
        for second in SECOND
        for kind in KINDS
    )
    return list(itertools.islice(itertools.chain(plain, numbered), count))


def misspelt(name: str, chance: random.Random) -> str:
    """Return a name with one slip in its longest word: a vowel lost, changed or doubled, or two letters exchanged."""
    words = name.split()
    at = max(range(len(words)), key=lambda number: len(words[number]))
    word = words[at]
    vowels = [place for place in range(1, len(word)) if word[place] in "aeiou"]
    where = chance.choice(vowels or [1])
    slip = chance.randrange(4)
    if slip == 0:
        word = word[:where] + word[where + 1 :]
    elif slip == 1:
        word = word[:where] + chance.choice("aeiou") + word[where + 1 :]
    elif slip == 2:
        word = word[:where] + word[where] + word[where:]
    else:
        word = word[: where - 1] + word[where] + word[where - 1] + word[where + 1 :]
    words[at] = word
    return " ".join(words).lower()


def times(call: Callable[[str], object], texts: Sequence[str]) -> dict[str, float]:
    """Return the middle and the 99th of the times that one call takes over these texts."""
    spent = []
    for text in texts:
        start = time.perf_counter_ns()
        call(text)
        spent.append((time.perf_counter_ns() - start) / 1000)
    spent.sort()
    return {"p50": round(statistics.median(spent), 1), "p99": round(spent[int(len(spent) * 0.99) - 1], 1)}


def main() -> None:
    chance = random.Random(80022)
    names = made_up_names(NAMES)
    start = time.perf_counter()
    gazetteer = Gazetteer(Place(key=str(at), name=name, kind="stop", city="Lahore") for at, name in enumerate(names))
    built = time.perf_counter() - start
    picked = chance.sample(names, 2000)
    slips = [misspelt(name, chance) for name in picked]
    unknown = [f"{word[::-1]} {kind}".lower() for word in FIRST for kind in KINDS]
    read = [resolve_place(slip, gazetteer).name for slip in slips]
    default_gazetteer()
    for text in ("lahore", "NA-130"):
        resolve_place(text)
        resolve_constituency(text)
    result = {
        "names": len(names),
        "build_s": round(built, 2),
        "exact_us": times(lambda text: resolve_place(text, gazetteer), [name.upper() for name in picked]),
        "misspelt_us": times(lambda text: resolve_place(text, gazetteer), slips),
        "unknown_us": times(lambda text: resolve_place(text, gazetteer), unknown),
        "naive_scan_us": times(lambda text: process.extractOne(text, names), slips[:40]),
        "own_data_exact_us": times(resolve_place, ["Lahore", "D.G. Khan", "لاہور"] * 500),
        "own_data_misspelt_us": times(resolve_place, ["faislabad", "peshawer", "gujranwla"] * 300),
        "seat_us": times(resolve_constituency, ["NA-130", "na 130 lahore", "Lahore XIV", "این اے ۱۳۰"] * 300),
        "join_us": times(extract, ["Ali Khan Lahore NA-130 students", "Bilal Sialkot"] * 500),
        "misspelt_read": sum(one == other for one, other in zip(read, picked, strict=True)),
        "misspelt_asked": sum(one is None for one in read),
        "misspelt_wrong": sum(one not in (None, other) for one, other in zip(read, picked, strict=True)),
    }
    for what, value in result.items():
        print(f"{what:22} {value}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
