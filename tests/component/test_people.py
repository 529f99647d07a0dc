"""The directory of people: admitting, roles with dates, acting for somebody, ending."""

import argparse
from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from deploy.local.infrastructure import Provided
from services.intake.admission import ADMIT
from services.intake.app import service
from services.intake.domain.directory import Holdings
from services.intake.store import people as store
from shared import migrations
from shared.database import connect
from shared.messaging.tables import act
from shared.migrations import migrate
from shared.records import Act, first_break
from tests.component.directory_room import (
    AUDITOR,
    OFFICER,
    OPERATOR,
    SECOND,
    Directory,
    refusal,
)
from tests.component.intake_desk import (
    MOVEMENT,
    WARD,
    DeskRoom,
    moment,
    one_intake,
    open_the_year,
    participant,
)
from tests.component.intake_desk import OFFICER as DESK

pytestmark = pytest.mark.component

TODAY = date(2025, 8, 1)


@pytest.fixture(scope="module")
async def desk(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DeskRoom]:
    async with one_intake(infrastructure, tmp_path_factory.mktemp("intake")) as opened:
        yield opened


@pytest.fixture
async def room(desk: DeskRoom) -> Directory:
    """Nobody on the roll, nobody in the directory, 01/08/2025."""
    await desk.begin_anew()
    return Directory(desk)


async def held(room: Directory, person: str, on: date = TODAY) -> Holdings:
    async with room.room.works.read() as connection:
        return await store.holdings(connection, room.ward, person, on)


async def acts(room: Directory) -> list[tuple[str, str, str]]:
    rows = await room.room.rows("SELECT name, subject, actor FROM act ORDER BY seq")
    return [(name, subject, actor) for name, subject, actor in rows]


async def test_somebody_admitted_is_known_everywhere_and_the_same_again_is_no_news(
    room: Directory,
) -> None:
    await room.admit("lan", "Lan")
    [told] = await room.room.news("contact-recorded")
    assert (told.key, told.data["name"], told.data["email"]) == (
        f"{WARD}/lan",
        "Lan",
        "lan@ward.example",
    )
    again = {"person": "lan", "name": "Lan", "email": "lan@ward.example", "unit": ""}
    assert (await room.must(OPERATOR, "/people", again))["new"] is False
    assert await room.room.news() == []
    other = await room.post(OFFICER, "/people", again | {"email": "x@ward.example"})
    assert refusal(other) == (409, "person-exists")
    assert await acts(room) == [("person-admitted", f"{WARD}/lan", OFFICER)]
    async with room.room.works.read() as connection:
        assert await store.find_by_email(connection, " LAN@Ward.example") == [(WARD, "lan")]
        assert await store.find_by_email(connection, "") == []


async def test_a_role_counts_from_its_first_day_to_its_last(room: Directory) -> None:
    await room.admit("lan")
    await room.grant("lan", "assessor", since="2025-08-03", until="2025-08-05")
    days = [date(2025, 8, day) for day in range(1, 8)]
    counting = [day.day for day in days if (await held(room, "lan", day)).roles == {"assessor"}]
    assert counting == [3, 4, 5]
    shown = (await room.get(AUDITOR, "/people/lan")).json()
    assert [(r["role"], r["in_force"]) for r in shown["roles"]] == [("assessor", False)]


async def test_an_ended_role_ends_at_once_and_its_tokens_with_it(room: Directory) -> None:
    await room.admit("lan")
    number = await room.grant("lan", "clerk")
    assert (await held(room, "lan")).roles == {"clerk"}
    await room.room.news()
    answer = await room.must(OFFICER, f"/people/lan/roles/{number}/end", {"reason": "Nghỉ việc"})
    assert answer == {"id": number, "ended_on": "2025-08-01"}
    assert (await held(room, "lan")).roles == frozenset()
    [ended] = await room.room.news()
    assert (ended.name, ended.key, ended.data["session"]) == ("access-ended", f"{WARD}/lan", None)
    assert await room.room.rows("SELECT person, session FROM ended_access") == [("lan", "")]
    again = await room.must(OFFICER, f"/people/lan/roles/{number}/end", {"reason": "Khác"})
    assert again == answer
    assert await room.room.news() == []
    missing = await room.post(OFFICER, f"/people/bo/roles/{number}/end", {"reason": "x"})
    assert refusal(missing) == (404, "not-found")


async def test_a_role_that_is_open_is_not_granted_twice(room: Directory) -> None:
    await room.admit("lan")
    first = await room.grant("lan", "clerk")
    assert await room.grant("lan", "clerk") == first
    await room.must(OFFICER, f"/people/lan/roles/{first}/end", {"reason": "x"})
    assert await room.grant("lan", "clerk") != first
    assert [name for name, *_ in await acts(room)].count("role-granted") == 2


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"role": "chairman"}, "document-missing"),
        ({"role": "council"}, "document-missing"),
        ({"role": "council-secretary"}, "document-missing"),
        ({"role": "reporter"}, "wrong-scope"),
        ({"role": "clerk", "unit": "thcs-1"}, "wrong-scope"),
        ({"role": "council", "document": "1", "unit": "a", "session": "b"}, "wrong-scope"),
        ({"role": "clerk", "since": "2025-08-02", "until": "2025-08-01"}, "days-reversed"),
        ({"role": "auditor"}, "roles-exclude"),
        ({"role": "operator"}, "roles-exclude"),
        ({"role": "substitute-officer", "unit": "van-phong"}, "own-unit"),
        ({"role": "chief"}, "invalid-request"),
    ],
)
async def test_a_grant_that_may_not_be_is_refused_with_its_reason(
    room: Directory, body: dict[str, Any], name: str
) -> None:
    await room.admit("lan", unit="van-phong")
    await room.grant("lan", "assessor")
    assert refusal(await room.post(OFFICER, "/people/lan/roles", body)) == (422, name)


async def test_nobody_gives_themselves_a_role_nor_in_somebody_elses_place(room: Directory) -> None:
    await room.admit("lan")
    body = {"role": "assessor"}
    own = await room.post("lan", "/people/lan/roles", body, roles=["operator"])
    assert refusal(own) == (422, "own-role")
    acting = {"roles": ["officer"], "act_for": "lan", "act_unit": ""}
    assert refusal(await room.post("bo", "/people/lan/roles", body, **acting)) == (422, "own-role")
    number = await room.grant("lan", "assessor")
    ending = await room.post(
        "lan", f"/people/lan/roles/{number}/end", {"reason": "x"}, roles=["officer"]
    )
    assert refusal(ending) == (422, "own-role")
    assert refusal(
        await room.post("lan", "/people/lan/erasure", {"document": "1"}, roles=["officer"])
    ) == (422, "own-role")


async def test_only_who_keeps_the_directory_writes_in_it_and_the_auditor_reads(
    room: Directory,
) -> None:
    await room.admit("lan")
    body = {"person": "moi", "name": "Mới", "email": "moi@ward.example"}
    for who in (OFFICER, SECOND, OPERATOR):
        assert (await room.post(who, "/people", body)).status_code == 201
        assert (await room.get(who, "/people")).status_code == 200
    assert (await room.get(AUDITOR, "/people/lan")).status_code == 200
    for refused in (
        await room.post(AUDITOR, "/people", body),
        await room.post(AUDITOR, "/people/lan/roles", {"role": "clerk"}),
        await room.get("reporter", "/people", roles=["reporter"]),
        await room.get("chairman", "/people", roles=["chairman"]),
        await room.post("chairman", "/people/lan/erasure", {"document": "1"}, roles=["chairman"]),
    ):
        assert refused.status_code == 403


async def test_another_ward_sees_and_changes_nobody_here(room: Directory) -> None:
    await room.admit("lan")
    number = await room.grant("lan", "clerk")
    elsewhere = Directory(room.room, "le-thanh-nghi")
    assert (await elsewhere.get(OFFICER, "/people")).json()["items"] == []
    assert (await elsewhere.get(OFFICER, "/people/lan")).status_code == 404
    for path, body in (
        ("/people/lan/roles", {"role": "clerk"}),
        (f"/people/lan/roles/{number}/end", {"reason": "x"}),
        ("/people/lan/erasure", {"document": "1"}),
        ("/people/lan/access/end", {"reason": "x"}),
    ):
        assert (await elsewhere.post(OFFICER, path, body)).status_code == 404, path
    assert (await held(room, "lan")).roles == {"clerk"}


async def test_a_change_needs_the_version_that_was_seen(room: Directory) -> None:
    await room.admit("lan", "Lan")
    shown = await room.get(OFFICER, "/people/lan")
    form = {"name": "Lan", "email": "lan.moi@ward.example", "unit": ""}

    async def put(tag: str | None) -> Any:
        headers = {"If-Match": tag} if tag else {}
        return await room.ask(OFFICER, "PUT", "/people/lan", form, headers=headers)

    assert (await put(None)).status_code == 428
    await room.room.news()
    done = await put(shown.headers["etag"])
    assert (done.status_code, done.json()["version"]) == (200, 2)
    assert [(f.name, f.data.get("email")) for f in await room.room.news()] == [
        ("contact-recorded", "lan.moi@ward.example"),
        ("access-ended", None),
    ]
    assert (await put(shown.headers["etag"])).status_code == 412
    fresh = (await room.get(OFFICER, "/people/lan")).headers["etag"]
    assert (await put(fresh)).json()["version"] == 2, "the same again is no change"
    known = await room.ask(OFFICER, "GET", "/people/lan", headers={"If-None-Match": fresh})
    assert known.status_code == 304


async def test_registering_makes_the_reporter_a_reporter_of_the_unit(room: Directory) -> None:
    await open_the_year(room.room)
    found = await held(room, "tieu-hoc-1.reporter")
    assert (found.unit, set(found.roles), set(found.units)) == (
        "tieu-hoc-1",
        {"reporter"},
        {"tieu-hoc-1"},
    )
    before = await room.room.rows("SELECT count(*) FROM role_held")
    await open_the_year(room.room)
    assert await room.room.rows("SELECT count(*) FROM role_held") == before


async def test_who_is_proposed_by_a_unit_with_the_same_reporter_needs_no_role(
    room: Directory,
) -> None:
    unit = participant("tieu-hoc-1")
    teacher = participant(
        "giao-vien-1",
        group="d",
        block="ca-nhan",
        kind="individual-official",
        manner="proposed",
        proposed_by="tieu-hoc-1",
    ) | {"reporter": unit["reporter"]}
    await room.room.must(DESK, "/movements", MOVEMENT)
    await room.room.must(DESK, "/participants", {"participants": [teacher, unit]})
    found = await held(room, "tieu-hoc-1.reporter")
    assert (found.unit, set(found.units)) == ("tieu-hoc-1", {"tieu-hoc-1"})


async def test_a_unit_must_be_on_the_roll_once_there_is_a_roll(room: Directory) -> None:
    await room.admit("som", unit="chua-dang-ky")
    await open_the_year(room.room)
    body = {"person": "lan", "name": "Lan", "email": "lan@ward.example", "unit": "khong-co"}
    assert refusal(await room.post(OFFICER, "/people", body)) == (422, "unknown-unit")
    await room.admit("lan", unit="thcs-1")
    grant = {"role": "head", "unit": "khong-co"}
    assert refusal(await room.post(OFFICER, "/people/lan/roles", grant)) == (422, "unknown-unit")
    await room.grant("lan", "head", unit="thcs-1")
    assert (await held(room, "lan")).units == {"thcs-1"}


async def test_an_officer_of_a_competing_unit_is_told_to_name_a_substitute(
    room: Directory,
) -> None:
    await open_the_year(room.room)
    await room.admit("lan", unit="phong-vhxh")
    given = await room.must(OPERATOR, "/people/lan/roles", {"role": "officer"})
    assert [words for words in given["warnings"] if "phong-vhxh" in words]
    await room.admit("bo", unit="thcs-1")
    await room.grant("bo", "substitute-officer", unit="phong-vhxh")
    found = await held(room, "bo")
    assert found.roles == {"substitute-officer"}
    assert not found.units, "who stands in for a unit does not belong to it"
    again = await room.must(OPERATOR, "/people/lan/roles", {"role": "officer"})
    assert not [words for words in again["warnings"] if "phong-vhxh" in words]


async def test_acting_for_somebody_is_never_more_than_they_hold_on_the_day(
    room: Directory,
) -> None:
    await room.admit("chu-tich", "Chủ tịch")
    await room.admit("pho", "Phó")
    number = await room.grant("chu-tich", "chairman", document="1/QĐ", until="2025-08-10")
    lend = {
        "principal": "chu-tich",
        "delegate": "pho",
        "roles": ["chairman"],
        "since": "2025-08-05",
        "until": "2025-08-20",
        "document": "2/GUQ",
    }
    lent = await room.must(OFFICER, "/delegations", lend)
    assert (await room.must(OFFICER, "/delegations", lend))["id"] == lent["id"]

    async def acting(person: str, on: date) -> list[tuple[str, frozenset[str]]]:
        async with room.room.works.read() as connection:
            found = await store.delegations_of(connection, WARD, person, on)
        return [(one.principal, one.roles) for one in found]

    days = [date(2025, 8, 1) + timedelta(days=n) for n in range(25)]
    assert [d.day for d in days if await acting("pho", d)] == [5, 6, 7, 8, 9, 10]
    assert (await held(room, "pho", date(2025, 8, 6))).roles == frozenset()
    assert await acting("nobody", date(2025, 8, 6)) == []
    room.room.clock.time = moment("2025-08-06 08:00")
    await room.room.news()
    await room.must(OFFICER, f"/people/chu-tich/roles/{number}/end", {"reason": "x"})
    ended = [fact.key for fact in await room.room.news("access-ended")]
    assert ended == [f"{WARD}/chu-tich", f"{WARD}/pho"], "who acted for them is stopped as well"
    assert await acting("pho", date(2025, 8, 6)) == []


async def test_what_was_lent_is_not_lent_on(room: Directory) -> None:
    for person in ("a", "b", "c"):
        await room.admit(person)
    await room.grant("a", "clerk")
    lend = {"roles": ["clerk"], "until": "2025-09-01", "document": "1/UQ"}
    await room.must(OFFICER, "/delegations", lend | {"principal": "a", "delegate": "b"})
    onward = lend | {"principal": "b", "delegate": "c"}
    assert refusal(await room.post(OFFICER, "/delegations", onward)) == (422, "role-not-held")
    acting = {"roles": ["clerk"], "act_for": "a"}
    further = lend | {"principal": "a", "delegate": "c"}
    assert (await room.post("b", "/delegations", further, **acting)).status_code == 403


async def test_who_may_lend_and_to_whom(room: Directory) -> None:
    for person in ("a", "b"):
        await room.admit(person)
    await room.grant("a", "clerk")
    lend = {
        "principal": "a",
        "delegate": "b",
        "roles": ["clerk"],
        "until": "2025-09-01",
        "document": "1/UQ",
    }
    stranger = await room.post("c", "/delegations", lend, roles=["clerk"])
    assert stranger.status_code == 403
    taken = await room.post("b", "/delegations", lend, roles=["operator"])
    assert refusal(taken) == (422, "own-role")
    own = await room.post("a", "/delegations", lend, roles=["clerk"])
    assert own.status_code == 201
    stop = f"/delegations/{own.json()['id']}/end"
    assert (await room.post("b", stop, {"reason": "x"}, roles=["clerk"])).status_code == 403
    assert (await room.post("a", stop, {"reason": "x"}, roles=["clerk"])).status_code == 200
    self_lend = lend | {"delegate": "a"}
    assert refusal(await room.post(OFFICER, "/delegations", self_lend)) == (422, "same-person")
    vote = lend | {"roles": ["council"]}
    assert refusal(await room.post(OFFICER, "/delegations", vote)) == (422, "role-personal")


async def test_every_act_is_on_record_with_who_did_it_and_for_whom(room: Directory) -> None:
    await room.admit("lan")
    acting = {"roles": ["officer"], "act_for": "truong"}
    await room.post("pho", "/people/lan/roles", {"role": "clerk"}, **acting)
    rows = await room.room.rows(
        f"SELECT {', '.join(Act.__dataclass_fields__)} FROM {act.name} ORDER BY seq"
    )
    found = [Act(*row) for row in rows]
    assert [(one.name, one.actor) for one in found] == [
        ("person-admitted", OFFICER),
        ("role-granted", "pho for truong"),
    ]
    assert first_break(found) is None


async def test_lists_follow_the_vietnamese_alphabet_page_by_page(room: Directory) -> None:
    names = ["Ân", "An", "Ánh", "Đào", "Dung", "Êm", "Em", "Ơn", "Ong", "Ông"]
    for number, name in enumerate(names):
        await room.admit(f"p-{number}", name)
    seen: list[str] = []
    path = "/people?limit=3"
    while path:
        page = (await room.get(OFFICER, path)).json()
        seen += [row["name"] for row in page["items"]]
        path = f"/people?limit=3&cursor={page['next']}" if page["next"] else ""
    assert seen == ["An", "Ánh", "Ân", "Dung", "Đào", "Em", "Êm", "Ong", "Ông", "Ơn"]


async def test_a_search_without_marks_finds_words_with_them(room: Directory) -> None:
    await room.admit("a", "Trưởng phòng Đỗ", email="vp_1@ward.example")
    await room.admit("b", "Trương Đình", email="b@ward.example")

    async def found(q: str) -> list[str]:
        answer = await room.ask(OFFICER, "GET", f"/people?q={q}")
        return [row["person"] for row in answer.json()["items"]]

    assert await found("truong") == ["b", "a"]
    assert await found("trưởng") == ["a"]
    assert await found("TRƯƠNG") == ["b"]
    assert await found("do") == ["a"]
    assert await found("vp_1@") == ["a"]
    assert await found("vp%25") == await found("vp_2") == []
    assert (await room.ask(OFFICER, "GET", "/people?q=%00")).status_code == 400
    assert (await room.ask(OFFICER, "GET", "/people?role=clerk")).json()["items"] == []


FILE = """
people:
  - {person: officer, name: Công chức, roles: [officer], unit: phong-vhxh, email: o@ward.example}
  - person: sub
    name: Người thay
    roles: [substitute-officer, assessor]
    unit: van-phong
    email: s@ward.example
    substitute_for: phong-vhxh
  - {person: chairman, name: Chủ tịch, roles: [chairman, council], email: c@ward.example}
"""


async def admit(room: Directory, file: Path, *more: str) -> int:
    parser = argparse.ArgumentParser()
    ADMIT.arguments(parser)
    told = parser.parse_args([str(file), "--ward", WARD, *more])
    parts: Any = SimpleNamespace(works=room.room.works)
    return await ADMIT.run(parts, told)


async def test_a_ward_begins_with_a_file_and_may_be_begun_again(
    room: Directory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(FILE, "utf-8")
    assert await admit(room, file) == 4
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("refused")] == [
        line for line in lines if "document-missing" in line
    ]
    assert len([line for line in lines if line.startswith("refused: chairman")]) == 2
    assert await admit(room, file, "--document", "12/QĐ-UBND") == 0
    assert capsys.readouterr().out.splitlines() == [
        "known: officer",
        "known: officer officer",
        "known: sub",
        "known: sub substitute-officer of phong-vhxh",
        "known: sub assessor",
        "known: chairman",
        "done: chairman chairman",
        "done: chairman council",
    ]
    assert set((await held(room, "chairman")).roles) == {"chairman", "council"}
    assert (await held(room, "sub")).unit == "van-phong"
    before = await acts(room)
    assert await admit(room, file, "--document", "12/QĐ-UBND", "--since", "2025-07-01") == 0
    assert await acts(room) == before
    assert {actor for *_, actor in before} == {"cli:admit"}


async def test_a_file_that_is_wrong_changes_nothing(
    room: Directory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.yaml"
    for text, said in (
        ("people: []", "/people"),
        (FILE.replace("[officer]", "[chief]"), "/people/0/roles/0"),
        (FILE.replace("email: c@ward.example", "address: x"), "/people/2/address"),
        ("people: [", "cannot be read"),
    ):
        file.write_text(text, "utf-8")
        assert await admit(room, file) == 4
        assert said in capsys.readouterr().err
    assert await admit(room, tmp_path / "missing.yaml") == 4
    assert (await room.get(OFFICER, "/people")).json()["items"] == []
    with pytest.raises(SystemExit):
        await admit(room, file, "--ward", "Tứ Minh")


async def test_everybody_sees_what_is_held_about_them_and_nobody_elses(room: Directory) -> None:
    await room.admit("lan", "Lan", unit="phong-vhxh")
    await room.admit("bo", "Bo")
    await room.grant("lan", "assessor", until="2025-12-31")
    me = (await room.get("lan", "/me", roles=["assessor"])).json()
    texts = [(row["what"], row["text"]) for row in me["held"]]
    assert ("Tên", "Lan") in texts
    assert ("Địa chỉ thư", "lan@ward.example") in texts
    assert any("assessor" in text and "31/12/2025" in text for _, text in texts)
    assert me["elsewhere"] == ["/scoring/me", "/awards/me", "/notify/me"]
    assert "bo@ward.example" not in str(me)
    page = await room.ask("lan", "GET", "/me", headers={"Accept": "text/html"}, roles=["assessor"])
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "lan@ward.example" in page.text
    assert (await room.get("nobody", "/me")).json()["held"] == []
    assert (await room.room.client.get("/intake/me")).status_code == 401


async def test_a_correction_is_asked_shown_and_answered_once(room: Directory) -> None:
    await room.admit("lan")
    asked = await room.post("lan", "/me/corrections", {"text": "Tên tôi là Lán"})
    number = asked.json()["id"]
    assert (await room.post("nobody", "/me/corrections", {"text": "x"})).status_code == 404
    [waiting] = (await room.get(OFFICER, "/corrections")).json()
    assert (waiting["person"], waiting["text"]) == ("lan", "Tên tôi là Lán")
    elsewhere = Directory(room.room, "le-thanh-nghi")
    assert (await elsewhere.get(OFFICER, "/corrections")).json() == []
    answer = {"outcome": "refused", "reason": "Giấy tờ ghi Lan"}
    path = f"/corrections/{number}/answer"
    assert (await elsewhere.post(OFFICER, path, answer)).status_code == 404
    assert (await room.post("lan", path, answer, roles=["officer"])).status_code == 422
    assert (await room.post(OFFICER, path, answer)).status_code == 201
    assert (await room.post(OFFICER, path, answer)).status_code == 201
    other = answer | {"outcome": "corrected"}
    assert refusal(await room.post(OFFICER, path, other)) == (409, "answered-already")
    assert (await room.get(OFFICER, "/corrections")).json() == []
    assert "Giấy tờ ghi Lan" in (await room.get("lan", "/me")).text


async def test_an_older_database_makes_its_reporters_reporters(
    make_database: Callable[[str], str],
) -> None:
    url = make_database("older")
    engine = connect(url)
    one = participant("thcs-1")["reporter"]["person"]
    rows = [
        ("thcs-1", None, "owes", True, one),
        ("giao-vien-1", "thcs-1", "proposed", False, one),
        ("giao-vien-2", "thcs-1", "proposed", False, "gv-2"),
    ]
    async with engine.begin() as connection:
        await connection.run_sync(_to_0003)
        for code, proposer, manner, collective, reporter in rows:
            await connection.execute(
                sa.text(
                    "INSERT INTO participant VALUES ('w', :code, 'n', 'school', :collective, 'a',"
                    " 'b', :manner, :proposer, :reporter, '2025-08-01T18:00:00Z')"
                ),
                {
                    "code": code,
                    "proposer": proposer,
                    "manner": manner,
                    "collective": collective,
                    "reporter": reporter,
                },
            )
        for person in (one, "gv-2", "nobody"):
            await connection.execute(
                sa.text("INSERT INTO contact VALUES ('w', :person, 'n', 'a@x.example')"),
                {"person": person},
            )
    await migrate(url, service.migrations)
    async with engine.connect() as connection:
        found = {
            p: await store.holdings(connection, "w", p, date(2025, 8, 2)) for p in (one, "gv-2")
        }
        day_before = await store.holdings(connection, "w", one, TODAY)
        nobody = await store.holdings(connection, "w", "nobody", date(2025, 8, 2))
    assert {p: (h.unit, sorted(h.units)) for p, h in found.items()} == {
        one: ("thcs-1", ["thcs-1"]),
        "gv-2": ("giao-vien-2", ["giao-vien-2"]),
    }
    assert not day_before.roles, "registered on 02/08 by the ward's clock"
    assert (nobody.unit, set(nobody.roles)) == ("", set())
    await engine.dispose()


def _to_0003(connection: sa.Connection) -> None:
    config = migrations._config(service.migrations)
    config.attributes["connection"] = connection
    command.upgrade(config, "0003")
