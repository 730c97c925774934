"""A key belongs to a person: two keys of theirs, the console and the command are still one person."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from typer.testing import CliRunner

from gateway.accounts.areas import Areas
from gateway.accounts.sessions import set_areas
from gateway.accounts.staff import change_role, disable, enable
from gateway.api.keys import KeyProblem, add_key, give_owner
from gateway.api.scopes import Scope
from gateway.broadcasts import moves
from gateway.broadcasts.drafts import BroadcastError
from gateway.broadcasts.terms import BroadcastTerms, broadcast_terms
from gateway.cli import app as cli
from gateway.database import reading, writing
from gateway.settings import Settings
from gateway.tables import ApiKey, Broadcast, Staff
from tests.api.conftest import Program, Programs, Texting, one_of_the_staff

DRAFT = {"name": "Rally", "rule": "city:lahore", "texts": {"en": "Come at 5"}}


@pytest.fixture
def members(text: Texting) -> None:
    text("JOIN Ali Lahore", sender="+923001234501")
    text("JOIN Sana Lahore", sender="+923001234502")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Every broadcast is large here."""
    return settings.model_copy(update={"second_person_above": 1})


@pytest.fixture
def terms(settings: Settings) -> BroadcastTerms:
    return broadcast_terms(settings)


def drafted(program: Program) -> str:
    """Draft and preview; returns the digest."""
    assert program.post("/broadcasts", DRAFT).status_code == 201
    digest: str = program.post("/broadcasts/rally/preview").json()["digest"]
    return digest


def approved(program: Program, digest: str) -> Any:
    return program.post("/broadcasts/rally/approve", {"digest": digest})


def test_two_keys_of_one_person_are_one_person(program: Programs, members: None) -> None:
    digest = drafted(program("laptop", owner="sana"))
    refused = approved(program("phone", owner="sana"), digest)
    assert refused.status_code == 409 and "another person" in refused.json()["detail"]
    assert approved(program("other", owner="bilal"), digest).json()["state"] == "approved"


def test_a_key_and_its_owner_s_login_are_one_person_both_ways(
    program: Programs, members: None, engine: Engine, terms: BroadcastTerms
) -> None:
    key = program("laptop", owner="sana")
    digest = drafted(key)
    now = datetime.now(UTC)
    with pytest.raises(BroadcastError, match="another person"):
        moves.approve(engine, "rally", digest, "sana", terms, now)
    with writing(engine) as connection:
        connection.execute(update(Broadcast).values(created_by="sana"))
    assert approved(key, digest).status_code == 409
    with writing(engine) as connection:
        one_of_the_staff(connection, "bilal")
    moves.approve(engine, "rally", digest, "bilal", terms, now)


def test_what_an_alarm_held_is_not_let_go_by_the_same_person_s_other_key(
    program: Programs, members: None, engine: Engine
) -> None:
    digest = drafted(program("laptop", owner="sana"))
    assert approved(program("other", owner="bilal"), digest).status_code == 200
    with writing(engine) as connection:
        connection.execute(update(Broadcast).values(state="paused", alarm="rate"))
    assert program("phone", owner="sana").post("/broadcasts/rally/resume").status_code == 409
    assert program("third", owner="hina").post("/broadcasts/rally/resume").status_code == 200


def test_a_key_is_worth_nothing_while_its_owner_is_disabled_or_of_the_field(program: Programs, engine: Engine) -> None:
    key = program("laptop", owner="sana")
    assert key.get("/members").status_code == 200
    now = datetime.now(UTC)
    with writing(engine) as connection:
        disable(connection, "sana", "tests", now)
    answer = key.get("/members")
    assert answer.status_code == 401 and "owner" in answer.json()["detail"]
    with writing(engine) as connection, pytest.raises(KeyProblem):
        add_key(connection, "another", [Scope.MEMBERS_READ], "sana", now)
    with writing(engine) as connection:
        enable(connection, "sana", "tests", now)
    assert key.get("/members").status_code == 200
    with writing(engine) as connection:
        change_role(connection, "sana", "field", "tests", now)
    assert key.get("/members").status_code == 401


def test_a_key_reaches_no_further_than_its_owner(
    program: Programs, members: None, text: Texting, engine: Engine
) -> None:
    text("JOIN Omar Multan", sender="+923001234503")
    key, bound = program("all", owner="sana"), program("multan", owner="sana", cities=["multan"])
    assert len(key.get("/members").json()["items"]) == 3
    with writing(engine) as connection:
        sana = connection.execute(select(Staff.id).where(Staff.login == "sana")).scalar_one()
        set_areas(connection, sana, Areas.of(["lahore"]))
    assert len(key.get("/members").json()["items"]) == 2
    assert bound.get("/members").status_code == 401, "nothing is left of what it was bound to"
    with writing(engine) as connection, pytest.raises(KeyProblem, match="multan"):
        add_key(connection, "wider", [Scope.MEMBERS_READ], "sana", datetime.now(UTC), cities=["lahore", "multan"])


def test_a_key_of_nobody_reads_and_decides_nothing_until_somebody_owns_it(
    program: Programs, members: None, engine: Engine, terms: BroadcastTerms
) -> None:
    """Keys from before there were owners."""
    old = program("old", owner="sana")
    digest = drafted(old)
    with writing(engine) as connection:
        connection.execute(update(ApiKey).values(owner_id=None))
        one_of_the_staff(connection, "bilal")
    assert old.get("/members").status_code == 200
    for refused in (
        old.post("/broadcasts", DRAFT),
        old.patch("/broadcasts/rally", {"name": "X"}),
        approved(old, digest),
    ):
        assert refused.status_code == 409 and "jalsa keys own" in refused.json()["detail"]
    with pytest.raises(BroadcastError, match="another person"):  # who drafted it? Perhaps bilal
        moves.approve(engine, "rally", digest, "bilal", terms, datetime.now(UTC))
    with writing(engine) as connection:
        give_owner(connection, "old", "sana")
        with pytest.raises(KeyProblem, match="keeps it"):
            give_owner(connection, "old", "bilal")
    moves.approve(engine, "rally", digest, "bilal", terms, datetime.now(UTC))


def test_the_command_gives_an_owner(database_url: str, engine: Engine, program: Programs, monkeypatch: Any) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    program("old", owner="sana")
    with writing(engine) as connection:
        connection.execute(update(ApiKey).values(owner_id=None))
    run = CliRunner().invoke
    assert run(cli, ["keys", "own", "old", "--as", "nobody"]).exit_code == 2
    assert run(cli, ["keys", "own", "old", "--as", "sana"]).exit_code == 0
    with reading(engine) as connection:
        assert connection.execute(select(ApiKey.owner_id)).scalar_one() is not None
