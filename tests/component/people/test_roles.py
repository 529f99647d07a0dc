"""The directory of people: admitting, roles with dates, acting for somebody, ending."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.intake.store import people as store
from shared.messaging.tables import act
from shared.records import Act, first_break
from tests.component.directory_room import AUDITOR, OFFICER, OPERATOR, SECOND, Directory, refusal
from tests.component.intake_desk import WARD, moment, open_the_year
from tests.component.people.book import acts, held

pytestmark = pytest.mark.component


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


async def test_nobody_takes_the_file_of_a_unit_of_theirs_whichever_comes_first(
    room: Directory,
) -> None:
    """By a role, by what was lent, by the unit they belong to; whom they act for counts too."""
    await room.admit("lan", unit="van-phong")
    await room.admit("bo", unit="thcs-1")
    await room.grant("lan", "reporter", unit="thcs-2")
    substitute = {"role": "substitute-officer", "unit": "thcs-2"}
    assert refusal(await room.post(OFFICER, "/people/lan/roles", substitute)) == (422, "own-unit")
    await room.grant("bo", "substitute-officer", unit="thcs-2")
    head = {"role": "head", "unit": "thcs-2"}
    assert refusal(await room.post(OFFICER, "/people/bo/roles", head)) == (422, "own-unit")
    shown = await room.get(OFFICER, "/people/bo")
    body = {"name": "Người bo", "email": "bo@ward.example", "unit": "thcs-2"}
    moved = await room.ask(
        OFFICER, "PUT", "/people/bo", body, headers={"If-Match": shown.headers["etag"]}
    )
    assert refusal(moved) == (422, "own-unit")
    lent = {"principal": "bo", "roles": ["substitute-officer"], "document": "1/UQ"}
    lent |= {"delegate": "lan", "until": "2025-12-31"}
    assert refusal(await room.post(OFFICER, "/delegations", lent)) == (422, "own-unit")
    await room.admit("tu")
    await room.must(OFFICER, "/delegations", {**lent, "delegate": "tu"})
    head = {"role": "head", "unit": "thcs-2"}
    assert refusal(await room.post(OFFICER, "/people/tu/roles", head)) == (422, "own-unit")


async def test_who_acts_for_somebody_judges_no_file_of_any_unit_of_theirs(room: Directory) -> None:
    await room.admit("bo", unit="van-phong")
    await room.admit("tu")
    await room.grant("bo", "reporter", unit="thcs-1")
    await room.grant("bo", "substitute-officer", unit="thcs-2")
    lent = {"principal": "bo", "delegate": "tu", "roles": ["substitute-officer"]}
    await room.must(OFFICER, "/delegations", {**lent, "until": "2025-12-31", "document": "1/UQ"})
    async with room.room.works.read() as connection:
        [acting] = await store.delegations_of(connection, WARD, "tu", date(2025, 8, 1))
    assert not acting.units
    assert acting.stakes == {"van-phong", "thcs-1"}


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
