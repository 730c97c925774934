"""Import members: upload, read what each row would do, say yes or no. Kept sealed until then, and no longer."""

import secrets
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from gateway.accounts import audit
from gateway.accounts.seal import sealer_from
from gateway.accounts.viewer import Permission, Viewer
from gateway.console.access import NotFound, allowed
from gateway.console.forms import Form, form_of
from gateway.console.members.shared import PATH, covering, directory_of
from gateway.console.shell import console_of, leave, page, told
from gateway.database import reading, writing
from gateway.members import import_desk
from gateway.members.import_desk import ImportGone, lines_of
from gateway.members.import_files import MOST_BYTES, text_of
from gateway.members.import_rows import MOST_ROWS, read_rows
from gateway.members.importing import REFUSED, VERDICTS, ImportTerms
from segments.csv_rows import FileProblem

router = APIRouter(prefix=f"{PATH}/import", include_in_schema=False)
_IMPORTS = allowed(Permission.IMPORT_MEMBERS)


@router.get("")
def ask_file(request: Request, viewer: Viewer = Depends(_IMPORTS)) -> Response:
    """What a file must have, and the files that this person brought of late."""
    return _form(request, viewer)


def _form(request: Request, viewer: Viewer, problem: str = "", words: str = "", status: int = 200) -> Response:
    console = console_of(request)
    import_desk.drop_old(console.engine, datetime.now(UTC))
    latest = import_desk.latest(console.engine, viewer.login)
    return page(
        request, "members/import.html", status, problem=problem, words=words, latest=latest,
        most_mb=MOST_BYTES // 1024 // 1024, most_rows=MOST_ROWS,
    )  # fmt: skip


@router.post("")
def upload(request: Request, viewer: Viewer = Depends(_IMPORTS), form: Form = Depends(form_of)) -> Response:
    """Keep a file, sealed, and show what it would do."""
    console = console_of(request)
    file = form.file("file")
    if file is None:
        return _form(request, viewer, "no_file", status=422)
    try:
        text = text_of(file.file.read(MOST_BYTES + 1))
    except FileProblem as problem:
        return _form(request, viewer, "file", told(request, problem), 422)
    key = secrets.token_urlsafe(18)
    sealed = sealer_from(console.settings).seal(text)
    with form.acting() as connection:
        form.leads_to(f"{PATH}/import/{key}")
        import_desk.keep(connection, key, file.filename or "", sealed, viewer.login, datetime.now(UTC))
    return leave(request, f"{PATH}/import/{key}")


@router.get("/{key}")
def preview(key: str, request: Request, viewer: Viewer = Depends(_IMPORTS)) -> Response:
    """What each row would do now, or what became of it."""
    console = console_of(request)
    with reading(console.engine) as connection:
        row = _found(connection, key, viewer)
        shown = None
        if row.content is not None:
            terms = _terms(request, viewer, key)
            shown = import_desk.preview(connection, _rows(request, row, terms), terms)
    return page(
        request, "members/import_preview.html", row=row, shown=shown, verdicts=VERDICTS, refused=REFUSED,
        at=f"{PATH}/import/{key}",
    )  # fmt: skip


@router.post("/{key}")
def confirm(key: str, request: Request, viewer: Viewer = Depends(_IMPORTS), form: Form = Depends(form_of)) -> Response:
    """Carry out the import."""
    console, now, at = console_of(request), datetime.now(UTC), f"{PATH}/import/{key}"
    with form.acting() as connection:
        form.leads_to(at)
        row = _found(connection, key, viewer)
    if row.content is None:
        return leave(request, at, "members.import_over", "plain")
    terms = _terms(request, viewer, key)
    try:
        counts = import_desk.carry_out(console.engine, key, viewer.login, _rows(request, row, terms), terms, now)
    except ImportGone:
        return leave(request, at, "members.import_over", "plain")
    with writing(console.engine) as connection:
        audit.record(connection, viewer.login, "members.imported", f"import:{row.id}", dict(counts), datetime.now(UTC))
    return leave(request, at, "members.imported", n=counts.get("new", 0), changed=counts.get("changed", 0))


@router.post("/{key}/drop")
def drop(key: str, request: Request, viewer: Viewer = Depends(_IMPORTS), form: Form = Depends(form_of)) -> Response:
    """Forget the file."""
    try:
        with form.acting() as connection:
            form.leads_to(f"{PATH}/import")
            import_desk.drop(connection, key, viewer.login, datetime.now(UTC))
    except ImportGone:
        raise NotFound from None
    return leave(request, f"{PATH}/import", "members.import_dropped", "plain")


def _found(connection: Any, key: str, viewer: Viewer) -> Any:
    try:
        return import_desk.find(connection, key, viewer.login)
    except ImportGone:
        raise NotFound from None


def _terms(request: Request, viewer: Viewer, key: str) -> ImportTerms:
    secret = console_of(request).settings.key_for("erased numbers")
    return ImportTerms(directory_of(request), secret, covering(viewer), key)


def _rows(request: Request, row: Any, terms: ImportTerms) -> Any:
    settings = console_of(request).settings
    text = sealer_from(settings).open(row.content)
    return read_rows(lines_of(text), terms.directory, settings.default_region, settings.zone, datetime.now(UTC))
