"""The eight ways in which people come to the console: on a phone and on a desk, with script and without, in English and
in Urdu. A journey goes all of them:

    @in_every_way
    def test_a_point_is_marked_full(open_page: OpenPage, way: Way) -> None:
        visit = Visit(open_page("organiser", "/console/pickups/1", **way.look), way)
        visit.press("pickups.make_full")
        visit.is_told("pickups.is_full")

The person at the page goes by the words that stand there, which are the console's own in that language. After each step
the page still runs as its language does.
"""

import re
import string
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from gateway.console.say import RIGHT_TO_LEFT, load_wording
from tests.console.conftest import check_page

_KEYS = load_wording().keys()


@dataclass(frozen=True)
class Way:
    phone: bool
    script: bool
    language: str

    def __str__(self) -> str:
        return f"{'phone' if self.phone else 'desk'}-{'script' if self.script else 'plain'}-{self.language}"

    @property
    def look(self) -> dict[str, Any]:
        """What `open_page` wants to know."""
        return {"phone": self.phone, "script": self.script, "language": self.language}

    @property
    def number(self) -> int:
        """0 to 7, for phone numbers and names that one way alone uses."""
        return WAYS.index(self)

    def words(self, key: str, **values: object) -> str:
        """Return a sentence of the console as it is read on a page."""
        wording = load_wording()
        if values.get("n") == 1 and f"{key}_one" in _KEYS:
            key += "_one"
        return wording.say_raw(self.language, key).format(**values)

    def spoken(self, key: str, **values: object) -> str:
        """Return a sentence as it stands in an attribute, with the marks that isolate what runs the other way."""
        return load_wording().say(self.language, key, **values)

    def any_words(self, key: str, *, whole: bool = True) -> re.Pattern[str]:
        """Return a pattern of a sentence, whatever its values are; `whole` when nothing stands around it."""
        sentences = [load_wording().say_raw(self.language, one) for one in (key, f"{key}_one") if one in _KEYS]
        either = "|".join(_with_any_values(sentence) for sentence in sentences)
        return re.compile(f"^(?:{either})$" if whole else either)


WAYS = [Way(*each) for each in product((True, False), (True, False), ("en", "ur"))]
in_every_way = pytest.mark.parametrize("way", WAYS, ids=str)
in_opposite_ways = pytest.mark.parametrize("way", [Way(True, False, "ur"), Way(False, True, "en")], ids=str)
"""Two ways that differ in everything: for what is done beside the journeys."""


def _with_any_values(sentence: str) -> str:
    pieces = string.Formatter().parse(sentence)
    return "".join(re.escape(literal) + (".+" if name is not None else "") for literal, name, _, _ in pieces)


class Visit:
    """Somebody at a page, who finds things by the words on them. A word that is not there, or stands there twice, fails
    the step."""

    def __init__(self, page: Page, way: Way) -> None:
        self.page, self.way = page, way
        self.stands()

    def at(self, path: str) -> None:
        """Go to an address."""
        self.page.goto(path)
        self.stands()

    def stands(self) -> None:
        """The page is in the language and runs as it does."""
        language = self.way.language
        direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
        expect(self.page.locator(f'html[lang="{language}"][dir="{direction}"]')).to_be_attached()

    def is_sound(self, **more: Any) -> None:
        """Nothing is wrong with the page that `check_page` can find: all of it with script, its weight without."""
        check_page(self.page, **more)

    def field(self, key: str, within: Locator | None = None, **values: object) -> Locator:
        """The field with these words as its label."""
        return (within or self.page).get_by_label(self.way.words(key, **values), exact=True)

    def button(self, key: str, within: Locator | None = None, **values: object) -> Locator:
        """The button with these words."""
        return (within or self.page).get_by_role("button", name=self.way.words(key, **values), exact=True)

    def press(self, key: str, within: Locator | None = None, **values: object) -> None:
        self.button(key, within, **values).click()

    def press_spoken(self, key: str, **values: object) -> None:
        """Press a button that shows a sign, and whose words are for those who hear the page."""
        self.page.get_by_role("button", name=self.way.spoken(key, **values), exact=True).click()

    def follow(self, key: str, within: Locator | None = None) -> None:
        """Click the link with these words."""
        (within or self.page).get_by_role("link", name=self.way.words(key), exact=True).click()
        self.stands()

    def unfold(self, key: str) -> None:
        """Open what is folded under these words."""
        self.page.locator("summary").filter(has_text=re.compile(f"^{re.escape(self.way.words(key))}$")).click()

    def card(self, key: str) -> Locator:
        """The section of the page under this heading."""
        heading = self.page.get_by_role("heading", name=self.way.words(key), exact=True)
        return self.page.locator("section.card").filter(has=heading)

    def reads(self, key: str, **values: object) -> None:
        """The first heading says this."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(self.way.words(key, **values))
        self.stands()

    def reads_words(self, words: str) -> None:
        """The first heading is this name."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(words)
        self.stands()

    def is_told(self, key: str, **values: object) -> None:
        """The page says at its head that something was done."""
        expect(self.page.locator("p.notice[role=status]").first).to_have_text(self.way.words(key, **values))
        self.stands()
