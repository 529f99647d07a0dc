"""Versions of the movement and the rules of its obligations, over HTTP."""

import pytest

from tests.component.intake_desk import OFFICER, SCHOOL, DeskRoom, moment, participant, plan, report
from tests.component.movement_room import (
    ANNUAL,
    BASE,
    CODE,
    DOCUMENT,
    LITERACY,
    PHASES,
    PLAN,
    RULED,
    adopt,
    call,
    draft,
    duties,
    name_of,
    preview,
    state_of,
    tag_of,
    with_a_year,
    with_rules,
)
from tests.component.test_intake_api import EVERY_ROLE

pytestmark = pytest.mark.component


@pytest.fixture
async def room(desk: DeskRoom) -> DeskRoom:
    return await with_rules(desk)


@pytest.fixture
async def year(desk: DeskRoom) -> DeskRoom:
    return await with_a_year(desk)


STATES = ("none", "draft", "adopted", "superseded")
COMMANDS = ("enter", "edit", "drop", "preview", "adopt")
DONE: dict[tuple[str, str], tuple[int, str]] = {
    ("none", "enter"): (201, "draft"),
    ("draft", "edit"): (200, "draft"),
    ("draft", "drop"): (200, "none"),
    ("draft", "preview"): (200, "draft"),
    ("draft", "adopt"): (201, "adopted"),
}
"""What the officer may do in which state, with the answer and the state after it."""


async def give(room: DeskRoom, version: int, name: str, person: str, digest: str) -> int:
    path = f"{BASE}/versions/{version}"
    content = draft(version, title="Tên khác")
    if name == "enter":
        return (await room.post(person, "/movements", content)).status_code
    if name == "edit":
        form = {key: value for key, value in content.items() if key not in {"movement", "version"}}
        return (await call(room, "PUT", path, person, "*", form)).status_code
    if name == "drop":
        return (await call(room, "DELETE", path, person, "*")).status_code
    if name == "preview":
        return (await room.get(person, f"{path}/adoption")).status_code
    body = {"number": "41/KH-UBND", "decided_on": "2025-08-01", "preview": digest}
    return (await room.post(person, f"{path}/adoption", body)).status_code


@pytest.mark.parametrize("state", STATES)
async def test_every_state_command_and_role(room: DeskRoom, state: str) -> None:
    """Version 1 is superseded, 2 in force, 3 a draft, 4 is not there."""
    await room.must(OFFICER, "/movements", draft(2, adoption=DOCUMENT))
    await room.must(OFFICER, "/movements", draft(3))
    version = {"superseded": 1, "adopted": 2, "draft": 3, "none": 4}[state]
    assert await state_of(room, version) == state
    digest = (await preview(room, 3))["digest"]
    before = await room.rows("SELECT * FROM movement ORDER BY version")
    for name in COMMANDS:
        for person in EVERY_ROLE:
            if person != OFFICER:
                assert await give(room, version, name, person, digest) == 403, (name, person)
        if (state, name) not in DONE:
            refused = 404 if state == "none" else 409
            assert await give(room, version, name, OFFICER, digest) == refused, name
    assert await room.rows("SELECT * FROM movement ORDER BY version") == before
    assert await room.news("movement-launched") is not None
    for name in ("preview", "adopt", "drop", "edit", "enter"):
        if (state, name) in DONE:
            await room.begin_anew()
            await room.must(OFFICER, "/movements", RULED)
            await room.must(OFFICER, "/movements", draft(2, adoption=DOCUMENT))
            await room.must(OFFICER, "/movements", draft(3))
            digest = (await preview(room, 3))["digest"]
            answer = await give(room, version, name, OFFICER, digest)
            assert (answer, await state_of(room, version)) == DONE[state, name], name


async def test_a_draft_is_edited_as_it_was_seen_and_published_only_when_adopted(
    room: DeskRoom,
) -> None:
    await room.must(OFFICER, "/movements", draft(2))
    assert await room.news() == []
    path, tag = f"{BASE}/versions/2", await tag_of(room, 2)
    form = {k: v for k, v in draft(2, title="Đổi tên").items() if k not in {"movement", "version"}}
    assert name_of(await call(room, "PUT", path, body=form)) == (428, "precondition-required")
    assert (await call(room, "PUT", path, tag=tag, body=form)).status_code == 200
    assert name_of(await call(room, "PUT", path, tag=tag, body=form)) == (
        412,
        "precondition-failed",
    )
    assert name_of(await call(room, "DELETE", path, tag=tag)) == (412, "precondition-failed")
    assert (await adopt(room, 2, (await preview(room, 2))["digest"])).status_code == 201
    [launched] = await room.news("movement-launched")
    assert (launched.data["version"], launched.data["title"]) == (2, "Đổi tên")
    listed = (await room.get(OFFICER, "/movements")).json()["items"]
    assert [(one["version"], one["state"], one["number"]) for one in listed] == [
        (2, "adopted", "40/KH-UBND"),
        (1, "superseded", "15/KH-UBND"),
    ]
    acts = await room.rows("SELECT name FROM act ORDER BY seq")
    assert [name for (name,) in acts if name.startswith("movement")] == [
        "movement-launched",
        "movement-entered",
        "movement-edited",
        "movement-launched",
    ]


async def test_versions_that_do_not_hold_together(room: DeskRoom) -> None:
    wrong = {
        "code-repeated": {"rules": [ANNUAL, ANNUAL]},
        "unknown-phase": {"rules": [{**ANNUAL, "phase": 5}]},
        "unknown-code": {"rules": [{**ANNUAL, "groups": ["z"]}]},
        "phases-numbered": {"phases": PHASES[1:]},
        "invalid-request": {"rules": [{**ANNUAL, "due": {"month": 2, "day": 30}}]},
    }
    for name, change in wrong.items():
        assert name_of(await room.post(OFFICER, "/movements", draft(2, **change))) == (422, name)
    future = draft(2, adoption={**DOCUMENT, "decided_on": "2025-08-02"})
    assert name_of(await room.post(OFFICER, "/movements", future)) == (422, "not-issued-yet")


async def test_a_year_lays_what_the_rules_ask_once(room: DeskRoom) -> None:
    answer = await room.must(OFFICER, f"{BASE}/years", {"year": 2025})
    assert answer == {"year": 2025, "periods": ["2025-plan", "2025-annual"], "laid": 9}
    names = [fact.name for fact in await room.news()]
    assert names == ["period-opened"] + ["obligation-opened"] * 9
    asked = {
        (code, period, "invited" if code == "mttq" else "owes", day)
        for code in ("phong-vhxh", "tieu-hoc-1", "thcs-1", "mttq")
        for period, day in (("2025-plan", "2025-08-31"), ("2025-annual", "2025-12-09"))
    }
    free = ("cong-ty-1", "2025-annual", "voluntary", "2025-12-09")
    assert await duties(room) == asked | {free}
    again = await room.must(OFFICER, f"{BASE}/years", {"year": 2025})
    assert (again["laid"], await room.news()) == (0, [])
    planned = await room.rows("SELECT count(*) FROM reminder WHERE state = 'planned'")
    assert planned[0][0] > 30
    nothing = await room.post(OFFICER, f"{BASE}/years", {"year": 2031})
    assert name_of(nothing) == (422, "nothing-due")


async def test_whoever_has_left_is_asked_for_nothing_new(room: DeskRoom) -> None:
    async with room.engine.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE participant SET left_on = '2025-08-01' WHERE participant = 'thcs-1'"
        )
    await room.must(OFFICER, f"{BASE}/years", {"year": 2025})
    by_hand = {
        "period": "2025-them",
        "movement": CODE,
        "kind": "annual-report",
        "title": "Thêm",
        "year": 2025,
        "due": "2025-11-09T23:59:59+07:00",
        "due_text": "trước ngày 10/11",
    }
    opened = await room.must(OFFICER, "/periods", by_hand)
    asked = await duties(room)
    assert (opened["obligations"], len(asked)) == (4, 7 + 4)
    assert "thcs-1" not in {one[0] for one in asked}


async def test_whoever_comes_late_has_days_of_their_own_for_the_plan(year: DeskRoom) -> None:
    year.clock.time = moment("2025-12-20 09:00")
    await year.must(OFFICER, "/participants", {"participants": [participant("thcs-9")]})
    mine = {one for one in await duties(year) if one[0] == "thcs-9"}
    assert mine == {("thcs-9", "2025-plan", "owes", "2026-01-19")}
    year.clock.time = moment("2026-01-10 09:00")
    body = plan("thcs-9", issued_on="2026-01-09")
    assert (await year.must(OFFICER, "/plans", body))["on_time"] is True


async def test_a_change_of_rules_is_shown_and_then_done_exactly(year: DeskRoom) -> None:
    await year.must(SCHOOL, "/reports", report("tieu-hoc-1", criterion="a1"))
    await year.news()
    earlier = {
        **ANNUAL,
        "due": {"month": 12, "day": 1},
        "due_text": "đến hết ngày 01/12",
        "manners": ["owes"],
    }
    await year.must(OFFICER, "/movements", draft(2, rules=[PLAN, earlier, LITERACY]))
    shown = await preview(year, 2)
    told = {
        name: {(one["participant"], one["period"]) for one in shown[name]}
        for name in ("new", "moved", "withdrawn", "kept")
    }
    assert told == {
        "new": {("tieu-hoc-1", "2025-literacy"), ("thcs-1", "2025-literacy")},
        "moved": {("phong-vhxh", "2025-annual"), ("thcs-1", "2025-annual")},
        "withdrawn": {("cong-ty-1", "2025-annual"), ("mttq", "2025-annual")},
        "kept": set(),
    }
    [moved] = [one for one in shown["moved"] if one["participant"] == "thcs-1"]
    assert (moved["was_due"], moved["due"]) == (
        "2025-12-09T23:59:59+07:00",
        "2025-12-01T23:59:59+07:00",
    )
    before = await year.rows("SELECT id, due FROM obligation ORDER BY id")
    assert await year.rows("SELECT id, due FROM obligation ORDER BY id") == before
    assert (await adopt(year, 2, shown["digest"])).status_code == 201
    facts = [(fact.name, fact.key.partition("/")[2]) for fact in await year.news()]
    assert sorted(facts) == sorted(
        [
            ("movement-launched", CODE),
            ("period-opened", "2025-annual"),
            ("obligation-opened", "tieu-hoc-1"),
            ("obligation-opened", "thcs-1"),
            ("obligation-moved", "phong-vhxh"),
            ("obligation-moved", "thcs-1"),
            ("obligation-withdrawn", "cong-ty-1"),
            ("obligation-withdrawn", "mttq"),
        ]
    )
    assert await duties(year) >= {
        ("thcs-1", "2025-annual", "owes", "2025-12-01"),
        ("thcs-1", "2025-literacy", "owes", "2025-11-30"),
    }
    met = await year.rows(
        "SELECT to_char(due AT TIME ZONE 'Asia/Ho_Chi_Minh', 'DD/MM') FROM obligation"
        " WHERE participant = 'tieu-hoc-1' AND period = '2025-annual'"
    )
    assert met == [("09/12",)]
    stale = await year.rows(
        "SELECT count(*) FROM reminder JOIN obligation ON id = obligation"
        " WHERE state = 'planned' AND (withdrawn_at IS NOT NULL OR deadline <> due)"
    )
    assert stale == [(0,)]


async def test_what_was_shown_is_done_or_nothing_is(year: DeskRoom) -> None:
    later = {**ANNUAL, "due": {"month": 12, "day": 20}, "due_text": "đến hết ngày 20/12"}
    both = draft(2, rules=[PLAN, later])
    unseen = await year.post(OFFICER, "/movements", {**both, "adoption": DOCUMENT})
    assert name_of(unseen) == (409, "preview-needed")
    assert await state_of(year, 2) == "none"
    await year.must(OFFICER, "/movements", both)
    digest = (await preview(year, 2))["digest"]
    await year.must(SCHOOL, "/reports", report("tieu-hoc-1"))
    await year.news()
    assert name_of(await adopt(year, 2, digest)) == (409, "picture-changed")
    assert (await year.news(), await state_of(year, 2)) == ([], "draft")
    fresh = (await preview(year, 2))["digest"]
    assert (await adopt(year, 2, fresh)).status_code == 201
    assert (await adopt(year, 2, fresh)).status_code == 201
    assert len(await year.news("obligation-moved")) == 4


async def test_a_duty_withdrawn_by_a_rule_comes_back_by_a_rule(year: DeskRoom) -> None:
    first = await duties(year)
    for version, rules in ((2, [PLAN]), (3, [PLAN, ANNUAL])):
        await year.must(OFFICER, "/movements", draft(version, rules=rules))
        await adopt(year, version, (await preview(year, version))["digest"])
    assert await duties(year) == first
    names = [fact.name for fact in await year.news()]
    assert names.count("obligation-withdrawn") == names.count("obligation-opened") == 5
    changes = await year.rows(
        "SELECT command, count(*) FROM obligation_change GROUP BY 1 ORDER BY 1"
    )
    assert changes == [("reopen", 5), ("withdraw", 5)]


async def test_a_rule_asks_nobody_for_what_they_have_sent_already(year: DeskRoom) -> None:
    await year.must(OFFICER, "/movements", draft(2, rules=[PLAN]))
    await adopt(year, 2, (await preview(year, 2))["digest"])
    await year.must("thcs-1.reporter", "/reports", report("thcs-1"))
    await year.news()
    await year.must(OFFICER, "/movements", draft(3, rules=[PLAN, ANNUAL]))
    shown = await preview(year, 3)
    asked = {one["participant"] for one in shown["new"]}
    assert "thcs-1" not in asked
    assert len(asked) == 4
    assert (await adopt(year, 3, shown["digest"])).status_code == 201
    opened = {fact.data["participant"] for fact in await year.news("obligation-opened")}
    assert opened == asked


async def test_rules_leave_what_has_passed_and_what_the_office_set_by_hand(year: DeskRoom) -> None:
    year.clock.time = moment("2025-12-12 09:00")
    earlier = {**ANNUAL, "due": {"month": 12, "day": 1}, "due_text": "đến hết ngày 01/12"}
    await year.must(OFFICER, "/movements", draft(2, rules=[earlier]))
    shown = await preview(year, 2)
    assert [shown[name] for name in ("new", "moved", "withdrawn")] == [[], [], []]
    year.clock.time = moment("2025-10-01 09:00")
    async with year.engine.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE obligation SET by_hand = true WHERE participant = 'thcs-1'"
        )
    shown = await preview(year, 2)
    assert {one["participant"] for one in shown["kept"]} == {"thcs-1"}
    assert "thcs-1" not in {one["participant"] for one in shown["moved"]}


async def test_strictness_of_a_version_makes_a_kind_of_participant_softer(year: DeskRoom) -> None:
    softer = [{"kind": "school", "manner": "invited"}]
    await year.must(OFFICER, "/movements", draft(2, strictness=softer))
    shown = await preview(year, 2)
    assert {(one["participant"], one["manner"]) for one in shown["moved"]} == {
        ("tieu-hoc-1", "invited"),
        ("thcs-1", "invited"),
    }
    await adopt(year, 2, shown["digest"])
    year.clock.time = moment("2025-12-10 08:00")
    while await year.planner.turn():
        pass
    said = [fact.data for fact in await year.said("obligation-overdue")]
    late = {one["participant"] for one in said if one["period"] == "2025-annual"}
    assert "phong-vhxh" in late
    assert not late & {"tieu-hoc-1", "thcs-1", "mttq"}


async def test_a_phase_ends_by_the_recorded_review(room: DeskRoom) -> None:
    second = {**ANNUAL, "phase": 2}
    await room.must(OFFICER, "/movements", draft(2, rules=[second], adoption=DOCUMENT))
    room.clock.time = moment("2027-12-01 09:00")
    assert name_of(await room.post(OFFICER, f"{BASE}/years", {"year": 2028})) == (
        422,
        "nothing-due",
    )
    review = {"phase": 1, "number": "40/BC-UBND", "reviewed_on": "2027-11-20"}
    for change, name in (
        ({"reviewed_on": "2027-12-02"}, "not-issued-yet"),
        ({"phase": 2}, "phase-order"),
        ({"phase": 3}, "unknown-phase"),
    ):
        wrong = await room.post(OFFICER, f"{BASE}/reviews", {**review, **change})
        assert name_of(wrong) == (422, name)
    first = await room.must(OFFICER, f"{BASE}/reviews", review)
    assert await room.must(OFFICER, f"{BASE}/reviews", review) == first
    other = await room.post(OFFICER, f"{BASE}/reviews", {**review, "number": "41/BC-UBND"})
    assert name_of(other) == (409, "phase-ended")
    assert (await room.must(OFFICER, f"{BASE}/years", {"year": 2028}))["laid"] == 5
