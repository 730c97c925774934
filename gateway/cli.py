"""The `jalsa` command. Each group of commands is a file in gateway/commands/, by noun."""

import errno
import os
import socket
from contextlib import nullcontext
from typing import Annotated

import typer

from gateway.commands import (
    affinities,
    audit,
    broadcasts,
    hooks,
    imports,
    keys,
    members,
    outbox,
    pickups,
    replies,
    reports,
    sample,
    segments,
    staff,
    texts,
    vocabulary,
)
from gateway.commands.shared import check_carriers, console, ready_engine, settings_or_stop, stop
from gateway.database import make_engine
from gateway.migrate import migrate
from gateway.overrides.carrier_account import settings_at_start
from gateway.settings import Settings

app = typer.Typer(
    help="Jalsa: people text one number to join, find their bus and report trouble.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("text")(texts.send_text)
app.command("sample")(sample.load)
app.add_typer(texts.app, name="texts")
app.add_typer(members.app, name="members")
app.add_typer(affinities.app, name="affinities")
app.add_typer(imports.places_app, name="places")
app.add_typer(imports.constituencies_app, name="constituencies")
app.add_typer(pickups.events_app, name="events")
app.add_typer(pickups.app, name="pickups")
app.add_typer(reports.app, name="reports")
app.add_typer(segments.app, name="segments")
app.add_typer(outbox.app, name="outbox")
app.add_typer(broadcasts.app, name="broadcast")
app.add_typer(staff.app, name="staff")
app.add_typer(keys.app, name="keys")
app.add_typer(replies.app, name="replies")
app.add_typer(vocabulary.app, name="vocabulary")
app.add_typer(audit.app, name="audit")
app.add_typer(hooks.app, name="hooks")


@app.command("migrate")
def migrate_database() -> None:
    """Bring the database to this version's tables and fill in the base places and seats."""
    settings = settings_or_stop()
    engine = make_engine(settings.database_url, audit_key=settings.audit_key)
    try:
        migrate(engine, settings.default_region)
    except OSError as error:
        stop(f"DATABASE_URL: {error.strerror or error}.")
    except Exception as error:
        stop(f"DATABASE_URL: the database could not be migrated ({type(error).__name__}: {error}).")
    finally:
        engine.dispose()
    console.print("The database is up to date.")


@app.command("serve")
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; HOST otherwise.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Port to listen on; PORT otherwise.")] = None,
    processes: Annotated[
        int,
        typer.Option(min=0, max=64, help="Web processes; 0: one for each core, up to 4 (2 on SQLite)."),
    ] = 0,
) -> None:
    """Serve webhooks and pages."""
    import uvicorn

    from gateway.processes import default_count, shared_out

    settings = settings_at_start(settings_or_stop())
    check_carriers(settings)
    if settings.simulated and processes > 1:
        stop("--processes: simulated phones live in the memory of one web process; leave it out or say 1.", 2)
    host, port = host or settings.host, port or settings.port
    with ready_engine(settings):
        pass
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            cannot = f"cannot listen on {host}:{port} ({error.strerror})"
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                stop(f"HOST: {cannot}; write an address of this machine, such as 127.0.0.1.")
            stop(f"PORT: {cannot}; stop what listens there, or set another PORT such as 8001.")
    processes = processes or default_count(settings)
    _say_where(settings, host, port)
    # The web processes read their own settings; what was said on the command line must hold there too.
    os.environ.update(HOST=host, PORT=str(port))
    with shared_out() if processes > 1 else nullcontext():
        uvicorn.run(
            "gateway.processes:create_one_of_several" if processes > 1 else "gateway.app:create_app",
            factory=True,
            host=host,
            port=port,
            workers=processes if processes > 1 else None,
            loop="gateway.accepting:FairLoop" if processes > 1 else "auto",
            http="gateway.accepting:FairProtocol" if processes > 1 else "auto",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=10,
            # uvicorn kills a web process that is silent for longer. On a busy machine starting one takes more than its
            # usual five seconds, so that none would ever be ready; one that has died is noticed at once in any case.
            timeout_worker_healthcheck=60,
            # What a request claims of its own address is never believed: signatures stand on PUBLIC_BASE_URL.
            proxy_headers=False,
            forwarded_allow_ips="",
        )


def _say_where(settings: Settings, host: str, port: int) -> None:
    here = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    said = [f"Jalsa listens on {here}."]
    said.append(f"The console: {here}/console/ (the first login: .venv/bin/jalsa staff add yourname --role admin)")
    if settings.simulated:
        said += [
            f"Text {settings.short_code} from several phones in your browser: {here}/handset",
            'or from a terminal: .venv/bin/jalsa text --from +923001234567 "JOIN Sana Lahore"',
        ]
    console.print("\n".join([*said, "Stop with Ctrl-C."]), markup=False, highlight=False, soft_wrap=True)


@app.command("worker")
def run_worker() -> None:
    """Send the texts of the outbox until it is told to stop. Start as many as you like, on as many machines."""
    from gateway.logs import set_up_logs
    from gateway.working import work

    settings = settings_at_start(settings_or_stop())
    set_up_logs(settings)
    check_carriers(settings)
    if settings.simulated:
        stop("CARRIER is simulated: its phones live in `jalsa serve`, which sends by itself.", 2)
    with ready_engine(settings) as engine:
        work(settings, engine)


def main() -> None:
    """The entry point of the installed command."""
    app()


if __name__ == "__main__":
    main()
