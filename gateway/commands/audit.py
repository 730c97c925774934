"""`jalsa audit`: who did what, and whether the log is as it was written."""

from typing import Annotated

import typer

from gateway.accounts import audit, audit_check
from gateway.commands.shared import AsJson, console, ready_engine, settings_or_stop, show, show_one, stop
from gateway.database import reading

app = typer.Typer(help="The audit log.", no_args_is_help=True)


@app.command("list")
def list_lines(
    by: Annotated[str, typer.Option(help="Only what one login did.")] = "",
    action: Annotated[str, typer.Option(help="Only actions that begin so, such as staff.")] = "",
    subject: Annotated[str, typer.Option(help="Only what was done to subjects that begin so.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many lines.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the lines, the newest first."""
    with ready_engine(settings_or_stop()) as engine, reading(engine) as connection:
        found = audit.lines(connection, by=by, action=action, subject=subject, limit=limit)
    rows = [
        {
            "number": line.seq,
            "at": line.at,
            "by": line.by,
            "action": line.action,
            "subject": line.subject,
            "detail": dict(line.detail) if as_json else ", ".join(f"{key}: {one}" for key, one in line.detail.items()),
        }
        for line in found
    ]
    show(rows, ("number", "at", "by", "action", "subject", "detail"), as_json, "No line fits.")


@app.command("verify")
def verify(
    head: Annotated[str, typer.Option(help="A head that was noted before, as NUMBER:HASH.")] = "",
    as_json: AsJson = False,
) -> None:
    """Check that no line was changed, left out, swapped or cut off. Ends with 0 if the log holds, with 1 if not.

    Wants the SECRET_KEY that the gateway runs with. Note the printed head elsewhere (the gateway's own log has it every
    hour): given as --head later, it also finds a database that was put back to an older state.
    """
    noted = None
    if head:
        number, _, digest = head.strip().partition(":")
        if not number.isascii() or not number.isdecimal() or len(digest) != 64:
            stop("--head: write it as it was printed, NUMBER:HASH.", 2)
        noted = audit.Head(int(number), digest.lower())
    with ready_engine(settings_or_stop()) as engine, reading(engine) as connection:
        verdict = audit_check.verify(connection, noted)
    if as_json:
        problems = [{"kind": one.kind, "from": one.first, "to": one.last, "says": str(one)} for one in verdict.findings]
        told = {"holds": not problems, "lines": verdict.head.seq, "head": str(verdict.head)}
        show_one({**told, "unkeyed": verdict.unkeyed, "problems": problems}, as_json=True)
        raise typer.Exit(1 if problems else 0)
    if verdict.findings:
        stop("The log is not what was written.\n" + "\n".join(map(str, verdict.findings)))
    older = f" The first {verdict.unkeyed} are of a time when lines had no key." if verdict.unkeyed else ""
    said = f"The log holds: {verdict.head.seq} lines.{older} Its head: {verdict.head}"
    console.print(said, highlight=False, soft_wrap=True)
