"""Dossiers, publications and sessions that are refused, with their pointers; who may do what."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from tests.component.awards.answers import BALLOTS, SECRETARY, YES, pointers, problem
from tests.component.awards_world import (
    DECISION,
    FLAG,
    PERIOD,
    PERSON,
    Story,
    World,
    at,
    ballot_body,
    dossier_body,
    dossiers_of,
    publication_body,
    session_body,
)

pytestmark = pytest.mark.component


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


async def test_no_dossier_is_opened_for_whoever_has_left(story: Story) -> None:
    """What is open goes its own way, and whoever is registered again is back."""
    world, ward = story.world, story.ward
    await story.opened()
    body = dossier_body("phong-b")
    await world.tell(ward.left("phong-a"), ward.left("phong-b"))
    refused = await world.post(ward, "officer", "/dossiers", body)
    assert (problem(refused), pointers(refused)) == ("participant-left", ["/participant"])
    answer = (await world.get(ward, "council", f"/shortlist?period={PERIOD}")).json()
    lines = {line["participant"]: line for block in answer["blocks"] for line in block["lines"]}
    assert (lines["phong-b"]["forms"], lines["phong-b"]["eligible"]) == ([], False)
    assert "participant-left" in {flag["flag"] for flag in lines["phong-b"]["flags"]}
    assert lines["phong-a"]["dossier"]
    await world.tell(ward.participant("phong-b", "phong-ban"))
    opened = await world.post(ward, "officer", "/dossiers", body)
    assert opened.status_code == 200, opened.text


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
