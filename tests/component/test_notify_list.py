"""What the to-do list is read with: one statement, whoever asks, whatever has come by then."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from deploy.local.infrastructure import Provided
from shared.contracts.base import Event
from shared.roles import ROLES
from tests.component.notify_browser import Browser, browsing
from tests.component.notify_stage import (
    DUE,
    LATER,
    PERIOD,
    PUPIL,
    SCHOOL,
    Stage,
    Story,
    obligation_id,
    one_database,
    staged,
)

pytestmark = pytest.mark.component

STORY = Story()
OTHER = "truong-2"
DUTY = f"/intake/duties/{obligation_id('tu-minh', f'{SCHOOL}/annual-report')}"
UNIT: dict[str, Any] = {"unit": SCHOOL, "heads": [SCHOOL]}


@pytest.fixture(scope="module")
def url(infrastructure: Provided) -> Iterator[str]:
    with one_database(infrastructure, "notify_list") as url:
        yield url


@pytest.fixture
async def stage(url: str) -> AsyncIterator[Stage]:
    async with staged(url) as stage:
        yield stage


@pytest.fixture
async def browser(stage: Stage, url: str) -> AsyncIterator[Browser]:
    async with browsing(stage, url) as browser:
        yield browser


async def something_for_everybody(stage: Stage) -> None:
    """Of the school, of whom it proposed, and of another that nobody of the school may judge."""
    stage.business.time = stage.business.time.replace(day=12)
    of_other = (STORY.returned(2), STORY.accepted(2))
    returned, accepted = (fact.model_copy(update={"participant": OTHER}) for fact in of_other)
    await stage.tell(
        *(STORY.movement(), STORY.period(), STORY.sheet()),
        *(STORY.school(), STORY.pupil(), STORY.school(OTHER, "truong-2.reporter")),
        *(STORY.opened(), STORY.opened(kind="unit-plan"), STORY.asked()),
        *(STORY.received(code=PUPIL), STORY.received(code=OTHER), returned, accepted),
        *(STORY.dossier(), STORY.candidate(), STORY.dossier(OTHER), STORY.dossier(PUPIL)),
        *(STORY.concluded(PUPIL, passed=True), STORY.concluded(OTHER, passed=True)),
    )


@contextmanager
def asked_of(stage: Stage) -> Iterator[list[str]]:
    """Isolation levels of the statements that are sent meanwhile."""
    found: list[str] = []

    def heard(connection: sa.Connection, *_: object) -> None:
        found.append(str(connection.get_execution_options().get("isolation_level")))

    listening = (stage.engine.sync_engine, "before_cursor_execute", heard)
    sa.event.listen(*listening)
    yield found
    sa.event.remove(*listening)


@pytest.mark.parametrize("role", [*ROLES, " ".join(ROLES)])
async def test_one_statement_without_a_transaction_is_a_list(
    stage: Stage, browser: Browser, role: str
) -> None:
    """Whose access has ended is asked now and then, for all that come meanwhile."""
    await something_for_everybody(stage)
    await browser.page("/notify/honours", role)
    for path in ("/notify/", "/notify/tasks", "/notify/tasks/counts"):
        for of in ({}, UNIT):
            with asked_of(stage) as asked:
                answer = await browser.page(path, *role.split(), **of)
            assert answer.status_code == 200
            assert asked == ["AUTOCOMMIT"], path


@pytest.mark.parametrize("of", [{}, UNIT, {"unit": OTHER}], ids=["nobody", "school", "other"])
async def test_who_has_every_role_has_the_tasks_of_each(
    stage: Stage, browser: Browser, of: dict[str, Any]
) -> None:
    await something_for_everybody(stage)
    each = {
        item["id"]: item
        for role in ROLES
        for item in await browser.items("/notify/tasks", role, **of)
    }
    every = await browser.items("/notify/tasks", *ROLES, **of)
    assert {item["id"]: item for item in every} == each
    assert len(every) == len(each)


async def test_the_facts_for_everybody_are_for_everybody(stage: Stage, browser: Browser) -> None:
    await something_for_everybody(stage)
    items = await browser.items("/notify/tasks", *ROLES, **UNIT)
    assert {item["kind"]: item["count"] for item in items} == {
        **dict.fromkeys(("plan", "report", "endorse", "mark", "announce", "convene", "approve"), 1),
        "number": 2,
    }


@pytest.mark.parametrize(
    "facts",
    [
        [STORY.opened()],
        [STORY.asked()],
        [STORY.received()],
        [STORY.returned()],
        [STORY.sheet(), STORY.accepted()],
        [STORY.dossier()],
    ],
    ids=["duty", "draft", "received", "returned", "accepted", "dossier"],
)
async def test_what_is_said_of_a_stranger_waits_until_they_are_registered(
    stage: Stage, browser: Browser, facts: list[Event]
) -> None:
    async def has(unit: dict[str, Any]) -> int:
        return len(await browser.items("/notify/tasks", *ROLES, **unit))

    await stage.tell(*facts)
    assert [await has(UNIT), await has({})] == [0, 0]
    await stage.tell(STORY.school())
    assert sum([await has(UNIT), await has({})]) >= 1


async def test_a_dossier_of_whoever_has_left_goes_its_way(stage: Stage, browser: Browser) -> None:
    """What they were proposed for was done before they left; nothing else is asked of them."""
    await stage.tell(STORY.school(), STORY.received(), STORY.opened(), STORY.dossier())
    await stage.tell(STORY.asked(), STORY.left())
    assert await browser.items("/notify/tasks", *ROLES, **UNIT) == [
        task
        for task in await browser.items("/notify/tasks", *ROLES)
        if task["kind"] == "publish" and task["count"] == 1
    ]
    assert len(await browser.items("/notify/tasks", "officer")) == 1


async def test_a_draft_has_the_day_of_what_asks_for_it(stage: Stage, browser: Browser) -> None:
    """A returned report's own; else its duty's, as long as that is neither met nor withdrawn."""

    async def stands() -> tuple[str | None, str]:
        [task] = await browser.items("/notify/tasks?kind=endorse", "head", **UNIT)
        return task["due"], task["urgency"]

    stage.business.time = stage.business.time.replace(day=12)
    await stage.tell(STORY.school(), STORY.asked())
    assert await stands() == (None, "open")
    await stage.tell(STORY.opened(kind="unit-plan"))
    assert await stands() == (None, "open")
    await stage.tell(STORY.opened())
    assert await stands() == (f"{DUE:%Y-%m-%d}", "late")
    await stage.tell(STORY.opened(manner="invited"))
    assert await stands() == (f"{DUE:%Y-%m-%d}", "open")
    await stage.tell(STORY.withdrawn())
    assert await stands() == (None, "open")
    await stage.tell(STORY.opened(), STORY.received(), STORY.met())
    assert await stands() == (None, "open")
    again = STORY.returned().model_copy(update={"correct_by": LATER})
    await stage.tell(again)
    assert await stands() == (f"{LATER:%Y-%m-%d}", "soon")


async def test_a_report_is_at_its_duty_and_not_at_a_plan_of_the_same_period(
    stage: Stage, browser: Browser
) -> None:
    for kind in ("digital-literacy-plan", "unit-plan"):
        plan = STORY.opened(kind=kind).model_copy(update={"period": PERIOD})
        await stage.tell(plan)
    await stage.tell(STORY.school(), STORY.received())
    [task] = await browser.items("/notify/tasks", "officer")
    assert task["link"] == f"/intake/files/{SCHOOL}/{PERIOD}"
    await stage.tell(STORY.opened())
    [task] = await browser.items("/notify/tasks", "officer")
    assert task["link"] == DUTY


async def test_no_unit_at_all_is_nobodys_own_unit(stage: Stage, browser: Browser) -> None:
    """A unit proposes itself: what is said of it names no proposer."""
    await stage.tell(STORY.school(), STORY.opened(), STORY.asked(), STORY.received(code=PUPIL))
    for unit in ({"unit": ""}, {"units": [""], "heads": [""]}, {"act_unit": "", "act_for": "x"}):
        of: dict[str, Any] = unit
        assert await browser.items("/notify/tasks", "head", "reporter", person="y", **of) == []
    assert await browser.items("/notify/tasks", "head", "reporter", person="y", **UNIT)
