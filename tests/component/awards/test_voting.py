"""Ballots that nobody can trace, the quorum, what is out of turn, decisions and their numbers."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from services.awards.store import tables
from shared.contracts.awards import AwardDecided
from tests.component.awards.answers import BALLOTS, SECRETARY, YES, of_ward, pointers, problem
from tests.component.awards_world import (
    COUNCIL,
    DECISION,
    Story,
    World,
    at,
    ballot_body,
    dossier_body,
    publication_body,
    session_body,
)

pytestmark = pytest.mark.component


async def test_no_vote_before_the_window_ends_or_the_council_sits(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.called()
    attendance = "/sessions/phien-1/attendance"
    early = await world.post(ward, SECRETARY, attendance, {"present": list(COUNCIL)})
    assert problem(early) == "session-not-begun"
    world.clock(at(29))
    no_roll = await world.post(ward, "council", BALLOTS, ballot_body(YES), person="chairman")
    assert problem(no_roll) == "no-roll"
    await world.post(ward, SECRETARY, attendance, {"present": list(COUNCIL)})
    world.clock(at(26, 23))
    window = await world.post(ward, "council", BALLOTS, ballot_body(YES), person="chairman")
    assert problem(window) == "session-not-begun"
    assert await world.rows(sa.select(tables.voter).where(of_ward(tables.voter, ward))) == []


async def test_ballots_need_the_quorum_exactly(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.called()
    world.clock(at(29))
    attendance, members = "/sessions/phien-1/attendance", list(COUNCIL)
    few = {"present": members[:3], "written": members[3:]}
    assert (await world.post(ward, SECRETARY, attendance, few)).json()["open"] is False
    refused = await world.post(ward, "council", BALLOTS, ballot_body(YES), person="chairman")
    assert problem(refused) == "no-quorum"
    assert "3 trên 6" in refused.json()["detail"]
    enough = {"present": members[:4]}
    assert (await world.post(ward, SECRETARY, attendance, enough)).json()["open"] is True
    absent = await world.post(
        ward, "council", BALLOTS, ballot_body(YES), person=members[4], unit="mttq"
    )
    assert problem(absent) == "not-on-the-roll"
    await story.vote("chairman", YES)
    gone = {"present": members[1:5]}
    left_out = await world.post(ward, SECRETARY, attendance, gone)
    assert (problem(left_out), pointers(left_out)) == ("voter-left-out", ["/present"])
    stranger = {"present": [*members[:4], "khach"]}
    strange = await world.post(ward, SECRETARY, attendance, stranger)
    assert (problem(strange), pointers(strange)) == ("not-a-member", ["/present/4"])


@pytest.mark.parametrize(
    ("member", "choices", "name", "pointer"),
    [
        ("phong-a.council", YES, "own-unit", "/choices/0/dossier"),
        ("phong-b.council", YES, "own-unit", "/choices/2/dossier"),
        ("chairman", {"phong-a": "yes"}, "incomplete-ballot", "/choices"),
        ("chairman", {**YES, "phong-b": "no"}, "not-on-the-agenda", "/choices/3/dossier"),
        ("chairman", {**YES, "phong-a": "maybe"}, "invalid-request", "/choices/0/choice"),
    ],
)
async def test_ballots_that_are_refused(
    story: Story, member: str, choices: dict[str, str], name: str, pointer: str
) -> None:
    await story.attended()
    answer = await story.world.post(
        story.ward,
        "council",
        BALLOTS,
        ballot_body(choices),
        person=member,
        unit=COUNCIL[member],
    )
    assert answer.status_code == 422
    assert (problem(answer), pointers(answer)) == (name, [pointer])


async def test_only_members_vote_and_each_once(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.attended()
    guest = await world.post(ward, "council", BALLOTS, ballot_body(YES), person="khach")
    assert guest.status_code == 403

    async def at_once(*papers: dict[str, str]) -> list[Any]:
        return await asyncio.gather(
            *(
                world.post(ward, "council", BALLOTS, ballot_body(paper), person="chairman")
                for paper in papers
            )
        )

    await world.warm()
    incomplete = await at_once(*[{"phong-a": "yes"}] * 6)
    assert {problem(answer) for answer in incomplete} == {"incomplete-ballot"}
    choices_made = ("yes", "no", "abstain", "no", "yes", "no")
    answers = await at_once(*[dict.fromkeys(YES, choice) for choice in choices_made])
    assert sorted(answer.json()["repeated"] for answer in answers) == [False, *[True] * 5]
    voters = await world.rows(sa.select(tables.voter).where(of_ward(tables.voter, ward)))
    choices = await world.rows(sa.select(tables.urn.c.choice).where(of_ward(tables.urn, ward)))
    assert len(voters) == len(choices) == 3
    assert len({row.choice for row in choices}) == 1


async def test_nothing_links_a_voter_to_a_choice(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.closed()
    assert await world.rows(sa.select(tables.urn).where(of_ward(tables.urn, ward))) == []
    shared_names = {c.name for c in tables.voter.c} & {c.name for c in tables.ballot.c}
    assert shared_names == {"ward", "session", "dossier"}
    allowed = {"id", "ward", "session", "dossier", "choice"}
    columns = await world.rows(
        sa.text(
            "SELECT table_name, column_name, data_type, column_default"
            " FROM information_schema.columns WHERE table_name IN ('urn', 'ballot', 'voter')"
        )
    )
    assert {c.column_name for c in columns if c.table_name != "voter"} == allowed
    assert {c.data_type for c in columns} == {"text", "uuid"}
    assert {c.column_default for c in columns} == {None, "gen_random_uuid()"}
    of_ballots = sa.text("SELECT xmin::text AS x FROM ballot WHERE ward = :ward")
    of_voters = sa.text("SELECT DISTINCT xmin::text AS x FROM voter WHERE ward = :ward")
    ballots = [r.x for r in await world.rows(of_ballots.bindparams(ward=ward.code))]
    voters = [r.x for r in await world.rows(of_voters.bindparams(ward=ward.code))]
    assert len(ballots) == 16
    assert len(set(ballots)) == 1
    assert len(voters) == len(COUNCIL)
    assert not set(ballots) & set(voters)


async def test_ballots_are_not_kept_in_the_order_of_voting(world: World) -> None:
    """Twenty members vote one after the other, ten yes and then ten no."""
    ward = world.ward()
    story = Story(world, ward, ("truong-1",))
    await story.published()
    members = [f"uy-vien-{n:02}" for n in range(20)]
    body = session_body("truong-1", members=members)
    assert (await world.post(ward, SECRETARY, "/sessions", body)).status_code == 200
    world.clock(at(29))
    await world.post(ward, SECRETARY, "/sessions/phien-1/attendance", {"present": members})
    for number, member in enumerate(members):
        paper = ballot_body({"truong-1": "yes" if number < 10 else "no"})
        answer = await world.post(ward, "council", BALLOTS, paper, person=member)
        assert answer.status_code == 200
    closed = await world.post(ward, SECRETARY, "/sessions/phien-1/closing")
    assert closed.json()["dossiers"][0]["yes"] == 10
    query = sa.text("SELECT choice FROM ballot WHERE ward = :ward ORDER BY ctid")
    kept = [row.choice for row in await world.rows(query.bindparams(ward=ward.code))]
    assert sorted(kept) == ["no"] * 10 + ["yes"] * 10
    assert kept != ["yes"] * 10 + ["no"] * 10


async def test_what_comes_out_of_turn_is_refused(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.attended()
    closing, approval = "/sessions/phien-1/closing", "/sessions/phien-1/approval"
    assert problem(await world.post(ward, SECRETARY, closing)) == "no-ballots"
    assert problem(await world.post(ward, "chairman", approval)) == "session-not-closed"
    early = await world.post(ward, "clerk", "/decisions", DECISION)
    assert (problem(early), pointers(early)) == ("not-approved", ["/session"])
    unknown = await world.post(ward, SECRETARY, "/sessions/khong-co/closing")
    assert (unknown.status_code, problem(unknown)) == (404, "not-found")
    await story.vote("chairman", YES)
    await world.post(ward, SECRETARY, closing)
    late = await world.post(ward, "council", BALLOTS, ballot_body(YES), person="vice-chairman")
    assert (late.status_code, problem(late)) == (409, "session-closed")
    assert problem(await world.post(ward, "chairman", approval)) == "nothing-passed"
    assert await world.said(ward, AwardDecided) == []


@pytest.mark.parametrize(
    ("more", "status", "name", "pointer"),
    [
        ({"number": "QĐ-UBND"}, 422, "bad-decision-number", ["/number"]),
        ({"decided_on": "2025-12-29"}, 422, "decided-before-approval", ["/decided_on"]),
        ({"decided_on": "2025-12-31"}, 422, "decided-in-future", ["/decided_on"]),
        ({"session": "khong-co"}, 404, "not-found", []),
        ({"signer_lines": []}, 422, "invalid-request", ["/signer_lines"]),
    ],
)
async def test_decisions_that_are_refused(
    story: Story, more: dict[str, Any], status: int, name: str, pointer: list[str]
) -> None:
    await story.approved()
    answer = await story.world.post(story.ward, "clerk", "/decisions", {**DECISION, **more})
    assert (answer.status_code, problem(answer), pointers(answer)) == (status, name, pointer)


async def test_a_number_is_used_once_a_year(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.results()
    world.clock(at(18))
    await world.post(ward, "officer", "/dossiers", dossier_body("phong-b"))
    world.clock(at(19))
    await world.post(ward, "officer", "/publications", publication_body("phong-b"))
    await story.decided()
    second = session_body("phong-b", session="phien-2")
    await world.post(ward, SECRETARY, "/sessions", second)
    present = {"present": list(COUNCIL)}
    await world.post(ward, SECRETARY, "/sessions/phien-2/attendance", present)
    for member, unit in COUNCIL.items():
        paper = ballot_body({} if unit == "phong-b" else {"phong-b": "yes"})
        path = "/sessions/phien-2/ballots"
        answer = await world.post(ward, "council", path, paper, person=member, unit=unit)
        assert answer.status_code == 200, answer.text
    await world.post(ward, SECRETARY, "/sessions/phien-2/closing")
    await world.post(ward, "chairman", "/sessions/phien-2/approval")
    body = {**DECISION, "session": "phien-2", "number": "215/QD-UBND"}
    taken = await world.post(ward, "clerk", "/decisions", body)
    assert (taken.status_code, problem(taken)) == (409, "number-taken")
    free = await world.post(ward, "clerk", "/decisions", {**body, "number": "216/QĐ-UBND"})
    assert free.status_code == 200
