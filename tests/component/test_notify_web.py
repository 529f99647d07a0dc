"""What the pages and the API show, and to whom."""

from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any

import pytest

from deploy.local.infrastructure import Provided
from services.notify.store.mail_list import KEEPERS
from shared.contracts.base import Event
from shared.roles import ROLES
from tests.component.notify_browser import Browser, browsing, words
from tests.component.notify_stage import (
    ADDRESS,
    PERIOD,
    PERSON,
    PUPIL,
    SCHOOL,
    Stage,
    Story,
    basics,
    one_database,
    staged,
)
from tests.component.test_post import Script, relay

pytestmark = pytest.mark.component

STORY = Story()
OTHER = "truong-2.reporter"
OTHERS_ADDRESS = "dau-moi@truong-2.example"


@pytest.fixture(scope="module")
def url(infrastructure: Provided) -> Iterator[str]:
    with one_database(infrastructure, "notify_web") as url:
        yield url


@pytest.fixture
async def stage(url: str) -> AsyncIterator[Stage]:
    async with staged(url) as stage:
        yield stage


@pytest.fixture
async def browser(stage: Stage, url: str) -> AsyncIterator[Browser]:
    async with browsing(stage, url) as browser:
        yield browser


async def send_all(stage: Stage, *events: Event) -> None:
    await stage.tell(*basics(STORY), *events)
    async with relay(Script()) as to:
        room = stage.room(to)
        while await room.turn():
            pass


async def test_everybody_may_read_who_is_honoured(stage: Stage, browser: Browser) -> None:
    await stage.tell(*basics(STORY), STORY.award(), STORY.award(PUPIL, "Giáo viên dạy Tin học"))
    page = await browser.get("/notify/honours")
    shown = words(page)
    assert "Báo cáo năm 2025" in shown
    for text in ("Trường số 1", "Giáo viên dạy Tin học", "Giấy khen", "số 215/QĐ-UBND"):
        assert text in shown
    assert "ngày 26/12/2025" in shown
    assert 'aria-current="page">Vinh danh' in page.text


async def test_the_public_page_shows_nothing_else(stage: Stage, browser: Browser) -> None:
    await send_all(stage, STORY.result(), STORY.award(), STORY.candidate(PUPIL, "Giáo viên"))
    page = (await browser.get("/notify/honours")).text
    for hidden in (SCHOOL, PUPIL, PERSON, ADDRESS, PERIOD, "87,5", "Đầu mối", "Tốt", "giay-khen"):
        assert hidden not in page, hidden


async def test_candidates_are_shown_until_decided_or_voted_down(
    stage: Stage, browser: Browser
) -> None:
    window = "từ ngày 10/12/2025 đến hết ngày 20/12/2025"
    await stage.tell(STORY.movement(), STORY.candidate(), STORY.candidate(PUPIL, "Giáo viên"))
    shown = words(await browser.get("/notify/honours"))
    assert shown.count(window) == 2
    assert "đã hết thời gian" not in shown
    stage.business.time = stage.business.time.replace(day=21)
    assert words(await browser.get("/notify/honours")).count("đã hết thời gian") == 2
    await stage.tell(STORY.award(), STORY.concluded(PUPIL, passed=False))
    shown = words(await browser.get("/notify/honours"))
    assert window not in shown
    assert "Giáo viên" not in shown
    assert "Trường số 1" in shown


async def test_the_newest_period_and_decision_come_first(stage: Stage, browser: Browser) -> None:
    def award(period: str, name: str, decided_on: date) -> Event:
        changes = {"period": period, "dossier": name, "name": name, "decided_on": decided_on}
        return STORY.award().model_copy(update=changes)

    later = STORY.period().model_copy(
        update={
            "period": "2026-annual",
            "title": "Báo cáo năm 2026",
            "report_by": STORY.period().report_by.replace(year=2026),
        }
    )
    await stage.tell(*basics(STORY), later)
    await stage.tell(
        award(PERIOD, "Một", date(2025, 12, 26)),
        award("2026-annual", "Hai", date(2026, 12, 20)),
        award("2026-annual", "Ba", date(2026, 12, 28)),
    )
    shown = words(await browser.get("/notify/honours"))
    places = [shown.index(text) for text in ("cáo năm 2026", "Ba ", "Hai ", "cáo năm 2025", "Một ")]
    assert places == sorted(places)


async def test_an_empty_page_of_honours_says_so(browser: Browser) -> None:
    assert "Chưa có quyết định khen thưởng nào." in words(await browser.get("/notify/honours"))


async def two_units(stage: Stage) -> None:
    """A mail to each of two people, one that waits, and one that was dropped."""
    await send_all(
        stage,
        STORY.school("truong-2", OTHER),
        STORY.contact(OTHER, OTHERS_ADDRESS),
        STORY.opened("truong-2"),
        STORY.result(),
        STORY.opened(),
        STORY.met(),
        STORY.received(code="truong-9"),
    )


@pytest.mark.parametrize("path", ["/notify/", "/notify/mails", "/notify/me"])
async def test_a_visitor_is_shown_the_way_in(stage: Stage, browser: Browser, path: str) -> None:
    await two_units(stage)
    answer = await browser.page(path)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/intake/sign-in?next={path}"
    answer = await browser.get(path)
    assert answer.status_code == 401
    assert "Trường" not in answer.text


async def test_a_person_sees_the_mails_to_themselves(stage: Stage, browser: Browser) -> None:
    await two_units(stage)
    rows = words(await browser.page("/notify/mails", "reporter", person=PERSON))
    assert "Kết quả thi đua Trường số 1" in rows
    assert "Đã gửi" in rows
    assert "Trường số 2" not in rows
    rows = words(await browser.page("/notify/mails", "reporter", person=OTHER))
    assert "Thông báo nhiệm vụ Trường số 2" in rows
    assert "Trường số 1" not in rows
    assert "Chưa có thư nào" in words(await browser.page("/notify/mails", "council"))


@pytest.mark.parametrize("role", sorted(set(ROLES) - set(KEEPERS)))
async def test_mails_of_others_are_nowhere(stage: Stage, browser: Browser, role: str) -> None:
    """Not in the list, its counts, filters and order, nor in what is held about oneself."""
    await two_units(stage)
    asker = {"person": PERSON, "unit": SCHOOL}
    mine = await browser.items("/notify/mails?limit=1", role, **asker)
    assert [mail["person"] for mail in mine] == [PERSON, PERSON]
    assert {mail["kind"] for mail in mine} == {"own-result", "obligation-opened"}
    counts = (await browser.get("/notify/counts", role, **asker)).json()
    assert counts["total"] == 2
    assert counts["by_status"] == {"dropped": 1, "sent": 1}
    assert await browser.items("/notify/mails?status=waiting", role, **asker) == []
    assert await browser.items("/notify/mails?kind=report-received", role, **asker) == []
    for path in ("/notify/mails", "/notify/me", "/notify/counts"):
        for answer in (
            await browser.page(path, role, **asker),
            await browser.get(path, role, **asker),
        ):
            for hidden in (OTHER, OTHERS_ADDRESS, "Trường số 2", "truong-9"):
                assert hidden not in answer.text, (path, hidden)


async def test_addresses_are_in_no_mail_list(stage: Stage, browser: Browser) -> None:
    await two_units(stage)
    for path in ("/notify/", "/notify/mails", "/notify/tasks", "/notify/counts"):
        for role in ROLES:
            for answer in (await browser.page(path, role), await browser.get(path, role)):
                assert answer.status_code == 200
                assert "@" not in answer.text, (path, role)


async def test_a_mail_of_another_ward_is_of_nobody_here(stage: Stage, browser: Browser) -> None:
    await two_units(stage)
    for role in ROLES:
        elsewhere = {"person": PERSON, "ward": "le-thanh-nghi"}
        assert await browser.items("/notify/mails", role, **elsewhere) == []
        assert (await browser.get("/notify/counts", role, **elsewhere)).json()["total"] == 0
        held = (await browser.get("/notify/me", role, **elsewhere)).json()
        assert held["held"] == []


async def test_everybody_sees_what_is_held_about_them(stage: Stage, browser: Browser) -> None:
    await two_units(stage)
    held = (await browser.get("/notify/me", "reporter", person=PERSON)).json()["held"]
    shown = [(one["what"], one["text"]) for one in held]
    assert shown == [
        ("Tên", "Đầu mối báo cáo Trường số 1"),
        ("Địa chỉ thư điện tử", ADDRESS),
        ("Đầu mối của", "Trường số 1"),
        ("Thư không gửi", "Thông báo nhiệm vụ: Trường số 1"),
        ("Thư đã gửi", "Kết quả thi đua: Trường số 1"),
    ]
    await stage.tell(STORY.erased())
    page = await browser.page("/notify/me", "reporter", person=PERSON)
    assert "Trường số 1" in words(page)
    assert ADDRESS not in page.text
    assert "Đầu mối báo cáo" not in page.text


async def test_an_erased_person_is_in_no_table(stage: Stage) -> None:
    """Neither the mails sent, nor those refused and waiting, keep name or address."""
    await send_all(stage, STORY.result(), STORY.opened())
    await stage.tell(STORY.contact("khong", "kh-ong@truong-9.example"), STORY.reminder())
    assert await stage.find_text(ADDRESS) == ["contact"]
    await stage.tell(STORY.erased(), STORY.erased("khong"))
    for text in (ADDRESS, "dau-moi", "kh-ong", "Đầu mối báo cáo"):
        assert await stage.find_text(text) == [], text


@pytest.mark.parametrize("role", KEEPERS)
async def test_keepers_see_all_with_counts(stage: Stage, browser: Browser, role: str) -> None:
    await send_all(stage, STORY.opened(), STORY.result(), STORY.received(code="truong-9"))
    page = await browser.page("/notify/mails", role)
    shown = words(page)
    assert "2 Đã gửi" in shown
    assert "1 Chờ đủ thông tin" in shown
    assert PERSON in shown
    assert ADDRESS not in page.text
    only = words(await browser.page("/notify/mails?status=sent&kind=own-result", role))
    rows = only.partition("Gửi lúc")[2]
    assert "Kết quả thi đua" in rows
    assert "Thông báo nhiệm vụ" not in rows
    none = words(await browser.page("/notify/mails?status=refused&kind=", role))
    assert "Không có thư nào khớp" in none


async def test_the_list_is_paged_newest_first(stage: Stage, browser: Browser) -> None:
    codes = [f"truong-{number}" for number in range(7)]
    await stage.tell(*(STORY.opened(code) for code in codes))
    first = await browser.get("/notify/mails?limit=3", "officer")
    body = first.json()
    assert [mail["participant"] for mail in body["items"]] == codes[:3:-1]
    assert first.headers["link"].endswith('rel="next"')
    seen = await browser.items("/notify/mails?limit=3", "officer")
    assert [mail["participant"] for mail in seen] == codes[::-1]
    page = await browser.page("/notify/mails?limit=3", "officer")
    assert f"cursor={body['next']}" in page.text


async def test_the_api_lists_and_counts(stage: Stage, browser: Browser) -> None:
    await send_all(stage, STORY.opened(), STORY.result(), STORY.met())
    counts = (await browser.get("/notify/counts", "operator")).json()
    assert counts == {
        "total": 2,
        "by_status": {"dropped": 1, "sent": 1},
        "by_kind": {"obligation-opened": {"dropped": 1}, "own-result": {"sent": 1}},
    }
    [mail] = await browser.items("/notify/mails?status=dropped&kind=", "auditor")
    assert (mail["kind"], mail["reason"]) == ("obligation-opened", "obligation-met")
    assert ADDRESS not in str(mail)


@pytest.mark.parametrize("query", ["status=gone", "kind=letter", "cursor=!", "limit=0"])
async def test_a_wrong_filter_is_refused(browser: Browser, query: str) -> None:
    answer = await browser.get(f"/notify/mails?{query}", "officer")
    assert answer.status_code == 422
    problem: dict[str, Any] = answer.json()
    assert problem["errors"][0]["parameter"] == query.partition("=")[0]
