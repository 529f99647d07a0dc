"""The board of a year: states, filters, order, search, counts, files, and what must not leak."""

import io
from collections.abc import AsyncIterator
from typing import Any
from xml.etree import ElementTree as Xml
from zipfile import ZipFile

import pytest

from deploy.local.infrastructure import Provided
from services.intake.domain.year import Wanted
from services.intake.store import board
from shared.web.identity import Person
from shared.web.paging import cursor_of
from tests.component.intake_desk import (
    OFFICER,
    PARTICIPANTS,
    PERIOD,
    SCHOOL,
    SUBSTITUTE,
    WARD,
    DeskRoom,
    moment,
    one_intake,
    open_the_year,
    plan,
    report,
    returning,
    token,
)

pytestmark = pytest.mark.component

EVERYONE = sorted(str(p["code"]) for p in PARTICIPANTS)
OWN = ["giao-vien-1", "tieu-hoc-1"]
SEES_ALL = Person("o", "", frozenset({"officer"}), "", WARD)
NOW = moment("2025-12-12 10:00")


@pytest.fixture(scope="module")
async def desk(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DeskRoom]:
    """In December: a report returned, one received late, one plan on time and one late."""
    async with one_intake(infrastructure, tmp_path_factory.mktemp("intake")) as room:
        await open_the_year(room)
        room.clock.time = moment("2025-09-10 09:00")
        await room.must(SCHOOL, "/plans", plan("tieu-hoc-1"))
        await room.must(OFFICER, "/plans", plan("thcs-1", issued_on="2025-09-04"))
        room.clock.time = moment("2025-12-01 09:00")
        await room.must(SCHOOL, "/reports", report("tieu-hoc-1"))
        await room.must(OFFICER, "/reports/returns", returning("tieu-hoc-1"))
        await room.apply(room.record(report("thcs-1"), at="2025-12-12 09:00"))
        room.clock.time = NOW
        yield room


async def rows_of(
    room: DeskRoom, person: str, query: str = "", **claims: Any
) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token(person, **claims)}"}
    address = f"/intake/duties?year=2025&{query}"
    answer = await room.client.get(address, headers=headers)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["items"]
    return rows


async def codes(room: DeskRoom, person: str, query: str = "", **claims: Any) -> list[str]:
    return [row["participant"] for row in await rows_of(room, person, query, **claims)]


async def states(room: DeskRoom) -> dict[tuple[str, str], str]:
    return {
        (row["participant"], duty["kind"]): duty["state"]
        for row in await rows_of(room, OFFICER)
        for duty in row["duties"]
    }


async def test_where_every_duty_stands(desk: DeskRoom) -> None:
    found = await states(desk)
    assert len(found) == 2 * len(EVERYONE)
    told = {key: state for key, state in found.items() if state != "free"}
    assert told == {
        ("phong-vhxh", "unit-plan"): "overdue",
        ("phong-vhxh", "annual-report"): "overdue",
        ("tieu-hoc-1", "unit-plan"): "recorded",
        ("tieu-hoc-1", "annual-report"): "returned",
        ("thcs-1", "unit-plan"): "recorded-late",
        ("thcs-1", "annual-report"): "received",
        ("mttq", "unit-plan"): "open",
        ("mttq", "annual-report"): "open",
    }


async def test_who_sees_which_rows(desk: DeskRoom) -> None:
    for person in (OFFICER, SUBSTITUTE, "chairman", "inspector", "auditor"):
        assert sorted(await codes(desk, person)) == EVERYONE
    for person in (SCHOOL, "tieu-hoc-1.head"):
        assert sorted(await codes(desk, person)) == OWN
    machine: dict[str, Any] = {"roles": [], "unit": "", "scope": "board:read"}
    assert sorted(await codes(desk, "machine:tu-minh.so-lieu", **machine)) == EVERYONE
    assert await codes(desk, OFFICER, ward="phuong-khac") == []
    for person in ("assessor", "clerk", "operator", "communications"):
        assert (await desk.get(person, "/duties?year=2025")).status_code == 403


FILTERS = [
    ("block=truong-hoc", ["thcs-1", "tieu-hoc-1"]),
    ("kind=front", ["mttq"]),
    ("manner=proposed", ["can-bo-1", "giao-vien-1"]),
    ("state=overdue", ["phong-vhxh"]),
    ("state=escalated", []),
    ("state=waiting", ["mttq", "phong-vhxh"]),
    ("state=received", ["thcs-1"]),
    ("duty=unit-plan&state=received", []),
    ("duty=unit-plan&state=waiting", ["mttq", "phong-vhxh"]),
    ("state=waived", []),
    ("q=GIAO-VIEN", ["giao-vien-1"]),
    ("q=don vi thcs", ["thcs-1"]),
    ("q=Đơn vị THCS", ["thcs-1"]),
    ("q=khong-co", []),
    ("q=%25", []),
    ("block=truong-hoc&state=returned&q=tieu", ["tieu-hoc-1"]),
]


@pytest.mark.parametrize(("query", "expected"), FILTERS)
async def test_filters(desk: DeskRoom, query: str, expected: list[str]) -> None:
    assert await codes(desk, OFFICER, query) == expected


async def test_what_presses_comes_first(desk: DeskRoom) -> None:
    found = await codes(desk, OFFICER, "sort=due")
    assert found[:2] == ["mttq", "phong-vhxh"]
    assert await codes(desk, OFFICER, "sort=due&duty=annual-report&state=waiting") == [
        "mttq",
        "phong-vhxh",
    ]


@pytest.mark.parametrize("sort", ["block", "name", "due"])
@pytest.mark.parametrize("query", ["", "&state=waiting", "&q=don"])
async def test_page_by_page_it_is_the_same_list(desk: DeskRoom, sort: str, query: str) -> None:
    whole = await codes(desk, OFFICER, f"sort={sort}{query}")
    found: list[str] = []
    cursor = ""
    while True:
        address = f"/duties?year=2025&sort={sort}{query}&limit=2{cursor}"
        page = (await desk.get(OFFICER, address)).json()
        found += [row["participant"] for row in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == whole


@pytest.mark.parametrize(
    "query",
    [
        "year=1",
        "",
        "year=2025&state=no",
        "year=2025&cursor=la",
        "year=2025&sort=x",
    ],
)
async def test_a_program_is_told_what_is_wrong(desk: DeskRoom, query: str) -> None:
    assert (await desk.get(OFFICER, f"/duties?{query}")).status_code == 422


async def test_behind_every_place_there_is_nothing(desk: DeskRoom) -> None:
    for sort in ("name", "due", "block"):
        query = f"sort={sort}&cursor={cursor_of((2**70, 'x', 'y'))}"
        assert await codes(desk, OFFICER, query) == []


async def test_counts_are_of_the_rows_that_the_filters_leave(desk: DeskRoom) -> None:
    async with desk.works.read() as connection:
        all_of_them = await board.counts(connection, SEES_ALL, Wanted(2025), NOW)
        schools = Wanted(2025, block="truong-hoc", state="waived")
        some = await board.counts(connection, SEES_ALL, schools, NOW)
        other = Person("x", "", frozenset({"reporter"}), "thcs-1", WARD)
        own = await board.counts(connection, other, Wanted(2025), NOW)
    assert sum(all_of_them.values()) == 2 * len(EVERYONE)
    assert some == {
        ("unit-plan", "recorded"): 1,
        ("unit-plan", "recorded-late"): 1,
        ("annual-report", "returned"): 1,
        ("annual-report", "received"): 1,
    }
    assert own == {("unit-plan", "recorded-late"): 1, ("annual-report", "received"): 1}


async def test_how_the_reports_came_in_is_counted_by_days_before_the_deadline(
    desk: DeskRoom,
) -> None:
    """Of those who owe or are invited, and of one's own scope."""
    own = Person("x", "", frozenset({"reporter"}), "thcs-1", WARD)
    async with desk.works.read() as connection:
        for person, expected in ((SEES_ALL, {8: 1, -3: 1, None: 2}), (own, {-3: 1})):
            rows = await board.received_by_day(connection, person, "annual-report", 2025)
            assert {row.days: row.number for row in rows} == expected
        assert await board.received_by_day(connection, own, "annual-report", 2024) == []
    page = (await desk.page(OFFICER, "/duties")).text
    numbers = page.split("Xem số liệu dạng bảng")[1]
    for day, share in (("-9", "0"), ("-8", "25"), ("+2", "25"), ("+3", "50"), ("+4", "–")):
        assert f'<th scope="row">{day}</th><td class="n">{share}</td>' in numbers, day


class TestThePage:
    async def test_shows_states_in_words_and_signs_by_khoi(self, desk: DeskRoom) -> None:
        page = (await desk.page(OFFICER, "/duties")).text
        for words in (
            "Bảng theo dõi năm 2025",
            "Khối trường học",
            "</i>Quá hạn</span>",
            "quá hạn 3 ngày",
            "muộn 3 ngày",
            "Trả lại để sửa",
            "đã qua ngày đề nghị, gửi sau vẫn được nhận",
            "Tỷ lệ báo cáo năm đã nhận",
            f'href="/intake/?period={PERIOD}"',
        ):
            assert words in page, words
        assert page.index("Khối phòng, ban") < page.index("Khối trường học</th>")

    async def test_says_what_waits_for_the_office_and_where_it_is(self, desk: DeskRoom) -> None:
        page = (await desk.page(OFFICER, "/duties")).text
        todo = page.split('<section class="panel"')[1].split("</section>")[0]
        for query, number in (
            ("state=received", 1),
            ("state=returned", 1),
            ("duty=unit-plan&amp;state=waiting", 2),
        ):
            assert f'<a href="/intake/duties?year=2025&amp;{query}"><b>{number}</b>' in todo
            address = f"/duties?year=2025&{query.replace('&amp;', '&')}"
            listed = (await desk.page(OFFICER, address)).text.split('<tbody role="rowgroup">', 1)[1]
            assert listed.count("/timeline") == number
        overdue = '<a href="/intake/duties?year=2025&amp;state=overdue"><b>2</b> Việc đã quá hạn'
        assert overdue in todo
        filtered = (await desk.page(OFFICER, "/duties?q=khong-co&duty=annual-report")).text
        assert filtered.split('<section class="panel"')[1].split("</section>")[0] == todo
        assert "còn thiếu" not in (await desk.page(SCHOOL, "/duties")).text

    async def test_a_wrong_value_counts_as_none(self, desk: DeskRoom) -> None:
        page = await desk.page(OFFICER, "/duties?year=x&state=y&sort=z&block=w&duty=v&kind=u")
        assert page.text.count('/timeline">') == len(EVERYONE)
        assert (await desk.page(OFFICER, "/duties?cursor=la")).status_code == 422

    async def test_nobody_but_the_office_is_offered_to_remind(self, desk: DeskRoom) -> None:
        for person, offered in ((OFFICER, 2), (SUBSTITUTE, 2), ("chairman", 0), ("inspector", 0)):
            page = (await desk.page(person, "/duties")).text
            assert page.count('name="duty" value=') == offered, person
        late = (await desk.page("phong-vhxh.reporter", "/duties")).text
        assert "Quá hạn" in late
        assert 'name="duty" value=' not in late

    LEAKS = ("thcs-1", "phong-vhxh", "can-bo-1", "mttq", "cong-ty-1", "e-office", "Khối Mặt trận")

    @pytest.mark.parametrize(
        "query",
        ["", "q=thcs", "state=received", "sort=due", "block=mat-tran", "kind=front", "format=csv"],
    )
    async def test_what_is_not_ones_own_is_nowhere(self, desk: DeskRoom, query: str) -> None:
        """Not in rows, choices, counts, order, searches or files."""
        page = (await desk.page(SCHOOL, f"/duties?year=2025&{query}")).text
        shown = page.replace("q=thcs", "").replace('value="thcs"', "")
        assert not [leak for leak in self.LEAKS if leak in shown]
        assert "Tỷ lệ báo cáo" not in page
        assert "Chờ xem xét</span></a></li>" not in page

    async def test_the_file_is_what_the_page_shows(self, desk: DeskRoom) -> None:
        query = "year=2025&state=waiting&sort=name"
        text = (await desk.page(OFFICER, f"/duties?{query}&format=csv")).text
        lines = text.lstrip("\ufeff").splitlines()
        assert lines[0].split(";")[:4] == ["Khối", "Đơn vị, cá nhân", "Loại", "Cách tham gia"]
        assert [line.split(";")[1] for line in lines[1:]] == ["Đơn vị mttq", "Đơn vị phong-vhxh"]
        assert "Quá hạn (quá hạn 3 ngày)" in lines[2]
        book = (await desk.page(OFFICER, f"/duties?{query}&format=xlsx")).content
        with ZipFile(io.BytesIO(book)) as opened:
            told = "".join(Xml.fromstring(opened.read("xl/sharedStrings.xml")).itertext())
        assert "Đơn vị phong-vhxh" in told
        assert "Đơn vị thcs-1" not in told

    async def test_more_than_a_page_goes_on(
        self, desk: DeskRoom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("services.intake.pages.board_year.SIZE", 3)
        address, found = "?year=2025&sort=name", []
        while address:
            page = (await desk.page(OFFICER, f"/duties{address}")).text
            rows = page.split('<tbody role="rowgroup">', 1)[1]
            found += [part.split("/")[0] for part in rows.split("/intake/participants/")[1:]]
            following = page.split('" rel="next"')[0].rpartition('href="')[2]
            address = following.replace("&amp;", "&") if 'rel="next"' in page else ""
        assert found == await codes(desk, OFFICER, "sort=name")


async def test_before_anything_is_open(infrastructure: Provided, desk: DeskRoom) -> None:
    page = (await desk.page(OFFICER, "/duties", ward="phuong-khac")).text
    assert "Chưa mở kỳ nào" in page
