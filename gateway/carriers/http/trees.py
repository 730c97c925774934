"""JSON and XML as one kind of tree, so that a settings file finds what it looks for by the same pointers in both.

XML: an element is what its children are called; one that comes several times is a list, an attribute is `@name`, text
beside children or attributes is `#text`; blanks around and prefixes of namespaces are dropped. Nothing is ever fetched
or expanded: a document type is refused.
"""

import json
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

MOST_DEPTH = 40


class NoTree(ValueError):
    """It is not what it says to be."""


def tree_of(body: str) -> Any:
    """Return the tree of a body that looks like JSON or XML, None where it is neither."""
    beginning = body[:200].lstrip("\ufeff \t\r\n")[:1]
    try:
        if beginning in ("{", "["):
            return read_json(body)
        return read_xml(body) if beginning == "<" else None
    except NoTree:
        return None


def read_json(body: str | bytes) -> Any:
    """:raises NoTree: it is no JSON"""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise NoTree from None


def read_xml(body: str | bytes) -> Any:
    """Return {name of the outermost element: its tree}.

    :raises NoTree: it is no XML, has a document type, or is nested too deep
    """
    root: dict[str, Any] = {}
    open_ones: list[tuple[str, dict[str, Any], list[str]]] = [("", root, [])]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(open_ones) > MOST_DEPTH:
            raise NoTree
        fresh: dict[str, Any] = {f"@{_bare(key)}": value for key, value in attributes.items()}
        open_ones.append((_bare(name), fresh, []))

    def end(_name: str) -> None:
        name, found, pieces = open_ones.pop()
        text = "".join(pieces).strip()
        node: Any = found if found else text
        if found and text:
            found["#text"] = text
        around = open_ones[-1][1]
        if name not in around:
            around[name] = node
        elif isinstance(around[name], list):
            around[name].append(node)
        else:
            around[name] = [around[name], node]

    def add(piece: str) -> None:
        open_ones[-1][2].append(piece)

    def refuse(*_given: object) -> None:
        raise NoTree

    parser = ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = add
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except (ExpatError, ValueError, LookupError):
        raise NoTree from None
    return root


def _bare(name: str) -> str:
    return name.rpartition(":")[2]


def node_at(tree: Any, pointer: str) -> Any:
    """Return what stands at a JSON pointer (RFC 6901), None where nothing does."""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(tree, dict):
            tree = tree.get(key)
        elif isinstance(tree, list) and key.isascii() and key.isdigit() and int(key) < len(tree):
            tree = tree[int(key)]
        else:
            return None
    return tree


def at_pointer(tree: Any, pointer: str) -> str | None:
    """Return the string or number at a pointer, None where there is neither."""
    node = node_at(tree, pointer)
    if isinstance(node, dict):  # an XML element with attributes beside its text
        node = node.get("#text")
    if isinstance(node, bool) or not isinstance(node, str | int | float):
        return None
    return str(node)
