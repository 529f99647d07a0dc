"""The board: what who sees of it, as data, as a page and as a file."""

import csv
import io
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as Xml
from zipfile import ZipFile

import pytest

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
    open_the_year,
    plan,
    report,
    returning,
    token,
)

pytestmark = pytest.mark.component

EVERYONE = [p["code"] for p in sorted(PARTICIPANTS, key=lambda p: str(p["code"]))]
OWN = ["giao-vien-1", "tieu-hoc-1"]


@pytest.fixture
async def empty(desk: DeskRoom) -> DeskRoom:
    await desk.begin_anew()
    return desk


@pytest.fixture
async def room(empty: DeskRoom) -> DeskRoom:
    await open_the_year(empty)
    empty.clock.time = moment("2025-12-01 09:00")
    return empty


async def rows_of(room: DeskRoom, person: str, **claims: Any) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token(person, **claims)}"}
    answer = await room.client.get(f"/intake/board?period={PERIOD}", headers=headers)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["items"]
    return rows


async def seen(room: DeskRoom, person: str, **claims: Any) -> list[str]:
    return [row["participant"] for row in await rows_of(room, person, **claims)]


async def test_who_sees_which_rows(room: DeskRoom) -> None:
    for person in (OFFICER, CHAIRMAN, "inspector", "auditor"):
        assert await seen(room, person) == EVERYONE
    for person in (SCHOOL, "tieu-hoc-1.head"):
        assert await seen(room, person) == OWN
    for person in ("assessor", "clerk", "operator", "communications"):
        assert (await room.get(person, f"/board?period={PERIOD}")).status_code == 403
    unsigned = await room.client.get(f"/intake/board?period={PERIOD}")
    assert unsigned.status_code == 401
    unknown = await room.get(OFFICER, "/board?period=2024-annual")
    assert (unknown.status_code, unknown.json()["title"]) == (404, "Không tìm thấy")


MORE_UNITS: list[tuple[Mapping[str, Any], list[str]]] = [
    ({"units": ["thcs-1"]}, [*OWN[:1], "thcs-1", *OWN[1:]]),
    ({"unit": "", "units": ["thcs-1"]}, ["thcs-1"]),
    ({"unit": "", "act_for": "thcs-1.reporter", "act_unit": "thcs-1"}, ["thcs-1"]),
    ({"unit": ""}, []),
    ({"unit": "", "ward": "phuong-khac", "units": ["thcs-1"]}, []),
]


@pytest.mark.parametrize(("claims", "expected"), MORE_UNITS)
async def test_rows_of_every_unit_that_is_ones_own(
    room: DeskRoom, claims: Mapping[str, Any], expected: list[str]
) -> None:
    if claims.get("ward"):
        headers = {"Authorization": f"Bearer {token(SCHOOL, **claims)}"}
        answer = await room.client.get(f"/intake/board?period={PERIOD}", headers=headers)
        assert answer.status_code == 404
        return
    assert await seen(room, SCHOOL, **claims) == expected


async def test_a_machine_sees_the_board_only_with_its_scope(room: DeskRoom) -> None:
    machine: dict[str, Any] = {"roles": [], "unit": ""}
    assert await seen(room, "machine:tu-minh.so-lieu", **machine, scope="board:read") == EVERYONE
    headers = {
        "Authorization": f"Bearer {token('machine:tu-minh.gui', **machine, scope='reports:write')}"
    }
    refused = await room.client.get(f"/intake/board?period={PERIOD}", headers=headers)
    assert refused.status_code == 403


async def test_a_row_tells_where_a_participant_stands(room: DeskRoom) -> None:
    room.clock.time = moment("2025-12-11 09:00")
    await room.apply(room.record(report("tieu-hoc-1"), at="2025-12-11 09:00"))
    await room.must(OFFICER, "/reports/acceptances", judgement("tieu-hoc-1"))
    row = next(r for r in await rows_of(room, SCHOOL) if r["participant"] == "tieu-hoc-1")
    told = ("revision", "late", "days_late", "door", "publisher", "outcome", "on_time", "standing")
    assert [row[name] for name in told] == [
        1,
        True,
        2,
        "kafka",
        "e-office",
        "accepted",
        False,
        "accepted",
    ]
    [duty] = await room.rows(
        "SELECT id FROM obligation WHERE kind = 'annual-report' AND participant = 'tieu-hoc-1'"
    )
    assert row["obligation"] == str(duty[0])


async def test_the_board_comes_in_pages(room: DeskRoom) -> None:
    found: list[str] = []
    cursor = ""
    while True:
        address = f"/board?period={PERIOD}&limit=3{cursor}"
        answer = (await room.get(OFFICER, address)).json()
        found += [row["participant"] for row in answer["items"]]
        assert len(answer["items"]) <= 3
        if answer["next"] is None:
            break
        cursor = f"&cursor={answer['next']}"
    assert found == EVERYONE
    own = (await room.get(SCHOOL, f"/board?period={PERIOD}&limit=1")).json()
    assert [row["participant"] for row in own["items"]] == OWN[:1]
    wrong = await room.get(OFFICER, f"/board?period={PERIOD}&cursor=la")
    assert wrong.status_code == 422


async def test_the_page_of_who_is_signed_out(room: DeskRoom) -> None:
    page = await room.client.get("/intake/", headers={"Accept": "text/html"})
    assert page.status_code == 303
    assert page.headers["location"].startswith("/intake/sign-in")


async def test_the_page_of_who_is_signed_in(room: DeskRoom) -> None:
    await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
    await room.must(OFFICER, "/reports/returns", returning("tieu-hoc-1"))
    await room.apply(room.record(report("thcs-1"), at="2025-12-12 09:00"))
    room.clock.time = moment("2025-12-12 10:00")
    page = (await room.page(OFFICER, "/")).text
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
    own = (await room.page(SCHOOL, "/")).text
    assert "Đơn vị giao-vien-1" in own
    assert "Đơn vị thcs-1" not in own


async def test_the_page_is_filtered_sorted_and_searched(room: DeskRoom) -> None:
    await room.apply(room.record(report("thcs-1"), at="2025-12-01 08:00"))

    async def names(query: str) -> list[str]:
        page = (await room.page(OFFICER, f"/?period={PERIOD}&{query}")).text
        cells = page.split("<tbody")[1].split("</tbody>")[0] if "<tbody" in page else ""
        return [part.split("<")[0] for part in cells.split("Đơn vị ")[1:]]

    assert await names("q=GIAO-VIEN") == ["giao-vien-1"]
    assert await names("standing=Đã gửi, chờ xem xét") == ["thcs-1"]
    assert await names("block=Khối trường học&sort=-name") == ["tieu-hoc-1", "thcs-1"]
    assert await names("q=khong-co") == []


def read_xlsx(body: bytes) -> str:
    with ZipFile(io.BytesIO(body)) as book:
        return "".join(Xml.fromstring(book.read("xl/sharedStrings.xml")).itertext())


class TestWhatIsNotOnesOwn:
    """Data is there that could leak: a report that another unit has sent, late, and its name."""

    @pytest.fixture
    async def late(self, room: DeskRoom) -> DeskRoom:
        await room.apply(room.record(report("thcs-1"), at="2025-12-12 09:00"))
        room.clock.time = moment("2025-12-12 10:00")
        return room

    LEAKS = ("thcs-1", "phong-vhxh", "can-bo-1", "mttq", "cong-ty-1", "e-office")

    async def test_is_not_in_lists_searches_and_counts(self, late: DeskRoom) -> None:
        for query in ("", "q=thcs", "sort=-received", "standing=Đã gửi, chờ xem xét", "page=2"):
            page = (await late.page(SCHOOL, f"/?period={PERIOD}&{query}")).text
            shown = page.replace("q=thcs", "").replace('value="thcs"', "")
            assert not [leak for leak in self.LEAKS if leak in shown], query
        page = (await late.page(SCHOOL, "/")).text
        cards = page.split('<ul class="cards">')[1].split("</ul>")[0]
        assert "<b>1</b>Quá hạn, chưa gửi" in cards
        assert "<b>0</b>Gửi muộn" in cards
        assert "chờ xem xét" not in cards

    async def test_is_not_in_files(self, late: DeskRoom) -> None:
        for query in ("", "&q=thcs", "&page=2"):
            answer = await late.page(SCHOOL, f"/?period={PERIOD}{query}&format=csv")
            assert answer.headers["content-type"] == "text/csv; charset=utf-8"
            assert not [leak for leak in self.LEAKS if leak in answer.text], query
        lines = list(csv.reader(io.StringIO(answer.text), delimiter=";"))
        assert len(lines[0]) == 7
        book = read_xlsx((await late.page(SCHOOL, f"/?period={PERIOD}&format=xlsx")).content)
        assert "Đơn vị tieu-hoc-1" in book
        assert not [leak for leak in self.LEAKS if leak in book]

    async def test_the_office_has_them_all_in_its_file(self, late: DeskRoom) -> None:
        text = (await late.page(OFFICER, f"/?period={PERIOD}&format=csv")).text
        assert all(f"Đơn vị {code}" in text for code in EVERYONE)


async def test_the_page_of_plans_speaks_of_plans(room: DeskRoom) -> None:
    await room.must(SCHOOL, "/plans", plan("tieu-hoc-1"))
    await room.must(OFFICER, "/plans", plan("thcs-1", issued_on="2025-09-04"))
    await room.must(OFFICER, "/plans", plan("cong-ty-1"))
    page = (await room.page(OFFICER, f"/?period={PLANS}")).text
    for words in (
        "Đã ban hành",
        "Đã ban hành, muộn",
        "Quá hạn, chưa có kế hoạch",
        "Chưa có kế hoạch",
        "Không thuộc diện ban hành",
    ):
        assert words in page
    assert "<b>2</b>Đã ban hành<" in page
    assert "chưa gửi" not in page


async def test_the_page_before_anything_is_open(empty: DeskRoom) -> None:
    page = await empty.page(OFFICER, "/?period=2024-annual")
    assert "Chưa mở kỳ báo cáo nào" in page.text
