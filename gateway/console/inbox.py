"""The inbox's pages: threads of what no command took, and what staff do with them."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection

from gateway.accounts.viewer import Permission, Viewer, may
from gateway.console.access import NotFound, allowed
from gateway.console.forms import Form, form_of
from gateway.console.live import Topic, stream
from gateway.console.members.pages import earlier_of
from gateway.console.members.shared import directory_of, opaque_ids, place_name, sealed, unsealed
from gateway.console.shell import console_of, leave, page, render
from gateway.database import reading, writing
from gateway.inbox import answers, desk
from gateway.inbox.desk import InboxRefused
from gateway.inbox.make_report import ReportMaker, make_report
from gateway.inbox.threads import (
    UNREAD,
    VIEWS,
    Thread,
    count_threads,
    find_thread,
    latest_change,
    list_threads,
    mark_read,
    read_entries,
    visible_threads,
)
from gateway.members.search import is_visible
from gateway.members.talk import read_talk
from gateway.reports.refs_supply import RefSupply
from gateway.rules.inbox_replies import leaves_at, refusal
from gateway.rules.message_parts import GSM_BASIC, GSM_EXTENSION, cheapest_parts
from gateway.rules.phone_numbers import mask
from gateway.tables import Member, Sender

router = APIRouter(prefix="/console/inbox", include_in_schema=False)
_PATH = "/console/inbox"
_SEES = allowed(Permission.SEE_INBOX)
_ANSWERS = allowed(Permission.ANSWER_INBOX)
_TOPIC = Topic("inbox", latest_change)
_LONGEST = 2_000


def _bounds(viewer: Viewer) -> Any:
    return visible_threads(viewer.areas.members(), everyone=viewer.areas.everywhere)


@router.get("")
def inbox(request: Request, viewer: Viewer = Depends(_SEES)) -> Response:
    """The threads, newest first: what waits, or another view."""
    return page(request, "inbox/list.html", **_list(request, viewer))


@router.get("/live")
def live(request: Request, viewer: Viewer = Depends(_SEES)) -> Response:
    """The list as it changes."""
    return stream(
        request, viewer, _TOPIC, lambda: {"threads": render(request, "inbox/threads.html", **_list(request, viewer))}
    )


def _list(request: Request, viewer: Viewer) -> dict[str, Any]:
    view = request.query_params.get("view", "")
    view = view if view in VIEWS else "waiting"
    after = unsealed(request, request.query_params.get("after", "")[:500]).get("a")
    start = (datetime.fromisoformat(after[0]), int(after[1])) if after else None
    bounds = _bounds(viewer)
    with reading(console_of(request).engine) as connection:
        found = list_threads(connection, view, bounds, viewer.id, start)
        counts = count_threads(connection, bounds, viewer.id)
    older = ""
    if found.after:
        older = f"{_PATH}?view={view}&after={sealed(request, {'a': [found.after[0].isoformat(), found.after[1]]})}"
    threads = [(f"{_PATH}/{opaque_ids(request).hide(one.sender_id)}", one) for one in found.threads]
    watch = f"{_PATH}/live?view={view}" if not start else ""
    return {"view": view, "views": VIEWS, "counts": counts, "threads": threads, "older": older, "paged": bool(start),
            "watch": watch}  # fmt: skip


@router.get("/answers")
def canned(request: Request, viewer: Viewer = Depends(_ANSWERS)) -> Response:
    """The answers kept ready, each with its form."""
    return _canned(request)


def _canned(request: Request, problem: str = "", detail: str = "", typed: Any = None, status: int = 200) -> Response:
    with reading(console_of(request).engine) as connection:
        kept = answers.list_answers(connection)
    return page(
        request, "inbox/answers.html", status, kept=kept, languages=answers.LANGUAGES, problem=problem, detail=detail,
        typed=typed,
    )  # fmt: skip


@router.post("/answers")
def save_answer(request: Request, viewer: Viewer = Depends(_ANSWERS), form: Form = Depends(form_of)) -> Response:
    """Keep a new answer, change one in place, or remove one."""
    now, number, version = datetime.now(UTC), form.number("number"), form.number("version") or 0
    title, texts = form.text("title", 200), {one: form.text(f"words_{one}") for one in answers.LANGUAGES}
    said = "inbox.answer_saved"
    try:
        with form.acting() as connection:
            form.leads_to(f"{_PATH}/answers")
            if form.text("act", 10) == "drop" and number is not None:
                said = "inbox.answer_dropped"
                if not answers.drop_answer(connection, number, version):
                    raise answers.AnswerRefused("changed_meanwhile")
            else:
                answers.save_answer(connection, title, texts, viewer.login, now, number=number, version=version)
    except answers.AnswerRefused as refused:
        typed = {"number": number, "title": title, "texts": texts, "version": version}
        return _canned(request, refused.reason, refused.detail, typed, 422)
    return leave(request, f"{_PATH}/answers", said)


@router.get("/{person}")
def thread(person: str, request: Request, viewer: Viewer = Depends(_SEES)) -> Response:
    """One person's thread. Looking at it is reading it."""
    console = console_of(request)
    with reading(console.engine) as connection:
        found = _thread(request, person, viewer, connection)
    if found is not None and found.state == UNREAD and _may_answer(viewer):
        with writing(console.engine) as connection:
            mark_read(connection, found.sender_id, found.last_inbound_id)
    return _thread_page(request, person, viewer)


def _may_answer(viewer: Viewer) -> bool:
    return may(viewer, Permission.ANSWER_INBOX)


def _thread(request: Request, person: str, viewer: Viewer, connection: Connection) -> Thread | None:
    """Return the thread of an address; None where the viewer may see the person, who has none.

    :raises NotFound: nobody, or nobody whom the viewer may see
    """
    sender_id = opaque_ids(request).read(person)
    areas = viewer.areas
    if sender_id is None or not is_visible(connection, sender_id, areas.members(), everyone=areas.everywhere):
        raise NotFound
    return find_thread(connection, sender_id, _bounds(viewer))


@router.get("/{person}/live")
def thread_live(person: str, request: Request, viewer: Viewer = Depends(_SEES)) -> Response:
    """The talk as it goes on."""

    def fragments() -> dict[str, str]:
        try:
            values = _thread_values(request, person, viewer)
        except NotFound:
            return {}
        return {"talk": render(request, "inbox/talk.html", **values)}

    with reading(console_of(request).engine) as connection:
        _thread(request, person, viewer, connection)
    topic = Topic(f"inbox:{person}", lambda connection: _talk_version(request, person, connection))
    return stream(request, viewer, topic, fragments)


def _talk_version(request: Request, person: str, connection: Connection) -> Any:
    talk = read_talk(connection, opaque_ids(request).read(person) or 0, limit=3)
    return tuple((line.cursor, line.state, line.report) for line in talk.lines)


def _thread_values(request: Request, person: str, viewer: Viewer) -> dict[str, Any]:
    console, at = console_of(request), f"{_PATH}/{person}"
    before = unsealed(request, request.query_params.get("talk", "")[:500]).get("b")
    start = (datetime.fromisoformat(before[0]), int(before[1]), int(before[2])) if before else None
    directory = directory_of(request)
    with reading(console.engine) as connection:
        found = _thread(request, person, viewer, connection)
        sender_id = opaque_ids(request).read(person) or 0
        row = connection.execute(
            Sender.__table__.outerjoin(Member.__table__, Member.sender_id == Sender.id)
            .select()
            .with_only_columns(
                Sender.key, Sender.consent, Sender.number_state, Sender.language, Sender.last_seen_at, Member.name,
                Member.city_id,
            )
            .where(Sender.id == sender_id)
        ).one()  # fmt: skip
        talk = read_talk(connection, sender_id, start)
        entries = read_entries(connection, sender_id)
        kept = answers.list_answers(connection)
        colleagues = desk.colleagues(connection)
    if row.key.startswith("erased:"):
        raise NotFound
    now, notifier = datetime.now(UTC), console.service.notifier
    leaves = leaves_at(now, row.last_seen_at, notifier.hours, notifier.zone)
    return {
        "thread": found,
        "at": at,
        "name": row.name or "",
        "phone": mask(row.key),
        "consent": row.consent,
        "language_of": row.language or notifier.default_language,
        "city": place_name(request, directory.place_keys.get(row.city_id or 0)),
        "talk": talk,
        "earlier": earlier_of(request, talk, at),
        "newest": start is None,
        "reporting": found is not None and _may_answer(viewer),
        "entries": [one for one in entries if one.kind != "reply"],
        "seen": max((one.id for one in entries), default=0),
        "kept": kept,
        "choices": [("", "–"), *((str(one.id), one.title) for one in kept)],
        "colleagues": colleagues,
        "refused": refusal(row.key, row.consent, row.number_state),
        "waits_until": leaves if leaves > now else None,
        "row": row,
    }


def _thread_page(
    request: Request, person: str, viewer: Viewer, *, words: str | None = None, problem: str = "", who: str = "",
    status: int = 200,
) -> Response:  # fmt: skip
    values = _thread_values(request, person, viewer)
    chosen = request.query_params.get("answer", "")
    if words is None:
        words = ""
        answer = next((one for one in values["kept"] if str(one.id) == chosen), None)
        if answer is not None:
            default = console_of(request).service.notifier.default_language
            words = answers.filled(answer, values["language_of"], default, values["name"], values["city"])
    counted = cheapest_parts(words) if words else None
    return page(
        request, "inbox/thread.html", status, **values, words=words, counted=counted, problem=problem, who=who,
        chosen=chosen, basic=GSM_BASIC, extension=GSM_EXTENSION, most_parts=desk.MOST_PARTS,
    )  # fmt: skip


@router.post("/{person}/reply")
def reply(person: str, request: Request, viewer: Viewer = Depends(_ANSWERS), form: Form = Depends(form_of)) -> Response:
    """Send a reply, or only count its parts."""
    words = form.text("words", _LONGEST)
    if form.text("act", 10) == "count":
        return _thread_page(request, person, viewer, words=words)
    console, now, at = console_of(request), datetime.now(UTC), f"{_PATH}/{person}"
    try:
        with form.acting() as connection:
            form.leads_to(at)
            found = _held(request, person, viewer, connection)
            leaves = desk.reply(
                connection, found.sender_id, words, viewer.login, now, console.service.notifier, once=form.token[:60],
                seen=form.number("seen") or 0,
            )  # fmt: skip
    except InboxRefused as refused:
        return _thread_page(request, person, viewer, words=words, problem=refused.reason, who=refused.who, status=422)
    if leaves is not None and leaves > now:
        return leave(request, at, "inbox.waits", at=f"{leaves.astimezone(console.settings.zone):%H:%M}")
    return leave(request, at, "inbox.sent")


def _held(request: Request, person: str, viewer: Viewer, connection: Connection) -> Thread:
    found = _thread(request, person, viewer, connection)
    if found is None:
        raise NotFound
    return found


@router.post("/{person}/note")
def note(person: str, request: Request, viewer: Viewer = Depends(_ANSWERS), form: Form = Depends(form_of)) -> Response:
    """Keep a note for colleagues."""

    def act(connection: Connection, found: Thread, now: datetime) -> None:
        desk.note(connection, found.sender_id, form.text("words"), viewer.login, now, once=form.token[:60])

    return _act(request, person, viewer, form, act, "inbox.noted")


@router.post("/{person}/hand")
def hand(person: str, request: Request, viewer: Viewer = Depends(_ANSWERS), form: Form = Depends(form_of)) -> Response:
    """Hand the thread over, take it, or give it back."""
    to = form.number("to")

    def act(connection: Connection, found: Thread, now: datetime) -> None:
        desk.hand_over(
            connection, found.sender_id, to or None, viewer.login, now, expected=form.number("whose") or None,
            once=form.token[:60], words=form.text("words"),
        )  # fmt: skip

    return _act(request, person, viewer, form, act, "inbox.handed")


@router.post("/{person}/close")
def close(person: str, request: Request, viewer: Viewer = Depends(_ANSWERS), form: Form = Depends(form_of)) -> Response:
    """Close the thread."""

    def act(connection: Connection, found: Thread, now: datetime) -> None:
        seen = form.number("seen_text") or 0
        desk.close(connection, found.sender_id, viewer.login, now, once=form.token[:60], seen_text=seen)

    return _act(request, person, viewer, form, act, "inbox.closed")


@router.post("/{person}/reopen")
def reopen(
    person: str, request: Request, viewer: Viewer = Depends(_ANSWERS), form: Form = Depends(form_of)
) -> Response:
    """Open a closed thread again."""

    def act(connection: Connection, found: Thread, now: datetime) -> None:
        desk.reopen(connection, found.sender_id, viewer.login, now, once=form.token[:60])

    return _act(request, person, viewer, form, act, "inbox.reopened")


@router.post("/{person}/report")
def report(
    person: str, request: Request, viewer: Viewer = Depends(_ANSWERS), form: Form = Depends(form_of)
) -> Response:
    """Make an iReport of one of the texts."""
    console, refs = console_of(request), []

    def act(connection: Connection, found: Thread, now: datetime) -> None:
        reference = console.service.reference()
        event = reference.pickups.event_key
        maker = ReportMaker(reference.sorter, event, lambda: ready[0], console.service.notifier)
        refs.append(
            make_report(
                connection, found.sender_id, form.number("text") or 0, viewer.login, now, maker, once=form.token[:60]
            )
        )

    # A ref is reserved in a transaction of its own, so before this one; one that is not used stays unused.
    supply = RefSupply(console.engine, console.settings.key_for("report refs"))
    ready = supply.for_event(console.service.reference().pickups.event_key).take(1)
    answer = _act(request, person, viewer, form, act, "")
    return leave(request, f"{_PATH}/{person}", "inbox.reported", ref=refs[0]) if refs else answer


def _act(request: Request, person: str, viewer: Viewer, form: Form, act: Any, said: str) -> Response:
    at = f"{_PATH}/{person}"
    try:
        with form.acting() as connection:
            form.leads_to(at)
            act(connection, _held(request, person, viewer, connection), datetime.now(UTC))
    except InboxRefused as refused:
        return _thread_page(request, person, viewer, problem=refused.reason, who=refused.who, status=422)
    return leave(request, at, said)
