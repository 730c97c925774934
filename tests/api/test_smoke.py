"""The API's main job, end to end on both databases, in as few requests as can be."""

from tests.api.conftest import Program, Texting


def test_a_program_counts_and_reads_members(app: Program, text: Texting) -> None:
    text("JOIN Ali Lahore students")
    counted = app.get("/segments/count", rule="city:lahore & affinity:students").json()
    assert counted["recipients"] == counted["matched"] == 1
    [member] = app.get("/members").json()["items"]
    assert member["city"] == {"key": "lahore", "name": "Lahore"}
    assert app.http.get("/api/v1/members").status_code == 401
