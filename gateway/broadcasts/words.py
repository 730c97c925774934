"""Each recipient's own text: which language they get, their city's name in it, and what it costs."""

from collections.abc import Mapping
from functools import lru_cache

import phonenumbers.timezone

from gateway.audience.counting import Recipient
from gateway.broadcasts.drafts import Draft
from gateway.places.directory import Directory
from gateway.rules.templates import DEFAULTS, Rendered, render


class Words:
    """Writes the texts of one draft."""

    def __init__(self, draft: Draft, directory: Directory, default_language: str) -> None:
        self._texts = draft.texts
        self._fallback = default_language if default_language in draft.texts else next(iter(draft.texts))
        self._defaults: Mapping[str, Mapping[str, str]] = {
            language: {**DEFAULTS.get(language, DEFAULTS["en"]), **draft.defaults.get(language, {})}
            for language in draft.texts
        }
        self._directory = directory
        self._cities: dict[tuple[str | None, str], str] = {}

    def language_for(self, language: str) -> str:
        """Return the language that a reader of `language` is texted in: the house's own where no text is in theirs."""
        return language if language in self._texts else self._fallback

    def of(self, recipient: Recipient) -> tuple[str, Rendered]:
        """Return the language and the text of a recipient."""
        language = self.language_for(recipient.language)
        return language, self.written(language, recipient.name, self._city(recipient.city, language))

    def written(self, language: str, name: str, city: str) -> Rendered:
        """Return a text of a language for a name and a city in words; empty ones become defaults."""
        return render(self._texts[language], self._defaults[language], name, city)

    def _city(self, key: str | None, language: str) -> str:
        found = self._cities.get((key, language))
        if found is None:
            place = self._directory.places.get(key or "")
            found = (place.names.get(language) or place.name) if place else ""
            self._cities[key, language] = found
        return found


def written_plainly(words: str, language: str) -> Rendered:
    """Return a template as who has no name and no city on file gets it: what a text costs at least."""
    return render(words, DEFAULTS.get(language, DEFAULTS["en"]), "", "")


def zone_of_number(number: str, home: str) -> str:
    """Return the time zone in which a number's sending hours are told: its country's or area's, else `home`."""
    return _zone(number[:8], home)


@lru_cache(maxsize=16_384)
def _zone(beginning: str, home: str) -> str:
    try:
        parsed = phonenumbers.parse(beginning.ljust(12, "0"))
    except phonenumbers.NumberParseException:
        return home
    # By the beginning alone: padded, it may be no number of its country, and the country's clock holds all the same.
    found = phonenumbers.timezone.time_zones_for_geographical_number(parsed)
    zones = [zone for zone in found if zone != "Etc/Unknown"]
    return home if not zones or home in zones else str(zones[0])
