"""`jalsa hooks`: whom we tell by webhook what happens (docs/hooks.md)."""

import getpass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from gateway.accounts.seal import sealer_from
from gateway.clock import courier_from
from gateway.commands.shared import AsJson, complaints, console, ready_engine, settings_or_stop, show, show_one, stop
from gateway.database import reading, writing
from gateway.hooks import deliveries, endpoints
from gateway.hooks.endpoints import HookError
from gateway.hooks.post import check_reachable
from gateway.rules.hook_address import AddressRefused
from gateway.rules.hook_events import KINDS, UnknownKind

app = typer.Typer(help="Tell other programs by signed webhooks what happens.", no_args_is_help=True)

Endpoint = Annotated[int, typer.Argument(help="The endpoint's id, as `jalsa hooks list` shows it.")]
_STATES = ("waiting", "delivered", "given_up")


@app.command("add")
def add(
    url: Annotated[str, typer.Argument(help="Where to send: https://host/path.")],
    event: Annotated[list[str] | None, typer.Option(help="What to tell; several times, or report.* or *.")] = None,
    with_phones: Annotated[bool, typer.Option("--with-phones", help="Tell whole numbers; masked otherwise.")] = False,
    with_texts: Annotated[bool, typer.Option("--with-texts", help="Tell the words and places of reports.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add an endpoint. Its secret is shown once: it is sealed from then on."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine:
        try:
            check_reachable(url, settings.hook_allowed)
            with writing(engine) as connection:
                number, secret = endpoints.add_endpoint(
                    connection, url, event or (), sealer_from(settings), datetime.now(UTC), by=getpass.getuser(),
                    with_phones=with_phones, with_texts=with_texts,
                )  # fmt: skip
        except UnknownKind as error:
            stop(f"--event: {error}", 2)
        except (AddressRefused, HookError) as error:
            stop(str(error), 2)
    show_one({"id": number, "url": shown_url(url), "secret": secret}, as_json)
    if not as_json:
        complaints.print("Keep the secret now: it is not shown again. Try it with: jalsa hooks test", number)


@app.command("events")
def list_events(as_json: AsJson = False) -> None:
    """List what can be told."""
    show([{"event": kind, "when": words} for kind, words in KINDS.items()], ("event", "when"), as_json, "")


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List the endpoints, how they do, and what waits for them."""
    with ready_engine(settings_or_stop()) as engine, reading(engine) as connection:
        rows = [_shown(row) for row in endpoints.list_endpoints(connection)]
    columns = ("id", "url", "events", "told", "health", "waiting", "given_up")
    show(rows, columns, as_json, "Nobody is told: jalsa hooks add https://host/path --event member.joined")


def shown_url(url: str) -> str:
    """Return a URL without its query, which may hold a token."""
    parts = urlsplit(url)
    return parts._replace(query="…" if parts.query else "").geturl()


def _shown(row: Any) -> dict[str, object]:
    health = "well"
    if row.disabled_at is not None:
        health = f"off since {row.disabled_at:%Y-%m-%d %H:%M} UTC: {row.disabled_reason}"
    elif row.failures:
        health = f"failing since {row.failing_since:%Y-%m-%d %H:%M} UTC"
    told = [word for word, given in (("phones", row.with_phones), ("texts", row.with_texts)) if given]
    return {
        "id": row.id, "url": shown_url(row.url), "events": row.kinds, "told": told, "health": health,
        "waiting": row.waiting, "given_up": row.given_up,
    }  # fmt: skip


@app.command("test")
def test(endpoint: Endpoint) -> None:
    """Send a hook.test to an endpoint now, and say what came back."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine:
        courier = courier_from(engine, settings)
        try:
            answer = courier.test(endpoint)
        except HookError as error:
            stop(str(error))
        finally:
            courier.close()
    if not answer.well:
        stop(f"It failed: {answer.error}. It will be tried again.")
    console.print(f"It answered {answer.status}.")


@app.command("deliveries")
def list_deliveries(
    endpoint: Annotated[int | None, typer.Argument(help="Only those of this endpoint.")] = None,
    state: Annotated[str, typer.Option(help=f"Only those that are {', '.join(_STATES)}.")] = "",
    most: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what was sent and what waits, the newest first."""
    if state and state not in _STATES:
        stop(f"--state: it is one of {', '.join(_STATES)}.", 2)
    with ready_engine(settings_or_stop()) as engine, reading(engine) as connection:
        found = deliveries.list_deliveries(connection, endpoint, state, most)
        rows = [
            {"id": row.id, "endpoint": row.endpoint_id, "event": row.kind, "webhook-id": row.uid, "state": row.state,
             "attempts": row.attempts, "answer": row.error or row.status,
             "next": row.due_at if row.state == "waiting" else None}
            for row in found
        ]  # fmt: skip
    columns = ("id", "endpoint", "event", "webhook-id", "state", "attempts", "answer", "next")
    show(rows, columns, as_json, "Nothing was sent yet.")


@app.command("resend")
def resend(
    delivery: Annotated[int | None, typer.Argument(help="A delivery, as `jalsa hooks deliveries` shows it.")] = None,
    given_up: Annotated[int | None, typer.Option(help="Instead: all that were given up of this endpoint.")] = None,
) -> None:
    """Send again, with the same webhook-id: a receiver that has it already drops it."""
    if (delivery is None) == (given_up is None):
        stop("Name a delivery, or an endpoint with --given-up.", 2)
    with ready_engine(settings_or_stop()) as engine, writing(engine) as connection:
        try:
            count = deliveries.send_again(connection, datetime.now(UTC), delivery_id=delivery, given_up_of=given_up)
        except HookError as error:
            stop(str(error))
    if delivery is not None and not count:
        stop(f"Delivery {delivery} is on its way at this moment.")
    console.print(f"{count} will be sent again.")


@app.command("rotate-secret")
def rotate_secret(
    endpoint: Endpoint,
    hours: Annotated[int, typer.Option(min=0, max=720, help="How long the old secret signs too.")] = 24,
    as_json: AsJson = False,
) -> None:
    """Give an endpoint a new secret, shown once; the old one signs as well for some hours."""
    settings = settings_or_stop()
    with ready_engine(settings) as engine, writing(engine) as connection:
        try:
            secret = endpoints.rotate_secret(
                connection, endpoint, sealer_from(settings), datetime.now(UTC), timedelta(hours=hours)
            )
        except HookError as error:
            stop(str(error))
    show_one({"id": endpoint, "secret": secret}, as_json)


@app.command("disable")
def disable(endpoint: Endpoint) -> None:
    """Switch an endpoint off; what waits for it stays."""
    with ready_engine(settings_or_stop()) as engine, writing(engine) as connection:
        if not endpoints.disable_endpoint(connection, endpoint, f"by {getpass.getuser()}", datetime.now(UTC)):
            stop(f"There is no endpoint {endpoint} that is on.")
    console.print(f"Endpoint {endpoint} is off.")


@app.command("enable")
def enable(endpoint: Endpoint) -> None:
    """Switch an endpoint on again; what waited for it is sent now."""
    with ready_engine(settings_or_stop()) as engine, writing(engine) as connection:
        try:
            count = endpoints.enable_endpoint(connection, endpoint, datetime.now(UTC))
        except HookError as error:
            stop(str(error))
    console.print(f"Endpoint {endpoint} is on; {count} that waited are sent now.")


@app.command("remove")
def remove(endpoint: Endpoint) -> None:
    """Remove an endpoint and what waits for it."""
    with ready_engine(settings_or_stop()) as engine, writing(engine) as connection:
        try:
            endpoints.remove_endpoint(connection, endpoint)
        except HookError as error:
            stop(str(error))
    console.print(f"Endpoint {endpoint} is removed.")
