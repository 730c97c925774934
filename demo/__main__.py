"""`make demo`: play the morning, show what came of it, and look up every effect in the database."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from demo.check import mismatches
from demo.replay import DemoError, Sent, replay, running
from demo.script import ScriptError, Step, read_script
from demo.tell import tell
from gateway.database import make_engine


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if every effect is in the database, 1 if one is not, 2 if the morning could not be played."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--script", type=Path, default=Path(__file__).with_name("morning.csv"))
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        steps = read_script(options.script)
        with tempfile.TemporaryDirectory(prefix="jalsa-demo-") as folder:
            return _play(console, steps, Path(folder))
    except KeyboardInterrupt:
        return 130
    except (ScriptError, DemoError) as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        return 2


def _play(console: Console, steps: list[Step], folder: Path) -> int:
    with running(folder) as gateway:
        began = time.perf_counter()
        sent = _with_progress(console, steps, lambda progress: asyncio.run(replay(steps, gateway, progress)))
        seconds = time.perf_counter() - began
    engine = make_engine(gateway.database_url)
    try:
        tell(console, engine, sent, seconds)
        wrong = mismatches(engine, sent)
    finally:
        engine.dispose()
    for sentence in wrong:
        console.print(f"NOT AS THE SCRIPT SAYS: {sentence}", style="red", markup=False, highlight=False, soft_wrap=True)
    if wrong:
        console.print(f"{len(wrong)} effects differ.", style="bold red")
        return 1
    console.print("Every effect that the script expects is in the database, and nothing else.", style="bold green")
    return 0


def _with_progress(console: Console, steps: list[Step], play: Callable[[Callable[[], None]], list[Sent]]) -> list[Sent]:
    columns = (TextColumn("A morning of texts"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(steps))
        return play(lambda: progress.advance(task))


if __name__ == "__main__":
    sys.exit(main())
