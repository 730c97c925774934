"""The queue: filters in the address, counts by urgency, what rises, and the rows, kept up to date where scripts run."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection, func, select

from gateway.accounts.viewer import Permission, Viewer
from gateway.console.access import allowed
from gateway.console.live import Topic, stream
from gateway.console.reports.view import GROUPS, QUEUE, Asked, address, names, read_asked, within, without_after
from gateway.console.shell import console_of, leave, page, render
from gateway.database import reading
from gateway.reports import listing
from gateway.reports.listing import URGENCIES
from gateway.reports.trends import current_trends
from gateway.reports.triage import CATEGORIES, KINDS
from gateway.rules.refs import read_ref
from gateway.tables import Counter, Report, ReportEntry, ReportTrend

router = APIRouter(prefix="/console")
_SEES = allowed(Permission.SEE_REPORTS)
_TRENDS_SHOWN = 4


def changes(connection: Connection) -> tuple[Any, ...]:
    """Return what differs whenever anything about any report has changed: a few lookups at the ends of indexes."""
    clustered = select(Counter.next).where(Counter.name == "reports-clustered").scalar_subquery()
    newest = [select(func.max(one)).scalar_subquery() for one in (Report.id, ReportEntry.id, ReportTrend.id)]
    return tuple(connection.execute(select(*newest, clustered)).one())


TOPIC = Topic("reports", changes, every_s=4.0)


def _values(connection: Connection, request: Request, viewer: Viewer, asked: Asked) -> dict[str, Any]:
    rows, after = listing.page(connection, asked.filters)
    now = datetime.now(UTC)
    return {
        "asked": asked,
        "rows": rows,
        "older": asked.link(after=str(after)) if after else "",
        "newer": asked.link() if asked.filters.after else "",
        "standing": listing.standing(connection, without_after(asked.filters)),
        "trends": current_trends(connection, now, within(viewer))[:_TRENDS_SHOWN],
        "address": address,
        "urgencies": URGENCIES,
        "asked_at": now,
    }


@router.get("/reports")
def show_queue(request: Request, viewer: Viewer = Depends(_SEES)) -> Response:
    """Show one page of the queue."""
    asked = read_asked(request, viewer)
    with reading(console_of(request).engine) as connection:
        values = _values(connection, request, viewer, asked)
    return page(
        request,
        "reports/queue.html",
        **values,
        groups=list(GROUPS),
        categories=CATEGORIES,
        kinds=KINDS,
        names=names(request),
        live=f"{QUEUE}/live?{request.url.query}",
    )


@router.get("/reports/live")
def live_queue(request: Request, viewer: Viewer = Depends(_SEES)) -> Response:
    """The stream of the queue's fragments, with the filters of its page."""
    asked = read_asked(request, viewer)

    def fragments() -> Mapping[str, str]:
        with reading(console_of(request).engine) as connection:
            values = _values(connection, request, viewer, asked)
        parts = ("counts", "trends", "rows")
        return {f"rep-{part}": render(request, f"reports/{part}.html", **values) for part in parts}

    return stream(request, viewer, TOPIC, fragments)


@router.get("/reports/find")
def find(request: Request, viewer: Viewer = Depends(_SEES)) -> Response:
    """Go to the report with a ref; one that is typed wrong is refused, never guessed at."""
    typed = request.query_params.get("ref", "").strip()[:20]
    ref = read_ref(typed)
    if ref is None:
        return leave(request, QUEUE, "reports.no_ref", "bad", ref=typed)
    return leave(request, address(ref, None))
