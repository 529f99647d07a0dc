"""Reminding by hand: one click, many after a look, limits, and what is recorded and published."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from deploy.local.infrastructure import Provided
from services.intake.commands import reminding
from shared.web.identity import Person
from tests.component.intake_desk import (
    OFFICER,
    SCHOOL,
    SUBSTITUTE,
    DeskRoom,
    moment,
    one_intake,
    open_the_year,
    plan,
    report,
    token,
)
from tests.component.test_recall import copied

pytestmark = pytest.mark.component

NOBODYS = "00000000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
async def desk(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DeskRoom]:
    """With the year open, and a copy of its tables beside them."""
    async with one_intake(infrastructure, tmp_path_factory.mktemp("intake")) as opened:
        await open_the_year(opened)
        async with opened.engine.begin() as connection:
            for table in _COPIED:
                copy = f"CREATE TABLE as_opened_{table} AS TABLE {table}"
                await connection.exec_driver_sql(copy)
        yield opened


_COPIED = ("participant", "obligation", "reminder")


@pytest.fixture
async def room(desk: DeskRoom) -> DeskRoom:
    """As it was when the year was opened, on 05/12."""
    async with desk.engine.begin() as connection:
        emptied = ", ".join((*_COPIED, "hand_reminder", "report", "judgement", "plan"))
        await connection.exec_driver_sql(f"TRUNCATE {emptied} CASCADE")
        for table in _COPIED:
            await connection.exec_driver_sql(f"INSERT INTO {table} TABLE as_opened_{table}")
    desk.clock.time = moment("2025-12-05 09:00")
    await desk.news()
    return desk


async def duty(room: DeskRoom, code: str, kind: str = "annual-report") -> str:
    [found] = await room.rows(
        f"SELECT id FROM obligation WHERE participant = '{code}' AND kind = '{kind}'"
    )
    return str(found[0])


async def kept(room: DeskRoom) -> list[tuple[Any, ...]]:
    return await room.rows(
        "SELECT participant, day::text, number, days_left, reminded_by, acting_for"
        " FROM hand_reminder ORDER BY sent_at, participant"
    )


async def remind(room: DeskRoom, person: str, identity: str, **claims: Any) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token(person, **claims)}"}
    answer = await room.client.post(f"/intake/duties/{identity}/reminders", headers=headers)
    body = answer.json()
    return answer.status_code, body.get("type", "").rpartition("/")[2].rpartition(":")[2]


async def test_it_is_recorded_and_published_once(room: DeskRoom) -> None:
    identity = await duty(room, "tieu-hoc-1")
    headers = {"Authorization": f"Bearer {token(OFFICER)}", "Idempotency-Key": "nhac-mot-lan"}
    for _ in range(2):
        answer = await room.client.post(f"/intake/duties/{identity}/reminders", headers=headers)
        assert answer.status_code == 201, answer.text
        assert answer.json() == {
            "obligation": identity,
            "participant": "tieu-hoc-1",
            "period": "2025-annual",
            "day": "2025-12-05",
            "number": 1,
            "days_left": 4,
        }
    [said] = await room.news("reminder-due")
    told = ("obligation", "offset_days", "days_left", "by_hand", "manner", "due_text")
    assert [said.data[name] for name in told] == [
        identity,
        4,
        4,
        True,
        "owes",
        "trước ngày 10/12/2025",
    ]
    assert await kept(room) == [("tieu-hoc-1", "2025-12-05", 1, 4, OFFICER, "")]


async def test_in_whose_place_it_was_done_is_kept(room: DeskRoom) -> None:
    identity = await duty(room, "thcs-1")
    claims: dict[str, Any] = {"act_for": OFFICER, "act_unit": "phong-vhxh"}
    assert await remind(room, SUBSTITUTE, identity, **claims) == (201, "")
    assert await kept(room) == [("thcs-1", "2025-12-05", 1, 4, SUBSTITUTE, OFFICER)]
    page = (await room.page("thcs-1.reporter", f"/duties/{identity}")).text
    assert f"(thay {OFFICER})</strong>: nhắc thêm, ngoài lịch" in page


async def test_once_a_day_of_the_ward_and_again_on_the_next(room: DeskRoom) -> None:
    identity = await duty(room, "tieu-hoc-1")
    room.clock.time = moment("2025-12-05 23:58")
    assert await remind(room, OFFICER, identity) == (201, "")
    assert await remind(room, SUBSTITUTE, identity) == (422, "reminded-today")
    room.clock.time += timedelta(minutes=3)
    assert await remind(room, OFFICER, identity) == (201, "")
    assert [row[1] for row in await kept(room)] == ["2025-12-05", "2025-12-06"]


async def test_who_is_late_is_told_by_how_much(room: DeskRoom) -> None:
    room.clock.time = moment("2025-12-14 09:00")
    assert await remind(room, OFFICER, await duty(room, "tieu-hoc-1")) == (201, "")
    [said] = await room.news("reminder-due")
    assert (said.data["days_left"], said.data["by_hand"]) == (-5, True)


async def test_what_may_not_be_reminded_is_refused_and_changes_nothing(room: DeskRoom) -> None:
    await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
    room.clock.time = moment("2025-12-10 08:00")
    await room.news()
    cases = [
        ("tieu-hoc-1", "obligation-closed"),
        ("mttq", "date-passed"),
        ("cong-ty-1", "not-reminded"),
    ]
    for code, name in cases:
        assert await remind(room, OFFICER, await duty(room, code)) == (422, name)
    for person in ("inspector", "chairman", SCHOOL, "tieu-hoc-1.head", "auditor"):
        assert (await remind(room, person, await duty(room, "thcs-1")))[0] == 403
    assert (await remind(room, OFFICER, NOBODYS))[0] == 404
    assert (await remind(room, OFFICER, await duty(room, "thcs-1"), ward="khac"))[0] == 404
    assert (await remind(room, OFFICER, "la"))[0] == 422
    assert await room.news() == []
    assert await kept(room) == []


async def test_two_at_one_time_remind_once(room: DeskRoom) -> None:
    identity = await duty(room, "tieu-hoc-1")
    answers = await asyncio.gather(*(remind(room, who, identity) for who in (OFFICER, SUBSTITUTE)))
    assert sorted(answers) == [(201, ""), (422, "reminded-today")]
    assert len(await room.news("reminder-due")) == 1


async def test_a_report_that_comes_at_the_same_time_leaves_no_later_reminder(
    room: DeskRoom,
) -> None:
    identity = await duty(room, "tieu-hoc-1")
    await asyncio.gather(
        remind(room, OFFICER, identity), room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
    )
    names = [said.name for said in await room.news("reminder-due", "obligation-met")]
    assert names in (["reminder-due", "obligation-met"], ["obligation-met"])


async def test_the_planner_and_our_own_word_know_nothing_of_it(room: DeskRoom) -> None:
    """Seven days before it is planned too: what the office sends by hand takes nothing from it."""
    room.clock.time = moment("2025-12-02 07:00")
    await room.planner.turn()
    await room.news()
    assert await remind(room, OFFICER, await duty(room, "tieu-hoc-1")) == (201, "")
    by_hand = await room.news("reminder-due")
    await room.apply(*copied(by_hand))
    room.clock.time = moment("2025-12-02 08:00")
    await room.planner.turn()
    told = [said.data["participant"] for said in await room.news("reminder-due")]
    assert "tieu-hoc-1" in told


# --- as pages ---


async def test_one_click_leads_back_to_the_same_list(room: DeskRoom) -> None:
    identity = await duty(room, "tieu-hoc-1")
    typed = {"back": "year=2025&state=waiting&format=csv", "duty": "la"}
    answer = await room.fill(OFFICER, f"/duties/{identity}/reminders", typed)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/intake/duties?year=2025&state=waiting&done=reminded"
    page = (await room.page(OFFICER, "/duties?year=2025&done=reminded")).text
    assert "Đã ghi lại và gửi thư nhắc." in page
    assert "đã nhắc hôm nay" in page
    assert f"/intake/duties/{identity}/reminders" not in page
    again = await room.fill(OFFICER, f"/duties/{identity}/reminders", {})
    assert (again.status_code, "mỗi ngày nhắc nhiều nhất 1 lần" in again.text) == (422, True)


async def post(room: DeskRoom, values: list[tuple[str, str]], person: str = OFFICER) -> Any:
    typed: dict[str, Any] = {}
    for name, value in values:
        typed.setdefault(name, []).append(value)
    return await room.fill(person, "/duties/reminders", typed)


def carried(page: str) -> list[tuple[str, str]]:
    """What the page would send on."""
    found = re.findall(r'name="duty" value="([^"]+)"', page)
    return [("duty", value) for value in found]


async def test_many_are_shown_before_and_just_those_are_done(room: DeskRoom) -> None:
    await room.must(SCHOOL, "/plans", plan("tieu-hoc-1"))
    codes = ("tieu-hoc-1", "thcs-1", "mttq", "cong-ty-1")
    chosen = [("duty", await duty(room, code)) for code in codes]
    chosen += [("duty", await duty(room, "tieu-hoc-1", "unit-plan")), ("duty", NOBODYS)]
    await room.news()
    shown = (await post(room, chosen)).text
    sending, _, refusing = shown.partition("Không nhắc")
    for words in ("Sẽ gửi 3 thư", "Đầu mối thcs-1", "Nhắc: còn 4 ngày", "Mời: còn 4 ngày"):
        assert words in sending, words
    assert "cong-ty-1" not in sending
    for words in ("Đơn vị cong-ty-1", "tự nguyện", "không còn chờ", "1 việc không tìm thấy"):
        assert words in refusing, words
    assert await room.news() == []
    assert await kept(room) == []
    done = (await post(room, [*carried(shown), ("confirmed", "yes")])).text
    assert "Đã ghi lại và gửi 3 thư." in done
    assert "Bỏ qua" not in done
    assert [row[0] for row in await kept(room)] == ["mttq", "thcs-1", "tieu-hoc-1"]
    assert len(await room.news("reminder-due")) == 3
    again = (await post(room, [*carried(shown), ("confirmed", "yes")])).text
    assert "gửi 0 thư" in again
    assert again.count("Hôm nay đã nhắc việc này") == 3
    assert await room.news() == []


async def test_all_that_the_filters_leave_are_shown_before(room: DeskRoom) -> None:
    """Of all pages; what may not be reminded is not among them."""
    room.clock.time = moment("2025-12-10 09:00")
    for back, codes in (
        ("year=2025", ["phong-vhxh", "thcs-1", "tieu-hoc-1"] * 2),
        ("year=2025&block=truong-hoc&duty=annual-report", ["thcs-1", "tieu-hoc-1"]),
        ("year=2025&state=received", []),
        ("year=2025&state=open", []),
        ("year=2025&state=overdue&kind=office", ["phong-vhxh", "phong-vhxh"]),
        ("year=2025&manner=invited", []),
    ):
        typed = [("back", back), ("all", "yes"), ("duty", await duty(room, "mttq"))]
        answer = await post(room, typed)
        assert answer.status_code == (200 if codes else 422), back
        shown = [value.split(":")[0] for _, value in carried(answer.text)]
        names = {
            str(i): code for i, code in await room.rows("SELECT id, participant FROM obligation")
        }
        assert sorted(names[one] for one in shown) == sorted(codes), back
    assert await kept(room) == []


CHANGES = {
    "due": "UPDATE obligation SET due = due + interval '1 day' WHERE participant = 'thcs-1'",
    "due_text": "UPDATE obligation SET due_text = 'khác' WHERE participant = 'thcs-1'",
    "name": "UPDATE participant SET name = 'Đơn vị khác' WHERE participant = 'thcs-1'",
    "reporter": "UPDATE participant SET reporter = 'ai' WHERE participant = 'thcs-1'",
    "manner": "UPDATE obligation SET manner = 'invited' WHERE participant = 'thcs-1'",
    "waived": "UPDATE obligation SET withdrawn_at = now(), withdrawn_why = 'waived'"
    " WHERE participant = 'thcs-1'",
}


@pytest.mark.parametrize("change", [*CHANGES, "met"])
async def test_what_changed_since_it_was_shown_is_left_out_and_told(
    room: DeskRoom, change: str
) -> None:
    chosen = [("duty", await duty(room, code)) for code in ("tieu-hoc-1", "thcs-1")]
    shown = (await post(room, chosen)).text
    if change == "met":
        await room.must("thcs-1.reporter", "/reports", report("thcs-1"))
    else:
        async with room.engine.begin() as connection:
            await connection.exec_driver_sql(CHANGES[change])
    await room.news()
    done = (await post(room, [*carried(shown), ("confirmed", "yes")])).text
    left_out = done.split("Bỏ qua, không gửi")[1]
    reason = "không còn chờ" if change in {"met", "waived"} else "Có thay đổi sau khi bạn xem"
    assert reason in left_out
    assert [row[0] for row in await kept(room)] == ["tieu-hoc-1"]
    assert [said.data["participant"] for said in await room.news()] == ["tieu-hoc-1"]


async def test_the_next_day_it_is_another_letter(room: DeskRoom) -> None:
    shown = (await post(room, [("duty", await duty(room, "thcs-1"))])).text
    room.clock.time = moment("2025-12-06 00:01")
    done = (await post(room, [*carried(shown), ("confirmed", "yes")])).text
    assert "Có thay đổi sau khi bạn xem" in done
    assert await kept(room) == []


async def test_what_nobody_was_shown_is_not_done(room: DeskRoom) -> None:
    """Confirmed without a look, or with digests of one's own making."""
    identity = await duty(room, "thcs-1")
    for value in (identity, f"{identity}:{'0' * 32}"):
        done = await post(room, [("duty", value), ("confirmed", "yes")])
        assert "gửi 0 thư" in done.text
    assert await kept(room) == []
    for values in ([], [("duty", "la")], [("duty", identity)] * 501):
        assert (await post(room, values)).status_code == 422
    assert (await post(room, [("duty", identity)], SCHOOL)).status_code == 403
    other = await room.fill(OFFICER, "/duties/reminders", {"duty": identity}, ward="phuong-khac")
    assert "thcs-1" not in other.text
    assert "1 việc không tìm thấy" in other.text


async def test_confirmed_twice_is_sent_once_also_where_two_a_day_are_allowed(
    room: DeskRoom,
) -> None:
    person = Person(OFFICER, "", frozenset({"officer"}), "phong-vhxh", "tu-minh")
    identity = UUID(await duty(room, "tieu-hoc-1"))
    async with room.works.read() as connection:
        [shown] = await reminding.picture(connection, person, [identity], room.clock.now(), 2)
    for sent in (1, 0):
        async with room.works.begin() as work:
            done = await reminding.remind_many(work, {identity: shown.digest}, person, 2)
        assert len(done.sent) == sent
    assert done.left_out[0][1] == reminding.CHANGED
    assert len(await kept(room)) == 1
