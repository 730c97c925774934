"""Places are read once and again when they have changed, and what was rolled back is remembered by nobody."""

import gc
from typing import Any

import pytest
from sqlalchemy import Engine, event, update

from gateway.database import make_engine, reading, writing
from gateway.places.current import current_directory
from gateway.revisions import bump
from gateway.tables import Place
from tests.broadcasts.conftest import Desk, desk
from tests.outbox.conftest import outbox

__all__ = ["desk", "outbox"]


def name_of(engine: Engine) -> str:
    with reading(engine) as connection:
        return current_directory(connection).places["lahore"].name


def rename(connection: Any, name: str) -> None:
    connection.execute(update(Place).where(Place.key == "lahore").values(name=name))
    bump(connection, "places")


def test_read_once_and_again_after_a_change(engine: Engine) -> None:
    with reading(engine) as connection:
        first = current_directory(connection)
    with writing(engine) as connection:
        assert current_directory(connection) is first
        rename(connection, "Lahor")
        assert current_directory(connection).places["lahore"].name == "Lahor", "a transaction sees what it wrote"
    assert name_of(engine) == "Lahor"


def test_the_garbage_collector_leaves_places_alone_and_what_comes_later_is_its_own(engine: Engine) -> None:
    """Frozen anew for every database, what a process has done with would stay for ever."""
    assert name_of(engine) == "Lahore"
    frozen = gc.get_freeze_count()
    assert frozen > 10_000 and gc.get_threshold()[0] > 10_000
    other = make_engine(str(engine.url.render_as_string(hide_password=False)))
    assert name_of(other) == "Lahore"
    assert gc.get_freeze_count() <= frozen


def test_what_is_rolled_back_is_not_remembered(engine: Engine) -> None:
    assert name_of(engine) == "Lahore"
    with pytest.raises(ZeroDivisionError), writing(engine) as connection:
        rename(connection, "Nowhere")
        current_directory(connection)
        raise ZeroDivisionError
    assert name_of(engine) == "Lahore"
    with writing(engine) as connection:  # the number that was rolled back is given out again
        rename(connection, "Lahor")
    assert name_of(engine) == "Lahor"


def test_another_process_s_change_is_seen(engine: Engine, database_url: str) -> None:
    assert name_of(engine) == "Lahore"
    other = make_engine(database_url)
    with writing(other) as connection:
        rename(connection, "Lahor")
    other.dispose()
    assert name_of(engine) == "Lahor"


def test_a_broadcast_from_preview_to_its_last_chunk_reads_places_once_at_most(desk: Desk) -> None:
    seen: list[str] = []

    def note(*arguments: Any) -> None:
        if " places" in arguments[2] and "population" in arguments[2]:
            seen.append(arguments[2])

    desk.members(20)
    event.listen(desk.engine, "before_cursor_execute", note)
    for name in ("First", "Second"):
        desk.begin(name=name)
        desk.plan()
    event.remove(desk.engine, "before_cursor_execute", note)
    assert len(seen) == 1
