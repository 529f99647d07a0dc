"""A participant's timeline: what it tells, in which order, and to whom."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from deploy.local.infrastructure import Provided
from services.intake.access import READERS, UNIT
from tests.component.intake_desk import (
    OFFICER,
    SCHOOL,
    SUBSTITUTE,
    DeskRoom,
    judgement,
    moment,
    one_intake,
    open_the_year,
    plan,
    report,
    returning,
    token,
)

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
async def room(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DeskRoom]:
    """A school's year: plan, reminders by plan and by hand, a report returned and accepted."""
    async with one_intake(infrastructure, tmp_path_factory.mktemp("intake")) as opened:
        await open_the_year(opened)
        opened.clock.time = moment("2025-08-20 09:00")
        await opened.must(SCHOOL, "/plans", plan("tieu-hoc-1"))
        opened.clock.time = moment("2025-12-02 08:00")
        await opened.planner.turn()
        opened.clock.time = moment("2025-12-03 09:00")
        [duty] = await opened.rows(
            "SELECT id FROM obligation WHERE participant = 'tieu-hoc-1' AND kind = 'annual-report'"
        )
        claims: dict[str, Any] = {"act_for": OFFICER, "act_unit": "phong-vhxh"}
        headers = {"Authorization": f"Bearer {token(SUBSTITUTE, **claims)}"}
        answer = await opened.client.post(f"/intake/duties/{duty[0]}/reminders", headers=headers)
        assert answer.status_code == 201
        opened.clock.time = moment("2025-12-04 09:00")
        await opened.must(SCHOOL, "/reports", report("tieu-hoc-1"))
        opened.clock.time = moment("2025-12-05 09:00")
        await opened.must(OFFICER, "/reports/returns", returning("tieu-hoc-1"))
        await opened.apply(opened.record(report("tieu-hoc-1", revision=2), at="2025-12-06 09:00"))
        opened.clock.time = moment("2025-12-07 09:00")
        await opened.must(OFFICER, "/reports/acceptances", judgement("tieu-hoc-1", 2))
        yield opened


async def told(room: DeskRoom, person: str, code: str, **claims: Any) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token(person, **claims)}"}
    answer = await room.client.get(f"/intake/participants/{code}/timeline", headers=headers)
    assert answer.status_code == 200, answer.text
    acts: list[dict[str, Any]] = answer.json()
    return acts


async def test_it_tells_what_happened_in_order(room: DeskRoom) -> None:
    acts = [act for act in await told(room, SCHOOL, "tieu-hoc-1") if act["what"] != "reminded"]
    assert [(act["what"], act["by"]) for act in acts] == [
        ("registered", ""),
        ("opened", ""),
        ("opened", ""),
        ("plan-recorded", SCHOOL),
        ("met", ""),
        ("reminded-by-hand", SUBSTITUTE),
        ("report-received", SCHOOL),
        ("met", ""),
        ("report-returned", OFFICER),
        ("report-received", acts[9]["by"]),
        ("report-accepted", OFFICER),
    ]
    assert [act["at"] for act in acts] == sorted(act["at"] for act in acts)
    by_hand = acts[5]
    assert (by_hand["acting_for"], by_hand["days"]) == (OFFICER, 6)
    assert acts[6]["movement_version"] == 1
    assert acts[8]["days"] == 1
    assert acts[9]["publisher"] == "e-office"
    assert {act["due_text"] for act in acts if act["what"] == "opened"} == {
        "trong tháng 8 năm 2025",
        "trước ngày 10/12/2025",
    }


async def test_what_the_planner_sent_is_in_it(room: DeskRoom) -> None:
    acts = [act for act in await told(room, OFFICER, "tieu-hoc-1") if act["what"] == "reminded"]
    assert [act["days"] for act in acts] == [7]


@pytest.mark.parametrize("role", READERS)
async def test_who_held_a_role_for_it_is_told_to_the_directory_s_readers(
    room: DeskRoom, role: str
) -> None:
    """Everybody else who may see the timeline sees the same without it."""
    unit = "tieu-hoc-1" if role in UNIT else ""
    claims = {"roles": [role], "unit": unit, "heads": [unit] if role == "head" else []}
    person, sees = f"the.{role}", role in {"officer", "auditor"}
    whats = {act["what"] for act in await told(room, person, "tieu-hoc-1", **claims)}
    assert {"registered", "report-accepted"} <= whats
    assert ("role-granted" in whats) == sees
    page = (await room.page(person, "/participants/tieu-hoc-1/timeline", **claims)).text
    granted = "giao vai trò Đầu mối báo cáo của đơn vị: Đầu mối tieu-hoc-1"
    assert (granted in page) == sees
    assert ("vai trò Đầu mối" in page) == sees


async def test_who_sees_whose(room: DeskRoom) -> None:
    for person in (OFFICER, SUBSTITUTE, "chairman", "inspector", "auditor"):
        assert await told(room, person, "thcs-1")
    for code, status in (("tieu-hoc-1", 200), ("giao-vien-1", 200), ("thcs-1", 404), ("x", 404)):
        address = f"/participants/{code}/timeline"
        assert (await room.get(SCHOOL, address)).status_code == status, code
        assert (await room.page(SCHOOL, address)).status_code == status, code
    for person in ("assessor", "clerk", "operator", "communications"):
        assert (await room.get(person, "/participants/thcs-1/timeline")).status_code == 403
    other = {"Authorization": f"Bearer {token(OFFICER, ward='phuong-khac')}"}
    answer = await room.client.get("/intake/participants/tieu-hoc-1/timeline", headers=other)
    assert answer.status_code == 404
    same = await room.client.get("/intake/participants/khong-co/timeline", headers=other)
    assert answer.json()["detail"] == same.json()["detail"]


async def test_the_page_says_who_checked_in_whose_place_and_under_which_rule(
    room: DeskRoom,
) -> None:
    page = (await room.page(SCHOOL, "/participants/tieu-hoc-1/timeline")).text
    for words in (
        "Kế hoạch của đơn vị 2025: giao việc, hạn trong tháng 8 năm 2025",
        "ghi nhận kế hoạch số 01/KH ngày 20/08/2025",
        "Báo cáo năm 2025: nhắc trước hạn 7 ngày",
        f"(thay {OFFICER})",
        "nhắc bằng tay, còn 6 ngày",
        "gửi bản số 1",
        "trả lại bản số 1, 1 chỗ cần sửa",
        "Hệ thống e-office",
        "tiếp nhận chính thức bản số 2",
        "phong trào, phiên bản 1",
        "hoàn thành đúng hạn",
        "Khối trường học",
    ):
        assert words in page, words
    for leak in ("thcs-1", "mttq", "Chưa nêu kết quả", "38.5"):
        assert leak not in page


async def test_the_page_leads_to_each_file(room: DeskRoom) -> None:
    page = (await room.page(OFFICER, "/participants/tieu-hoc-1/timeline")).text
    ids = await room.rows("SELECT id FROM obligation WHERE participant = 'tieu-hoc-1'")
    for (identity,) in ids:
        assert f'href="/intake/duties/{identity}"' in page
