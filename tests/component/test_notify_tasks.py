"""The to-do list: through a year, in every order of its facts, and of nobody else's matters."""

import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from deploy.local.infrastructure import Provided
from services.notify.app import service
from services.notify.store.tables import OF_ANY
from shared import migrations
from shared.contracts.base import Event
from shared.database import connect
from shared.roles import ROLES
from tests.component.notify_browser import Browser, browsing, words
from tests.component.notify_stage import (
    PERIOD,
    PERSON,
    PUPIL,
    SCHOOL,
    Stage,
    Story,
    obligation_id,
    one_database,
    record,
    staged,
)

pytestmark = pytest.mark.component

STORY = Story()
OTHER, OTHERS = "truong-2", "truong-2.reporter"
DUTY = f"/intake/duties/{obligation_id('tu-minh', f'{SCHOOL}/annual-report')}"
FILE = f"/intake/files/{PUPIL}/{PERIOD}"


@pytest.fixture(scope="module")
def url(infrastructure: Provided) -> Iterator[str]:
    with one_database(infrastructure, "notify_tasks") as url:
        yield url


@pytest.fixture
async def stage(url: str) -> AsyncIterator[Stage]:
    async with staged(url) as stage:
        yield stage


@pytest.fixture
async def browser(stage: Stage, url: str) -> AsyncIterator[Browser]:
    async with browsing(stage, url) as browser:
        yield browser


async def lists(browser: Browser, ward: str = "tu-minh") -> dict[str, list[str]]:
    """Role -> kinds of the tasks of somebody who holds it, for the school where it is a unit's."""
    found: dict[str, list[str]] = {}
    for role in ROLES:
        unit = SCHOOL if role in {"reporter", "head"} else ""
        heads = [SCHOOL] if role == "head" else []
        items = await browser.items("/notify/tasks", role, unit=unit, ward=ward, heads=heads)
        if items:
            found[role] = [item["kind"] for item in items]
    return found


async def test_tasks_come_and_go_with_the_facts(stage: Stage, browser: Browser) -> None:
    unit = {"reporter", "head"}
    office = {"officer", "substitute-officer"}
    way: list[tuple[list[Event], Mapping[str, set[str]]]] = [
        ([STORY.movement(), STORY.period(), STORY.school()], {"sheet": {"council-secretary"}}),
        ([STORY.sheet()], {}),
        ([STORY.opened()], {"report": unit}),
        ([STORY.asked(7)], {"report": unit, "endorse": {"head"}}),
        ([STORY.settled("sent-back", 8)], {"report": unit}),
        ([STORY.asked(9), STORY.received(), STORY.met()], {"endorse": {"head"}, "look": office}),
        ([STORY.settled("sent", 10)], {"look": office}),
        ([STORY.returned()], {"correct": unit}),
        ([STORY.received(2)], {"look": office}),
        ([STORY.accepted()], {"mark": {"assessor"}}),
        ([STORY.scored("self")], {"mark": {"assessor"}}),
        ([STORY.scored("verified")], {"freeze": {"council-secretary"}}),
        ([STORY.result()], {}),
        ([STORY.dossier()], {"publish": office}),
        ([STORY.candidate()], {"convene": {"council-secretary"}, "vote": {"council"}}),
        ([STORY.concluded(passed=True)], {"approve": {"chairman"}, "number": {"clerk"}}),
        ([STORY.award()], {}),
    ]
    stage.business.time = stage.business.time.replace(day=21)
    for events, asked in way:
        await stage.tell(*events)
        expected = {
            role: [kind for kind, who in asked.items() if role in who]
            for role in sorted(set().union(*asked.values()))
        }
        assert await lists(browser) == {role: expected[role] for role in ROLES if role in expected}


async def test_what_is_withdrawn_is_nobodys_and_what_is_opened_again_is_the_units(
    stage: Stage, browser: Browser
) -> None:
    unit = {"reporter": ["correct"], "head": ["correct"]}
    await stage.tell(STORY.school(), STORY.opened(), STORY.received(), STORY.met())
    await stage.tell(STORY.taken_back())
    assert await lists(browser) == {}
    await stage.tell(STORY.movement(), STORY.period(), STORY.sheet())
    await stage.tell(STORY.received(2), STORY.accepted(2))
    await stage.tell(STORY.scored("verified", 2))
    assert await lists(browser) == {}
    await stage.tell(STORY.reopened(2))
    assert await lists(browser) == unit
    await stage.tell(STORY.received(3), STORY.accepted(3))
    assert await lists(browser) == {"assessor": ["mark"]}
    await stage.tell(STORY.scored("verified", 3))
    assert await lists(browser) == {}
    await stage.tell(STORY.reopened(3))
    [task] = await browser.items("/notify/tasks", "reporter", unit=SCHOOL)
    assert task["link"] == DUTY


async def test_of_whoever_has_left_nothing_is_to_be_done(stage: Stage, browser: Browser) -> None:
    """Until they are registered again; a result can be frozen without them."""
    stage.business.time = stage.business.time.replace(day=21)
    await stage.tell(STORY.movement(), STORY.period(), STORY.sheet(), STORY.school())
    await stage.tell(STORY.school(OTHER, OTHERS))
    done = (STORY.received(2), STORY.accepted(2), STORY.scored("verified", 2))
    await stage.tell(*(fact.model_copy(update={"participant": OTHER}) for fact in done))
    states = ([STORY.opened()], [STORY.received()], [STORY.returned()], [STORY.accepted()])
    for facts in states:
        await stage.tell(*facts)
        before = await lists(browser)
        assert set(before) - {"council-secretary"}
        await stage.tell(STORY.left())
        assert await lists(browser) == {"council-secretary": ["freeze"]}
        await stage.tell(STORY.school())
        assert await lists(browser) == before


async def test_marks_of_no_known_version_are_not_those_of_one_after_a_reopening(
    stage: Stage, browser: Browser
) -> None:
    await stage.tell(STORY.school(), STORY.movement(), STORY.period(), STORY.sheet())
    await stage.tell(STORY.received(2), STORY.accepted(2), STORY.scored("verified"))
    others = (STORY.received(2), STORY.accepted(2), STORY.scored("verified"))
    await stage.tell(
        STORY.school(OTHER, OTHERS),
        *(fact.model_copy(update={"participant": OTHER}) for fact in others),
    )
    assert await lists(browser) == {}
    await stage.tell(STORY.reopened(2), STORY.received(3), STORY.accepted(3))
    assert await lists(browser) == {"assessor": ["mark"]}
    await stage.tell(STORY.scored("verified"))
    assert await lists(browser) == {"assessor": ["mark"]}
    await stage.tell(STORY.scored("verified", 3))
    assert await lists(browser) == {}
    await stage.tell(STORY.scored("verified"))
    assert await lists(browser) == {}


async def test_marks_from_before_versions_were_told_are_those_of_the_accepted_one(
    infrastructure: Provided,
) -> None:
    url = infrastructure.create_database("notify_marks")
    engine = connect(url)
    async with engine.begin() as connection:
        await connection.run_sync(_to_0006)
        for code, state in (("a", "accepted"), ("b", "received"), ("c", "")):
            values = {"code": code, "state": state}
            if state:
                await connection.execute(
                    sa.text(
                        "INSERT INTO report (ward, participant, period, revision, state, at)"
                        " VALUES ('w', :code, 'p', 2, :state, now())"
                    ),
                    values,
                )
            await connection.execute(sa.text("INSERT INTO marked VALUES ('w', :code, 'p')"), values)
    await migrations.migrate(url, service.migrations)
    async with engine.connect() as connection:
        found = await connection.execute(sa.text("SELECT participant, revision FROM marked"))
        assert sorted(map(tuple, found)) == [("a", 2), ("b", OF_ANY), ("c", OF_ANY)]
    await engine.dispose()
    infrastructure.drop_database("notify_marks")


def _to_0006(connection: sa.Connection) -> None:
    config = migrations._config(service.migrations)
    config.attributes["connection"] = connection
    command.upgrade(config, "0006")


async def test_a_dossier_that_is_shown_is_announced_and_one_voted_down_is_done(
    stage: Stage, browser: Browser
) -> None:
    stage.business.time = stage.business.time.replace(day=12)
    await stage.tell(STORY.school(), STORY.dossier(), STORY.candidate())
    [task] = await browser.items("/notify/tasks", "communications-officer")
    assert (task["kind"], task["due"], task["link"]) == ("announce", "2025-12-20", "/awards/")
    await stage.tell(STORY.concluded(passed=False))
    assert await lists(browser) == {}


def facts(ward: str) -> list[list[Event]]:
    """By topic and key, each in its order; all in the middle of its way."""
    story = Story(ward)
    return [
        [story.school(), story.opened(), story.received(), story.met(), story.accepted()],
        [story.pupil(), story.received(code=PUPIL)],
        [story.school(OTHER, OTHERS), story.opened(OTHER)],
        [story.movement()],
        [story.period()],
        [story.sheet()],
        [story.scored("self"), story.scored("verified")],
        [story.dossier(), story.candidate(), story.concluded(passed=True)],
        [story.dossier(OTHER), story.candidate(OTHER, "Trường số 2")],
    ]


END = {
    "reporter": ["report"],
    "officer": ["look"],
    "substitute-officer": ["look"],
    "council": ["vote"],
    "council-secretary": ["convene"],
    "chairman": ["approve"],
    "clerk": ["number"],
}


async def test_every_order_of_keys_and_topics_gives_the_same_list(
    stage: Stage, browser: Browser
) -> None:
    stage.business.time = stage.business.time.replace(day=30)
    seen: set[str] = set()
    for number, shift in enumerate(itertools.product(range(9), (1, -1))):
        ward = f"w-{number}"
        streams = facts(ward)
        turned = (streams[shift[0] :] + streams[: shift[0]])[:: shift[1]]
        for stream in turned:
            await stage.take(*(record(event) for event in stream))
        found = {}
        for role in ROLES:
            unit = OTHER if role == "reporter" else ""
            items = await browser.items("/notify/tasks", role, unit=unit, ward=ward)
            if items:
                found[role] = [item["kind"] for item in items]
            seen.add(f"{role} {[(item['title'], item['urgency']) for item in items]}")
        assert found == END, ward
    assert len(seen) == len(ROLES)


async def a_busy_ward(stage: Stage) -> None:
    """Something waits for everybody: of the school, of whom it proposed, and of its rivals."""
    school, rival, third = "Trường số 1", "Trường số 2", "truong-3"
    await stage.tell(
        *(STORY.movement(), STORY.period(), STORY.sheet()),
        *(STORY.school(), STORY.pupil(), STORY.school(OTHER, OTHERS), STORY.school(third, "x")),
        *(STORY.opened(), STORY.opened(kind="unit-plan"), STORY.opened(OTHER)),
        *(STORY.received(), STORY.received(code=PUPIL), STORY.received(code=OTHER)),
        *(STORY.dossier(), STORY.dossier(PUPIL), STORY.dossier(OTHER), STORY.dossier(third)),
        *(STORY.candidate(SCHOOL, school), STORY.candidate(OTHER, rival)),
        *(STORY.candidate(PUPIL, "Giáo viên"), STORY.candidate(third, "Trường số 3")),
        *(STORY.concluded(passed=True), STORY.concluded(OTHER, passed=True)),
    )
    stage.business.time = stage.business.time.replace(day=22)


async def test_a_unit_sees_its_own_and_whom_it_proposes(stage: Stage, browser: Browser) -> None:
    await a_busy_ward(stage)
    await stage.tell(STORY.returned().model_copy(update={"participant": PUPIL}))
    for role in ("reporter", "head"):
        items = await browser.items("/notify/tasks?limit=1", role, unit=SCHOOL)
        assert [(item["kind"], item["participant"], item["urgency"]) for item in items] == [
            ("plan", SCHOOL, "late"),
            ("report", SCHOOL, "late"),
            ("correct", PUPIL, "late"),
        ]
        assert [item["link"] for item in items[1:]] == [DUTY, FILE]
        text = words(await browser.page("/notify/", role, unit=SCHOOL))
        assert "Có 3 việc đã quá hạn" in text
        assert "Trường số 2" not in text


async def test_a_name_without_the_role_shows_nothing(stage: Stage, browser: Browser) -> None:
    """Whoever is still named as reporter after the role has ended."""
    await a_busy_ward(stage)
    assert await browser.items("/notify/tasks", "auditor", person=PERSON, unit=SCHOOL) == []
    assert await browser.items("/notify/tasks", "reporter", person=PERSON) == []


@pytest.mark.parametrize(
    "role", ["officer", "substitute-officer", "assessor", "council", "chairman"]
)
async def test_nobody_is_given_the_file_of_their_own_unit(
    stage: Stage, browser: Browser, role: str
) -> None:
    """Nor of an individual whom it proposed; acting for somebody of a unit counts as well."""
    await a_busy_ward(stage)
    if role == "assessor":
        await stage.tell(STORY.accepted(1).model_copy(update={"participant": OTHER}))
    for claims in (
        {"unit": SCHOOL},
        {"units": [SCHOOL]},
        {"act_for": "somebody-else", "act_unit": SCHOOL},
        {"act_for": PERSON},
        {"person": PERSON},
    ):
        asker: dict[str, Any] = claims
        items = await browser.items("/notify/tasks", role, **asker)
        judged = [item for item in items if item["kind"] in {"look", "mark", "vote", "approve"}]
        assert {item["participant"] for item in judged} <= {OTHER, ""}
        assert [item["count"] for item in judged] == [1]


@pytest.mark.parametrize("role", ROLES)
async def test_no_list_count_search_or_order_shows_a_duty_of_others(
    stage: Stage, browser: Browser, role: str
) -> None:
    await a_busy_ward(stage)
    items = await browser.items("/notify/tasks", role)
    owed = [item for item in items if item["kind"] in {"plan", "report", "correct"}]
    assert owed == []
    counts = (await browser.get("/notify/tasks/counts", role)).json()
    assert counts["total"] == len(items) == sum(counts["by_kind"].values())
    assert not {"plan", "report", "correct"} & set(counts["by_kind"])
    assert await browser.items("/notify/tasks?kind=report", role) == []
    found = await browser.items("/notify/tasks?q=tr%C6%B0%E1%BB%9Dng", role)
    assert found == [item for item in items if "Trường" in item["about"]]
    for asked in ("/notify/", "/notify/?sort=-don-vi&q=Tr", "/notify/?format=csv"):
        page = await browser.page(asked, role)
        assert "Gửi báo cáo" not in page.text
    if role not in {"officer", "substitute-officer"}:
        assert "Trường số" not in (await browser.page("/notify/", role)).text


async def test_a_ward_sees_nothing_of_another(stage: Stage, browser: Browser) -> None:
    await a_busy_ward(stage)
    for role in ROLES:
        for asker in ({"unit": SCHOOL}, {"person": PERSON}):
            where: dict[str, Any] = asker | {"ward": "le-thanh-nghi"}
            assert await browser.items("/notify/tasks", role, **where) == []


async def test_somebody_of_some_sessions_has_no_tasks_of_the_council(
    stage: Stage, browser: Browser
) -> None:
    await a_busy_ward(stage)
    for role in ("council", "council-secretary"):
        assert await browser.items("/notify/tasks", role)
        assert await browser.items("/notify/tasks", role, sessions=["phien-1"]) == []


async def test_the_page_leads_to_each_task_and_can_be_taken_along(
    stage: Stage, browser: Browser
) -> None:
    await a_busy_ward(stage)
    page = await browser.page("/notify/", "officer")
    items = await browser.items("/notify/tasks", "officer")
    for item in items:
        assert f'href="{item["link"]}"' in page.text
    file = await browser.page("/notify/?format=csv", "officer")
    assert file.headers["content-type"].startswith("text/csv")
    assert len(file.text.strip().splitlines()) == len(items) + 1
    nothing = words(await browser.page("/notify/", "auditor"))
    assert "Không có việc nào đang chờ bạn" in nothing


async def test_pages_of_the_list_join_up(stage: Stage, browser: Browser) -> None:
    codes = [f"truong-{number}" for number in range(3, 10)]
    for code in codes:
        await stage.tell(STORY.school(code, "x"), STORY.received(code=code))
    whole = await browser.items("/notify/tasks", "officer")
    assert len(whole) == len(codes)
    assert await browser.items("/notify/tasks?limit=2", "officer") == whole


@pytest.mark.parametrize(
    "query", ["kind=letter", "limit=0", "cursor=%21", "cursor=WzFd", f"q={'a' * 201}"]
)
async def test_a_wrong_question_is_refused(browser: Browser, query: str) -> None:
    answer = await browser.get(f"/notify/tasks?{query}", "officer")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == query.partition("=")[0]
