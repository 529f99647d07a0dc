"""Reports over HTTP: returned in part, withdrawn, opened again; drafts of several authors."""

import pytest

from tests.component.draft_room import (
    DRAFT,
    FIELDS,
    HEAD,
    OTHER,
    UNIT,
    full,
    reopening,
    save,
    send,
    submit,
    tag_of,
    wrong,
)
from tests.component.intake_desk import (
    OFFICER,
    PERIOD,
    SCHOOL,
    SUBSTITUTE,
    DeskRoom,
    judgement,
    moment,
    report,
    returning,
)

pytestmark = pytest.mark.component


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
