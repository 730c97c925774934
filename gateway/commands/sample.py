"""`jalsa sample`: a rally to try the gateway on."""

from dataclasses import asdict
from zoneinfo import ZoneInfo

from gateway.commands.shared import AsJson, console, ready_engine, settings_or_stop, show_one
from gateway.sample.loader import load_sample
from gateway.service import utc_now


def load(as_json: AsJson = False) -> None:
    """Load the sample rally: places, pick-up points and buses of a coming Sunday. Running it again changes nothing."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine:
        loaded = load_sample(engine, utc_now())
    if as_json:
        show_one(asdict(loaded), as_json=True)
        return
    doors = loaded.doors_at.astimezone(ZoneInfo(loaded.zone))
    done = "Loaded the sample" if loaded.event_added else "The sample is there already"
    told = f"{done}: {loaded.event_name}, {doors:%A %d %B %H:%M}, with {loaded.points} pick-up points."
    console.print(told, highlight=False, soft_wrap=True)
