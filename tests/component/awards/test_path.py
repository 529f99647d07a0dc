"""From results to a decision with its certificates on disk, and each step done twice."""

from hashlib import sha256
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from pypdf import PdfReader

from services.awards.store import tables
from shared.contracts.awards import (
    AwardDecided,
    CandidatePublished,
    DossierConcluded,
    DossierOpened,
)
from shared.messaging.tables import parked
from tests.component.awards.answers import SECRETARY
from tests.component.awards_world import (
    ATTENDANCE,
    COUNCIL,
    DECISION,
    FORM,
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


async def states(story: Story) -> dict[str, str]:
    answer = await story.world.get(story.ward, "auditor", "/dossiers")
    return {row["participant"]: row["state"] for row in answer.json()["items"]}


async def test_results_become_a_decision_and_certificates(story: Story) -> None:
    world, ward = story.world, story.ward
    decided = await story.decided({"truong-1": "no"})
    assert decided["number"] == "215/QĐ-UBND"
    assert decided["awards"] == [
        {"dossier": f"{PERIOD}-phong-a", "ordinal": 1},
        {"dossier": f"{PERIOD}-{PERSON}", "ordinal": 2},
    ]
    assert await states(story) == {"phong-a": "decided", PERSON: "decided", "truong-1": "failed"}
    opened = await world.said(ward, DossierOpened)
    assert [e["participant"] for e in opened] == list(story.chosen)
    assert len(await world.said(ward, CandidatePublished)) == 3
    concluded = await world.said(ward, DossierConcluded)
    assert {e["participant"]: e["passed"] for e in concluded} == {
        "phong-a": True,
        "truong-1": False,
        PERSON: True,
    }
    awards = await world.said(ward, AwardDecided)
    assert [(e["name"], e["unit"], e["ordinal"]) for e in awards] == [
        ("Đơn vị phong-a", "", 1),
        (f"Đơn vị {PERSON}", "Đơn vị phong-b", 2),
    ]
    assert {(e["decision_number"], e["decided_on"], e["form"]) for e in awards} == {
        ("215/QĐ-UBND", "2025-12-30", FORM)
    }
    assert await world.rows(sa.select(parked)) == []


async def test_certificates_are_printed_once_and_again_when_missing(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.decided()
    await world.print_all()
    folder = world.documents / ward.code / "2025-215-qd-ubnd"
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [
        "001-phong-a.pdf",
        "002-truong-1.pdf",
        f"003-{PERSON}.pdf",
    ]
    before = {file.name: file.read_bytes() for file in files}
    said = " ".join(PdfReader(files[2]).pages[0].extract_text().split())
    for words in (
        "CHỦ TỊCH ỦY BAN NHÂN DÂN PHƯỜNG TỨ MINH",
        f"Đơn vị {PERSON}",
        "Đơn vị phong-b",
        "Quyết định số: 215/QĐ-UBND, ngày 30 tháng 12 năm 2025",
        "Số sổ vàng: 3",
    ):
        assert words in said
    assert await world.press.turn() == 0
    files[1].unlink()
    await restarted(world)
    assert {file.name: file.read_bytes() for file in sorted(folder.iterdir())} == before
    editions = sa.select(tables.document.c.edition).where(tables.document.c.ward == ward.code)
    assert [row.edition for row in await world.rows(editions)] == [1, 1, 1]


async def restarted(world: World) -> None:
    """A new process looks at the folder first."""
    world.press = type(world.press)(world.press.works, world.press.folder, world.press.render)
    await world.print_all()


async def test_one_bad_certificate_does_not_hold_up_the_others(story: Story) -> None:
    world = story.world
    await story.decided()
    good, tried = world.press.render, list[str]()

    def bad(row: Any, place: str) -> bytes:
        tried.append(row.participant)
        if row.participant == "truong-1":
            raise ValueError("cannot print")
        return good(row, place)

    world.press.render = bad
    for _ in range(4):
        await world.press.turn()
    names = {file.name for file in (world.documents / story.ward.code).rglob("*.pdf")}
    assert names == {"001-phong-a.pdf", f"003-{PERSON}.pdf"}
    assert await world.press.pending() == 1
    assert tried.count("truong-1") == 1
    world.press.render = good
    await restarted(world)
    assert await world.press.pending() == 0


async def test_a_certificate_is_shown_to_whom_it_concerns(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.decided()
    path = f"/documents/{PERIOD}-{PERSON}"
    missing = await world.get(ward, "officer", path)
    assert missing.status_code == 404
    await world.print_all()
    for role, unit, status in (
        ("officer", "phong-x", 200),
        ("clerk", "", 200),
        ("chairman", "", 200),
        ("reporter", PERSON, 200),
        ("reporter", "phong-b", 200),
        ("reporter", "phong-a", 403),
        ("assessor", "phong-b", 403),
    ):
        answer = await world.get(ward, role, path, unit=unit)
        assert answer.status_code == status, (role, unit)
    pdf = await world.get(ward, "clerk", path)
    assert pdf.headers["content-type"] == "application/pdf"
    row = (
        await world.rows(
            sa.select(tables.document).where(
                tables.document.c.ward == ward.code,
                tables.document.c.dossier == f"{PERIOD}-{PERSON}",
            )
        )
    )[0]
    assert sha256(pdf.content).hexdigest() == row.sha256
    (world.documents / row.path).write_bytes(b"forged")
    altered = await world.get(ward, "clerk", path)
    assert altered.status_code == 409
    anonymous = await world.client.get(f"/awards{path}")
    assert anonymous.status_code == 401


async def test_every_command_may_be_repeated(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.decided()
    calls: list[tuple[str, str, Any, dict[str, str]]] = [
        ("officer", "/dossiers", dossier_body("phong-a"), {}),
        ("officer", "/publications", publication_body(*story.chosen), {}),
        (SECRETARY, "/sessions", session_body(*story.chosen), {}),
        (SECRETARY, "/sessions/phien-1/attendance", ATTENDANCE, {}),
        ("council", "/sessions/phien-1/ballots", ballot_body({}), {"person": "chairman"}),
        (SECRETARY, "/sessions/phien-1/closing", {}, {}),
        ("chairman", "/sessions/phien-1/approval", {}, {}),
        ("clerk", "/decisions", DECISION, {}),
    ]
    acts = await world.acts(ward)
    rows = await counts(world)
    for role, path, body, who in calls:
        answer = await world.post(ward, role, path, body, **who)
        assert answer.status_code == 200, (path, answer.text)
    assert await counts(world) == rows
    assert await world.acts(ward) == acts
    assert acts == [
        *["dossier-opened"] * 3,
        "candidates-published",
        "session-called",
        "attendance-taken",
        "session-closed",
        "awards-approved",
        "awards-decided",
    ]


async def test_a_key_answers_again_and_never_for_another_request(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.results()
    headers = world.token(ward, "the.officer", ["officer"], "")
    headers |= {"Idempotency-Key": "open-phong-a-once"}
    first, again, other = [
        await world.client.post("/awards/dossiers", json=body, headers=headers)
        for body in (dossier_body("phong-a"), dossier_body("phong-a"), dossier_body("phong-b"))
    ]
    assert (first.status_code, again.status_code, other.status_code) == (200, 200, 422)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert other.json()["type"].endswith("idempotency-key-reused")


async def counts(world: World) -> dict[str, int]:
    found: dict[str, int] = {}
    for table in (*tables.tables.sorted_tables, sa.table("outbox")):
        rows = await world.rows(sa.select(sa.func.count()).select_from(table))
        found[table.name] = rows[0][0]
    return found


async def test_other_content_under_a_known_name_is_a_conflict(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.decided()
    for role, path, body in (
        ("officer", "/dossiers", dossier_body("phong-a", reason="Lý do khác.")),
        ("officer", "/publications", publication_body("phong-a", window_until="2025-12-28")),
        (SECRETARY, "/sessions", session_body(*story.chosen, held_on="2025-12-31")),
        (SECRETARY, "/sessions/phien-1/attendance", {"present": list(COUNCIL)}),
        ("clerk", "/decisions", {**DECISION, "number": "216/QĐ-UBND"}),
    ):
        answer = await world.post(ward, role, path, body)
        assert answer.status_code == 409, (path, answer.text)


async def test_written_opinions_count_and_recused_members_stay_in_the_denominator(
    story: Story,
) -> None:
    closed = await story.closed()
    found = {row["dossier"]: row for row in closed["dossiers"]}
    own = found[f"{PERIOD}-phong-a"]
    assert (own["yes"], own["recused"], own["silent"], own["members"]) == (5, 1, 0, 6)
    other = found[f"{PERIOD}-truong-1"]
    assert (other["yes"], other["recused"], other["members"]) == (6, 0, 6)
    proposed = found[f"{PERIOD}-{PERSON}"]
    assert (proposed["yes"], proposed["recused"]) == (5, 1)


async def test_half_of_the_total_is_no_majority(story: Story) -> None:
    await story.attended()
    for member, choice in zip(COUNCIL, ["yes", "yes", "", "yes", "no", "abstain"], strict=True):
        if choice:
            paper = dict.fromkeys(("phong-a", "truong-1"), choice)
            if COUNCIL[member] != "phong-b":
                paper[PERSON] = choice
            await story.vote(member, paper)
    answer = await story.world.post(story.ward, SECRETARY, "/sessions/phien-1/closing")
    rows = {row["dossier"]: row for row in answer.json()["dossiers"]}
    assert rows[f"{PERIOD}-truong-1"] == {
        "dossier": f"{PERIOD}-truong-1",
        "yes": 3,
        "no": 1,
        "abstain": 1,
        "recused": 0,
        "silent": 1,
        "members": 6,
        "passed": False,
    }


async def test_the_shortlist_advises(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.opened()
    answer = (await world.get(ward, "council", f"/shortlist?period={PERIOD}")).json()
    lines = {line["participant"]: line for block in answer["blocks"] for line in block["lines"]}
    assert [block["title"] for block in answer["blocks"]] == [
        "Cá nhân",
        "Khối phòng, ban",
        "Khối trường học",
    ]
    assert [p["proposer"] for p in lines[PERSON]["proposals"]] == ["phong-b"]
    assert lines["phong-b"]["forms"] == [FORM]
    assert lines["phong-b"]["total"] == "90.00"
    assert lines["phong-a"]["eligible"] is True
    assert flags(lines["phong-a"]) == {"has-dossier", "not-proposed"}
    assert flags(lines["truong-2"]) == {"late-report", "not-proposed"}
    assert flags(lines[PERSON]) == {"has-dossier", "first-in-block"}
    assert (await world.get(ward, "reporter", f"/shortlist?period={PERIOD}")).status_code == 403


def flags(line: dict[str, Any]) -> set[str]:
    return {flag["flag"] for flag in line["flags"]}


async def test_the_page_shows_the_public_what_is_public(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.called()
    world.clock(at(20))
    public = await world.client.get("/awards/")
    assert public.status_code == 200
    assert "Đơn vị truong-1" in public.text
    assert "19/12/2025 - 26/12/2025" in public.text
    for secret in ("Dẫn đầu khối.", "Phiên họp Hội đồng", "90"):
        assert secret not in main(public)
    expired = await world.client.get("/awards/", headers={"Cookie": "thidua_token=nonsense"})
    assert main(expired) == main(public)
    forged = await world.client.get("/awards/", headers={"Authorization": "Bearer nonsense"})
    assert forged.status_code == 401
    reporter = await world.get(ward, "reporter", "/")
    assert main(reporter) == main(public)
    world.clock(at(27))
    assert "19/12/2025 - 26/12/2025" not in main(await world.client.get("/awards/"))
    inside = await world.get(ward, "officer", "/")
    path = f"/dossiers/{dossiers_of('truong-1')[0]}"
    assert f'href="/awards{path}"' in inside.text
    assert "Dẫn đầu khối." in (await world.page(ward, "officer", path)).text
    assert "Phiên họp Hội đồng ngày 29/12/2025" in inside.text


def main(page: httpx.Response) -> str:
    return page.text.partition("<main")[2]


async def test_the_page_shows_counts_decisions_and_links(story: Story) -> None:
    world, ward = story.world, story.ward
    await story.decided({"truong-1": "no"})
    await world.print_all()
    page = (await world.get(ward, "clerk", "/")).text
    first, failed = dossiers_of("phong-a", "truong-1")
    lost = (await world.page(ward, "clerk", f"/dossiers/{failed}")).text
    assert "Đồng ý 0, không đồng ý 6" in lost
    one = (await world.page(ward, "clerk", f"/dossiers/{first}")).text
    assert f'href="/awards/documents/{first}"' in one
    assert "Quyết định số 215/QĐ-UBND ngày 30/12/2025" in page
    public = main(await world.client.get("/awards/"))
    assert "215/QĐ-UBND" in public
    assert "không đồng ý" not in public
    told = await world.get(ward, "reporter", f"/awards?period={PERIOD}")
    assert told.status_code == 200, told.text
    listed = told.json()["items"]
    assert [award["participant"] for award in listed] == ["phong-a", PERSON]
    sitting = (await world.get(ward, SECRETARY, "/sessions/phien-1")).json()
    assert (sitting["voted"], len(sitting["present"]), len(sitting["written"])) == (6, 5, 1)
