"""The pages on which a report is written, merged, approved, sent, withdrawn and opened again, by
forms alone, without a script.
"""

import re
from collections.abc import Mapping
from html import unescape

import httpx
import pytest

from tests.component.intake_desk import (
    OFFICER,
    PERIOD,
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
from tests.evidence_files import pdf

pytestmark = pytest.mark.component

HEAD = "tieu-hoc-1.head"
UNIT = "tieu-hoc-1"
DRAFT = f"/drafts/{UNIT}/{PERIOD}"
FIRST = f"/reports/{UNIT}/{PERIOD}/1"
TYPED = {
    "situation": "Đã triển khai.",
    "items.a1.self_score": "38,5",
    "items.a1.narrative": "Đã làm",
}


@pytest.fixture
async def room(desk: DeskRoom) -> DeskRoom:
    await desk.begin_anew()
    await open_the_year(desk)
    desk.clock.time = moment("2025-12-01 09:00")
    return desk


def words(answer: httpx.Response) -> str:
    return unescape(" ".join(answer.text.split()))


async def shown(room: DeskRoom, person: str, path: str, status: int = 200) -> str:
    answer = await room.page(person, path)
    assert answer.status_code == status, answer.text
    return words(answer)


def version_in(page: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found
    return found[1]


async def fill(
    room: DeskRoom, person: str, path: str, typed: Mapping[str, str], status: int = 303
) -> httpx.Response:
    answer = await room.fill(person, path, typed)
    assert answer.status_code == status, words(answer)
    return answer


async def write(room: DeskRoom, typed: Mapping[str, str], person: str = SCHOOL) -> None:
    page = await shown(room, person, DRAFT)
    revision = re.search(r'name="revision" value="(\d+)"', page)
    assert revision
    await fill(room, person, DRAFT, {**typed, "version": version_in(page), "revision": revision[1]})


async def hand_in(
    room: DeskRoom,
    typed: Mapping[str, str],
    scan: bytes = b"",
    person: str = OFFICER,
    status: int = 303,
) -> httpx.Response:
    """The office's form as a browser sends it; without a scan, its part is empty."""
    headers = {
        "Accept": "text/html",
        "Cookie": f"thidua_token={token(person)}",
        "Sec-Fetch-Site": "same-origin",
    }
    files = {"file": ("bản chụp.pdf" if scan else "", scan)}
    answer = await room.client.post(
        f"/intake{DRAFT}/paper", data=typed, files=files, headers=headers
    )
    assert answer.status_code == status, words(answer)
    return answer


async def do(room: DeskRoom, person: str, act: str, **more: str) -> httpx.Response:
    version = version_in(await shown(room, person, DRAFT))
    return await fill(room, person, f"{DRAFT}/acts", {"act": act, "version": version, **more})


class TestWriting:
    async def test_asks_for_every_section_of_the_report(self, room: DeskRoom) -> None:
        page = await shown(room, SCHOOL, DRAFT)
        titles = re.findall(r"<h2>(.*?)</h2>", page)
        assert titles[:8] == [
            "Tình hình triển khai",
            "Kết quả theo các nội dung thi đua",
            "Kết quả theo tiêu chí",
            "Số liệu theo tiêu chí",
            "Điển hình tiên tiến, mô hình, sáng kiến",
            "Bình dân học vụ số",
            "Khó khăn, vướng mắc, kiến nghị",
            "Đề nghị khen thưởng",
        ]
        for name in ("contents.2.text", "items.a2.standing", "nominations.0.form"):
            assert f'name="{name}"' in page
        assert 'name="items.b1.narrative"' not in page

    async def test_a_row_more_is_there_after_each_save(self, room: DeskRoom) -> None:
        await write(room, {"role_models.0.name": "Tổ 1", "role_models.0.summary": "Tốt"})
        page = await shown(room, SCHOOL, DRAFT)
        assert 'name="role_models.1.name"' in page
        assert 'name="role_models.2.name"' not in page

    async def test_is_sent_with_a_commitment(self, room: DeskRoom) -> None:
        await write(room, TYPED)
        page = await shown(room, SCHOOL, f"{DRAFT}/submission")
        assert "Đã triển khai." in page
        assert "Cam kết số liệu đúng sự thật" in page
        version = version_in(page)
        again = await fill(room, SCHOOL, f"{DRAFT}/submission", {"version": version}, 422)
        assert "Đánh dấu vào ô cam kết" in words(again)
        sent = await fill(
            room, SCHOOL, f"{DRAFT}/submission", {"version": version, "commitment": "true"}
        )
        told = await shown(room, SCHOOL, sent.headers["location"].removeprefix("/intake"))
        assert "Đã gửi báo cáo." in told
        assert "gửi bản số 1" in told

    async def test_says_what_is_missing_where(self, room: DeskRoom) -> None:
        await write(room, {"items.a1.self_score": "nhiều"})
        page = await shown(room, SCHOOL, f"{DRAFT}/submission")
        assert f'href="/intake{DRAFT}?check=yes#o-items.a1.self_score"' in page
        assert "Tiêu chí a1: Điểm tự chấm" in page
        assert 'name="commitment"' not in page

    async def test_two_authors_are_shown_both_texts(self, room: DeskRoom) -> None:
        await write(room, TYPED)
        seen = version_in(await shown(room, SCHOOL, DRAFT))
        await write(room, {"situation": "Của người đứng đầu"}, HEAD)
        mine = {**TYPED, "situation": "Của người soạn", "difficulties": "Thiếu máy"}
        lost = await fill(room, SCHOOL, DRAFT, {**mine, "version": seen}, 412)
        page = words(lost)
        assert '<div class="sheet">Của người đứng đầu</div>' in page
        assert '<div class="sheet">Của người soạn</div>' in page
        assert '<input type="hidden" name="difficulties" value="Thiếu máy">' in page
        merged = {"situation": "Đã ghép", "difficulties": "Thiếu máy", "version": version_in(page)}
        await fill(room, SCHOOL, DRAFT, merged)
        page = await shown(room, HEAD, DRAFT)
        assert ">Đã ghép</textarea>" in page
        assert ">Thiếu máy</textarea>" in page

    async def test_who_wrote_elsewhere_loses_nothing_and_is_not_asked(self, room: DeskRoom) -> None:
        await write(room, TYPED)
        seen = version_in(await shown(room, SCHOOL, DRAFT))
        await write(room, {"situation": "Của người đứng đầu"}, HEAD)
        await fill(room, SCHOOL, DRAFT, {**TYPED, "difficulties": "Thiếu máy", "version": seen})
        page = await shown(room, SCHOOL, DRAFT)
        assert ">Của người đứng đầu</textarea>" in page
        assert ">Thiếu máy</textarea>" in page

    async def test_what_is_too_long_is_said_beside_the_field_and_kept(self, room: DeskRoom) -> None:
        long = "x" * 20_001
        answer = await fill(room, SCHOOL, DRAFT, {"situation": long, "version": "0"}, 422)
        assert "Tình hình triển khai: Dài hơn quy định." in words(answer)
        assert long in answer.text


class TestHead:
    async def test_sends_back_with_words_then_approves(self, room: DeskRoom) -> None:
        rule = {"head_approves": "true", "period": PERIOD}
        await fill(room, HEAD, f"/participants/{UNIT}/approval", rule)
        await write(room, TYPED)
        page = await shown(room, SCHOOL, DRAFT)
        assert "Trình người đứng đầu duyệt" in page
        assert "Xem lại và gửi</a>" not in page
        await do(room, SCHOOL, "ask")
        assert "Bản soạn này không sửa được lúc này." in await shown(room, SCHOOL, DRAFT)
        await do(room, HEAD, "send-back", said="Thiếu số liệu.")
        assert "Thiếu số liệu." in await shown(room, SCHOOL, DRAFT)
        await do(room, SCHOOL, "ask")
        await do(room, HEAD, "approve")
        page = await shown(room, SCHOOL, DRAFT)
        assert "Người đứng đầu đã duyệt, chưa gửi" in page
        assert "Xem lại và gửi</a>" in page

    async def test_sending_back_without_a_word_is_asked_again(self, room: DeskRoom) -> None:
        rule = {"head_approves": "true", "period": PERIOD}
        await fill(room, HEAD, f"/participants/{UNIT}/approval", rule)
        await write(room, TYPED)
        await do(room, SCHOOL, "ask")
        version = version_in(await shown(room, HEAD, DRAFT))
        answer = await fill(
            room, HEAD, f"{DRAFT}/acts", {"act": "send-back", "version": version}, 422
        )
        assert "Ghi lời nhắn" in words(answer)


class TestCorrecting:
    async def test_only_what_was_sent_back_can_be_typed(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", report(UNIT))
        await room.must(OFFICER, "/reports/returns", returning(UNIT))
        page = await shown(room, SCHOOL, DRAFT)
        assert "<strong>Tiêu chí a1, thuyết minh:</strong> Chưa nêu kết quả." in page
        assert 'name="items.a1.narrative"' in page
        assert 'name="contents.1.text"' not in page
        assert "Phần này không bị trả lại nên giữ nguyên." in page
        await write(room, {"items.a1.narrative": "Đã nêu kết quả."})
        version = version_in(await shown(room, SCHOOL, f"{DRAFT}/submission"))
        sent = {"version": version, "commitment": "true"}
        await fill(room, SCHOOL, f"{DRAFT}/submission", sent)
        page = await shown(room, OFFICER, f"/reports/{UNIT}/{PERIOD}/2/differences?from=1")
        assert "<h2>Kết quả theo tiêu chí, a1, thuyết minh</h2>" in page
        assert '<div class="sheet">Bản 1</div>' in page
        assert '<div class="sheet">Đã nêu kết quả.</div>' in page
        assert page.count('<section class="panel">') == 1

    async def test_an_accepted_report_is_opened_again(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", report(UNIT))
        await room.must(OFFICER, "/reports/acceptances", judgement(UNIT))
        assert "Mở lại để đơn vị gửi bản mới" in await shown(room, SUBSTITUTE, FIRST)
        typed = {"reason-2": "Số liệu thay đổi.", "correct_by": "20/12/2025"}
        asked = await fill(room, SUBSTITUTE, f"{FIRST}/reopening", typed, 200)
        assert "Mở lại báo cáo đã tiếp nhận này?" in words(asked)
        done = await fill(room, SUBSTITUTE, f"{FIRST}/reopening", {**typed, "confirmed": "yes"})
        page = await shown(room, SCHOOL, done.headers["location"].removeprefix("/intake"))
        assert "Mở lại, chờ bản mới" in page
        assert "<strong>Tiêu chí a1:</strong> Số liệu thay đổi." in page
        assert "mở lại bản số 1, hạn 23:59 ngày 20/12/2025" in page
        assert "Soạn và gửi báo cáo ở đây" in page
        await shown(room, SUBSTITUTE, f"{FIRST}/reopening", 409)

    async def test_a_unit_withdraws_its_own(self, room: DeskRoom) -> None:
        await room.must(SCHOOL, "/reports", report(UNIT))
        assert "Rút lại báo cáo" in await shown(room, SCHOOL, FIRST)
        assert "Rút lại báo cáo" not in await shown(room, OFFICER, FIRST)
        asked = await fill(room, SCHOOL, f"{FIRST}/withdrawal", {}, 422)
        assert "Rút lại báo cáo này?" in words(asked)
        done = await fill(room, SCHOOL, f"{FIRST}/withdrawal", {"confirmed": "yes"})
        page = await shown(room, SCHOOL, done.headers["location"].removeprefix("/intake"))
        assert "Đã rút lại, chưa gửi bản khác" in page
        assert "rút lại bản số 1" in page
        await shown(room, SCHOOL, f"{FIRST}/withdrawal", 403)


class TestOnPaper:
    async def test_is_entered_with_its_document_and_gets_a_receipt(self, room: DeskRoom) -> None:
        room.clock.time = moment("2025-12-15 09:00")
        await write(room, TYPED, OFFICER)
        page = await shown(room, OFFICER, f"{DRAFT}/submission")
        assert f'enctype="multipart/form-data" action="/intake{DRAFT}/paper"' in page
        paper = {
            "version": version_in(page),
            "commitment": "true",
            "number": "15/BC-TH",
            "dated": "3/12/2025",
            "came_by": "paper",
        }
        wrong = words(await hand_in(room, paper, scan=pdf(), status=422))
        assert "Ngày nhận: Ghi ngày theo dạng ngày/tháng/năm" in wrong
        assert 'value="15/BC-TH"' in wrong
        [(scan,)] = await room.rows("SELECT id FROM evidence")
        assert f'<option value="{scan}" selected>bản chụp.pdf' in wrong
        sent = await hand_in(room, {**paper, "received_on": "4/12/2025", "scan": str(scan)})
        receipt = await shown(room, OFFICER, sent.headers["location"].removeprefix("/intake"))
        for part in ("Giấy biên nhận báo cáo", "số 15/BC-TH ngày 03/12/2025", "04/12/2025"):
            assert part in receipt
        assert "nhận sau thời hạn" not in receipt
        seen = await shown(room, SCHOOL, f"{FIRST}/receipt")
        assert "15/BC-TH" in seen
        assert f'<a href="/intake/evidence/{scan}">bản chụp.pdf</a>' in seen

    async def test_its_scan_is_shown_with_it_to_whoever_sees_it(self, room: DeskRoom) -> None:
        await write(room, TYPED, OFFICER)
        version = version_in(await shown(room, OFFICER, f"{DRAFT}/submission"))
        paper = {"version": version, "commitment": "true", "number": "15/BC-TH"}
        days = {"dated": "1/12/2025", "received_on": "1/12/2025", "came_by": "mail"}
        missing = words(await hand_in(room, paper | days, status=422))
        assert "Bản chụp văn bản: Chọn tệp bản chụp văn bản của đơn vị." in missing
        wrong = words(await hand_in(room, paper | days, scan=b"MZ not a scan", status=422))
        assert "Bản chụp văn bản: " in wrong
        assert 'value="15/BC-TH"' in wrong
        await hand_in(room, paper | days, scan=pdf())
        [(scan,)] = await room.rows("SELECT scan FROM paper")
        for person in (SCHOOL, HEAD, OFFICER, "inspector"):
            page = await shown(room, person, FIRST)
            assert f'<a href="/intake/evidence/{scan}">bản chụp.pdf</a>' in page
            assert "số 15/BC-TH ngày 01/12/2025, nhận ngày 01/12/2025" in page
            assert "<dt>Người nhập thay</dt>" in page
            assert (await room.get(person, f"/evidence/{scan}")).content == pdf()
        await shown(room, "thcs-1.reporter", FIRST, 404)
        assert (await room.get("thcs-1.reporter", f"/evidence/{scan}")).status_code == 404

    async def test_a_unit_has_no_such_door(self, room: DeskRoom) -> None:
        await write(room, TYPED)
        page = await shown(room, SCHOOL, f"{DRAFT}/submission")
        assert "multipart" not in page
        await hand_in(room, {"commitment": "true"}, person=SCHOOL, status=404)

    async def test_the_unit_does_not_see_what_the_office_is_writing(self, room: DeskRoom) -> None:
        await write(room, {"situation": "Bản nhập thay"}, OFFICER)
        assert "Bản nhập thay" not in await shown(room, SCHOOL, DRAFT)
        await shown(room, "thcs-1.reporter", DRAFT, 404)
