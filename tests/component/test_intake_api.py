"""The desk by HTTP: who may, what is answered, and that every command can be said twice."""

from collections.abc import Mapping
from typing import Any

import pytest

from shared.records import Act, first_break
from tests.component.intake_desk import (
    ANNUAL,
    CHAIRMAN,
    MOVEMENT,
    OFFICER,
    PARTICIPANTS,
    PERIOD,
    PLAN_PERIOD,
    PLANS,
    SCHOOL,
    SUBSTITUTE,
    DeskRoom,
    judgement,
    moment,
    open_the_year,
    participant,
    plan,
    proposed,
    report,
    returning,
    token,
)

pytestmark = pytest.mark.component


@pytest.fixture
async def empty(desk: DeskRoom) -> DeskRoom:
    await desk.begin_anew()
    return desk


@pytest.fixture
async def room(empty: DeskRoom) -> DeskRoom:
    await open_the_year(empty)
    empty.clock.time = moment("2025-12-01 09:00")
    return empty


async def refusal(
    room: DeskRoom, person: str, path: str, body: Mapping[str, Any]
) -> tuple[int, str, list[str]]:
    """Status, name and pointers of a problem; its words are Vietnamese."""
    before = await room.said()
    answer = await room.post(person, path, body)
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    errors = problem.get("errors", [])
    for text in (problem["title"], *(e["detail"] for e in errors)):
        assert any(letter > "\x7f" for letter in text), text
    assert await room.said() == before
    name = problem["type"].removeprefix("urn:thidua:problem:")
    return answer.status_code, name, [e["pointer"] for e in errors]


EVERY_ROLE = (
    OFFICER,
    SUBSTITUTE,
    SCHOOL,
    "tieu-hoc-1.head",
    CHAIRMAN,
    "assessor",
    "inspector",
    "auditor",
    "clerk",
    "operator",
    "communications",
)
SENDERS = {OFFICER, SUBSTITUTE, SCHOOL, "tieu-hoc-1.head"}
PATHS = {
    "/movements": ({OFFICER}, MOVEMENT),
    "/participants": ({OFFICER}, {"participants": PARTICIPANTS}),
    "/periods": ({OFFICER}, ANNUAL),
    "/plans": (SENDERS, plan("tieu-hoc-1")),
    "/reports": (SENDERS, report("tieu-hoc-1")),
    "/reports/returns": ({OFFICER, SUBSTITUTE}, returning("tieu-hoc-1")),
    "/reports/acceptances": ({OFFICER, SUBSTITUTE}, judgement("tieu-hoc-1")),
}


@pytest.mark.parametrize("path", PATHS)
async def test_only_some_roles_may(room: DeskRoom, path: str) -> None:
    allowed, body = PATHS[path]
    for person in EVERY_ROLE:
        if person not in allowed:
            assert (await refusal(room, person, path, body))[:2] == (403, "forbidden")
    unsigned = await room.client.post(f"/intake{path}", json=body)
    assert (unsigned.status_code, unsigned.json()["title"]) == (401, "Chưa đăng nhập")
    expired = {"Authorization": f"Bearer {token(OFFICER, minutes=-1)}"}
    assert (await room.client.post(f"/intake{path}", json=body, headers=expired)).status_code == 401


class TestReports:
    async def test_a_report_is_taken_and_met(self, room: DeskRoom) -> None:
        answer = await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
        assert (answer["received_at"], answer["late"]) == ("2025-12-01T09:00:00+07:00", False)
        received, met = await room.news()
        assert (received.data["door"], received.data["publisher"]) == ("http", None)
        assert (met.name, met.data["on_time"]) == ("obligation-met", True)
        stored = await room.rows("SELECT movement, movement_version, submitted_by FROM report")
        assert stored == [("cds-2025-2030", 1, SCHOOL)]

    async def test_the_same_again_answers_the_same_and_does_nothing(self, room: DeskRoom) -> None:
        first = await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
        await room.news()
        room.clock.time = moment("2025-12-15 09:00")
        again = await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
        assert again == {**first, "duplicate": True}
        assert await room.news() == []

    async def test_another_content_under_the_same_number_is_a_conflict(
        self, room: DeskRoom
    ) -> None:
        await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
        other = report("tieu-hoc-1", difficulties="Thiếu thiết bị.")
        expected = (409, "revision-conflict", ["/revision"])
        assert await refusal(room, SCHOOL, "/reports", other) == expected
        await room.must(OFFICER, "/reports/acceptances", judgement("tieu-hoc-1"))
        newer = report("tieu-hoc-1", revision=2)
        assert await refusal(room, SCHOOL, "/reports", newer) == (409, "already-accepted", [""])

    async def test_one_reports_for_ones_unit_and_whom_it_proposes(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", report("giao-vien-1", criterion="d1"))
        for other in ("thcs-1", "can-bo-1"):
            found = await refusal(room, SCHOOL, "/reports", report(other))
            assert found == (422, "not-your-unit", ["/participant"])
            found = await refusal(room, SCHOOL, "/plans", plan(other))
            assert found == (422, "not-your-unit", ["/participant"])
        await room.must(SUBSTITUTE, "/reports", report("thcs-1"))

    async def test_wrong_fields_are_named_all_at_once(self, room: DeskRoom) -> None:
        wrong = report("thcs-1", revision=0, items=[{"criterion": "a1", "self_score": 38.5}])
        assert await refusal(room, "thcs-1.reporter", "/reports", wrong) == (
            422,
            "invalid-request",
            ["/revision", "/items/0/self_score"],
        )
        ruled_out = report("thcs-1", criterion="b1", contents=[{"content": 9, "text": ""}])
        assert await refusal(room, "thcs-1.reporter", "/reports", ruled_out) == (
            422,
            "invalid-field",
            ["/items/0/criterion", "/contents/0/content"],
        )

    async def test_what_does_not_exist(self, room: DeskRoom) -> None:
        found = await refusal(room, OFFICER, "/reports", report("to-chuc-la"))
        assert found == (422, "unknown-participant", ["/participant"])
        found = await refusal(room, OFFICER, "/reports", report("thcs-1", period="2024-annual"))
        assert found == (422, "wrong-period", ["/period"])
        found = await refusal(room, OFFICER, "/reports", report("thcs-1", ward="phuong-khac"))
        assert found == (404, "not-found", [])

    async def test_who_only_belongs_to_a_unit_does_not_report_for_it(self, room: DeskRoom) -> None:
        """They report for the unit that they hold the role for; nor do they learn who there is."""
        claims = token("thcs-1.reporter", unit="tieu-hoc-1", units=["thcs-1"])
        for code in ("tieu-hoc-1", "to-chuc-la"):
            for path, body in (("/reports", report(code)), ("/plans", plan(code))):
                headers = {"Authorization": f"Bearer {claims}"}
                answer = await room.client.post(f"/intake{path}", json=body, headers=headers)
                assert answer.json()["type"] == "urn:thidua:problem:not-your-unit"
        headers = {"Authorization": f"Bearer {claims}"}
        answer = await room.client.post("/intake/reports", json=report("thcs-1"), headers=headers)
        assert answer.status_code == 201

    async def test_an_idempotency_key_gives_the_same_answer_again(self, room: DeskRoom) -> None:
        headers = {"Authorization": f"Bearer {token(SCHOOL)}", "Idempotency-Key": "bao-cao-2025"}
        body = report("tieu-hoc-1")
        first, again = [
            await room.client.post("/intake/reports", json=body, headers=headers) for _ in range(2)
        ]
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        assert not again.json()["duplicate"]
        other = report("tieu-hoc-1", revision=2)
        refused = await room.client.post("/intake/reports", json=other, headers=headers)
        assert refused.status_code == 422

    async def test_criteria_of_some_kinds_only(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", report("tieu-hoc-1", criterion="a2"))
        found = await refusal(room, OFFICER, "/reports", report("phong-vhxh", criterion="a2"))
        assert found == (422, "invalid-field", ["/items/0/criterion"])


class TestJudging:
    async def test_both_are_recorded_where_somebody_acts_for_another(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
        claims: dict[str, Any] = {
            "act_for": OFFICER,
            "act_unit": "phong-vhxh",
            "roles": ["officer"],
            "unit": "x",
        }
        headers = {"Authorization": f"Bearer {token('nguoi.thay', **claims)}"}
        answer = await room.client.post(
            "/intake/reports/acceptances", json=judgement("tieu-hoc-1"), headers=headers
        )
        assert answer.status_code == 201
        assert await room.rows("SELECT judged_by, acting_for FROM judgement") == [
            ("nguoi.thay", OFFICER)
        ]
        actors = await room.rows("SELECT actor FROM act WHERE name = 'report-accepted'")
        assert actors == [(f"nguoi.thay for {OFFICER}",)]

    @pytest.mark.parametrize(
        ("claims", "code"),
        [
            ({"units": ["tieu-hoc-1"]}, "giao-vien-1"),
            ({"act_for": "ai-do", "act_unit": "tieu-hoc-1"}, "tieu-hoc-1"),
            ({"act_for": "tieu-hoc-1.reporter"}, "tieu-hoc-1"),
        ],
    )
    async def test_nobody_judges_a_file_that_is_theirs_in_any_way(
        self, room: DeskRoom, claims: dict[str, Any], code: str
    ) -> None:
        criterion = "a1" if code == "tieu-hoc-1" else "d1"
        await room.must(SCHOOL, "/reports", report(code, criterion=criterion))
        headers = {"Authorization": f"Bearer {token(OFFICER, **claims)}"}
        bodies = {"/reports/acceptances": judgement(code), "/reports/returns": returning(code)}
        for path, body in bodies.items():
            answer = await room.client.post(f"/intake{path}", json=body, headers=headers)
            assert answer.json()["type"] == "urn:thidua:problem:own-unit"

    async def test_nobody_judges_their_own_unit(self, room: DeskRoom) -> None:
        await room.must("phong-vhxh.reporter", "/reports", report("phong-vhxh"))
        await room.must("phong-vhxh.reporter", "/reports", report("can-bo-1", criterion="d1"))
        for code in ("phong-vhxh", "can-bo-1"):
            for path, body in (
                ("/reports/acceptances", judgement(code)),
                ("/reports/returns", returning(code)),
            ):
                assert await refusal(room, OFFICER, path, body) == (422, "own-unit", [])
            await room.must(SUBSTITUTE, "/reports/acceptances", judgement(code))

    async def test_acceptance_can_be_said_twice(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
        await room.news()
        first = await room.must(OFFICER, "/reports/acceptances", judgement("tieu-hoc-1"))
        [accepted] = await room.news()
        assert accepted.data["nominations"][0]["form"] == "giay-khen"
        assert not accepted.data["late"]
        again = await room.must(SUBSTITUTE, "/reports/acceptances", judgement("tieu-hoc-1"))
        assert again == first
        assert await room.news() == []
        found = await refusal(room, OFFICER, "/reports/returns", returning("tieu-hoc-1"))
        assert found == (422, "cannot-return", [])

    async def test_a_return_can_be_said_twice_but_not_otherwise(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
        await room.news()
        await room.must(OFFICER, "/reports/returns", returning("tieu-hoc-1"))
        [returned] = await room.news()
        assert returned.name == "report-returned"
        room.clock.time = moment("2025-12-21 09:00")
        await room.must(OFFICER, "/reports/returns", returning("tieu-hoc-1"))
        assert await room.news() == []
        other = returning("tieu-hoc-1", correct_by="2025-12-22T17:00:00+07:00")
        found = await refusal(room, OFFICER, "/reports/returns", other)
        assert found == (409, "judged-already", [])
        found = await refusal(room, OFFICER, "/reports/acceptances", judgement("tieu-hoc-1"))
        assert found == (422, "cannot-accept", [])
        await room.must(SCHOOL, "/reports", report("tieu-hoc-1", revision=2))
        await room.news()
        await room.must(OFFICER, "/reports/returns", returning("tieu-hoc-1"))
        assert await room.news() == []

    async def test_only_the_newest_version_is_judged(self, room: DeskRoom) -> None:
        found = await refusal(room, OFFICER, "/reports/acceptances", judgement("tieu-hoc-1"))
        assert found == (404, "not-found", [])
        await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
        await room.must(SCHOOL, "/reports", report("tieu-hoc-1", revision=2))
        found = await refusal(room, OFFICER, "/reports/acceptances", judgement("tieu-hoc-1"))
        assert found == (409, "newer-revision", [])
        found = await refusal(room, OFFICER, "/reports/acceptances", judgement("tieu-hoc-1", 3))
        assert found == (404, "not-found", [])

    async def test_a_date_to_correct_by_lies_ahead(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
        gone = returning("tieu-hoc-1", correct_by="2025-12-01T09:00:00+07:00")
        found = await refusal(room, OFFICER, "/reports/returns", gone)
        assert found == (422, "date-passed", ["/correct_by"])

    @pytest.mark.parametrize(
        ("corrected", "late"),
        [("2025-12-20 17:00", False), ("2025-12-20 17:01", True)],
    )
    async def test_a_correction_in_the_offices_time_is_not_late(
        self, room: DeskRoom, corrected: str, late: bool
    ) -> None:
        await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
        await room.must(OFFICER, "/reports/returns", returning("tieu-hoc-1"))
        await room.news()
        room.clock.time = moment(corrected)
        answer = await room.must(SCHOOL, "/reports", report("tieu-hoc-1", revision=2))
        assert answer["late"] is late
        [received] = await room.news()
        assert received.data["late"] is late
        await room.must(OFFICER, "/reports/acceptances", judgement("tieu-hoc-1", 2))
        [accepted] = await room.news()
        assert accepted.data["late"] is late
        [met] = await room.said("obligation-met")
        assert met.data["on_time"]

    async def test_a_late_report_stays_late_when_it_is_corrected(self, room: DeskRoom) -> None:
        room.clock.time = moment("2025-12-12 09:00")
        await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
        await room.must(OFFICER, "/reports/returns", returning("tieu-hoc-1"))
        room.clock.time = moment("2025-12-19 09:00")
        answer = await room.must(SCHOOL, "/reports", report("tieu-hoc-1", revision=2))
        assert (answer["late"], answer["days_late"]) == (True, 3)

    async def test_official_acts_are_in_the_log(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
        await room.must(OFFICER, "/reports/acceptances", judgement("tieu-hoc-1"))
        columns = "seq, at, name, subject, actor, commitment, previous, hash"
        acts = [Act(*row) for row in await room.rows(f"SELECT {columns} FROM act ORDER BY seq")]
        assert [entry.name for entry in acts] == [
            "movement-launched",
            "period-opened",
            "period-opened",
            "report-accepted",
        ]
        assert first_break(acts) is None


class TestPlans:
    async def test_a_plan_is_judged_by_its_date_and_said_twice(self, room: DeskRoom) -> None:
        on_time = await room.must(SCHOOL, "/plans", plan("tieu-hoc-1"))
        assert on_time["on_time"]
        assert [f.name for f in await room.news()] == ["plan-recorded", "obligation-met"]
        assert await room.must(SCHOOL, "/plans", plan("tieu-hoc-1")) == on_time
        assert await room.news() == []
        other = plan("tieu-hoc-1", issued_on="2025-08-21")
        assert await refusal(room, SCHOOL, "/plans", other) == (409, "plan-recorded", [])
        late = await room.must(OFFICER, "/plans", plan("thcs-1", issued_on="2025-09-01"))
        assert not late["on_time"]
        assert [f.data["on_time"] for f in await room.news()] == [False, False]

    async def test_whoever_is_not_asked_may_record_a_plan_too(self, room: DeskRoom) -> None:
        await room.must(OFFICER, "/plans", plan("cong-ty-1"))
        assert [f.name for f in await room.news()] == ["plan-recorded"]

    async def test_what_is_no_plan(self, room: DeskRoom) -> None:
        tomorrow = plan("tieu-hoc-1", issued_on="2025-12-02")
        found = await refusal(room, SCHOOL, "/plans", tomorrow)
        assert found == (422, "not-issued-yet", ["/issued_on"])
        for wrong in (plan("tieu-hoc-1", period=PERIOD), plan("to-chuc-la")):
            assert (await refusal(room, OFFICER, "/plans", wrong))[:2] == (404, "not-found")


class TestOpening:
    async def test_a_movement_can_be_launched_twice_but_not_otherwise(
        self, empty: DeskRoom
    ) -> None:
        first = await empty.must(OFFICER, "/movements", MOVEMENT)
        assert [f.name for f in await empty.news()] == ["movement-launched"]
        assert await empty.must(OFFICER, "/movements", MOVEMENT) == first
        assert await empty.news() == []
        changed = {**MOVEMENT, "title": "Tên khác"}
        found = await refusal(empty, OFFICER, "/movements", changed)
        assert found == (409, "version-exists", [])
        await empty.must(OFFICER, "/movements", {**changed, "version": 3})
        older = {**changed, "version": 2}
        assert await refusal(empty, OFFICER, "/movements", older) == (409, "version-order", [])
        await empty.news()
        await empty.must(OFFICER, "/movements", MOVEMENT)
        assert await empty.news() == []

    async def test_reports_are_judged_by_the_newest_version_of_their_movement(
        self, room: DeskRoom
    ) -> None:
        other = {**MOVEMENT, "movement": "phong-trao-khac", "groups": MOVEMENT["groups"][1:]}
        await room.must(OFFICER, "/movements", other)
        await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
        fewer = {**MOVEMENT, "version": 2, "contents": MOVEMENT["contents"][1:]}
        await room.must(OFFICER, "/movements", fewer)
        found = await refusal(room, "thcs-1.reporter", "/reports", report("thcs-1"))
        assert found == (422, "invalid-field", ["/contents/0/content"])
        await room.must(OFFICER, "/reports", report("thcs-1", contents=[]))
        stored = await room.rows("SELECT participant, movement_version FROM report ORDER BY 2")
        assert stored == [("tieu-hoc-1", 1), ("thcs-1", 2)]

    async def test_a_roll_can_be_entered_twice_but_not_otherwise(self, empty: DeskRoom) -> None:
        body = {"participants": PARTICIPANTS}
        assert await empty.must(OFFICER, "/participants", body) == {"registered": 7, "known": 0}
        names = [fact.name for fact in await empty.news()]
        assert names == ["contact-recorded"] * 7 + ["participant-registered"] * 7
        assert await empty.must(OFFICER, "/participants", body) == {"registered": 0, "known": 7}
        assert await empty.news() == []
        renamed = {**PARTICIPANTS[1], "name": "Tên khác"}
        moved = {
            **PARTICIPANTS[1],
            "reporter": {**PARTICIPANTS[1]["reporter"], "email": "moi@tu-minh.example"},
        }
        for changed, name in ((renamed, "participant-exists"), (moved, "contact-exists")):
            body = {"participants": [participant("thcs-9"), changed]}
            assert await refusal(empty, OFFICER, "/participants", body) == (409, name, [])

    async def test_one_contact_may_speak_for_several(self, empty: DeskRoom) -> None:
        one, two = participant("thcs-8"), participant("thcs-9")
        body = {"participants": [one, {**two, "reporter": one["reporter"]}]}
        await empty.must(OFFICER, "/participants", body)
        names = [fact.name for fact in await empty.news()]
        assert names == ["contact-recorded"] + ["participant-registered"] * 2

    async def test_personal_data_travels_on_the_contacts_topic_alone(self, empty: DeskRoom) -> None:
        await empty.must(OFFICER, "/participants", {"participants": PARTICIPANTS})
        facts = await empty.news()
        contacts = {f.topic for f in facts if "@tu-minh.example" in str(f.data)}
        assert contacts == {"thidua.intake.contacts.v1"}

    async def test_a_roll_that_does_not_hold_together(self, empty: DeskRoom) -> None:
        nobody = {"participants": [proposed("giao-vien-2", "to-chuc-la")]}
        found = await refusal(empty, OFFICER, "/participants", nobody)
        assert found == (422, "unknown-unit", ["/participants/0/proposed_by"])
        twice = {"participants": [participant("thcs-9"), participant("thcs-9")]}
        found = await refusal(empty, OFFICER, "/participants", twice)
        assert found == (422, "code-repeated", ["/participants/1/code"])

    async def test_a_period_can_be_opened_twice_but_not_otherwise(self, room: DeskRoom) -> None:
        again = await room.must(OFFICER, "/periods", ANNUAL)
        assert again == {"period": PERIOD, "obligations": 5}
        assert await room.must(OFFICER, "/periods", PLAN_PERIOD) == {
            "period": PLANS,
            "obligations": 4,
        }
        assert await room.news() == []
        other = {**ANNUAL, "due": "2025-12-10T23:59:59+07:00"}
        assert await refusal(room, OFFICER, "/periods", other) == (409, "period-exists", [])
        strange = {**ANNUAL, "period": "2026-annual", "movement": "phong-trao-la"}
        assert (await refusal(room, OFFICER, "/periods", strange))[:2] == (404, "not-found")
