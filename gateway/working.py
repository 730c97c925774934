"""The worker's work: send what waits in the outbox, receive what its carriers bring, and let the clock tick."""

from sqlalchemy import Engine

from gateway.clock import ticking
from gateway.database import reading
from gateway.outbox.worker import run
from gateway.overrides.in_force import Watch
from gateway.places.current import current_directory
from gateway.reception import receiving
from gateway.settings import Settings


def work(settings: Settings, engine: Engine) -> None:
    """Work until SIGTERM or SIGINT; what is on the way to a carrier is still answered and recorded."""
    watch = Watch(engine, settings)
    with reading(engine) as connection:
        current_directory(connection)  # the first text of a broadcast must not wait for it
    with ticking(engine, watch):
        run(settings, around=receiving, accounts_now=watch.accounts_now)
