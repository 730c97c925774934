"""Everything on file of places, kept by each process and read again when it has changed.

Reading it takes up to a second of a busy machine's time, which is all that the first text of a broadcast may take.
"""

from threading import Lock
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine

from gateway import garbage
from gateway.places.directory import Directory
from gateway.places.store import read_directory
from gateway.revisions import changed_here, revisions

_held: WeakKeyDictionary[Engine, tuple[int, Directory]] = WeakKeyDictionary()
_reading = Lock()


def current_directory(connection: Connection) -> Directory:
    """Return everything on file as this transaction sees it: one small statement where nothing has changed."""
    if changed_here(connection, "places"):
        return read_directory(connection)  # what may yet be rolled back is nobody else's
    number = revisions(connection).get("places", 0)
    with _reading:
        held = _held.get(connection.engine)
        if held is None or held[0] != number:
            held = _held[connection.engine] = (number, read_directory(connection))
            garbage.settle()  # places are most of what a process keeps
    return held[1]
