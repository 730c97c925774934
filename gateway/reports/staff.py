"""The staff as reports see them: phone, duty, areas, skills and what they have in hand."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.database import is_sqlite
from gateway.places.store import bump
from gateway.rules.report_life import IN_HAND
from gateway.rules.report_staff import StaffMember
from gateway.tables import Report, Sender, Staff, StaffDuty

_staff, _duties, _reports = Staff.__table__, StaffDuty.__table__, Report.__table__
_senders = Sender.__table__


def read_staff(connection: Connection, *, loads: bool = False) -> Mapping[int, StaffMember]:
    """Return the active staff by id; `loads` counts what each has in hand."""
    in_hand: dict[int, int] = {}
    if loads:
        counted = (
            select(_reports.c.assignee_id, func.count())
            .where(_reports.c.state.in_(IN_HAND), _reports.c.assignee_id.is_not(None))
            .group_by(_reports.c.assignee_id)
        )
        in_hand = {row[0]: row[1] for row in connection.execute(counted)}
    rows = connection.execute(
        select(
            _staff.c.id, _staff.c.login, _staff.c.name, _staff.c.role, _staff.c.phone,
            _duties.c.on_duty, _duties.c.areas, _duties.c.skills, _senders.c.consent,
        )
        .select_from(
            _staff.outerjoin(_duties, _duties.c.staff_id == _staff.c.id).outerjoin(
                _senders, _senders.c.key == _staff.c.phone
            )
        )
        .where(_staff.c.active)
        .order_by(_staff.c.id)
    )  # fmt: skip
    return {
        row.id: StaffMember(
            id=row.id,
            login=row.login,
            name=row.name,
            role=row.role,
            phone=row.phone,
            on_duty=bool(row.on_duty),
            areas=tuple(row.areas or ()),
            skills=tuple(row.skills or ()),
            load=in_hand.get(row.id, 0),
            stopped=row.consent == "stopped",
        )
        for row in rows
    }


def set_duty(connection: Connection, staff_id: int, now: datetime, **changed: Any) -> None:
    """Change `on_duty`, `areas` or `skills` of one of the staff; every process learns of it within two seconds."""
    dialect: Any = sqlite if is_sqlite(connection) else postgresql
    first = {"staff_id": staff_id, "on_duty": False, "areas": [], "skills": [], "changed_at": now} | changed
    upsert = dialect.insert(_duties).values(first)
    connection.execute(upsert.on_conflict_do_update(index_elements=["staff_id"], set_=changed | {"changed_at": now}))
    bump(connection, "staff")
