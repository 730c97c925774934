"""What every page of broadcasts stands on: terms, places, and broadcasts within the viewer's areas."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from sqlalchemy import Connection, Engine

from gateway.accounts.viewer import Viewer
from gateway.audience.bounds import bound
from gateway.audience.rules import Audience, atlas_of
from gateway.broadcasts.drafts import BroadcastError, audience_of, find_within
from gateway.broadcasts.terms import BroadcastTerms, broadcast_terms
from gateway.console.access import NotFound
from gateway.console.shell import console_of, visit_of
from gateway.places.directory import Directory
from gateway.places.store import read_directory, revisions
from segments import RuleError, describe, parse

PATH = "/console/broadcasts"
_kept: dict[str, tuple[Mapping[str, int], Directory]] = {}
_lock = threading.Lock()


def utc_now() -> datetime:
    return datetime.now(UTC)


def engine_of(request: Request) -> Engine:
    return console_of(request).engine


def terms_of(request: Request) -> BroadcastTerms:
    return broadcast_terms(console_of(request).settings)


def directory_of(connection: Connection) -> Directory:
    """Return the places on file; read anew only when they have changed, because a rule is looked at as it is typed."""
    seen, where = revisions(connection), str(connection.engine.url)
    with _lock:
        found = _kept.get(where)
    if found and found[0] == seen:
        return found[1]
    directory = read_directory(connection)
    with _lock:
        _kept.clear()
        _kept[where] = (seen, directory)
    return directory


def audience_for(connection: Connection, request: Request, viewer: Viewer, rule: str) -> Audience:
    """Return the audience of a rule within the viewer's areas.

    :raises RuleError: the text is no rule
    """
    return bound(audience_of(rule, directory_of(connection), terms_of(request), utc_now()), viewer.areas)


def sentence_of(connection: Connection, request: Request, rule: str) -> str:
    """Return whom a rule means, as one sentence in the viewer's language; empty where it cannot be read."""
    terms = terms_of(request)
    atlas = atlas_of(directory_of(connection), terms.zone, terms.default_language)
    try:
        return describe(parse(rule), atlas, "ur" if visit_of(request).language == "ur" else "en")
    except RuleError:
        return ""


def row_of(connection: Connection, viewer: Viewer, key: str) -> Any:
    """Return a broadcast that the viewer may see.

    :raises NotFound: there is none, or it texts people outside the viewer's areas
    """
    try:
        return find_within(connection, key, viewer.areas)
    except BroadcastError:
        raise NotFound from None


def at(key: str) -> str:
    return f"{PATH}/{key}"
