"""The page a duty mail leads to, and the pages on which the office reads and judges a report."""

from collections.abc import Mapping
from html import unescape
from typing import Any

import httpx
import pytest

from tests.component.intake_desk import (
    CHAIRMAN,
    OFFICER,
    PERIOD,
    PLANS,
    SCHOOL,
    SUBSTITUTE,
    DeskRoom,
    judgement,
    moment,
    open_the_year,
    report,
    returning,
    token,
)

pytestmark = pytest.mark.component

PLAN = f"/files/tieu-hoc-1/{PLANS}/plan"
TYPED = {"number": "12/KH-TH", "issued_on": "20/08/2025"}
CONFIRMED = {**TYPED, "confirmed": "yes"}
FIRST = f"/reports/tieu-hoc-1/{PERIOD}/1"


@pytest.fixture
async def room(desk: DeskRoom) -> DeskRoom:
    await desk.begin_anew()
    await open_the_year(desk)
    desk.clock.time = moment("2025-12-01 09:00")
    return desk


async def duty(room: DeskRoom, participant: str, kind: str = "annual-report") -> str:
    """The path that a mail about the duty links to: by the id in its events."""
    opened = await room.said("obligation-opened")
    [one] = [f for f in opened if (f.data["participant"], f.data["kind"]) == (participant, kind)]
    return f"/duties/{one.data['obligation']}"


def words(answer: httpx.Response) -> str:
    return unescape(" ".join(answer.text.split()))


async def shown(room: DeskRoom, person: str, path: str, **claims: Any) -> str:
    answer = await room.page(person, path, **claims)
    assert answer.status_code == 200, answer.text
    return words(answer)


class TestDuty:
    async def test_says_what_is_owed_by_whom_and_by_when(self, room: DeskRoom) -> None:
        page = await shown(room, SCHOOL, await duty(room, "tieu-hoc-1"))
        for part in (
            "Báo cáo năm 2025",
            "Đơn vị tieu-hoc-1",
            'trước ngày 10/12/2025 – <strong class="info">còn 8 ngày</strong>',
            "Chưa gửi",
            "mục VI.1.d của Kế hoạch",
            "Đầu mối tieu-hoc-1",
            "mang bản số 1",
        ):
            assert part in page

    async def test_is_soft_with_those_who_are_invited(self, room: DeskRoom) -> None:
        room.clock.time = moment("2025-12-12 09:00")
        owing = await shown(room, OFFICER, await duty(room, "thcs-1"))
        invited = await shown(room, OFFICER, await duty(room, "mttq"))
        assert "quá hạn 3 ngày" in owing
        assert "uá hạn" not in invited
        assert "Được đề nghị thực hiện" in invited
        assert "đã qua ngày đề nghị, gửi sau vẫn được nhận" in invited

    async def test_tells_who_did_what_when_under_which_rule(self, room: DeskRoom) -> None:
        for day in ("2025-11-09 07:30", "2025-11-25 07:30"):
            room.clock.time = moment(day)
            await room.planner.turn()
        room.clock.time = moment("2025-12-01 09:00")
        await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
        await room.must(OFFICER, "/reports/returns", returning("tieu-hoc-1"))
        room.clock.time = moment("2025-12-22 09:00")
        await room.apply(room.record(report("tieu-hoc-1", revision=2), at="2025-12-22 09:00"))
        await room.must(SUBSTITUTE, "/reports/acceptances", judgement("tieu-hoc-1", 2))
        page = await shown(room, SCHOOL, await duty(room, "tieu-hoc-1"))
        story = page.split('<ol class="timeline">')[1].split("</ol>")[0]
        places = [
            story.index(part)
            for part in (
                "08:00 ngày 01/08/2025",
                "mở kỳ, hạn trước ngày 10/12/2025",
                "nhắc trước hạn 30 ngày",
                "nhắc trước hạn 14 ngày",
                "<strong>Đầu mối tieu-hoc-1</strong>: gửi bản số 1 ",
                "Theo phong trào, phiên bản 1",
                "trả lại bản số 1, 1 chỗ cần sửa, hạn 17:00 ngày 20/12/2025",
                "<strong>Hệ thống e-office</strong>: gửi bản số 2, muộn 2 ngày",
                "tiếp nhận chính thức bản số 2",
            )
        ]
        assert places == sorted(places)
        assert "Đã tiếp nhận chính thức" in page
        assert "Không cần làm gì thêm" in page

    async def test_names_what_to_correct_and_how(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
        path = await duty(room, "tieu-hoc-1")
        assert "đang chờ Phòng Văn hóa - Xã hội xem xét" in await shown(room, SCHOOL, path)
        await room.must(OFFICER, "/reports/returns", returning("tieu-hoc-1"))
        page = await shown(room, SCHOOL, path)
        assert "<strong>Tiêu chí a1, thuyết minh:</strong> Chưa nêu kết quả." in page
        assert "Gửi bản đã sửa trước 17:00 ngày 20/12/2025." in page
        assert "mang bản số 2" in page

    async def test_whoever_acts_for_somebody_is_named_with_them(self, room: DeskRoom) -> None:
        acting = {"act_for": "tieu-hoc-1.reporter", "act_unit": "tieu-hoc-1", "roles": ["reporter"]}
        done = await room.fill("thay.nguoi", PLAN, CONFIRMED, units=["tieu-hoc-1"], **acting)
        assert done.status_code == 303, done.text
        stored = await room.rows("SELECT recorded_by, acting_for FROM plan")
        assert stored == [("thay.nguoi", "tieu-hoc-1.reporter")]
        page = await shown(room, SCHOOL, await duty(room, "tieu-hoc-1", "unit-plan"))
        assert "<strong>thay.nguoi (thay Đầu mối tieu-hoc-1)</strong>: ghi nhận kế hoạch" in page

    async def test_of_whoever_is_not_asked_is_found_by_name(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", report("giao-vien-1", criterion="d1"))
        page = await shown(room, SCHOOL, f"/files/giao-vien-1/{PERIOD}")
        assert "không bắt buộc" in page
        assert "Đã gửi, chờ xem xét" in page

    async def test_what_is_not_ones_own_is_not_there(self, room: DeskRoom) -> None:
        await room.must("thcs-1.reporter", "/reports", report("thcs-1"))
        own = await duty(room, "thcs-1")
        paths = (own, f"/files/thcs-1/{PERIOD}", f"/reports/thcs-1/{PERIOD}/1")
        for path in paths:
            assert (await room.page("thcs-1.reporter", path)).status_code == 200
            for claims in ({}, {"unit": ""}, {"ward": "phuong-khac", "units": ["thcs-1"]}):
                refused = await room.page(SCHOOL, path, **claims)
                assert refused.status_code == 404
                assert "Đơn vị thcs-1" not in refused.text
                assert "Bản 1" not in refused.text
        nothing = "/duties/00000000-0000-0000-0000-000000000000"
        absent = await room.page(SCHOOL, nothing)
        hidden = await room.page(SCHOOL, own)
        assert [line for line in absent.text.splitlines() if "Không có" in line] == [
            line for line in hidden.text.splitlines() if "Không có" in line
        ]
        for path in ("/duties/khong-phai-ma", f"/files/khong-co/{PERIOD}", f"{FIRST[:-1]}9"):
            assert (await room.page(OFFICER, path)).status_code == 404
        for person in ("operator", "clerk", "assessor", "communications"):
            assert (await room.page(person, own)).status_code == 403

    async def test_a_visitor_is_asked_to_sign_in_and_comes_back(self, room: DeskRoom) -> None:
        path = await duty(room, "tieu-hoc-1")
        answer = await room.client.get(f"/intake{path}", headers={"Accept": "text/html"})
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/intake/sign-in?next=/intake{path}"


class TestPlan:
    async def test_is_recorded_after_it_was_confirmed(self, room: DeskRoom) -> None:
        path = await duty(room, "tieu-hoc-1", "unit-plan")
        page = await shown(room, SCHOOL, path)
        assert f'action="/intake{PLAN}"' in page
        asked = await room.fill(SCHOOL, PLAN, TYPED)
        assert asked.status_code == 200
        assert "20/08/2025" in asked.text
        assert "Việc này không hoàn tác được" in asked.text
        assert await room.news() == []
        done = await room.fill(SCHOOL, PLAN, CONFIRMED)
        assert (done.status_code, done.headers["location"]) == (303, f"/intake{path}?done=plan")
        assert [f.name for f in await room.news()] == ["plan-recorded", "obligation-met"]
        told = await shown(room, SCHOOL, f"{path}?done=plan")
        assert "Đã ghi nhận kế hoạch" in told
        assert "số 12/KH-TH ngày 20/08/2025" in told
        assert "Nộp bản sao kế hoạch đã ký" in told
        assert 'type="hidden" name="number" value="12/KH-TH"' in told

    async def test_sent_twice_is_recorded_once(self, room: DeskRoom) -> None:
        for _ in range(2):
            assert (await room.fill(SCHOOL, PLAN, CONFIRMED)).status_code == 303
        assert len(await room.news()) == 2
        assert await room.rows("SELECT count(*) FROM plan") == [(1,)]
        other = await room.fill(SCHOOL, PLAN, {**CONFIRMED, "number": "13/KH-TH"})
        assert other.status_code == 409
        assert "Đã ghi nhận kế hoạch số 12/KH-TH ngày 20/08/2025." in words(other)

    @pytest.mark.parametrize("confirmed", [{}, {"confirmed": "yes"}])
    @pytest.mark.parametrize(
        ("changes", "field", "said"),
        [
            ({"number": " "}, "number", "Không được để trống."),
            ({"number": "x" * 101}, "number", "Dài hơn quy định."),
            ({"issued_on": "31/02/2025"}, "issued_on", "Ghi ngày theo dạng ngày/tháng/năm"),
            ({"issued_on": ""}, "issued_on", "Ghi ngày theo dạng ngày/tháng/năm"),
            ({"issued_on": "2/12/2025"}, "issued_on", "Ngày ban hành không thể ở tương lai."),
        ],
    )
    async def test_what_is_wrong_is_said_beside_the_field(
        self,
        room: DeskRoom,
        changes: Mapping[str, str],
        field: str,
        said: str,
        confirmed: Mapping[str, str],
    ) -> None:
        given = {**TYPED, **confirmed, **changes}
        answer = await room.fill(SCHOOL, PLAN, given)
        assert answer.status_code == 422
        page = words(answer)
        assert f'<a href="#o-{field}">' in page
        assert said in page.split(f'id="o-{field}-wrong"')[1]
        assert f'value="{TYPED["number"]}"' in page or field == "number"
        assert await room.news() == []

    async def test_can_be_corrected_before_it_is_confirmed(self, room: DeskRoom) -> None:
        answer = await room.fill(SCHOOL, PLAN, {**TYPED, "edit": "yes"})
        assert answer.status_code == 200
        assert 'value="12/KH-TH"' in answer.text
        assert "chỗ cần sửa" not in answer.text

    async def test_days_as_browsers_send_them(self, room: DeskRoom) -> None:
        given = {**CONFIRMED, "issued_on": "2025-08-20"}
        assert (await room.fill(SCHOOL, PLAN, given)).status_code == 303
        [recorded] = await room.news("plan-recorded")
        assert recorded.data["issued_on"] == "2025-08-20"

    async def test_is_recorded_only_by_who_speaks_for_the_unit(self, room: DeskRoom) -> None:
        assert (await room.fill("thcs-1.reporter", PLAN, CONFIRMED)).status_code == 404
        only_belongs = {"unit": "tieu-hoc-1", "units": ["thcs-1"]}
        refused = await room.fill("thcs-1.reporter", PLAN, CONFIRMED, **only_belongs)
        assert refused.status_code == 422
        page = await shown(
            room, "thcs-1.reporter", await duty(room, "tieu-hoc-1", "unit-plan"), **only_belongs
        )
        assert f'action="/intake{PLAN}"' not in page
        for person in (CHAIRMAN, "auditor", "inspector", "operator"):
            assert (await room.fill(person, PLAN, CONFIRMED)).status_code == 403
        assert await room.news() == []
        assert (await room.fill("tieu-hoc-1.head", PLAN, CONFIRMED)).status_code == 303

    async def test_is_not_taken_from_another_site(self, room: DeskRoom) -> None:
        headers = {
            "Accept": "text/html",
            "Cookie": "thidua_token=x",
            "Sec-Fetch-Site": "cross-site",
        }
        answer = await room.client.post(f"/intake{PLAN}", data=CONFIRMED, headers=headers)
        assert answer.status_code == 403
        assert await room.news() == []


EVIDENCE = [
    {"title": "Ảnh <b>buổi tập huấn</b>", "url": "https://kho.example/anh?a=1&b=2"},
    {"title": "Biên bản", "url": 'http://kho.example/"onmouseover="alert(1)'},
]
WHOLE: dict[str, Any] = {
    "items": [
        {
            "criterion": "a1",
            "self_score": "38.50",
            "narrative": "Dòng một\n<script>alert(1)</script>",
            "evidence": EVIDENCE,
        },
        {"criterion": "a2", "not_applicable": True},
    ],
    "indicators": [{"code": "online-rate", "value": "0.93"}],
    "role_models": [{"name": "Tổ công nghệ số", "summary": "Hướng dẫn người dân."}],
    "difficulties": "Thiếu thiết bị.",
}
REASONS = {
    "reason-2": "Chưa nêu kết quả.",
    "reason-0": "Ghi rõ số liệu.",
    "correct_by": "20/12/2025",
}


class TestReport:
    @pytest.fixture
    async def sent(self, room: DeskRoom) -> DeskRoom:
        await room.must(SCHOOL, "/reports", report("tieu-hoc-1", **WHOLE))
        await room.news()
        return room

    async def test_is_read_as_it_was_sent_and_nothing_of_it_runs(self, sent: DeskRoom) -> None:
        answer = await sent.page(OFFICER, FIRST)
        assert answer.status_code == 200
        for part in (
            "Tiêu chí a1",
            "<strong>Điểm tự chấm:</strong> 38,5",
            "<strong>Điểm tự chấm:</strong> không áp dụng",
            "Dòng một\n&lt;script&gt;alert(1)&lt;/script&gt;",
            'href="https://kho.example/anh?a=1&amp;b=2" rel="noopener noreferrer nofollow"',
            "Ảnh &lt;b&gt;buổi tập huấn&lt;/b&gt;",
            "ở kho.example, ngoài hệ thống này",
            "Chỉ tiêu online-rate",
            "0,93",
            "Điển hình: Tổ công nghệ số",
            "<strong>Hình thức:</strong> Giấy khen",
            "Thiếu thiết bị.",
        ):
            assert part in answer.text, part
        assert "<script>" not in answer.text
        assert '"onmouseover' not in answer.text

    async def test_readers_see_it_and_only_the_office_is_offered_to_judge(
        self, sent: DeskRoom
    ) -> None:
        for person in (SCHOOL, "tieu-hoc-1.head", CHAIRMAN, "auditor", "inspector"):
            assert f"{FIRST}/acceptance" not in await shown(sent, person, FIRST)
        for person in (OFFICER, SUBSTITUTE):
            page = await shown(sent, person, FIRST)
            assert f"{FIRST}/acceptance" in page
            assert f"{FIRST}/return" in page
        assert FIRST in await shown(sent, OFFICER, await duty(sent, "tieu-hoc-1"))

    async def test_is_accepted_after_it_was_confirmed(self, sent: DeskRoom) -> None:
        assert "Việc này không hoàn tác được" in await shown(sent, OFFICER, f"{FIRST}/acceptance")
        asked = await sent.fill(OFFICER, f"{FIRST}/acceptance", {})
        assert asked.status_code == 422
        assert await sent.news() == []
        for _ in range(2):
            done = await sent.fill(OFFICER, f"{FIRST}/acceptance", {"confirmed": "yes"})
            back = await duty(sent, "tieu-hoc-1")
            assert (done.status_code, done.headers["location"]) == (
                303,
                f"/intake{back}?done=accepted",
            )
        assert [f.name for f in await sent.news()] == ["report-accepted"]
        page = await shown(sent, OFFICER, f"{back}?done=accepted")
        assert "Đã tiếp nhận chính thức báo cáo" in page

    async def test_goes_back_with_a_reason_for_each_place(self, sent: DeskRoom) -> None:
        assert "reason-2" in await shown(sent, OFFICER, f"{FIRST}/return")
        asked = await sent.fill(OFFICER, f"{FIRST}/return", REASONS)
        assert asked.status_code == 200
        assert "<strong>Tiêu chí a1:</strong> Chưa nêu kết quả." in words(asked)
        assert await sent.news() == []
        for _ in range(2):
            done = await sent.fill(OFFICER, f"{FIRST}/return", {**REASONS, "confirmed": "yes"})
            assert done.status_code == 303
        [returned] = await sent.news()
        assert returned.data["reasons"] == [
            {"pointer": "", "text": "Ghi rõ số liệu."},
            {"pointer": "/items/0", "text": "Chưa nêu kết quả."},
        ]
        assert returned.data["correct_by"] == "2025-12-20T23:59:59+07:00"
        page = await shown(sent, SCHOOL, FIRST)
        assert "<strong>Toàn bộ báo cáo:</strong> Ghi rõ số liệu." in page

    @pytest.mark.parametrize("confirmed", [{}, {"confirmed": "yes"}])
    @pytest.mark.parametrize(
        ("given", "field", "said"),
        [
            ({"correct_by": "20/12/2025"}, "reason-0", "Ghi lý do ở ít nhất một chỗ."),
            ({"reason-3": "x" * 2001, "correct_by": "20/12/2025"}, "reason-3", "Dài hơn quy định."),
            ({"reason-3": "Sửa.", "correct_by": "mai"}, "correct_by", "Ghi ngày theo dạng"),
            (
                {"reason-3": "Sửa.", "correct_by": "30/11/2025"},
                "correct_by",
                "Hạn chỉnh sửa phải ở sau thời điểm này.",
            ),
        ],
    )
    async def test_what_is_wrong_with_a_return_is_said_beside_the_field(
        self,
        sent: DeskRoom,
        given: Mapping[str, str],
        field: str,
        said: str,
        confirmed: Mapping[str, str],
    ) -> None:
        answer = await sent.fill(OFFICER, f"{FIRST}/return", {**given, **confirmed})
        assert answer.status_code == 422
        assert said in words(answer).split(f'id="o-{field}-wrong"')[1]
        assert f'<a href="#o-{field}">' in answer.text
        assert given.get("reason-3", "") in answer.text
        assert await sent.news() == []

    async def test_nobody_judges_a_report_of_a_unit_of_theirs(self, sent: DeskRoom) -> None:
        own: list[dict[str, Any]] = [
            {"unit": "tieu-hoc-1"},
            {"units": ["tieu-hoc-1"]},
            {"act_for": "ai-do", "act_unit": "tieu-hoc-1"},
            {"act_for": "tieu-hoc-1.reporter"},
        ]
        for claims in own:
            assert f"{FIRST}/acceptance" not in await shown(sent, OFFICER, FIRST, **claims)
            for path, given in (("acceptance", {}), ("return", REASONS)):
                typed = {**given, "confirmed": "yes"}
                assert (await sent.page(OFFICER, f"{FIRST}/{path}", **claims)).status_code == 403
                refused = await sent.fill(OFFICER, f"{FIRST}/{path}", typed, **claims)
                assert refused.status_code in {403, 422}, claims
        page = await shown(sent, OFFICER, await duty(sent, "tieu-hoc-1"), unit="tieu-hoc-1")
        assert "người được phân công thay thế sẽ xét" in page
        for person in (SCHOOL, CHAIRMAN, "auditor", "operator"):
            answer = await sent.fill(person, f"{FIRST}/acceptance", {"confirmed": "yes"})
            assert answer.status_code == 403
        assert await sent.news() == []

    async def test_only_the_newest_version_that_waits_is_judged(self, sent: DeskRoom) -> None:
        await sent.must(SCHOOL, "/reports", report("tieu-hoc-1", revision=2))
        for path in ("acceptance", "return"):
            assert (await sent.page(OFFICER, f"{FIRST}/{path}")).status_code == 409
        assert "Đã có bản mới hơn" in await shown(sent, OFFICER, FIRST)
        done = await sent.fill(OFFICER, f"{FIRST}/return", {**REASONS, "confirmed": "yes"})
        assert done.status_code == 409
        assert "Bản mới nhất của báo cáo là bản số 2." in words(done)
        await sent.must(OFFICER, "/reports/acceptances", judgement("tieu-hoc-1", 2))
        second = f"{FIRST[:-1]}2"
        assert (await sent.page(OFFICER, f"{second}/return")).status_code == 409
        assert f"{second}/return" not in await shown(sent, OFFICER, second)


async def test_a_machine_sends_for_its_ward_and_opens_no_page(room: DeskRoom) -> None:
    machine = "machine:tu-minh.e-office"
    claims: dict[str, Any] = {"roles": [], "unit": "", "scope": "reports:write"}
    assert (await room.page(machine, await duty(room, "thcs-1"), **claims)).status_code == 403
    for scope, expected in (("board:read", 403), ("reports:write", 201)):
        headers = {"Authorization": f"Bearer {token(machine, **{**claims, 'scope': scope})}"}
        answer = await room.client.post("/intake/reports", json=report("thcs-1"), headers=headers)
        assert answer.status_code == expected, answer.text
    page = await shown(room, OFFICER, await duty(room, "thcs-1"))
    assert "<strong>Hệ thống e-office</strong>: gửi bản số 1" in page
