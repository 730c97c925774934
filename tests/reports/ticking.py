"""A process that does nothing but escalate reports, again and again, until it is killed: `python -m
tests.reports.ticking DATABASE_URL`. Says "ready" once it has begun."""

import sys
import time
from datetime import UTC, datetime

from gateway.database import make_engine
from gateway.reports.setup import notifier_from
from gateway.reports.ticks import escalate
from tests.gateway.conftest import settings_for


def main(url: str) -> None:
    settings = settings_for(url)
    engine, notifier = make_engine(settings.database_url), notifier_from(settings)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        escalate(engine, notifier, datetime.now(UTC))
        time.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1])
