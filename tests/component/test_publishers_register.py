"""The register of publishers: by HTTP, by pages, from a file; and what it says at the door."""

import argparse
import re
from collections.abc import Mapping
from datetime import date, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.intake.registration import PUBLISHERS
from shared.service import Parts
from tests.component.intake_desk import (
    OFFICER,
    SCHOOL,
    WARD,
    DeskRoom,
    open_the_year,
    report,
    token,
)

pytestmark = pytest.mark.component

OPERATOR = "operator"
OTHER_WARD = "an-hai"
CREATED, OK = HTTPStatus.CREATED, HTTPStatus.OK
NEW = {"name": "truong-hoc-so", "document": "14/QĐ-UBND"}
GRANT = {"participants": ["tieu-hoc-1", "thcs-1"], "document": "15/QĐ-UBND"}
REASON = {"reason": "Thôi dùng phần mềm này"}


@pytest.fixture
async def room(desk: DeskRoom) -> DeskRoom:
    await desk.begin_anew()
    await open_the_year(desk)
    return desk


async def call(
    room: DeskRoom,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    ward: str = WARD,
    person: str = OPERATOR,
    **more: str,
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token(person, ward=ward)}", **more}
    if body is None:
        return await room.client.get(f"/intake{path}", headers=headers)
    return await room.client.post(f"/intake{path}", json=body, headers=headers)


async def acts(room: DeskRoom) -> list[str]:
    rows = await room.rows("SELECT name FROM act WHERE name LIKE 'publisher%' ORDER BY seq")
    return [name for (name,) in rows]


async def test_a_publisher_s_life(room: DeskRoom) -> None:
    made = await call(room, "/publishers", NEW)
    assert (made.status_code, made.json()["new"]) == (CREATED, True)
    assert made.json()["inbound"] == "thidua.inbound.truong-hoc-so.v1"
    again = await call(room, "/publishers", NEW)
    assert (again.status_code, again.json()["new"]) == (CREATED, False)
    given = await call(room, "/publishers/truong-hoc-so/grants", GRANT)
    number = given.json()["id"]
    same = await call(room, "/publishers/truong-hoc-so/grants", GRANT)
    assert (same.json()["id"], same.json()["new"]) == (number, False)
    shown = (await call(room, "/publishers/truong-hoc-so")).json()
    assert shown["source"] == "urn:thidua:publisher:truong-hoc-so"
    assert [one["participants"] for one in shown["grants"]] == [["thcs-1", "tieu-hoc-1"]]
    taken = await call(room, f"/publishers/truong-hoc-so/grants/{number}/end", REASON)
    later = await call(room, f"/publishers/truong-hoc-so/grants/{number}/end", {"reason": "Nữa"})
    assert (taken.status_code, later.status_code) == (OK, OK)
    moments = [datetime.fromisoformat(one.json()["ended_at"]) for one in (taken, later)]
    assert moments[0] == moments[1]
    ended = await call(room, "/publishers/truong-hoc-so/end", REASON)
    assert ended.status_code == OK
    for path, body in (("/publishers", NEW), ("/publishers/truong-hoc-so/grants", GRANT)):
        refused = await call(room, path, body)
        assert refused.status_code == HTTPStatus.CONFLICT
        assert refused.json()["type"] == "urn:thidua:problem:publisher-ended"
    shown = (await call(room, "/publishers/truong-hoc-so")).json()
    assert (shown["ended_why"], shown["grants"][0]["ended_by"]) == (REASON["reason"], OPERATOR)
    assert await acts(room) == [
        "publisher-registered",
        "publisher-granted",
        "publisher-grant-revoked",
        "publisher-ended",
    ]


@pytest.mark.parametrize(
    ("path", "body", "status", "name", "pointer"),
    [
        ("", {**NEW, "name": "Trường"}, 422, "invalid-request", "/name"),
        ("", {**NEW, "document": ""}, 422, "invalid-request", "/document"),
        ("", {**NEW, "name": "e-office", "source": "urn:x:y"}, 409, "publisher-exists", None),
        ("", {**NEW, "source": "urn:thidua:publisher:trial"}, 422, "source-taken", "/source"),
        ("/trial/grants", {**GRANT, "participants": []}, 422, "invalid-request", None),
        (
            "/trial/grants",
            {**GRANT, "participants": ["khong-co"]},
            422,
            "unknown-participant",
            "/participants",
        ),
        (
            "/trial/grants",
            {**GRANT, "since": "2026-01-02", "until": "2026-01-01"},
            422,
            "wrong-days",
            "/until",
        ),
        ("/nobody/grants", GRANT, 404, "not-found", None),
        ("/trial/grants/999/end", REASON, 404, "not-found", None),
        ("/nobody/end", REASON, 404, "not-found", None),
    ],
)
async def test_what_is_wrong_is_refused_with_the_place(
    room: DeskRoom, path: str, body: dict[str, Any], status: int, name: str, pointer: str | None
) -> None:
    answer = await call(room, f"/publishers{path}", body)
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert problem["type"].endswith(name) or name == "invalid-request"
    if pointer is not None:
        assert pointer in [error["pointer"] for error in problem["errors"]]
    assert await acts(room) == []


async def test_a_request_that_is_sent_again_is_done_once(room: DeskRoom) -> None:
    key = {"Idempotency-Key": "0190a5c2-7d34-7b51"}
    first = await call(room, "/publishers/trial/grants", GRANT, **key)
    second = await call(room, "/publishers/trial/grants", GRANT, **key)
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"]
    tag = (await call(room, "/publishers/trial")).headers["ETag"]
    same = await call(room, "/publishers/trial", None, **{"If-None-Match": tag})
    assert same.status_code == HTTPStatus.NOT_MODIFIED


async def test_a_ward_decides_about_its_own_participants_alone(room: DeskRoom) -> None:
    """Another ward may grant what it has to the same system; it sees only its own grants."""
    assert (await call(room, "/publishers", ward=OTHER_WARD)).json() == []
    assert (await call(room, "/publishers/trial", ward=OTHER_WARD)).status_code == 404
    body = {"participants": "all", "document": "1/QĐ"}
    theirs = await call(room, "/publishers/trial/grants", body, ward=OTHER_WARD)
    assert theirs.status_code == CREATED
    shown = (await call(room, "/publishers/trial", ward=OTHER_WARD)).json()
    assert [one["participants"] for one in shown["grants"]] == ["all"]
    assert shown["ours"] is False
    ours = (await call(room, "/publishers/trial")).json()["grants"][0]["id"]
    foreign = await call(room, f"/publishers/trial/grants/{ours}/end", REASON, ward=OTHER_WARD)
    assert foreign.status_code == 404
    end = await call(room, "/publishers/trial/end", REASON, ward=OTHER_WARD)
    assert end.status_code == HTTPStatus.FORBIDDEN
    await room.apply(room.record(report("thcs-1"), publisher="trial"))
    [said] = await room.news()
    assert [reason["code"] for reason in said.data["reasons"]] == ["not-granted"]


@pytest.mark.parametrize("person", [OFFICER, SCHOOL, "chairman", "inspector"])
async def test_nobody_else_looks_into_the_register(room: DeskRoom, person: str) -> None:
    assert (await call(room, "/publishers", person=person)).status_code == HTTPStatus.FORBIDDEN
    made = await call(room, "/publishers", NEW, person=person)
    assert made.status_code == HTTPStatus.FORBIDDEN


async def test_an_auditor_reads_it_and_changes_nothing(room: DeskRoom) -> None:
    seen = await call(room, "/publishers", person="auditor")
    assert [row["name"] for row in seen.json()] == ["e-office", "trial"]
    made = await call(room, "/publishers", NEW, person="auditor")
    assert made.status_code == HTTPStatus.FORBIDDEN
    page = await room.page("auditor", "/publishers")
    assert page.status_code == OK
    assert "<form" not in page.text.partition("<main")[2]


async def test_what_was_granted_counts_on_its_days(room: DeskRoom) -> None:
    await call(room, "/publishers", NEW)
    days = {"since": "2025-12-01", "until": "2025-12-02"}
    await call(room, "/publishers/truong-hoc-so/grants", {**GRANT, **days})
    known = room.applier._consumer
    known.listen_to({*known.inbound_topics, "thidua.inbound.truong-hoc-so.v1"})
    for at in ("2025-11-30 23:59", "2025-12-01 00:00", "2025-12-02 23:59", "2025-12-03 00:00"):
        await room.apply(room.record(report("thcs-1"), publisher="truong-hoc-so", at=at))
    answers = [said for said in await room.said() if "truong-hoc-so" in said.topic]
    assert [said.name for said in answers] == [
        "report-rejected",
        "report-received",
        "report-received",
        "report-rejected",
    ]


# --- pages ---


async def test_an_operator_does_all_of_it_on_pages(room: DeskRoom) -> None:
    listed = await room.page(OPERATOR, "/publishers")
    assert "mọi đơn vị, cá nhân" in listed.text
    made = await room.fill(OPERATOR, "/publishers", {**NEW, "source": ""})
    assert made.headers["location"] == "/intake/publishers/truong-hoc-so?done=registered"
    shown = await room.page(OPERATOR, "/publishers/truong-hoc-so?done=registered")
    assert "thidua.inbound.truong-hoc-so.v1" in shown.text
    typed = {"participants": "tieu-hoc-1, thcs-1", "since": "01/08/2025", "document": "15/QĐ"}
    assert (await room.page(OPERATOR, "/publishers/truong-hoc-so/grants")).status_code == OK
    given = await room.fill(OPERATOR, "/publishers/truong-hoc-so/grants", typed)
    assert given.status_code == HTTPStatus.SEE_OTHER, given.text
    shown = await room.page(OPERATOR, "/publishers/truong-hoc-so")
    [way] = re.findall(r"/intake(/publishers/truong-hoc-so/grants/\d+/end)", shown.text)
    asked = await room.page(OPERATOR, way)
    assert "thcs-1, tieu-hoc-1" in asked.text
    unsure = await room.fill(OPERATOR, way, REASON)
    assert (unsure.status_code, "đánh dấu" in unsure.text) == (422, True)
    sure = await room.fill(OPERATOR, way, {**REASON, "confirmed": "yes"})
    assert sure.status_code == HTTPStatus.SEE_OTHER
    end = "/publishers/truong-hoc-so/end"
    assert (await room.page(OPERATOR, end)).status_code == OK
    sure = await room.fill(OPERATOR, end, {**REASON, "confirmed": "yes"})
    assert sure.status_code == HTTPStatus.SEE_OTHER
    shown = await room.page(OPERATOR, "/publishers/truong-hoc-so")
    for words in ("Đã thôi", "Đã thu hồi", "giao gửi thay cho thcs-1, tieu-hoc-1", "15/QĐ"):
        assert words in shown.text


async def test_a_page_s_form_says_what_is_wrong_beside_the_field(room: DeskRoom) -> None:
    wrong = await room.fill(OPERATOR, "/publishers", {"name": "Trường Số", "document": ""})
    assert wrong.status_code == 422
    assert {"name", "document"} <= set(re.findall(r'id="([\w-]+)-error"', wrong.text)) or (
        wrong.text.count("aria-invalid") >= 2
    )
    typed = {"participants": "khong-co", "document": "1/QĐ", "since": "hôm nay"}
    wrong = await room.fill(OPERATOR, "/publishers/trial/grants", typed)
    assert "ngày/tháng/năm" in wrong.text
    wrong = await room.fill(OPERATOR, "/publishers/trial/grants", {**typed, "since": ""})
    assert "mang mã khong-co" in wrong.text
    everybody = {"participants": "Tất cả", "document": "1/QĐ"}
    done = await room.fill(OPERATOR, "/publishers/trial/grants", everybody)
    assert done.status_code == HTTPStatus.SEE_OTHER


# --- from a file ---

FILE = """
- name: e-office
  source: urn:thidua:publisher:e-office
  grants: [{ward: tu-minh, participants: all}]
- name: moi
  grants: [{ward: tu-minh, participants: [thcs-1]}, {ward: an-hai, participants: all}]
"""


async def enter(room: DeskRoom, file: Path) -> int:
    parser = argparse.ArgumentParser()
    PUBLISHERS.arguments(parser)
    told = parser.parse_args([str(file), "--ward", WARD, "--since", "2025-08-01"])
    parts: Parts[Any] = room.client._transport.app.state.parts  # type: ignore[attr-defined]
    return await PUBLISHERS.run(parts, told)


async def test_a_file_is_entered_once_and_gives_back_nothing_that_was_taken(
    room: DeskRoom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "publishers.yaml"
    file.write_text(FILE, "utf-8")
    assert await enter(room, file) == 0
    assert capsys.readouterr().out.splitlines() == [
        "known: e-office",
        "known: e-office for tu-minh",
        "done: moi",
        "done: moi for tu-minh",
        "done: moi for an-hai",
    ]
    row = (await call(room, "/publishers/moi")).json()
    assert (row["document"], row["registered_by"]) == ("publishers.yaml", "cli:publishers")
    number = row["grants"][0]["id"]
    await call(room, f"/publishers/moi/grants/{number}/end", REASON)
    await call(room, "/publishers/e-office/end", REASON)
    before = await acts(room)
    assert await enter(room, file) == 0
    assert await acts(room) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {name: A}", "/0/name"),
        ("- {name: a, grants: [{ward: tu-minh, participants: some}]}", "/0/grants/0/participants"),
        ("- [", "cannot be read"),
        ("- {name: a, source: 'urn:thidua:publisher:trial'}", "refused: a"),
        ("- {name: a, grants: [{ward: tu-minh, participants: [khong-co]}]}", "refused: a for"),
    ],
)
async def test_a_file_that_cannot_be_used_says_why(
    room: DeskRoom, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    file = tmp_path / "publishers.yaml"
    file.write_text(text, "utf-8")
    assert await enter(room, file) == 4
    told = capsys.readouterr()
    assert said in told.out + told.err


async def test_the_register_knows_since_when(room: DeskRoom) -> None:
    room.clock.time = room.clock.time.replace(year=2026)
    await call(room, "/publishers", NEW)
    await call(room, "/publishers/truong-hoc-so/grants", GRANT)
    row = (await call(room, "/publishers/truong-hoc-so")).json()
    assert row["grants"][0]["since"] == date(2026, 8, 1).isoformat()
    assert row["registered_at"].startswith("2026-08-01T")


async def test_a_ward_is_not_told_who_registered_a_publisher_of_anothers(room: DeskRoom) -> None:
    await call(room, "/publishers", NEW)
    given = {"participants": "all", "document": "3/QĐ-UBND"}
    path = "/publishers/truong-hoc-so"
    assert (await call(room, f"{path}/grants", given, ward=OTHER_WARD)).status_code == CREATED
    await call(room, f"{path}/end", REASON)
    theirs = (await call(room, path, ward=OTHER_WARD)).json()
    told = ("document", "registered_by", "ended_by", "ended_why")
    assert [theirs[name] for name in told] == ["", "", None, ""]
    assert theirs["ended_at"] is not None
    assert theirs["grants"][0]["document"] == "3/QĐ-UBND"
    ours = (await call(room, path)).json()
    assert [ours[name] for name in told] == [NEW["document"], OPERATOR, OPERATOR, REASON["reason"]]
    headers = {"Accept": "text/html", "Cookie": f"thidua_token={token(OPERATOR, ward=OTHER_WARD)}"}
    page = await room.client.get(f"/intake{path}", headers=headers)
    assert page.status_code == OK
    assert REASON["reason"] not in page.text
