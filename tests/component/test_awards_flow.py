"""Facts in whatever order, refusals with their pointers, ballots that nobody can trace, races."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from deploy.local.infrastructure import Provided
from services.awards.store import tables
from shared.contracts.awards import AwardDecided
from shared.contracts.base import Event
from shared.messaging.tables import parked
from tests.component.awards_world import (
    COUNCIL,
    DECISION,
    FLAG,
    PERIOD,
    PERSON,
    Story,
    Ward,
    World,
    at,
    ballot_body,
    dossier_body,
    dossiers_of,
    open_world,
    publication_body,
    session_body,
)

pytestmark = pytest.mark.component
SECRETARY = "council-secretary"
BALLOTS = "/sessions/phien-1/ballots"
YES = {"phong-a": "yes", "truong-1": "yes", PERSON: "yes"}


@pytest.fixture(scope="module")
async def world(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    url = infrastructure.create_database("awards_flow")
    async with open_world(url, tmp_path_factory.mktemp("awards")) as opened:
        yield opened
    infrastructure.drop_database("awards_flow")


@pytest.fixture
def story(world: World) -> Story:
    return Story(world, world.ward())


def shuffled(events: list[Event], seed: int) -> list[Event]:
    """Another order, in which each key of each topic keeps its own."""
    stories: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        stories.setdefault((event.TOPIC, event.key), []).append(event)
    waiting, told = list(stories.values()), list[Event]()
    dice = random.Random(seed)
    while waiting:
        told.append(dice.choice(waiting).pop(0))
        waiting = [rest for rest in waiting if rest]
    return told


async def known(world: World, ward: Ward) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for table in (
        tables.movement,
        tables.offered_form,
        tables.period,
        tables.participant,
        tables.proposal,
        tables.result,
    ):
        query = sa.select(*[c for c in table.c if c.name != "ward"]).where(
            table.c.ward == ward.code
        )
        found[table.name] = sorted(tuple(row) for row in await world.rows(query))
    return found


async def test_facts_in_every_order_give_the_same_end(world: World) -> None:
    first = world.ward()
    await world.tell(*_story_of(first))
    expected = await known(world, first)
    assert all(expected.values())
    assert [row[3] for row in expected["proposal"]] == ["Đơn vị truong-2"]
    for seed in range(25):
        ward = world.ward()
        events = shuffled(_story_of(ward), seed)
        if seed % 2:
            await world.tell(*events)
        else:
            for event in events:
                await world.tell(event)
        assert await known(world, ward) == expected, seed
    assert await world.rows(sa.select(parked)) == []


def _story_of(ward: Ward) -> list[Event]:
    """With corrections: a second version, a name set right, a revised report, a new result."""
    return [
        *ward.everything(),
        ward.movement(version=2),
        ward.participant("phong-b", "truong-hoc"),
        ward.accepted("phong-b", 2, "Đơn vị truong-2"),
        ward.result("phong-b", "truong-hoc", 2, total="70"),
    ]


async def test_a_report_that_is_opened_again_proposes_nobody_until_it_is_accepted_again(
    world: World,
) -> None:
    ward = world.ward()
    await world.tell(*ward.everything(), ward.accepted("phong-b", 2, "Đơn vị truong-2"))
    await world.tell(ward.reopened("phong-b", 2))
    assert (await known(world, ward))["proposal"] == []
    await world.tell(ward.accepted("phong-b", 3, "Đơn vị truong-3"))
    assert [row[3] for row in (await known(world, ward))["proposal"]] == ["Đơn vị truong-3"]


async def test_a_dossier_waits_for_whichever_fact_is_missing(world: World) -> None:
    """Without any one of them it is refused; once the last has come, whichever, it is opened."""
    refusals = {
        "MovementLaunched": ("unknown-period", "/period"),
        "PeriodOpened": ("unknown-period", "/period"),
        "ParticipantRegistered": ("unknown-participant", "/participant"),
        "ResultFrozen": ("no-frozen-result", "/participant"),
    }
    world.clock(at(18))
    for last, (name, pointer) in refusals.items():
        ward = world.ward()
        needed: list[Event] = [
            ward.movement(),
            ward.period(),
            ward.participant("phong-a", "phong-ban"),
            ward.result("phong-a", "phong-ban", 1),
        ]
        await world.tell(*[event for event in needed if type(event).__name__ != last])
        early = await world.post(ward, "officer", "/dossiers", dossier_body("phong-a"))
        assert (problem(early), pointers(early)) == (name, [pointer]), last
        await world.tell(*[event for event in needed if type(event).__name__ == last])
        late = await world.post(ward, "officer", "/dossiers", dossier_body("phong-a"))
        assert late.status_code == 200, late.text


async def test_the_newest_version_of_the_movement_says_what_is_offered(world: World) -> None:
    ward = world.ward()
    older, newer = ward.movement(version=1), ward.movement(version=2)
    renamed = [form.model_copy(update={"title": "Giấy khen mới"}) for form in newer.forms]
    facts = [event for event in ward.everything() if event.TYPE != older.TYPE]
    await world.tell(newer.model_copy(update={"forms": tuple(renamed)}), older, *facts)
    world.clock(at(18))
    await world.post(ward, "officer", "/dossiers", dossier_body("phong-a"))
    opened = (await world.get(ward, "officer", "/dossiers")).json()["items"]
    assert [row["form_title"] for row in opened] == ["Giấy khen mới"]


def problem(answer: Any) -> str:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    name: str = answer.json()["type"].rpartition(":")[2]
    return name


def pointers(answer: Any) -> list[str]:
    return [error["pointer"] for error in answer.json().get("errors", [])]


@pytest.mark.parametrize(
    ("body", "name", "pointer"),
    [
        ({"form": FLAG}, "form-not-offered", "/form"),
        ({"form": "khong-co"}, "unknown-form", "/form"),
        ({"participant": "khong-co"}, "unknown-participant", "/participant"),
        ({"period": "2031-annual"}, "unknown-period", "/period"),
        ({"reason": "  "}, "invalid-request", "/reason"),
        ({"score": "100"}, "invalid-request", "/score"),
        ({"dossier": "Not A Slug"}, "invalid-request", "/dossier"),
    ],
)
async def test_dossiers_that_cannot_be_opened(
    story: Story, body: dict[str, str], name: str, pointer: str
) -> None:
    await story.results()
    asked = dossier_body("phong-a") | body
    answer = await story.world.post(story.ward, "officer", "/dossiers", asked)
    assert answer.status_code == 422
    assert (problem(answer), pointers(answer)) == (name, [pointer])


async def test_what_the_ward_only_proposes_is_refused_at_the_final_review(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.results()
    await world.tell(ward.period("2030-tong-ket"))
    for participant, block in (("phong-a", "phong-ban"), (PERSON, "ca-nhan")):
        await world.tell(ward.result(participant, block, 1, period="2030-tong-ket"))
    for participant, form, name in (
        (PERSON, FLAG, "collectives-only"),
        ("phong-a", FLAG, "decided-elsewhere"),
        (PERSON, "bang-khen", "decided-elsewhere"),
    ):
        body = dossier_body(participant, form=form, period="2030-tong-ket", dossier="cuoi-ky")
        answer = await world.post(ward, "officer", "/dossiers", body)
        assert (problem(answer), pointers(answer)) == (name, ["/form"])
    assert "trình cấp trên" in answer.json()["detail"]


async def test_one_achievement_one_award(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.closed({"truong-1": "no"})
    again = dossier_body("phong-a", dossier="lan-hai")
    answer = await world.post(ward, "officer", "/dossiers", again)
    assert (problem(answer), pointers(answer)) == ("one-achievement-one-award", ["/participant"])
    assert f"{PERIOD}-phong-a" in answer.json()["detail"]
    failed_before = dossier_body("truong-1", dossier="lan-hai-truong")
    assert (await world.post(ward, "officer", "/dossiers", failed_before)).status_code == 200


async def test_two_officers_open_one_achievement_at_once(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.results()
    await world.warm()
    answers = await asyncio.gather(
        *(
            world.post(ward, "officer", "/dossiers", dossier_body("truong-2", dossier=f"ho-so-{n}"))
            for n in range(6)
        )
    )
    assert sorted(a.status_code for a in answers) == [200, 422, 422, 422, 422, 422]


async def test_nobody_opens_a_dossier_of_their_own_unit(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.results()
    for participant, unit in (("phong-b", "phong-b"), (PERSON, "phong-b")):
        body = dossier_body(participant)
        own = await world.post(ward, "officer", "/dossiers", body, unit=unit)
        assert (own.status_code, problem(own)) == (422, "own-unit")
        role = "substitute-officer"
        other = await world.post(ward, role, "/dossiers", body, unit="van-phong")
        assert other.status_code == 200


@pytest.mark.parametrize(
    ("more", "name", "pointer"),
    [
        ({"window_until": "2025-12-18"}, "window-reversed", ["/window_until"]),
        ({"window_from": "2025-12-01"}, "window-back-dated", ["/window_from"]),
        ({"dossiers": [*dossiers_of("phong-a"), "khong-co"]}, "not-found", []),
        ({"period": "2026-annual"}, "other-period", ["/dossiers/0"]),
        ({"dossiers": []}, "invalid-request", ["/dossiers"]),
    ],
)
async def test_publications_that_are_refused(
    story: Story, more: dict[str, Any], name: str, pointer: list[str]
) -> None:
    await story.opened()
    story.world.clock(at(19))
    body = publication_body(*story.chosen, **more)
    answer = await story.world.post(story.ward, "officer", "/publications", body)
    assert (problem(answer), pointers(answer)) == (name, pointer)


async def test_a_short_window_gets_a_remark_and_no_refusal(story: Story) -> None:
    await story.opened()
    story.world.clock(at(19))
    body = publication_body(*story.chosen, window_until="2025-12-22")
    answer = (await story.world.post(story.ward, "officer", "/publications", body)).json()
    assert answer["working_days"] == 2
    assert "ngắn hơn mức 5 ngày" in answer["advice"]


@pytest.mark.parametrize(
    ("more", "name", "pointer"),
    [
        ({"held_on": "2025-12-26"}, "held-before-window-ends", "/dossiers/0"),
        ({"members": ["chairman", "chairman"]}, "named-twice", "/members/1"),
        ({"rule": {"quorum": "0/3"}}, "bad-share", "/rule/quorum"),
        ({"rule": {"quorum": "66%"}}, "bad-share", "/rule/quorum"),
        ({"rule": {"pass": "most"}}, "bad-pass-rule", "/rule/pass"),
        ({"rule": {"pass": "5/4-of-total"}}, "bad-share", "/rule/pass"),
        ({"dossiers": [*dossiers_of("phong-a", "phong-a")]}, "named-twice", "/dossiers/1"),
        ({"period": "2026-annual"}, "other-period", "/dossiers/0"),
    ],
)
async def test_sessions_that_cannot_be_called(
    story: Story, more: dict[str, Any], name: str, pointer: str
) -> None:
    await story.published()
    body = session_body(*story.chosen, **more)
    answer = await story.world.post(story.ward, SECRETARY, "/sessions", body)
    assert (problem(answer), pointers(answer)) == (name, [pointer])


async def test_a_session_takes_only_published_dossiers(story: Story) -> None:
    await story.opened()
    body = session_body(*story.chosen)
    answer = await story.world.post(story.ward, SECRETARY, "/sessions", body)
    assert (problem(answer), pointers(answer)) == ("wrong-state", ["/dossiers/0"])


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
    assert await world.rows(sa.select(tables.voter).where(_in(tables.voter, ward))) == []


def _in(table: sa.Table, ward: Ward) -> sa.ColumnElement[bool]:
    return table.c.ward == ward.code


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
    voters = await world.rows(sa.select(tables.voter).where(_in(tables.voter, ward)))
    choices = await world.rows(sa.select(tables.urn.c.choice).where(_in(tables.urn, ward)))
    assert len(voters) == len(choices) == 3
    assert len({row.choice for row in choices}) == 1


async def test_nothing_links_a_voter_to_a_choice(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.closed()
    assert await world.rows(sa.select(tables.urn).where(_in(tables.urn, ward))) == []
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


@pytest.mark.parametrize(
    ("path", "body", "allowed"),
    [
        ("/dossiers", dossier_body("phong-a"), {"officer", "substitute-officer"}),
        ("/publications", publication_body("phong-a"), {"officer", "substitute-officer"}),
        ("/sessions", session_body("phong-a"), {SECRETARY}),
        ("/sessions/phien-1/attendance", {"present": ["chairman"]}, {SECRETARY}),
        (BALLOTS, ballot_body(YES), {"council"}),
        ("/sessions/phien-1/closing", {}, {SECRETARY}),
        ("/sessions/phien-1/approval", {}, {"chairman"}),
        ("/decisions", DECISION, {"clerk"}),
    ],
)
async def test_each_command_has_its_roles(
    world: World, path: str, body: dict[str, Any], allowed: set[str]
) -> None:
    ward = world.ward()
    roles = {
        "reporter",
        "officer",
        "substitute-officer",
        "assessor",
        "council",
        SECRETARY,
        "chairman",
        "clerk",
        "communications",
        "operator",
        "auditor",
    }
    for role in roles:
        answer = await world.post(ward, role, path, body)
        assert (answer.status_code != 403) == (role in allowed), (role, answer.text)
    nobody = await world.client.post(f"/awards{path}", json=body)
    assert nobody.status_code == 401


async def test_a_ward_knows_nothing_of_another(story: Story) -> None:
    await story.called()
    elsewhere = story.world.ward()
    assert (await story.world.get(elsewhere, "officer", "/dossiers")).json()["items"] == []
    other = await story.world.get(elsewhere, "officer", "/sessions/phien-1")
    assert other.status_code == 404


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE ballot SET choice = 'no'", "only grows"),
        ("DELETE FROM voter", "only grows"),
        ("UPDATE outcome SET passed = true", "only grows"),
        ("UPDATE dossier SET achievement = 'khác'", "only grows"),
        ("TRUNCATE decision CASCADE", "only grows"),
        ("UPDATE urn SET choice = 'no'", "only grows"),
        ("UPDATE dossier SET state = 'lost'", "ck_dossier_state_known"),
        (
            "INSERT INTO urn (ward, session, dossier, choice)"
            " SELECT ward, session, dossier, 'maybe' FROM agenda LIMIT 1",
            "ck_urn_choice_known",
        ),
        (
            "INSERT INTO dossier SELECT (jsonb_populate_record(d,"
            ' \'{"dossier": "x"}\')).* FROM dossier d'
            " WHERE state = 'decided' LIMIT 1",
            "uq_dossier_one_achievement_one_award",
        ),
        (
            "INSERT INTO award SELECT ward, dossier, session, 0 FROM agenda LIMIT 1",
            "ck_award_ordinal_from_one",
        ),
    ],
)
async def test_what_must_never_be_the_database_refuses(
    story: Story, statement: str, constraint: str
) -> None:
    await story.decided()
    async with story.world.engine.connect() as connection:
        with pytest.raises(DBAPIError, match=constraint):
            await connection.execute(sa.text(statement))
