"""The phones of the simulated network and the texts on their screens, kept in this process's memory alone."""

import unicodedata
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from gateway.rules.message_parts import MessageParts, count_parts

KEPT_TEXTS = 200
KEPT_PHONES = 2_000
SHOWN_PHONES = 24

FROM_PHONE, TO_PHONE = "from-phone", "to-phone"


@dataclass(slots=True)
class ScreenText:
    """One text on a phone's screen. `direction` is `FROM_PHONE` or `TO_PHONE`; `at` is aware UTC.

    `state` is sending, taken, refused (with `problem`), arrived or lost; `changed` is the network's count at its last
    change.
    """

    id: int
    number: str
    direction: str
    body: str
    at: datetime
    state: str
    problem: str = ""
    changed: int = 0

    @property
    def parts(self) -> MessageParts:
        return count_parts(self.body)

    @property
    def right_to_left(self) -> bool:
        """Whether the first letter with a direction runs right to left (Unicode UAX #9, rules P2 and P3)."""
        return runs_right_to_left(self.body)


@dataclass(slots=True)
class Phone:
    """One phone. `id` stands for it in addresses, which may end up in logs; `language` only chooses sample texts."""

    id: int
    number: str
    name: str
    language: str = "en"
    shown: bool = False
    texts: list[ScreenText] = field(default_factory=list)


class Phones:
    """All phones of a network: those on the page, and the boxes of the newest others that were texted.

    `count` grows with every change, so a page can ask for what is new.
    """

    def __init__(self) -> None:
        self._phones: OrderedDict[str, Phone] = OrderedDict()
        self._last_text = self._last_phone = 0
        self.count = 0

    def shown(self) -> list[Phone]:
        return [phone for phone in self._phones.values() if phone.shown]

    def get(self, number: str) -> Phone | None:
        return self._phones.get(number)

    def add(self, number: str, name: str, language: str = "en") -> Phone:
        """Put a phone on the page; one that was texted before it was there shows those texts."""
        phone = self._box(number)
        phone.name, phone.language = name, language
        if not phone.shown:
            phone.shown = True
            self._phones.move_to_end(number)
        self.count += 1
        return phone

    def remove(self, number: str) -> None:
        """Take a phone off the page with the texts on it; nothing happens if it is not there."""
        if self._phones.pop(number, None):
            self.count += 1

    def put(self, number: str, direction: str, body: str, at: datetime, state: str) -> ScreenText:
        """Show a new text on a phone's screen, on the page or not."""
        phone = self._box(number)
        self._last_text += 1
        text = ScreenText(self._last_text, number, direction, body, at, state)
        phone.texts.append(text)
        del phone.texts[:-KEPT_TEXTS]
        self.touch(text)
        return text

    def touch(self, text: ScreenText, state: str | None = None, problem: str = "") -> None:
        """Say that a text changed, and how."""
        self.count += 1
        text.changed = self.count
        if state:
            text.state, text.problem = state, problem

    def changed_since(self, count: int) -> Iterator[tuple[Phone, ScreenText]]:
        """Yield the texts on the page that changed after `count`, each phone's in their order."""
        return ((phone, text) for phone in self.shown() for text in phone.texts if text.changed > count)

    def _box(self, number: str) -> Phone:
        phone = self._phones.get(number)
        if phone is None:
            self._last_phone += 1
            phone = self._phones[number] = Phone(self._last_phone, number, "")
            if len(self._phones) > KEPT_PHONES:
                hidden = next(other.number for other in self._phones.values() if not other.shown)
                del self._phones[hidden]
        return phone


def runs_right_to_left(text: str) -> bool:
    for letter in text:
        match unicodedata.bidirectional(letter):
            case "R" | "AL":
                return True
            case "L":
                return False
    return False
