"""Reports over HTTP: returned in part, withdrawn, opened again; drafts of several authors, a head's
approval, what the office enters on behalf of a unit.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from deploy.local.infrastructure import Provided
from tests.component.intake_desk import (
    OFFICER,
    PERIOD,
    SCHOOL,
    SUBSTITUTE,
    DeskRoom,
    judgement,
    moment,
    one_intake,
    open_the_year,
    report,
    returning,
    token,
)

pytestmark = pytest.mark.component

HEAD = "tieu-hoc-1.head"
OTHER = "thcs-1.reporter"
UNIT = "tieu-hoc-1"
DRAFT = f"/drafts/{UNIT}/{PERIOD}"


@pytest.fixture(scope="module")
async def desk(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DeskRoom]:
    async with one_intake(infrastructure, tmp_path_factory.mktemp("intake")) as opened:
        yield opened


@pytest.fixture
async def room(desk: DeskRoom) -> DeskRoom:
    await desk.begin_anew()
    await open_the_year(desk)
    desk.clock.time = moment("2025-12-01 09:00")
    return desk


def full(revision: int = 1, **more: Any) -> dict[str, Any]:
    """A report by form 2 with something in every section."""
    items = [
        {"criterion": "a1", "self_score": "38.5", "narrative": "Đã làm"},
        {"criterion": "a2", "nothing_arose": True, "reason": "Chưa có thủ tục nào"},
    ]
    usual = {
        "form_version": 2,
        "situation": "Đã triển khai.",
        "digital_literacy": "Ba lớp.",
        "items": items,
        "role_models": [{"name": "Tổ 1", "summary": "Tốt"}],
    }
    return report(UNIT, revision=revision, **{**usual, **more})


def reopening(revision: int = 1, *pointers: str) -> dict[str, Any]:
    reasons = [{"pointer": one, "text": "Số liệu thay đổi."} for one in pointers or ("/items/0",)]
    return {
        **judgement(UNIT, revision),
        "reasons": reasons,
        "correct_by": "2026-01-20T17:00:00+07:00",
    }


def wrong(answer: httpx.Response) -> set[str]:
    return {one["pointer"] for one in answer.json()["errors"]}


async def send(
    room: DeskRoom,
    method: str,
    person: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    tag: str | None = None,
    **claims: Any,
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token(person, **claims)}"}
    if tag is not None:
        headers["If-Match"] = tag
    return await room.client.request(method, f"/intake{path}", json=body, headers=headers)


async def tag_of(room: DeskRoom, person: str = SCHOOL) -> str:
    answer = await send(room, "GET", person, DRAFT)
    assert answer.status_code == 200, answer.text
    return answer.headers["etag"]


async def save(room: DeskRoom, fields: Mapping[str, str], person: str = SCHOOL) -> dict[str, Any]:
    tag = await tag_of(room, person)
    answer = await send(room, "PUT", person, DRAFT, {"fields": fields}, tag)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def act(room: DeskRoom, person: str, what: str, said: str = "") -> httpx.Response:
    tag = await tag_of(room, person)
    return await send(room, "POST", person, f"{DRAFT}/acts", {"act": what, "said": said}, tag)


async def submit(room: DeskRoom, person: str = SCHOOL, **more: Any) -> httpx.Response:
    tag = await tag_of(room, person)
    body = {"commitment": True, **more}
    return await send(room, "POST", person, f"{DRAFT}/submission", body, tag)


FIELDS = {
    "situation": "Đã triển khai.",
    "items.a1.self_score": "38,5",
    "items.a1.narrative": "Đã làm",
}


class TestReturnedInPart:
    async def test_what_was_not_sent_back_cannot_change_by_any_door(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", full())
        await room.must(OFFICER, "/reports/returns", returning(UNIT))
        changed = full(2, situation="Khác", role_models=[])
        by_http = await room.post(SCHOOL, "/reports", changed)
        assert by_http.status_code == 422
        assert wrong(by_http) == {"/situation", "/role_models"}
        await room.apply(room.record(changed))
        [answer] = await room.news("report-rejected")
        assert {one["pointer"] for one in answer.data["reasons"]} == {"/situation", "/role_models"}
        assert {one["code"] for one in answer.data["reasons"]} == {"invalid-field"}

    async def test_what_was_sent_back_can(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", full())
        await room.must(OFFICER, "/reports/returns", returning(UNIT))
        items = [{**full()["items"][0], "narrative": "Rõ hơn"}, full()["items"][1]]
        await room.must(SCHOOL, "/reports", full(2, items=items))
        await room.must(SUBSTITUTE, "/reports/acceptances", judgement(UNIT, 2))

    async def test_the_lock_holds_over_later_versions_and_withdrawal(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", full())
        await room.must(OFFICER, "/reports/returns", returning(UNIT))
        await room.must(SCHOOL, "/reports", full(2))
        assert (await room.post(SCHOOL, "/reports", full(3, situation="?"))).status_code == 422
        await room.must(SCHOOL, "/reports/withdrawals", judgement(UNIT, 2))
        assert (await room.post(SCHOOL, "/reports", full(3, situation="?"))).status_code == 422
        await room.must(SCHOOL, "/reports", full(3))

    async def test_a_reason_needs_a_place_that_is_there(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", full())
        reasons = [{"pointer": one, "text": "?"} for one in ("/items/0", "/items/7", "/revision")]
        answer = await room.post(OFFICER, "/reports/returns", returning(UNIT, reasons=reasons))
        assert answer.status_code == 422
        assert wrong(answer) == {"/reasons/1/pointer", "/reasons/2/pointer"}


class TestWithdrawn:
    async def test_nobody_judges_it_and_another_may_be_sent(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", full())
        await room.news()
        for _ in range(2):
            await room.must(SCHOOL, "/reports/withdrawals", judgement(UNIT))
        [said] = await room.news()
        assert (said.name, said.data["revision"]) == ("report-withdrawn", 1)
        refused = await room.post(OFFICER, "/reports/acceptances", judgement(UNIT))
        assert refused.status_code == 422
        assert refused.json()["type"].endswith("cannot-accept")
        board = (await room.get(OFFICER, f"/board?period={PERIOD}")).json()["items"]
        assert next(r for r in board if r["participant"] == UNIT)["standing"] == "withdrawn"
        await room.must(SCHOOL, "/reports", full(2, situation="Khác hẳn"))

    async def test_only_by_the_unit_and_only_before_it_is_judged(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", full())
        for person, status in ((OTHER, 422), (OFFICER, 403), ("inspector", 403)):
            answer = await room.post(person, "/reports/withdrawals", judgement(UNIT))
            assert answer.status_code == status, person
        await room.must(OFFICER, "/reports/acceptances", judgement(UNIT))
        late = await room.post(SCHOOL, "/reports/withdrawals", judgement(UNIT))
        assert late.json()["type"].endswith("cannot-withdraw")


class TestOpenedAgain:
    async def test_a_new_version_of_what_was_named_is_judged_anew(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", full())
        await room.must(OFFICER, "/reports/acceptances", judgement(UNIT))
        await room.news()
        room.clock.time = moment("2026-01-05 09:00")
        for _ in range(2):
            await room.must(OFFICER, "/reports/reopenings", reopening())
        [said] = await room.news()
        assert said.name == "report-reopened"
        assert said.data["reasons"] == [{"pointer": "/items/0", "text": "Số liệu thay đổi."}]
        accepting = await room.post(OFFICER, "/reports/acceptances", judgement(UNIT))
        assert accepting.json()["type"].endswith("cannot-accept")
        board = (await room.get(OFFICER, f"/board?period={PERIOD}")).json()["items"]
        assert next(r for r in board if r["participant"] == UNIT)["standing"] == "reopened"
        assert (await room.post(SCHOOL, "/reports", full(2, situation="?"))).status_code == 422
        items = [{**full()["items"][0], "self_score": "40"}, full()["items"][1]]
        taken = await room.must(SCHOOL, "/reports", full(2, items=items))
        assert (taken["late"], taken["days_late"]) == (False, 0)
        again = await room.post(OFFICER, "/reports/reopenings", reopening())
        assert again.status_code == 201
        old = await room.post(OFFICER, "/reports/acceptances", judgement(UNIT))
        assert old.json()["type"].endswith("newer-revision")
        early = await room.post(OFFICER, "/reports/reopenings", reopening(2))
        assert early.json()["type"].endswith("cannot-reopen")
        await room.must(OFFICER, "/reports/acceptances", judgement(UNIT, 2))
        assert (await room.post(SCHOOL, "/reports", full(3))).status_code == 409

    async def test_never_by_the_unit_nor_by_an_officer_of_it(self, room: DeskRoom) -> None:
        await room.must("phong-vhxh.reporter", "/reports", report("phong-vhxh"))
        await room.must(SUBSTITUTE, "/reports/acceptances", judgement("phong-vhxh"))
        body = {**reopening(), "participant": "phong-vhxh"}
        own = await room.post(OFFICER, "/reports/reopenings", body)
        assert own.json()["type"].endswith("own-unit")
        assert (await room.post("phong-vhxh.reporter", "/reports/reopenings", body)).is_error
        await room.must(SUBSTITUTE, "/reports/reopenings", body)


class TestDraft:
    async def test_is_kept_for_the_unit_and_nobody_else(self, room: DeskRoom) -> None:
        await save(room, FIELDS)
        for person in (SCHOOL, HEAD):
            shown = (await send(room, "GET", person, DRAFT)).json()
            assert shown["fields"] == FIELDS
        assert (await send(room, "GET", OTHER, DRAFT)).status_code == 404
        assert (await send(room, "GET", "inspector", DRAFT)).status_code == 403
        office = (await send(room, "GET", OFFICER, DRAFT)).json()
        assert (office["side"], office["fields"], office["state"]) == ("office", {}, "none")

    async def test_a_lost_race_names_both_texts_and_loses_neither(self, room: DeskRoom) -> None:
        await save(room, FIELDS)
        old = await tag_of(room)
        await save(room, {"situation": "Của người thứ hai"}, HEAD)
        mine = {"situation": "Của người thứ nhất", "difficulties": "Thiếu máy"}
        lost = await send(room, "PUT", SCHOOL, DRAFT, {"fields": mine}, old)
        assert lost.status_code == 412
        told = {one["pointer"]: one["detail"] for one in lost.json()["errors"]}
        assert told["/fields/situation"] == (
            "Đang lưu: “Của người thứ hai”. Bạn gửi: “Của người thứ nhất”."
        )
        assert (await save(room, mine))["fields"] == {**FIELDS, **mine}

    async def test_without_a_tag_nothing_is_saved(self, room: DeskRoom) -> None:
        answer = await send(room, "PUT", SCHOOL, DRAFT, {"fields": FIELDS})
        assert answer.status_code == 428
        assert await room.rows("SELECT count(*) FROM draft") == [(0,)]

    async def test_a_field_that_the_form_does_not_have_is_named(self, room: DeskRoom) -> None:
        fields = {"items.b1.narrative": "?", "situation": "x"}
        answer = await send(room, "PUT", SCHOOL, DRAFT, {"fields": fields}, await tag_of(room))
        assert answer.status_code == 422
        assert wrong(answer) == {"/fields/items.b1.narrative"}

    async def test_is_sent_through_the_one_door_and_gone_then(self, room: DeskRoom) -> None:
        await save(room, FIELDS)
        sent = await submit(room)
        assert sent.status_code == 201, sent.text
        assert (sent.json()["revision"], sent.json()["late"]) == (1, False)
        [received] = await room.said("report-received")
        assert received.data["items"][0]["self_score"] == "38.5"
        assert await room.rows("SELECT count(*) FROM draft") == [(0,)]
        assert await room.rows("SELECT door, submitted_by FROM report") == [("page", SCHOOL)]
        acts = await room.rows("SELECT name FROM act WHERE name LIKE 'report-%'")
        assert acts == [("report-committed",)]

    async def test_is_not_sent_without_the_commitment(self, room: DeskRoom) -> None:
        await save(room, FIELDS)
        answer = await submit(room, commitment=False)
        assert answer.status_code == 422
        assert wrong(answer) == {"/commitment"}

    async def test_what_is_wrong_is_told_by_the_draft_s_fields(self, room: DeskRoom) -> None:
        await save(
            room,
            {
                **FIELDS,
                "items.a1.self_score": "rất tốt",
                "items.a2.standing": "nothing-arose",
                "items.a2.evidence.0.title": "Ảnh",
                "nominations.0.subject": "Tổ 1",
            },
        )
        answer = await submit(room)
        assert answer.status_code == 422
        assert wrong(answer) == {
            "/fields/items.a1.self_score",
            "/fields/items.a2.evidence.0.url",
            "/fields/nominations.0.form",
            "/fields/nominations.0.reason",
        }
        await save(
            room,
            {
                "items.a1.self_score": "",
                "items.a2.evidence.0.title": "",
                "nominations.0.subject": "",
            },
        )
        assert wrong(await submit(room)) == {
            "/fields/items.a1.self_score",
            "/fields/items.a2.reason",
        }

    async def test_begins_with_what_was_sent_and_shows_what_is_locked(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", full())
        await room.must(OFFICER, "/reports/returns", returning(UNIT))
        shown = (await send(room, "GET", SCHOOL, DRAFT)).json()
        assert shown["fields"]["items.a2.standing"] == "nothing-arose"
        assert "items.a1" not in shown["locked"]
        assert {"situation", "items.a2", "role_models.0", "role_models.1"} <= set(shown["locked"])
        await save(room, {"items.a1.narrative": "Rõ hơn", "situation": "Sửa trộm"})
        assert wrong(await submit(room)) == {"/fields/situation"}
        await save(room, {"situation": "Đã triển khai."})
        sent = await submit(room)
        assert (sent.status_code, sent.json()["revision"]) == (201, 2)

    async def test_does_not_overwrite_what_came_by_another_door(self, room: DeskRoom) -> None:
        await save(room, FIELDS)
        await room.apply(room.record(full()))
        behind = await submit(room)
        assert behind.status_code == 409
        assert "Bản số 1 đã được gửi qua cửa khác" in behind.json()["detail"]
        await save(room, {"difficulties": "Đã xem bản kia"})
        assert (await submit(room)).json()["revision"] == 2

    async def test_of_a_draft_that_was_sent_meanwhile_everything_is_kept(
        self, room: DeskRoom
    ) -> None:
        await save(room, FIELDS)
        old = await tag_of(room)
        await submit(room)
        late = await send(room, "PUT", SCHOOL, DRAFT, {"fields": {"situation": "Trễ"}}, old)
        assert late.status_code == 412
        assert wrong(late) == {"/fields/situation"}


class TestHeadsApproval:
    async def test_is_asked_for_where_the_unit_wants_it(self, room: DeskRoom) -> None:
        rule = f"/participants/{UNIT}/approval"
        assert (await room.post(HEAD, rule, {"head_approves": True})).status_code == 200
        await save(room, FIELDS)
        refused = await submit(room)
        assert refused.json()["type"].endswith("approval-needed")
        direct = await room.post(SCHOOL, "/reports", full())
        assert direct.json()["type"].endswith("approval-needed")
        assert (await act(room, SCHOOL, "ask")).json()["state"] == "awaiting-head"
        assert (await act(room, SCHOOL, "approve")).json()["type"].endswith("not-yours-to-do")
        sent_back = await act(room, HEAD, "send-back", "Thiếu số liệu.")
        assert (sent_back.json()["state"], sent_back.json()["said"]) == ("draft", "Thiếu số liệu.")
        await act(room, SCHOOL, "ask")
        assert (await act(room, HEAD, "approve")).json()["state"] == "approved"
        changed = await send(
            room, "PUT", SCHOOL, DRAFT, {"fields": {"situation": "?"}}, await tag_of(room)
        )
        assert changed.json()["type"].endswith("cannot-save")
        assert (await submit(room)).status_code == 201

    @pytest.mark.parametrize(
        ("first", "back"),
        [("approve", "take-back"), ("other-door", "take-back"), ("other-door", "send-back")],
    )
    async def test_only_saving_ends_that_another_door_was_faster(
        self, room: DeskRoom, first: str, back: str
    ) -> None:
        await room.post(HEAD, f"/participants/{UNIT}/approval", {"head_approves": True})
        await save(room, FIELDS)
        assert (await act(room, SCHOOL, "ask")).json()["based_on"] == 0
        if first == "approve":
            assert (await act(room, HEAD, "approve")).json()["state"] == "approved"
        await room.apply(room.record(full()))
        if first == "other-door":
            behind = await act(room, HEAD, "approve")
            assert behind.status_code == 409
            assert behind.json()["type"].endswith("revision-conflict")
        drawn = (await act(room, HEAD, back, "Đã có bản khác.")).json()
        assert (drawn["state"], drawn["based_on"]) == ("draft", 0)
        assert (await act(room, SCHOOL, "ask")).status_code == 409
        assert (await submit(room, HEAD)).status_code == 409
        assert (await save(room, {"difficulties": "Đã xem bản kia"}))["based_on"] == 1
        assert (await act(room, SCHOOL, "ask")).json()["based_on"] == 1
        assert (await submit(room, HEAD)).json()["revision"] == 2

    async def test_the_office_and_other_systems_go_their_own_way(self, room: DeskRoom) -> None:
        await room.post(HEAD, f"/participants/{UNIT}/approval", {"head_approves": True})
        await room.apply(room.record(full()))
        assert await room.news("report-received")
        assert (await room.post(HEAD, "/reports", full(2))).status_code == 201

    async def test_others_do_not_set_it(self, room: DeskRoom) -> None:
        answer = await room.post(HEAD, "/participants/thcs-1/approval", {"head_approves": True})
        assert answer.status_code == 404


PAPER = {"number": "15/BC-TH", "dated": "2025-12-03", "received_on": "2025-12-04"}


class TestOnPaper:
    async def test_counts_from_the_day_of_its_receipt_and_keeps_both(self, room: DeskRoom) -> None:
        room.clock.time = moment("2025-12-15 09:00")
        await save(room, FIELDS, OFFICER)
        missing = await submit(room, OFFICER)
        assert missing.json()["type"].endswith("paper-needed")
        taken = (await submit(room, OFFICER, paper=PAPER)).json()
        assert (taken["late"], taken["received_at"]) == (False, "2025-12-04T23:59:59+07:00")
        stored = await room.rows(
            "SELECT door, submitted_by, number, dated::text, received_on::text"
            " FROM report JOIN paper USING (ward, participant, period, revision)"
        )
        assert stored == [("paper", OFFICER, "15/BC-TH", "2025-12-03", "2025-12-04")]

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"received_on": "2025-12-16"}, "/paper/received_on"),
            ({"received_on": "2025-12-01"}, "/paper/dated"),
            ({"received_on": "2025-07-01", "dated": "2025-07-01"}, "/paper/received_on"),
        ],
    )
    async def test_days_that_cannot_be_are_refused(
        self, room: DeskRoom, changes: dict[str, str], pointer: str
    ) -> None:
        room.clock.time = moment("2025-12-15 09:00")
        await save(room, FIELDS, OFFICER)
        assert wrong(await submit(room, OFFICER, paper=PAPER | changes)) == {pointer}

    async def test_a_unit_does_not_date_its_own_report(self, room: DeskRoom) -> None:
        await save(room, FIELDS)
        assert wrong(await submit(room, paper=PAPER)) == {"/paper"}
