"""What may be sent and what is said of what may not: paging, parameters, bodies, limits."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.api.guard import MOST_QUERY
from gateway.app import create_app
from gateway.settings import Settings
from tests.api.conftest import Program, Programs, Texting

WORDS = ["Ali", "Sana", "Bilal", "Hina", "Omar"]


def test_pages_follow_each_other_while_people_join(app: Program, text: Texting) -> None:
    for at in range(5):
        text(f"JOIN {WORDS[at]} Lahore", sender=f"+92300123450{at}")
    first = app.get("/members", limit=2).json()
    text("JOIN Late Lahore", sender="+923001234509")
    names = [one["name"] for one in first["items"]]
    page = first
    while page["next"]:
        answer = app.http.get(page["next"], headers=app.headers)
        assert answer.status_code == 200
        page = answer.json()
        names += [one["name"] for one in page["items"]]
    assert names == [*WORDS, "Late"]


def test_a_cursor_is_bound_to_its_question_and_cannot_be_made(program: Programs, text: Texting) -> None:
    app, other = program("app"), program("other")
    for at in range(3):
        text(f"JOIN {WORDS[at]} Lahore", sender=f"+92300123450{at}")
    answer = app.get("/members", limit=1)
    cursor = answer.json()["next_cursor"]
    assert f"cursor={cursor}" in answer.headers["Link"]
    assert app.get("/members", limit=2, cursor=cursor).status_code == 200
    refused = [
        app.get("/members", cursor=cursor[:-1] + ("A" if cursor[-1] != "A" else "B")),
        app.get("/members", cursor="MTAw"),
        app.get("/members", cursor=cursor, rule="city:lahore"),
        app.get("/segments", cursor=cursor),
        other.get("/members", cursor=cursor),
    ]
    for one in refused:
        assert one.status_code == 422 and one.json()["errors"][0]["parameter"] == "cursor"


@pytest.mark.parametrize(
    ("params", "wrong"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"limit": 10**30}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": ["1", "2"]}, "limit"),
        ({"colour": "red"}, "colour"),
        ({"rule": "city:nowhereville"}, "rule"),
        ({"rule": "city:lahore &"}, "rule"),
        ({"rule": "a\0b"}, "rule"),
    ],
)
def test_a_wrong_parameter_is_named_with_a_remedy(app: Program, params: dict[str, Any], wrong: str) -> None:
    answer = app.get("/members", **params)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    [error] = answer.json()["errors"]
    assert error["parameter"] == wrong and error["detail"]


def test_a_faulty_rule_points_at_the_column(app: Program) -> None:
    error = app.get("/segments/count", rule="city:lahore & afinity:students").json()["errors"][0]
    assert error["column"] == 15


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b"{", 400, None),
        (b"\xff\xfe", 400, None),
        (b'{"name": NaN, "rule": "all"}', 400, None),
        (b'{"name": "a\\u0000b", "rule": "all"}', 422, "/name"),
        (b'{"name": "a\\ud800b", "rule": "all"}', 422, "/name"),
        (b'{"name": "a", "name": "b", "rule": "all"}', 422, None),
        (b'{"name": 99999999999999999999999999, "rule": "all"}', 422, None),
        (b'{"name": "a", "rule": "all", "colour": 1}', 422, "/colour"),
        (b'{"rule": "all"}', 422, "/name"),
        (b'{"name": "a", "rule": "city:nowhereville"}', 422, "/rule"),
        (b'{"name": "!", "rule": "all"}', 422, "/name"),
        (b"[" * 21 + b"]" * 21, 422, None),
        (b"[" * 30_000, 422, None),
        (b" " * 70_000, 413, None),
        (b"", 422, ""),
        (b"null", 422, ""),
    ],
)
def test_a_wrong_body_is_refused_where_it_is_wrong(app: Program, body: bytes, status: int, pointer: str | None) -> None:
    headers = app.headers | {"Idempotency-Key": "k", "Content-Type": "application/json"}
    answer = app.http.post("/api/v1/segments", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    said = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json" and said["status"] == status
    if pointer is not None:
        assert said["errors"][0]["pointer"] == pointer


def test_a_body_is_bounded_also_when_its_length_is_not_told(app: Program) -> None:
    headers = app.headers | {"Idempotency-Key": "k", "Content-Type": "application/json"}
    pieces = (b" " * 10_000 for _ in range(20))
    assert app.http.post("/api/v1/segments", content=pieces, headers=headers).status_code == 413


def test_other_addresses_methods_and_kinds_are_refused_as_problems(app: Program) -> None:
    headers = app.headers | {"Idempotency-Key": "k"}
    http = app.http
    answers = {
        404: http.get("/api/v1/nothing", headers=headers),
        405: http.delete("/api/v1/members", headers=headers),
        414: http.get("/api/v1/members?rule=" + "a" * MOST_QUERY, headers=headers),
        415: http.post("/api/v1/segments", content="a=b", headers=headers | {"Content-Type": "text/plain"}),
    }
    for status, answer in answers.items():
        assert answer.status_code == status and answer.json()["status"] == status
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"].startswith("/api/v1/docs#problem-")
    assert answers[405].headers["Allow"] == "GET"
    assert http.delete("/api/v1/segments", headers=headers).headers["Allow"] == "GET, POST"
    assert http.get("/api/v1/members/%00", headers=headers).status_code == 404


def test_a_fault_of_ours_says_nothing_of_itself(
    app: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("+923001234567 is in this message")

    monkeypatch.setattr("gateway.api.members.list_members", broken)
    answer = app.get("/members")
    assert answer.status_code == 500 and answer.json()["type"].endswith("fault")
    assert "RuntimeError" not in answer.text and "923001234567" not in answer.text + caplog.text
    assert "broken" in caplog.text


def test_a_key_that_asks_too_often_is_told_when_to_come_back(settings: Settings, app: Program) -> None:
    busy = TestClient(create_app(settings.model_copy(update={"api_requests_per_minute": 3})))
    answers = [busy.get("/api/v1/segments", headers=app.headers) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit"].startswith('"key";r=2')
    assert answers[3].headers["RateLimit-Policy"] == '"key";q=3;w=60'
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 20
    assert answers[3].json()["status"] == 429


def test_the_description_and_the_page_need_no_key(app: Program) -> None:
    described = app.http.get("/api/v1/openapi.json").json()
    assert described["openapi"] == "3.1.0"
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            assert operation["security"][0]["key"], (method, path)
            assert {"401", "403", "422", "429", "500", "503"} <= set(operation["responses"])
            assert ("Idempotency-Key" in json.dumps(operation.get("parameters", []))) == (method == "post")
    page = app.http.get("/api/v1/docs")
    assert page.status_code == 200 and "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "<script" not in page.text and "http://" not in page.text.replace("http://www.w3.org", "")
    assert "/api/v1/members" in page.text


def test_every_route_names_a_scope_and_every_post_an_idempotency_key(app: Program, program: Programs) -> None:
    described = app.http.get("/api/v1/openapi.json").json()
    nothing = program("nothing", [])
    asked = 0
    for path, operations in described["paths"].items():
        for method in operations:
            address = f"/api/v1{path}".replace("{member_id}", "1").replace("{point_id}", "1")
            csv = path.endswith("/import")
            headers = nothing.headers | {"Content-Type": "text/csv" if csv else "application/json"}
            body = {"content": b"{}"} if method != "get" else {}
            answer = nothing.http.request(method.upper(), address, headers=headers, **body)
            assert answer.status_code == 403, (method, path, answer.text)
            asked += 1
    assert asked > 30
