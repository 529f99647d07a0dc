"""A unit's head approves what is sent: who may do what, and who is told of it."""

import pytest

from tests.component.draft_room import (
    DRAFT,
    FIELDS,
    HEAD,
    UNIT,
    act,
    full,
    save,
    send,
    submit,
    tag_of,
)
from tests.component.intake_desk import OFFICER, PERIOD, SCHOOL, DeskRoom

pytestmark = pytest.mark.component
DEPUTY, COLLEAGUE = "tieu-hoc-1.deputy", "tieu-hoc-1.colleague"


async def enter(room: DeskRoom, person: str, role: str, unit: str = UNIT) -> None:
    """Somebody in the directory, with a role for a unit."""
    entry = {"person": person, "name": person, "email": f"{person}@tu-minh.example", "unit": unit}
    await room.must(OFFICER, "/people", entry)
    await room.must(OFFICER, f"/people/{person}/roles", {"role": role, "unit": unit})


async def told(room: DeskRoom) -> list[tuple[str, str, list[str]]]:
    """(fact, outcome, people named) of what was said of approvals since it was last asked."""
    news = await room.news("approval-asked", "approval-settled")
    return [
        (
            fact.name.removeprefix("approval-"),
            fact.data.get("outcome", ""),
            fact.data.get("heads") or fact.data.get("authors") or [],
        )
        for fact in news
    ]


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


class TestWhoIsTold:
    @pytest.fixture
    async def room(self, room: DeskRoom) -> DeskRoom:
        """The unit has two heads and two authors, and wants their approval."""
        await enter(room, HEAD, "head")
        await enter(room, DEPUTY, "head")
        await enter(room, COLLEAGUE, "reporter")
        await room.post(HEAD, f"/participants/{UNIT}/approval", {"head_approves": True})
        return room

    async def test_heads_hear_what_waits_and_authors_what_became_of_it(
        self, room: DeskRoom
    ) -> None:
        await save(room, FIELDS)
        tag = await tag_of(room)
        typed = {"fields": {"difficulties": "Thiếu máy"}}
        claims = {"roles": ["reporter"], "unit": UNIT}
        await send(room, "PUT", COLLEAGUE, DRAFT, typed, tag, **claims)
        assert await told(room) == []
        await act(room, SCHOOL, "ask")
        assert await told(room) == [("asked", "", [DEPUTY, HEAD])]
        await act(room, HEAD, "send-back", "Thiếu số liệu.")
        assert await told(room) == [("settled", "sent-back", [COLLEAGUE, SCHOOL])]
        await act(room, SCHOOL, "ask")
        await act(room, HEAD, "approve")
        await act(room, SCHOOL, "take-back")
        await act(room, SCHOOL, "ask")
        await submit(room, HEAD)
        assert [(name, outcome) for name, outcome, _ in await told(room)] == [
            ("asked", ""),
            ("settled", "approved"),
            ("settled", "taken-back"),
            ("asked", ""),
            ("settled", "sent"),
        ]
        said = await room.said("approval-asked", "approval-settled")
        versions = [fact.data["draft"] for fact in said]
        assert versions == sorted(set(versions))
        assert {fact.data["period"] for fact in said} == {PERIOD}

    async def test_who_wrote_and_left_is_not_told(self, room: DeskRoom) -> None:
        claims = {"roles": ["reporter"], "unit": UNIT}
        tag = await tag_of(room)
        await send(room, "PUT", COLLEAGUE, DRAFT, {"fields": FIELDS}, tag, **claims)
        [(number,)] = await room.rows(f"SELECT id FROM role_held WHERE person = '{COLLEAGUE}'")
        path, why = f"/people/{COLLEAGUE}/roles/{number}/end", {"reason": "Chuyển đơn vị"}
        ended = await room.post(OFFICER, path, why)
        assert ended.status_code == 200, ended.text
        await act(room, SCHOOL, "ask")
        await act(room, HEAD, "approve")
        assert (await told(room))[-1] == ("settled", "approved", [SCHOOL])

    async def test_what_was_never_before_a_head_is_nobodys_news(self, room: DeskRoom) -> None:
        await save(room, FIELDS, HEAD)
        await save(room, {"situation": "Khác"})
        assert (await submit(room, HEAD)).status_code == 201
        await save(room, {"situation": "Lại khác"})
        await act(room, SCHOOL, "discard")
        assert await told(room) == []

    async def test_whoever_heads_a_unit_is_asked_about_whom_it_proposes(
        self, room: DeskRoom
    ) -> None:
        pupil = f"/drafts/giao-vien-1/{PERIOD}"
        await room.post(HEAD, "/participants/giao-vien-1/approval", {"head_approves": True})
        fields = {"fields": {"items.d1.self_score": "20", "items.d1.narrative": "Đã dạy"}}
        tag = (await send(room, "GET", SCHOOL, pupil)).headers["etag"]
        saved = await send(room, "PUT", SCHOOL, pupil, fields, tag)
        asked = await send(
            room, "POST", SCHOOL, f"{pupil}/acts", {"act": "ask"}, saved.headers["etag"]
        )
        assert asked.status_code == 200, asked.text
        assert await told(room) == [("asked", "", [DEPUTY, HEAD])]
