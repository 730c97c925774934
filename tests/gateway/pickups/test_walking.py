"""Routing servers: what they answer is read right, one that is slow or broken harms nobody.

The OSRM answers below have the form of its HTTP API documentation (Route, Table); those of Valhalla that of its API
reference. They are served by a loopback HTTP server here.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from gateway.pickups.walking import directions
from gateway.pickups.walking import router as routing
from gateway.pickups.walking.directions import answer_walks, steps_reply
from gateway.pickups.walking.router import Router, RouterDown, router_from
from gateway.pickups.walking.routes import ENGINES, BadRoute, Step
from gateway.replies.catalogue import load_catalogue
from gateway.rules.message_parts import cheapest, count_parts
from gateway.service import Service, utc_now
from gateway.tables import OutboundText, WalkRequest
from tests.gateway.conftest import a_text, settings_for
from tests.gateway.pickups.conftest import add_point, column
from tests.gateway.pickups.test_points import a_point


def _osrm(kind: str, modifier: str, name: str, metres: float) -> dict[str, Any]:
    maneuver = {"type": kind, "modifier": modifier, "location": [74.33, 31.5], "bearing_before": 0, "bearing_after": 90}
    return {"distance": metres, "duration": metres, "name": name, "mode": "walking", "maneuver": maneuver}


def _valhalla(kind: int, name: str, km: float) -> dict[str, Any]:
    named = {"street_names": [name]} if name else {}
    return {"type": kind, "instruction": "Go.", "time": 60.0, "length": km, "travel_mode": "pedestrian", **named}


OSRM_ROUTE = {
    "code": "Ok",
    "routes": [
        {
            "distance": 460.1,
            "duration": 331.2,
            "legs": [
                {
                    "steps": [
                        _osrm("depart", "", "Mall Road", 120.0),
                        _osrm("new name", "straight", "Mall Road", 80.0),
                        _osrm("turn", "slight left", "Canal Bank", 210.0),
                        _osrm("end of road", "right", "", 50.1),
                        _osrm("arrive", "left", "", 0.0),
                    ],
                    "summary": "",
                }
            ],
        }
    ],
    "waypoints": [{"name": "Mall Road", "location": [74.33, 31.5]}, {"name": "", "location": [74.34, 31.5]}],
}
VALHALLA_ROUTE = {
    "trip": {
        "status": 0,
        "units": "kilometers",
        "legs": [
            {
                "maneuvers": [
                    _valhalla(1, "Mall Road", 0.2),
                    _valhalla(16, "Canal Bank", 0.21),
                    _valhalla(10, "", 0.0501),
                    _valhalla(4, "", 0.0),
                ],
                "summary": {"time": 331.2, "length": 0.46},
            }
        ],
    }
}
TURNS = [Step("go", "Mall Road", 200.0), Step("left", "Canal Bank", 210.0), Step("right", "", 50.1)]


class Server:
    """A routing server of one kind. `seconds` says how long the walk to a position takes."""

    def __init__(self) -> None:
        self.seconds: Callable[[float, float], float | None] = lambda lat, lon: 60.0
        self.asked: list[str] = []
        self.status = 200
        self.hang: threading.Event | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self, "")

            def do_POST(self) -> None:
                outer.answer(self, self.rfile.read(int(self.headers["Content-Length"])).decode())

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def answer(self, request: BaseHTTPRequestHandler, body: str) -> None:
        self.asked.append(request.path)
        if self.hang:
            self.hang.wait(20)
        data = json.dumps(self._said(request.path, json.loads(body) if body else None)).encode()
        try:
            request.send_response(self.status)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(data)))
            request.end_headers()
            request.wfile.write(data)
        except OSError:
            pass

    def _said(self, path: str, body: Any) -> object:
        if path.startswith("/table/"):
            places = path.split("/")[4].partition("?")[0].split(";")
            ends = [tuple(map(float, place.split(","))) for place in places[1:]]
            return {"code": "Ok", "durations": [[0, *(self.seconds(lat, lon) for lon, lat in ends)]]}
        if path.startswith("/route/"):
            return OSRM_ROUTE
        if path == "/sources_to_targets":
            row = [
                {"from_index": 0, "to_index": at, "time": self.seconds(end["lat"], end["lon"]), "distance": 1.0}
                for at, end in enumerate(body["targets"])
            ]
            return {"sources_to_targets": [row], "units": "kilometers"}
        return VALHALLA_ROUTE

    def close(self) -> None:
        if self.hang:
            self.hang.set()
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.mark.parametrize("kind", sorted(ENGINES))
def test_both_kinds_of_server(server: Server, kind: str) -> None:
    router = Router(kind, server.url + "/")
    server.seconds = lambda lat, lon: None if lat > 40 else round(lat * 10 + lon)
    assert router.times((31.5, 74.3), [(31.0, 74.0), (50.0, 74.0), (30.0, 70.0)]) == [384.0, None, 370.0]
    assert router.route((31.5, 74.3), (31.51, 74.31)) == TURNS


@pytest.mark.parametrize("kind", sorted(ENGINES))
@pytest.mark.parametrize(
    "said",
    ["", "<html>", "[]", "{}", '{"code":"NoRoute"}', '{"code":"Ok"}', '{"code":"Ok","routes":[]}', '{"trip":{}}',
     '{"code":"Ok","durations":[[0]]}', '{"error":"No path could be found","error_code":442}',
     '{"code":"Ok","durations":[[0,"x"]]}', '{"sources_to_targets":[[{"to_index":9,"time":1}]]}',
     '{"sources_to_targets":[[{"to_index":0,"time":true}]]}', '{"trip":{"legs":[{"maneuvers":[{"type":"x"}]}]}}'],
)  # fmt: skip
def test_answers_of_another_form_are_refused(kind: str, said: str) -> None:
    for read in (lambda: ENGINES[kind].read_times(said, 1), lambda: ENGINES[kind].read_route(said)):
        with pytest.raises(BadRoute):
            read()


def test_a_server_that_fails_is_left_alone_for_a_while(server: Server) -> None:
    now = [0.0]
    router = Router("osrm", server.url, lambda: now[0])
    server.status = 503
    for _ in range(3):
        with pytest.raises(RouterDown):
            router.times((31.5, 74.3), [(31.0, 74.0)])
    assert len(server.asked) == 1
    server.status, now[0] = 200, routing.REST_S + 1
    assert router.times((31.5, 74.3), [(31.0, 74.0)]) == [60.0]


@pytest.mark.parametrize("kind", sorted(ENGINES))
def test_the_nearest_on_foot_is_chosen_and_steps_follow(
    engine: Engine, rally: int, database_url: str, server: Server, kind: str
) -> None:
    """Across the river is nearer as the crow flies, and an hour on foot."""
    add_point(engine, rally, "Across River", 31.502, 74.33)
    add_point(engine, rally, "Bird Market", 31.494, 74.33)
    server.seconds = lambda lat, lon: 3600.0 if lat > 31.5 else 480.0
    service = Service(settings_for(database_url, walking_router=kind, walking_router_url=server.url))

    async def texts() -> list[str]:
        service.collector.start()
        said = []
        for body in ("HELP", "WHERE 31.5000,74.3300", "STEPS"):
            answer = await service.submit(a_text(body))
            assert answer
            said.append(answer.body or "")
        await service.collector.stop()
        return said

    _, where, steps = asyncio.run(texts())
    assert where.startswith("Bird Market: 650 m (8 min walk) south")
    assert steps == "The way on foot follows in the next text."
    router = router_from(service.settings)
    assert router
    assert answer_walks(engine, service.settings, router, utc_now()) == 1
    assert answer_walks(engine, service.settings, router, utc_now()) == 0
    [body] = column(engine, select(OutboundText.body).where(OutboundText.inbound_id.is_(None)))
    assert body.startswith("To Bird Market: 200 m along Mall Road, left into Canal Bank 200 m, right 50 m https://")
    assert column(engine, select(WalkRequest.id)) == []
    service.close()


def test_a_server_that_hangs_costs_a_moment_and_the_answer_is_by_distance(
    engine: Engine, rally: int, database_url: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing, "TIMEOUT_S", 0.2)
    add_point(engine, rally, "Across River", 31.502, 74.33)
    add_point(engine, rally, "Bird Market", 31.494, 74.33, landmarks={"": "by the well"})
    settings = settings_for(database_url, walking_router="osrm", walking_router_url=server.url)
    service = Service(settings)
    server.hang = threading.Event()

    async def texts() -> list[str]:
        service.collector.start()
        said = [
            (await service.submit(a_text(body))).body or ""  # type: ignore[union-attr]
            for body in ("HELP", "WHERE 31.5000,74.3300", "WHERE bird market", "STEPS")
        ]
        await service.collector.stop()
        return said

    said = asyncio.run(texts())
    assert said[1].startswith("Across River: 200 m north")
    assert len(server.asked) == 1
    router = router_from(settings)
    assert router
    assert answer_walks(engine, settings, router, utc_now()) == 0
    assert answer_walks(engine, settings, router, utc_now() + 2 * directions._AGAIN) == 1
    [body] = column(engine, select(OutboundText.body).where(OutboundText.inbound_id.is_(None)))
    assert body.startswith("Bird Market (by the well): right there")
    service.close()


@pytest.mark.parametrize("language", ["en", "ur-Latn", "ur"])
@pytest.mark.parametrize("count", [1, 3, 12, 60])
def test_steps_are_at_most_two_parts(language: str, count: int) -> None:
    from zoneinfo import ZoneInfo

    from gateway.pickups.pickups import Pickups
    from segments import Gazetteer

    pickups = Pickups((), Gazetteer([]), ZoneInfo("Asia/Karachi"), link_base="https://jalsa.example/p/")
    steps = [Step(("left", "right", "go", "back")[at % 4], f"Very Long Street Name {at}", 137.0) for at in range(count)]
    reply = steps_reply(steps, a_point(7, 31.5, 74.3, name="A Point With Quite A Long Name Of Its Own"), pickups)
    said = cheapest(load_catalogue().render(reply, language))
    assert count_parts(said).parts <= 2
    assert said.endswith("https://jalsa.example/p/7")
    if count == 60:
        assert "..." in said


def test_what_a_real_valhalla_answered_is_read() -> None:
    """Recorded from Valhalla 3.5.1 over HTTP, on a made-up grid of streets; spoken hints and shapes left out."""
    said = json.loads((Path(__file__).parent / "valhalla_answers.json").read_text())
    engine = ENGINES["valhalla"]
    assert engine.read_times(json.dumps(said["times"]), 2) == [1422.0, 409.0]
    assert engine.read_route(json.dumps(said["route"])) == [
        Step("go", "Avenue A", 1059.0),
        Step("right", "6 Street", 950.0),
    ]
    with pytest.raises(BadRoute, match="max distance"):
        engine.read_route(json.dumps(said["no_route"]))
