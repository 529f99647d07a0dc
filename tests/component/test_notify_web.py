"""What the pages and the API show, and to whom."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from deploy.local.infrastructure import Provided
from services.notify.app import NotifySettings, service
from services.notify.forms import PAGE
from shared.clock import SystemClock
from shared.contracts.awards import DossierConcluded
from shared.contracts.base import Event
from shared.messaging.relay import Relay as OutboxRelay
from shared.messaging.running import Runner
from shared.service import Parts, build_app
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
KEY = Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def url(infrastructure: Provided) -> Iterator[str]:
    with one_database(infrastructure, "notify_web") as url:
        yield url


@pytest.fixture
async def stage(url: str) -> AsyncIterator[Stage]:
    async with staged(url) as stage:
        yield stage


@dataclass
class Browser:
    """Asks as somebody; without roles and name nobody is signed in."""

    client: httpx.AsyncClient

    async def get(self, path: str, *roles: str, person: str = "somebody") -> httpx.Response:
        claims = {
            "sub": person,
            "name": "Cán bộ",
            "roles": list(roles),
            "unit": "",
            "ward": "tu-minh",
            "exp": datetime.now(UTC) + timedelta(minutes=5),
        }
        headers = {}
        if roles:
            headers["Authorization"] = f"Bearer {jwt.encode(claims, KEY, algorithm='EdDSA')}"
        return await self.client.get(path, headers=headers)


@pytest.fixture
async def browser(stage: Stage, url: str) -> AsyncIterator[Browser]:
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    settings = NotifySettings(
        database_url=url,
        kafka="127.0.0.1:9",
        token_public_key=public.decode(),
        smtp="127.0.0.1:9",
        env="local",
    )
    parts = Parts(settings, stage.engine, stage.works, stage.works.business, SystemClock())
    runner = Runner(service.consumer, stage.applier, stage.engine, settings.kafka, "0")
    app = build_app(
        service, parts, runner, OutboxRelay(stage.engine, settings.kafka, "notify", "0"), ()
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ward.example") as client:
        yield Browser(client)


async def send_all(stage: Stage, *events: Event) -> None:
    await stage.tell(*basics(STORY), *events)
    async with relay(Script()) as to:
        room = stage.room(to)
        while await room.turn():
            pass


def words(page: httpx.Response) -> str:
    assert page.status_code == 200, page.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text.partition("<main>")[2]))


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
    for hidden in (SCHOOL, PUPIL, PERSON, ADDRESS, PERIOD, "87", "Đầu mối", "Tốt", "giay-khen"):
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
    await stage.tell(STORY.award(), concluded(PUPIL, passed=False))
    shown = words(await browser.get("/notify/honours"))
    assert window not in shown
    assert "Giáo viên" not in shown
    assert "Trường số 1" in shown


def concluded(code: str, *, passed: bool) -> DossierConcluded:
    return DossierConcluded(
        ward="tu-minh",
        dossier=f"{PERIOD}.{code}",
        period=PERIOD,
        participant=code,
        form="giay-khen",
        passed=passed,
        concluded_at=datetime(2025, 12, 22, tzinfo=UTC),
    )


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


async def test_who_is_not_signed_in_is_told_what_the_page_is(
    stage: Stage, browser: Browser
) -> None:
    await send_all(stage, STORY.result())
    shown = words(await browser.get("/notify/"))
    assert "Trang này dành cho người đã đăng nhập." in shown
    assert "Kết quả của đơn vị" not in shown


async def test_a_person_sees_the_mails_to_themselves(stage: Stage, browser: Browser) -> None:
    other = "truong-2.reporter"
    await send_all(
        stage,
        STORY.school("truong-2", other),
        STORY.contact(other, "dau-moi@truong-2.example"),
        STORY.opened("truong-2"),
        STORY.result(),
    )
    rows = words(await browser.get("/notify/", "reporter", person=PERSON)).partition("Gửi lúc")[2]
    assert "Kết quả của đơn vị Trường số 1" in rows
    assert "Đã gửi" in rows
    assert "Trường số 2" not in rows
    rows = words(await browser.get("/notify/", "reporter", person=other)).partition("Gửi lúc")[2]
    assert "Thông báo nhiệm vụ Trường số 2" in rows
    assert "Trường số 1" not in rows
    assert "Không có thư nào." in words(await browser.get("/notify/", "council"))


@pytest.mark.parametrize("role", ["officer", "operator", "auditor"])
async def test_keepers_see_all_with_counts(stage: Stage, browser: Browser, role: str) -> None:
    await send_all(stage, STORY.opened(), STORY.result(), STORY.received(code="truong-9"))
    page = await browser.get("/notify/", role)
    shown = words(page)
    assert "2 Đã gửi" in shown
    assert "1 Chờ đủ thông tin" in shown
    assert PERSON in shown
    assert ADDRESS not in page.text
    only = words(await browser.get("/notify/?status=sent&kind=own-result", role))
    rows = only.partition("Gửi lúc")[2]
    assert "Kết quả của đơn vị" in rows
    assert "Thông báo nhiệm vụ" not in rows


async def test_the_list_is_paged_newest_first(stage: Stage, browser: Browser) -> None:
    codes = [f"truong-{number}" for number in range(PAGE + 7)]
    await stage.tell(*(STORY.opened(code) for code in codes))
    first = (await browser.get("/notify/mails", "officer")).json()
    second = (await browser.get(f"/notify/mails?before={first['next']}", "officer")).json()
    assert second["next"] is None
    seen = [mail["participant"] for mail in first["mails"] + second["mails"]]
    assert seen == codes[::-1]
    page = await browser.get("/notify/", "officer")
    assert f"before={first['next']}" in page.text


async def test_the_api_lists_and_counts(stage: Stage, browser: Browser) -> None:
    await send_all(stage, STORY.opened(), STORY.result(), STORY.met())
    counts = (await browser.get("/notify/counts", "operator")).json()
    assert counts == {
        "total": 2,
        "by_status": {"dropped": 1, "sent": 1},
        "by_kind": {"obligation-opened": {"dropped": 1}, "own-result": {"sent": 1}},
    }
    body = (await browser.get("/notify/mails?status=dropped&kind=", "auditor")).json()
    assert body["counts"] == counts
    [mail] = body["mails"]
    assert (mail["kind"], mail["reason"]) == ("obligation-opened", "obligation-met")
    assert ADDRESS not in str(body)


@pytest.mark.parametrize("path", ["/notify/mails", "/notify/counts"])
async def test_the_api_is_for_keepers(browser: Browser, path: str) -> None:
    assert (await browser.get(path)).status_code == 401
    for role in ("reporter", "council", "assessor", "chairman", "communications-officer"):
        assert (await browser.get(path, role)).status_code == 403
    for role in ("officer", "operator", "auditor"):
        assert (await browser.get(path, role)).status_code == 200


@pytest.mark.parametrize("query", ["status=gone", "kind=letter", "before=0", "page=2"])
async def test_a_wrong_filter_is_refused(browser: Browser, query: str) -> None:
    answer = await browser.get(f"/notify/mails?{query}", "officer")
    assert answer.status_code == 422
    problem: dict[str, Any] = answer.json()
    assert problem["errors"][0]["pointer"] == f"/{query.partition('=')[0]}"
