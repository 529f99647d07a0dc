"""Facts in whatever order they come, duplicates, and races between people and facts."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from deploy.local.infrastructure import Provided
from services.scoring import commands, handlers
from services.scoring.forms import AdoptionForm
from services.scoring.store.tables import (
    acceptance,
    claim,
    freezing,
    mark,
    reopening,
    result,
    result_line,
    score,
)
from shared.contracts.base import Event
from shared.contracts.scoring import ResultFrozen, ScoreComputed, SheetAdopted
from shared.messaging.reading import reader
from shared.web.identity import Person
from tests.component.scoring_world import (
    ADOPTION,
    ALL_MARKS,
    PERIOD,
    SHEET,
    Ward,
    World,
    open_world,
    record_of,
)

pytestmark = pytest.mark.component

FULL = {"a1": "38", "a2": "24", "a3": "14", "a4": "18"}
ADOPT = "adopt"


@pytest.fixture(scope="module")
async def world(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    url = infrastructure.create_database("scoring_flow")
    async with open_world(url, tmp_path_factory.mktemp("scoring")) as opened:
        yield opened
    infrastructure.drop_database("scoring_flow")


def interleavings(stories: Sequence[Sequence[Any]]) -> Iterator[list[Any]]:
    """Every order of all facts in which each story keeps its own order."""
    if not any(stories):
        yield []
    for number, story in enumerate(stories):
        if story:
            rest = [*stories[:number], story[1:], *stories[number + 1 :]]
            for others in interleavings(rest):
                yield [story[0], *others]


async def end_state(world: World, ward: Ward) -> dict[str, Any]:
    newest = sa.select(score).where(score.c.ward == ward.code).order_by(score.c.id)
    scores = {
        (row.participant, row.stage): (row.revision, row.total) for row in await world.rows(newest)
    }
    told = {event["participant"]: event["total"] for event in await world.said(ward, ScoreComputed)}
    claims = await world.rows(sa.select(claim.c.revision).where(claim.c.ward == ward.code))
    accepted = await world.rows(
        sa.select(acceptance.c.revision).where(acceptance.c.ward == ward.code)
    )
    results = (await world.get(f"/results?period={PERIOD}", ward, "council")).json()
    return {
        "scores": scores,
        "told": told,
        "claims": sorted(row.revision for row in claims),
        "accepted": [row.revision for row in accepted],
        "results": results,
    }


async def test_facts_in_every_relative_order_give_the_same_end_state(world: World) -> None:
    def stories(ward: Ward) -> list[list[Event | str]]:
        return [
            [ward.movement()],
            [ward.period()],
            [
                ward.participant("pb-1"),
                ward.report("pb-1", {**FULL, "a1": "30"}),
                ward.report("pb-1", FULL, revision=2, late=True),
                ward.accepted("pb-1", revision=2, late=True),
            ],
            [ADOPT],
        ]

    shapes = list(interleavings([[0], [1], [2] * 4, [3]]))
    ends: list[dict[str, Any]] = []
    for shape in shapes:
        if max(shape.index(0), shape.index(1)) > shape.index(3):
            continue
        ward = world.ward()
        parts = [iter(story) for story in stories(ward)]
        for number in shape:
            fact = next(parts[number])
            if isinstance(fact, str):
                await world.adopt(ward)
            else:
                await world.tell(fact)
        ends.append(await end_state(world, ward))
    assert len(ends) == 70
    assert await world.parked() == 0
    assert all(end == ends[0] for end in ends)
    assert ends[0]["scores"] == {("pb-1", "self"): (2, Decimal("92.00"))}
    assert ends[0]["told"] == {"pb-1": "92.00"}


async def test_batches_and_duplicates_change_nothing(world: World) -> None:
    async def play(batch: bool) -> dict[str, Any]:
        ward = world.ward()
        await world.tell(ward.movement(), ward.period())
        await world.adopt(ward)
        records = [
            record_of(event)
            for event in (
                ward.participant("pb-1"),
                ward.report("pb-1", {**FULL, "a1": "30"}),
                ward.participant("th-1", "truong-hoc"),
                ward.report("pb-1", FULL, revision=2),
                ward.report("th-1", {**FULL, "a4": None}),
                ward.accepted("pb-1", revision=2),
            )
        ]
        if batch:
            await world.applier.apply(records)
        else:
            for record in records:
                await world.applier.apply([record])
        told = await world.said(ward, ScoreComputed)
        applied = await world.applier.apply(records)
        assert (applied.handled, applied.repeated) == (0, len(records))
        assert await world.said(ward, ScoreComputed) == told
        assert len(told) == 3
        return await end_state(world, ward)

    assert await play(batch=True) == await play(batch=False)


async def test_a_group_that_is_learned_after_the_claim_is_scored_then(world: World) -> None:
    ward = world.ward()
    await world.tell(ward.movement(), ward.period())
    await world.adopt(ward)
    await world.tell(ward.report("pb-1", FULL))
    assert await world.said(ward, ScoreComputed) == []
    await world.tell(ward.participant("pb-1"))
    [told] = await world.said(ward, ScoreComputed)
    assert (told["total"], told["stage"], told["sheet_version"]) == ("94.00", "self", 1)
    await world.tell(ward.participant("pb-1"))
    assert len(await world.said(ward, ScoreComputed)) == 1


@pytest.mark.parametrize("together", [True, False])
async def test_an_older_revision_that_comes_late_does_not_win(world: World, together: bool) -> None:
    ward = world.ward()
    await world.tell(ward.movement(), ward.period(), ward.participant("pb-1"))
    await world.adopt(ward)
    newer = ward.report("pb-1", FULL, revision=2)
    older = ward.report("pb-1", {**FULL, "a1": "1"}, revision=1)
    for batch in [(newer, older)] if together else [(newer,), (older,)]:
        await world.tell(*batch)
    assert [told["total"] for told in await world.said(ward, ScoreComputed)] == ["94.00"]


async def test_an_adoption_waits_for_a_claim_that_is_being_taken(world: World) -> None:
    """The handler began before the adoption: the adoption sees its claim and scores it."""
    ward = world.ward()
    await world.tell(ward.movement(), ward.period())
    newcomer = [ward.participant("pb-1"), ward.report("pb-1", FULL)]
    read = reader(handlers.consumer)
    first, second = (read(record_of(event)).received for event in newcomer)
    assert first is not None
    assert second is not None
    async with world.works.begin(newcomer[0].key) as work:
        await handlers.take_participants([first], work)
        await handlers.take_reports([second], work)
        adopting = asyncio.create_task(world.adopt(ward))
        await asyncio.sleep(0.3)
        assert not adopting.done()
    await adopting
    assert [told["total"] for told in await world.said(ward, ScoreComputed)] == ["94.00"]


async def test_a_claim_waits_for_an_adoption_that_is_being_entered(world: World) -> None:
    """The adoption began before the handler: the handler sees the sheet and scores the claim."""
    ward = world.ward()
    await world.tell(ward.movement(), ward.period())
    assert (await world.post("/sheets", SHEET, ward, "officer")).status_code == 200
    secretary = Person("s", "", frozenset({"council-secretary"}), "", ward.code)
    form = AdoptionForm.model_validate(ADOPTION)
    async with world.works.begin(ward.period().key) as work:
        await commands.adopt_sheet(work, PERIOD, form, secretary)
        news = (ward.participant("pb-1"), ward.report("pb-1", FULL))
        telling = asyncio.create_task(world.tell(*news))
        await asyncio.sleep(0.3)
        assert not telling.done()
    await telling
    assert [told["total"] for told in await world.said(ward, ScoreComputed)] == ["94.00"]


async def test_adoption_and_claims_at_the_same_time_lose_nothing(world: World) -> None:
    for _ in range(5):
        ward = world.ward()
        codes = [f"pb-{number}" for number in range(6)]
        await world.tell(ward.movement(), ward.period(), *map(ward.participant, codes))
        sheet = world.adopt(ward)
        claims = [world.tell(ward.report(code, FULL)) for code in codes]
        newcomer = world.tell(ward.participant("pb-new"), ward.report("pb-new", FULL))
        await asyncio.gather(sheet, newcomer, *claims)
        told = [event["participant"] for event in await world.said(ward, ScoreComputed)]
        assert sorted(told) == sorted([*codes, "pb-new"])


async def test_the_whole_way_from_claim_to_frozen_rank(world: World) -> None:
    ward = world.ward()
    codes = ["pb-1", "pb-2", "pb-3", "pb-4"]
    await world.tell(ward.movement(), ward.period())
    await world.tell(*(ward.participant(code) for code in codes))
    await world.tell(ward.participant("th-1", "truong-hoc"), ward.report("th-1", FULL))
    await world.tell(*(ward.report(code, FULL, late=code == "pb-4") for code in codes))
    await world.tell(*(ward.accepted(code, late=code == "pb-4") for code in (*codes, "th-1")))
    await world.adopt(ward)
    for code, a1 in zip((*codes, "th-1"), ("40", "35", "35", "35", "10"), strict=True):
        answer = await world.mark(ward, code, {**ALL_MARKS, "a1": a1})
        assert answer.status_code == 200, answer.text
    judged = await world.mark(
        ward,
        "pb-1",
        {"a1": "39.5"},
        stage="council",
        reason="Chưa đủ minh chứng",
        bonus="5",
        bonus_reason="Sáng kiến cấp phường",
    )
    assert judged.json()["total"] == "94.50"
    frozen = await world.freeze(ward)
    assert frozen.status_code == 200, frozen.text
    ranks = {
        one["participant"]: (one["rank"], one["ranked"], one["total"], one["grade"])
        for one in frozen.json()["results"]
    }
    assert ranks == {
        "pb-1": (1, 4, "94.50", "Xuất sắc"),
        "pb-2": (2, 4, "85.00", "Tốt"),
        "pb-3": (2, 4, "85.00", "Tốt"),
        "pb-4": (4, 4, "83.00", "Tốt"),
        "th-1": (1, 1, "60.00", "Trung bình"),
    }
    told = await world.said(ward, ResultFrozen)
    assert {event["participant"]: event["rank"] for event in told} == {
        code: place[0] for code, place in ranks.items()
    }
    assert next(e for e in told if e["participant"] == "pb-4")["late"] is True
    again = await world.freeze(ward)
    assert again.json() == frozen.json()
    assert len(await world.said(ward, ResultFrozen)) == 5
    assert len(await world.said(ward, SheetAdopted)) == 1
    assert (await world.acts(ward))[-1] == "results-frozen"


async def test_a_report_that_is_opened_again_is_marked_anew(world: World) -> None:
    """Nothing is marked until a version is accepted again, and that one has no marks yet."""
    ward = world.ward()
    await world.tell(ward.movement(), ward.period(), ward.participant("pb-1"))
    await world.tell(ward.report("pb-1", FULL), ward.accepted("pb-1"))
    await world.adopt(ward)
    assert (await world.mark(ward, "pb-1", ALL_MARKS)).status_code == 200
    await world.tell(ward.reopened("pb-1"))
    closed = await world.mark(ward, "pb-1", ALL_MARKS)
    assert closed.json()["type"].endswith("report-not-accepted")
    assert (await world.freeze(ward)).json()["type"].endswith("nothing-to-freeze")
    await world.tell(ward.report("pb-1", FULL, revision=2), ward.accepted("pb-1", revision=2))
    assert (await world.freeze(ward)).json()["type"].endswith("not-verified")
    assert (await world.mark(ward, "pb-1", ALL_MARKS, revision=2)).status_code == 200
    assert (await world.freeze(ward)).status_code == 200


async def test_what_is_frozen_stays_when_a_report_is_opened_again(world: World) -> None:
    ward = world.ward()
    await world.tell(ward.movement(), ward.period(), ward.participant("pb-1"))
    await world.tell(ward.report("pb-1", FULL), ward.accepted("pb-1"))
    await world.adopt(ward)
    await world.mark(ward, "pb-1", ALL_MARKS)
    frozen = await world.freeze(ward)
    await world.tell(ward.reopened("pb-1"))
    assert (await world.freeze(ward)).json() == frozen.json()
    late = await world.mark(ward, "pb-1", {"a1": "1"})
    assert late.is_client_error


async def test_nothing_of_whoever_has_left_is_scored_anew(world: World) -> None:
    """Neither a claim nor a mark nor a rank; all of it again once they are back."""
    ward = world.ward()
    await world.tell(ward.movement(), ward.period())
    for code in ("pb-1", "pb-2"):
        await world.tell(ward.participant(code), ward.report(code, FULL), ward.accepted(code))
    await world.tell(ward.left("pb-2"))
    await world.adopt(ward)
    assert [event["participant"] for event in await world.said(ward, ScoreComputed)] == ["pb-1"]
    refused = await world.mark(ward, "pb-2", ALL_MARKS)
    assert refused.json()["type"].endswith("participant-left")
    assert (await world.mark(ward, "pb-1", ALL_MARKS)).status_code == 200
    await world.tell(ward.participant("pb-2"))
    assert (await world.freeze(ward)).json()["type"].endswith("not-verified")
    assert (await world.mark(ward, "pb-2", ALL_MARKS)).status_code == 200
    await world.tell(ward.left("pb-2"))
    frozen = await world.freeze(ward)
    assert [(one["participant"], one["ranked"]) for one in frozen.json()["results"]] == [
        ("pb-1", 1)
    ]
    await world.tell(ward.left("pb-1"))
    assert (await world.freeze(ward)).json() == frozen.json()


async def test_every_frozen_total_is_the_sum_of_its_stored_lines(world: World) -> None:
    ward = world.ward()
    await world.tell(ward.movement(), ward.period(), ward.participant("pb-1"))
    await world.tell(ward.report("pb-1", {**FULL, "a4": None}, late=True))
    await world.tell(ward.accepted("pb-1", late=True))
    await world.adopt(ward)
    marks = {code: points for code, points in ALL_MARKS.items() if code != "a4"}
    answer = await world.mark(ward, "pb-1", marks, deduction="19.5", deduction_reason="Thiếu")
    assert answer.status_code == 200, answer.text
    assert (await world.freeze(ward)).status_code == 200
    lines = await world.rows(sa.select(result_line).where(result_line.c.ward == ward.code))
    [row] = await world.rows(sa.select(result).where(result.c.ward == ward.code))
    assert row.total == Decimal("63.75")
    assert sum(line.counted for line in lines) == row.total
    assert {line.kind for line in lines} == {"criterion", "rescale", "late", "deduction"}


@pytest.mark.parametrize(
    "table", [mark, score, result, result_line, freezing, claim, acceptance, reopening]
)
@pytest.mark.parametrize("verb", ["update", "delete"])
async def test_the_database_refuses_to_change_what_only_grows(
    world: World, table: sa.Table, verb: str
) -> None:
    statement: sa.Executable = (
        sa.update(table).values(ward="x") if verb == "update" else sa.delete(table)
    )
    with pytest.raises(sa.exc.IntegrityError, match="only grows"):
        async with world.engine.begin() as connection:
            await connection.execute(statement)
