"""The board: what who sees of it, as data and as a page."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.infrastructure import Provided
from tests.component.intake_desk import (
    CHAIRMAN,
    OFFICER,
    PARTICIPANTS,
    PERIOD,
    PLANS,
    SCHOOL,
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
async def desk(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DeskRoom]:
    async with one_intake(infrastructure, tmp_path_factory.mktemp("intake")) as opened:
        yield opened


@pytest.fixture
async def empty(desk: DeskRoom) -> DeskRoom:
    await desk.begin_anew()
    return desk


@pytest.fixture
async def room(empty: DeskRoom) -> DeskRoom:
    await open_the_year(empty)
    empty.clock.time = moment("2025-12-01 09:00")
    return empty


async def test_who_sees_which_rows(room: DeskRoom) -> None:
    async def seen(person: str) -> set[str]:
        answer = await room.get(person, f"/board?period={PERIOD}")
        assert answer.status_code == 200
        return {row["participant"] for row in answer.json()}

    everyone = {p["code"] for p in PARTICIPANTS}
    assert await seen(OFFICER) == await seen(CHAIRMAN) == everyone
    assert await seen(SCHOOL) == {"tieu-hoc-1", "giao-vien-1"}
    assert await seen("assessor") == set()
    unsigned = await room.client.get(f"/intake/board?period={PERIOD}")
    assert unsigned.status_code == 401
    unknown = await room.get(OFFICER, "/board?period=%00")
    assert (unknown.status_code, unknown.json()["title"]) == (404, "Không tìm thấy")


async def test_a_row_tells_where_a_participant_stands(room: DeskRoom) -> None:
    room.clock.time = moment("2025-12-11 09:00")
    await room.apply(room.record(report("tieu-hoc-1"), at="2025-12-11 09:00"))
    await room.must(OFFICER, "/reports/acceptances", judgement("tieu-hoc-1"))
    answer = await room.get(SCHOOL, f"/board?period={PERIOD}")
    row = next(r for r in answer.json() if r["participant"] == "tieu-hoc-1")
    told = ("revision", "late", "days_late", "door", "publisher", "outcome", "on_time")
    assert [row[name] for name in told] == [1, True, 2, "kafka", "e-office", "accepted", False]


async def test_the_page_of_who_is_signed_out(room: DeskRoom) -> None:
    page = await room.client.get("/intake/")
    assert page.status_code == 200
    assert "Hãy đăng nhập" in page.text
    assert "tieu-hoc-1" not in page.text


async def test_the_page_of_who_is_signed_in(room: DeskRoom) -> None:
    await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
    await room.must(OFFICER, "/reports/returns", returning("tieu-hoc-1"))
    await room.apply(room.record(report("thcs-1"), at="2025-12-12 09:00"))
    room.clock.time = moment("2025-12-12 10:00")
    room.client.cookies.set("thidua_token", token(OFFICER))
    page = (await room.client.get("/intake/")).text
    for words in (
        "Báo cáo năm 2025 – hạn: trước ngày 10/12/2025",
        "Trả lại để chỉnh sửa",
        "muộn 3 ngày",
        "Quá hạn, chưa gửi",
        "Hệ thống e-office",
        "Khối trường học",
        f"Người dùng {OFFICER}",
    ):
        assert words in page
    assert page.count("Quá hạn, chưa gửi") == 2
    room.client.cookies.set("thidua_token", token(SCHOOL))
    own = (await room.client.get("/intake/")).text
    assert "Đơn vị giao-vien-1" in own
    assert "Đơn vị thcs-1" not in own


async def test_the_page_of_plans_speaks_of_plans(room: DeskRoom) -> None:
    await room.must(SCHOOL, "/plans", plan("tieu-hoc-1"))
    await room.must(OFFICER, "/plans", plan("thcs-1", issued_on="2025-09-04"))
    page = (await room.get(OFFICER, f"/?period={PLANS}")).text
    for words in (
        "Đã ban hành",
        "Đã ban hành, muộn",
        "Quá hạn, chưa có kế hoạch",
        "Chưa có kế hoạch",
        "Không thuộc diện ban hành",
    ):
        assert words in page
    assert "chưa gửi" not in page


async def test_the_page_before_anything_is_open(empty: DeskRoom) -> None:
    page = await empty.get(OFFICER, "/?period=%00")
    assert "Chưa mở kỳ báo cáo nào" in page.text
