"""`/broadcasts`: drafts, their numbers, and every move from approval to the end.

A key acts as the login `key:` and its name, and stands for its owner. Above the set number of recipients another person
than the one who drafted must approve: no two keys of one person, nor a key and the console, can do both.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Depends, Path, Query, Response
from sqlalchemy import Connection, Row, select

from gateway.api.access import Call, allowed
from gateway.api.broadcast_shapes import (
    AccountShown,
    BroadcastMoved,
    BroadcastShown,
    DigestGiven,
    DraftChanges,
    DraftGiven,
    HistoryShown,
    PreviewShown,
    ScheduleGiven,
    shown_broadcast,
)
from gateway.api.idempotency import Posted, posting
from gateway.api.paging import Page, Paged, page_of, question_of
from gateway.api.problems import Problem, invalid, not_found
from gateway.api.routes import resource
from gateway.api.scopes import Scope
from gateway.api.shapes import Nothing, Reason, rule_problem
from gateway.broadcasts import moves
from gateway.broadcasts.account import account_of
from gateway.broadcasts.drafts import (
    BroadcastError,
    Draft,
    change_draft,
    check_draft,
    draft_of,
    find,
    find_within,
    list_broadcasts,
    new_draft,
)
from gateway.broadcasts.history import history_of
from gateway.broadcasts.plan import plan_chunk
from gateway.broadcasts.preview import keep_preview, work_out_preview
from gateway.broadcasts.schedules import When, schedule, unschedule
from gateway.database import reading, writing
from gateway.tables import Event
from segments import RuleError

router = resource("broadcasts")
Reader = Annotated[Call, Depends(allowed(Scope.BROADCASTS_READ))]
Writer = Annotated[Posted, Depends(posting(Scope.BROADCASTS_WRITE))]
Approver = Annotated[Posted, Depends(posting(Scope.BROADCASTS_APPROVE))]
Key = Annotated[str, Path(min_length=1, max_length=60, examples=["rally-of-friday"])]


@router.get("", response_model=Page[BroadcastShown], summary="List broadcasts")
def list_them(call: Reader, filters: Annotated[Paged, Query()], response: Response) -> Any:
    """The newest first."""
    question = question_of("broadcasts", call.caller.login, filters)
    before = call.context.cursors.read(question, filters.cursor) if filters.cursor else None
    with reading(call.engine) as connection:
        rows = list_broadcasts(connection, filters.limit + 1, call.caller, before)
    return page_of(
        rows,
        filters,
        shown_broadcast,
        lambda row: call.context.cursors.write(question, row.id),
        f"{call.context.address}/broadcasts",
        response,
    )


@router.post("", response_model=BroadcastShown, status_code=201, summary="Draft a broadcast")
def draft(call: Writer, given: DraftGiven) -> Response:
    """Nothing is sent. The rule is kept within the key's areas."""
    made = Draft(**given.model_dump())

    def act(connection: Connection) -> BroadcastShown:
        context = call.context
        directory = context.directory(connection)
        with refusals():
            moves.may_decide(connection, call.caller.login)
            key = new_draft(
                connection, made, directory, context.terms, call.caller.login, context.clock(), areas=call.caller
            )
        return BroadcastShown(**shown_broadcast(find(connection, key)))

    with refusals(drafting=True):
        check_draft(made, call.context.terms.hours)
    return call.once(act, status=201, location=f"{call.context.address}/broadcasts/{{key}}")


@router.get("/{key}", response_model=BroadcastShown, summary="Show a broadcast")
def show(call: Reader, key: Key) -> Any:
    with reading(call.engine) as connection:
        return shown_broadcast(_find(call, connection, key))


@router.patch("/{key}", response_model=BroadcastShown, summary="Change a draft")
def change(call: Annotated[Call, Depends(allowed(Scope.BROADCASTS_WRITE))], key: Key, given: DraftChanges) -> Any:
    """Fields that are left out stay. Preview, approval and schedule are lost; what has begun cannot be changed."""
    context = call.context
    with writing(call.engine) as connection:
        old = draft_of(_find(call, connection, key))
        kept = {name: getattr(old, name) for name in DraftGiven.model_fields}
        made = Draft(**kept | given.model_dump(exclude_unset=True))
        with refusals(drafting=True):
            check_draft(made, context.terms.hours)
        directory = context.directory(connection)
        with refusals():
            moves.may_decide(connection, call.caller.login)
            change_draft(
                connection, key, made, directory, context.terms, call.caller.login, context.clock(), areas=call.caller
            )
        call.note(connection, context.clock())
        return shown_broadcast(find(connection, key))


@router.post("/{key}/preview", response_model=PreviewShown, summary="Preview a broadcast")
def preview(call: Writer, key: Key, given: Nothing | None = None) -> Response:
    """Counts and prices it, writes examples, and gives the digest that approval needs."""
    if (known := call.done()) is not None:
        return known
    now = call.context.clock()
    with reading(call.engine) as connection:
        _find(call, connection, key)
    # Counting a million takes seconds, in which nobody waits: the database is locked for the keeping alone.
    with refusals():
        shown = work_out_preview(call.engine, key, call.context.terms, now)

    def act(connection: Connection) -> PreviewShown:
        with refusals():
            return PreviewShown(**keep_preview(connection, key, shown, now))

    return call.once(act)


@router.post("/{key}/approve", response_model=BroadcastMoved, summary="Approve a broadcast")
def approve(call: Approver, key: Key, given: DigestGiven) -> Response:
    """Lets it go exactly as previewed. Large ones need another person than the one who drafted,
    and the owner of a key is the person behind it."""

    def act(connection: Connection, now: datetime) -> None:
        moves.approve(connection, key, given.digest, call.caller.login, call.context.terms, now)

    return _moved(call, key, act)


@router.post("/{key}/start", response_model=BroadcastMoved, summary="Start a broadcast")
def start(call: Writer, key: Key, given: Nothing | None = None) -> Response:
    """Begins an approved broadcast. Its first texts are in the outbox within a second; the rest follows."""
    begun: list[int | None] = []
    now = call.context.clock()

    def act(connection: Connection, moment: datetime) -> None:
        moves.may_decide(connection, call.caller.login)
        begun.append(moves.begin(connection, key, call.caller.login, call.context.terms, moment))

    answer = _moved(call, key, act)
    for broadcast_id in begun:
        if broadcast_id is not None:  # a crash before this line leaves the planning to the clock
            plan_chunk(call.engine, broadcast_id, call.context.terms, now, first=True)
    return answer


@router.post("/{key}/schedule", response_model=BroadcastMoved, summary="Schedule a broadcast")
def set_schedule(call: Writer, key: Key, given: ScheduleGiven) -> Response:
    """Once `at` a time, or again and again by `cron`, on the clock of `zone` or of an `event`. Takes the place of an
    earlier schedule."""
    if (given.at is None) == (not given.cron):
        raise invalid("Give either at or cron.", "/at")

    def act(connection: Connection, now: datetime) -> None:
        when = When(_zone(call, connection, given), given.at, given.cron)
        try:
            if when.next_after(now) is None:
                raise invalid("There is no such time to come.", "/cron" if given.cron else "/at")
        except BroadcastError as error:
            raise invalid(str(error), "/cron") from None
        schedule(connection, key, when, call.caller.login, now)

    return _moved(call, key, act)


@router.post("/{key}/unschedule", response_model=BroadcastMoved, summary="Take a schedule away")
def take_schedule_away(call: Writer, key: Key, given: Nothing | None = None) -> Response:
    """It stays approved."""
    return _moved(call, key, lambda connection, now: unschedule(connection, key, call.caller.login, now))


@router.post("/{key}/pause", response_model=BroadcastMoved, summary="Pause a broadcast")
def pause(call: Writer, key: Key, given: Reason | None = None) -> Response:
    """Nothing more of it is started from the next claim on."""
    reason = given.reason if given else ""
    return _moved(call, key, lambda connection, now: moves.pause(connection, key, call.caller.login, now, reason))


@router.post("/{key}/resume", response_model=BroadcastMoved, summary="Resume a broadcast")
def resume(call: Writer, key: Key, given: Nothing | None = None) -> Response:
    """It goes on where it stopped. What an alarm held needs the person that approval would need."""
    terms = call.context.terms
    return _moved(call, key, lambda connection, now: moves.resume(connection, key, call.caller.login, terms, now))


@router.post("/{key}/cancel", response_model=BroadcastMoved, summary="Cancel a broadcast")
def cancel(call: Writer, key: Key, given: Reason | None = None) -> Response:
    """Ends it for good: what has not left is cancelled."""
    reason = given.reason if given else ""
    return _moved(call, key, lambda connection, now: moves.cancel(connection, key, call.caller.login, now, reason))


@router.get("/{key}/account", response_model=AccountShown, summary="Account for a broadcast")
def account(call: Reader, key: Key) -> Any:
    """What became of every recipient."""
    with reading(call.engine) as connection:
        _find(call, connection, key)
        return account_of(connection, key).as_dict()


@router.get("/{key}/history", response_model=list[HistoryShown], summary="Tell a broadcast's history")
def history(call: Reader, key: Key) -> Any:
    """Who did what and when, and when its schedules struck."""
    with reading(call.engine) as connection:
        lines = history_of(connection, _find(call, connection, key).id)
    return [{"at": one.at, "what": one.what, "by": one.by, "note": one.note} for one in lines]


def _moved(call: Posted, key: str, act: Callable[[Connection, datetime], Any]) -> Response:
    """Make a move once, and say where the broadcast then stands."""

    def made(connection: Connection) -> BroadcastMoved:
        _find(call, connection, key)
        with refusals():
            act(connection, call.context.clock())
        row = find(connection, key)
        return BroadcastMoved(key=row.key, state=row.state, reason=row.state_reason)

    return call.once(made)


@contextmanager
def refusals(*, drafting: bool = False) -> Iterator[None]:
    """Tell what a room refuses as a problem: of a draft which field, of a move why it cannot be now."""
    try:
        yield
    except RuleError as error:
        raise rule_problem(error, pointer="/rule") from None
    except BroadcastError as error:
        about = getattr(error, "about", "")
        if drafting or about:
            pointer = "/" + about.replace(".", "/") if about else ""
            raise invalid(str(error), pointer) from None
        raise Problem(409, str(error)) from None


def _find(call: Call, connection: Connection, key: str) -> Row[Any]:
    try:
        return find_within(connection, key, call.caller)
    except BroadcastError:
        raise not_found("There is no broadcast of that key.") from None


def _zone(call: Call, connection: Connection, given: ScheduleGiven) -> str:
    if given.event and given.zone:
        raise invalid("Give either a zone or an event.", "/zone")
    if given.event:
        found = connection.execute(select(Event.zone).where(Event.key == given.event)).scalar()
        if found is None:
            raise invalid("There is no event of that key.", "/event")
        return str(found)
    try:
        return ZoneInfo(given.zone).key if given.zone else call.settings.zone.key
    except (KeyError, ValueError, OSError):
        raise invalid("There is no such time zone; write one such as Asia/Karachi.", "/zone") from None
