"""Pages: a cursor is where the last page ended, signed and bound to the question that it belongs to."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Response
from itsdangerous import BadData, URLSafeSerializer
from pydantic import BaseModel, ConfigDict, Field

from gateway.api.problems import invalid

Item = TypeVar("Item", bound=BaseModel)
Row = TypeVar("Row")
MOST = 200
DEFAULT = 50


class Paged(BaseModel):
    """What every list takes."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=DEFAULT, ge=1, le=MOST, description="How many on a page.")
    cursor: str | None = Field(
        default=None, min_length=1, max_length=600, description="From `next_cursor` of the page before."
    )


class Page(BaseModel, Generic[Item]):
    """Some of a list. `next` is the address of the following page; null on the last one."""

    items: list[Item]
    next: str | None = None
    next_cursor: str | None = None


class Cursors:
    """Writes and reads cursors."""

    def __init__(self, key: bytes) -> None:
        self._serializer = URLSafeSerializer(key, salt="api cursor")

    def write(self, question: str, position: Any) -> str:
        return str(self._serializer.dumps([question, position]))

    def read(self, question: str, cursor: str) -> Any:
        """Return the position.

        :raises Problem: it was not made here, or for another question
        """
        try:
            found = self._serializer.loads(cursor)
        except BadData:
            found = None
        if not isinstance(found, list) or len(found) != 2:
            raise invalid("The cursor is none of ours: begin without one.", parameter="cursor")
        if found[0] != question:
            raise invalid(
                "The cursor belongs to other filters or another key: begin without one, and follow `next`.",
                parameter="cursor",
            )
        return found[1]


def question_of(path: str, login: str, filters: Paged) -> str:
    """Return what a cursor is bound to: the list, who asks, and every filter but limit and cursor."""
    asked = filters.model_dump(mode="json", exclude={"limit", "cursor"}, exclude_none=True)
    written = json.dumps([path, login, asked], sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(written.encode("utf-8", "surrogatepass"), digest_size=9).hexdigest()


def page_of(
    rows: Sequence[Row],
    filters: Paged,
    shown: Callable[[Row], Mapping[str, Any]],
    cursor_after: Callable[[Row], str],
    address: str,
    response: Response,
) -> dict[str, Any]:
    """Return a page of rows of which one more than `limit` was read, with the links to the next."""
    kept = rows[: filters.limit]
    page: dict[str, Any] = {"items": [shown(row) for row in kept], "next": None, "next_cursor": None}
    if len(rows) > filters.limit:
        cursor = cursor_after(kept[-1])
        asked = _as_asked(filters) | {"cursor": cursor}
        page["next_cursor"] = cursor
        page["next"] = f"{address}?{urlencode(asked, doseq=True)}"
        response.headers["Link"] = f'<{page["next"]}>; rel="next"'
    return page


def _as_asked(filters: Paged) -> dict[str, Any]:
    """Return what the caller gave, as an address has it."""
    given = filters.model_dump(mode="json", exclude={"cursor"}, exclude_none=True, exclude_unset=True)
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
