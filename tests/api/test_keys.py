"""Keys: what a token looks like, what it opens, and when it opens nothing any more."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update
from typer.testing import CliRunner

from gateway.api import tokens
from gateway.api.keys import KeyProblem, add_key, revoke_key
from gateway.api.scopes import Scope
from gateway.cli import app as cli
from gateway.database import reading, writing
from gateway.tables import ApiKey
from tests.api.conftest import Program, Programs, Texting


def test_a_token_is_known_by_its_prefix_and_checked_without_a_database() -> None:
    token = tokens.new_token()
    assert token.startswith("jalsa_live_") and tokens.is_whole(token) and token != tokens.new_token()
    for at in range(len(token)):
        other = "x" if token[at] != "x" else "y"
        assert not tokens.is_whole(token[:at] + other + token[at + 1 :]), at
    assert not tokens.is_whole(token[:-1]) and not tokens.is_whole("") and not tokens.is_whole(token + "é")


def test_only_a_hash_is_kept(app: Program, engine: Engine) -> None:
    with reading(engine) as connection:
        [row] = connection.execute(select(ApiKey.__table__)).all()
    secret = app.token[len("jalsa_live_") + 8 : -6]
    assert secret not in repr(row)
    assert tokens.is_that(app.token, row.token_hash)


def test_whoever_has_no_good_key_is_told_how(app: Program, engine: Engine) -> None:
    whole = tokens.new_token()
    same_lookup = app.token[:19] + whole[19:]
    for header in ("", "Basic abc", "Bearer", "Bearer nonsense", f"Bearer {whole}", f"Bearer {same_lookup}"):
        answer = app.http.get("/api/v1/members", headers={"Authorization": header} if header else {})
        assert answer.status_code == 401, header
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "jalsa keys" in answer.json()["detail"]


def test_a_revoked_key_and_one_past_its_time_open_nothing(program: Programs, engine: Engine) -> None:
    now = datetime.now(UTC)
    kept = program("kept", expires_at=now + timedelta(hours=1))
    revoked = program("revoked")
    over = program("over", expires_at=now - timedelta(seconds=1))
    with writing(engine) as connection:
        revoke_key(connection, "revoked", now)
        with pytest.raises(KeyProblem):
            revoke_key(connection, "revoked", now)
        with pytest.raises(KeyProblem, match="history"):
            add_key(connection, "revoked", [Scope.MEMBERS_READ], "owner-of-kept", now)
    assert [one.get("/members").status_code for one in (kept, revoked, over)] == [200, 401, 401]


def test_the_use_of_a_key_is_noted_to_the_minute(app: Program, engine: Engine) -> None:
    def used() -> datetime | None:
        with reading(engine) as connection:
            return connection.execute(select(ApiKey.last_used_at)).scalar_one()

    assert used() is None
    app.get("/members")
    first = used()
    app.get("/members")
    assert first is not None and used() == first
    with writing(engine) as connection:
        connection.execute(update(ApiKey).values(last_used_at=first - timedelta(minutes=2)))
    app.get("/members")
    assert (used() or first) >= first


def test_a_missing_scope_is_named(program: Programs) -> None:
    answer = program("narrow", [Scope.TEXTS_READ]).get("/members")
    assert answer.status_code == 403
    assert "members:read" in answer.json()["detail"]
    assert 'scope="members:read"' in answer.headers["WWW-Authenticate"]


def test_numbers_are_masked_without_the_scope_for_them(program: Programs, text: Texting) -> None:
    text("JOIN Ali Lahore", sender="+923001234567")
    masked = program("masked", [Scope.MEMBERS_READ])
    whole = program("whole", [Scope.MEMBERS_READ, Scope.PHONES_READ])
    [member] = masked.get("/members").json()["items"]
    assert "1234567" not in json.dumps(member) and member["phone"].endswith("4567")
    assert whole.get(f"/members/{member['id']}").json()["phone"] == "+923001234567"
    assert masked.post("/members/lookup", {"phone": "03001234567"}).status_code == 403
    assert whole.post("/members/lookup", {"phone": "03001234567"}).json()["id"] == member["id"]


def test_a_key_that_is_bound_to_a_city_sees_and_counts_nobody_else(program: Programs, text: Texting) -> None:
    text("JOIN Ali Lahore", sender="+923001234501")
    text("JOIN Sana Multan", sender="+923001234502")
    everyone = {one["name"]: one["id"] for one in program("all").get("/members").json()["items"]}
    bound = program("bound", cities=["lahore"])
    assert [one["name"] for one in bound.get("/members").json()["items"]] == ["Ali"]
    assert bound.get("/members", rule="city:multan").json()["items"] == []
    assert bound.get(f"/members/{everyone['Sana']}").status_code == 404
    assert bound.post("/members/lookup", {"phone": "03001234502"}).status_code == 404
    assert bound.get("/segments/count", rule="all").json()["recipients"] == 1
    # An "or" in the rule must not lead out of the area.
    assert bound.get("/segments/count", rule="city:lahore | city:multan").json()["matched"] == 1


def test_the_command_makes_lists_and_revokes(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    run = CliRunner().invoke
    assert run(cli, ["staff", "add", "sana", "--role", "organiser"]).exit_code == 0
    nobody = run(cli, ["keys", "add", "rally-app", "--scope", "members:read"])
    assert nobody.exit_code == 2 and "--as" in nobody.output
    monkeypatch.setenv("JALSA_LOGIN", "sana")
    made = run(cli, ["keys", "add", "rally-app", "--scope", "members:read", "--city", "Lahore", "--seat", "NA-130",
                     "--expires", "30", "--json"])  # fmt: skip
    assert made.exit_code == 0, made.output
    said = json.loads(made.stdout)
    assert said["owner"] == "sana"
    assert tokens.is_whole(said["token"]) and said["areas"] == ["lahore", "NA-130@2024"]
    listed = run(cli, ["keys", "list", "--json"]).stdout
    assert said["token"] not in listed and json.loads(listed)[0]["scopes"] == ["members:read"]
    assert run(cli, ["keys", "revoke", "rally-app"]).exit_code == 0
    assert json.loads(run(cli, ["keys", "list", "--json"]).stdout)[0]["revoked"]
    for wrong in (["keys", "add", "x"], ["keys", "add", "x", "--scope", "all"], ["keys", "add", "Ü", "--scope",
                  "members:read"], ["keys", "add", "x", "--scope", "members:read", "--city", "Qwertyzz"]):  # fmt: skip
        refused = run(cli, wrong)
        assert refused.exit_code == 2 and "Traceback" not in refused.output
