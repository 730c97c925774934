"""The words of a broadcast with places for what is known of the recipient: `{name}` and `{city}`.

A person's own name can never make their text dearer: where the name adds a part, the text is written with its first
word, and where that adds one too, with the default. What the default costs is what the approver saw.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from faults import FaultError, fault
from gateway.rules.message_parts import MessageParts, cheapest_parts

FIELDS = ("name", "city")
LONGEST = 10
"""The most parts of a broadcast's text; the outbox takes no longer ones."""

DEFAULTS: MappingProxyType[str, MappingProxyType[str, str]] = MappingProxyType(
    {
        "en": MappingProxyType({"name": "friend", "city": "your city"}),
        "ur": MappingProxyType({"name": "ساتھی", "city": "آپ کا شہر"}),
        "ur-Latn": MappingProxyType({"name": "saathi", "city": "aap ka shehr"}),
    }
)
"""What stands in a text where a person's name or city is not known, by the text's language."""

_FIELD = re.compile(r"\{([^{}]*)\}")


class TemplateError(FaultError):
    """The words cannot be sent as they are; the fault is one sentence."""


class Rendered(NamedTuple):
    """One recipient's text as it goes out. `shortened`: the name was cut or left out because it would add a part."""

    counted: MessageParts
    shortened: bool = False

    @property
    def body(self) -> str:
        return self.counted.text


def check(words: str, defaults: Mapping[str, str] | None = None) -> frozenset[str]:
    """Return the fields that a template names.

    :param defaults: what stands for a missing name or city; the English ones otherwise
    :raises TemplateError: it is empty, too long, or has a brace that is no field
    """
    if not words.strip():
        raise TemplateError(fault("template.empty", "A text has no words."))
    named = frozenset(_FIELD.findall(words))
    if unknown := sorted(named - set(FIELDS)):
        raise TemplateError(
            fault(
                "template.unknown",
                "There is no {{{unknown}}}; a text may have {{name}} and {{city}}.",
                unknown=unknown[0],
            )
        )
    bare = _FIELD.sub("", words)
    if "{" in bare or "}" in bare:
        raise TemplateError(
            fault("template.brace", "A brace stands alone: write {{name}} or {{city}}, and no other braces.")
        )
    counted = cheapest_parts(_fill(words, {**DEFAULTS["en"], **(defaults or {})}))
    if counted.parts > LONGEST:
        raise TemplateError(
            fault(
                "template.long", "A text takes {parts} parts; {most} are the most.", parts=counted.parts, most=LONGEST
            )
        )
    return named


def render(words: str, defaults: Mapping[str, str], name: str, city: str) -> Rendered:
    """Return the text of a recipient; an empty `name` or `city` becomes the default.

    Never more parts than with the default name in the same city.
    """
    city = city or defaults["city"]
    plain = _plain(words, defaults["name"], city)
    name = " ".join(name.split())
    if not name or "{name}" not in words:
        return plain
    most = plain.counted.parts
    counted = cheapest_parts(_fill(words, {"name": name, "city": city}))
    if counted.parts <= most:
        return Rendered(counted)
    first = name.split(" ", 1)[0]
    counted = cheapest_parts(_fill(words, {"name": first, "city": city}))
    return Rendered(counted if counted.parts <= most else plain.counted, shortened=True)


@lru_cache(maxsize=4_096)
def _plain(words: str, name: str, city: str) -> Rendered:
    return Rendered(cheapest_parts(_fill(words, {"name": name, "city": city})))


def _fill(words: str, values: Mapping[str, str]) -> str:
    """Fill the fields in one pass: braces inside a name are only braces."""
    plain, fields = _pieces(words)
    return plain + "".join([values[field] + after for field, after in fields])


@lru_cache(maxsize=256)
def _pieces(words: str) -> tuple[str, Sequence[tuple[str, str]]]:
    """Return what stands before the first field, then each field with what follows it."""
    plain, *rest = _FIELD.split(words)
    return plain, tuple(zip(rest[::2], rest[1::2], strict=True))
