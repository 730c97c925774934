"""Placeholders in a settings file: `{to}`, `{text}` and the like, checked when the file is read, filled for each text.

What a text says can never add a parameter, a header or a JSON key: every value is escaped for the place it stands in.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape as xml_escape

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")

Escape = Callable[[str], str]


def plain(value: str) -> str:
    return value


def for_url(value: str) -> str:
    return quote(value, safe="")


def for_xml(value: str) -> str:
    return xml_escape(value, {'"': "&quot;", "'": "&apos;"})


def for_json(value: str) -> str:
    """Return a value for between the quotes of a JSON string."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


def for_header(value: str) -> str:
    """Return a value without anything that could end a header line; letters that a header cannot hold are quoted."""
    return quote(value, safe=" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~")


ESCAPES: Mapping[str, Escape] = {"none": plain, "url": for_url, "xml": for_xml, "json": for_json}


def check(template: str, known: Iterable[str], where: str) -> set[str]:
    """Return the names of a template's placeholders.

    :raises ValueError: one is not among `known`; says which and where
    """
    names, used = set(known), set(_PLACEHOLDER.findall(template))
    for name in sorted(used - names):
        raise ValueError(f"{where}: there is no placeholder {{{name}}}; there are {', '.join(sorted(names))}")
    return used


def fill(template: str, values: Mapping[str, str], escape: Escape = plain) -> str:
    """Return the template with its placeholders filled, each value escaped."""
    return _PLACEHOLDER.sub(lambda found: escape(values[found[1]]), template)


def with_ones(template: str) -> str:
    """Return the template with a 1 for each placeholder: what stands around them can be looked at so."""
    return _PLACEHOLDER.sub("1", template)


def strings_in(tree: Any) -> Iterable[str]:
    """Return every string of a JSON tree, so that templates in it can be checked."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from strings_in(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from strings_in(value)


def fill_tree(tree: Any, values: Mapping[str, str]) -> Any:
    """Return a JSON tree with the placeholders in its strings filled; numbers and booleans stay as they are."""
    if isinstance(tree, str):
        return fill(tree, values)
    if isinstance(tree, Mapping):
        return {key: fill_tree(value, values) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [fill_tree(value, values) for value in tree]
    return tree
