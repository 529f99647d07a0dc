"""One decision behind every door: the same report gets the same answer by page, HTTP and Kafka.

Each door says it in its own manner: problem details, words beside fields, reasons of an answer.
"""

import html
import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from services.intake.forms.report import fields_of
from shared.contracts.inbound import ReportSubmitted
from tests.component.intake_desk import (
    OFFICER,
    SCHOOL,
    DeskRoom,
    judgement,
    moment,
    open_the_year,
    report,
)

pytestmark = pytest.mark.component

CODE = "tieu-hoc-1"
FACTS = "thidua.intake.v1"
ON_TIME, LATE = "2025-12-05 09:00", "2025-12-11 10:00"
Body = dict[str, Any]
Change = Callable[[Body], object]


@dataclass(frozen=True)
class Answer:
    """What a door said: taken (late, duplicate), or the first code and every (pointer, words)."""

    taken: bool
    late: bool = False
    duplicate: bool = False
    code: str = ""
    reasons: frozenset[tuple[str, str]] = frozenset()

    @property
    def pointers(self) -> set[str]:
        return {pointer for pointer, _ in self.reasons}


def complete(revision: int = 1, words: str = "Bản", form: int = 1) -> Body:
    """A school's whole report."""
    items = [
        {"criterion": code, "self_score": "38.5", "narrative": f"{words} {revision}"}
        for code in ("a1", "a2")
    ]
    return report(CODE, revision=revision, items=items, form_version=form)


async def by_http(room: DeskRoom, body: Body, at: str) -> Answer:
    room.clock.time = moment(at)
    said = await room.post(OFFICER, "/reports", body)
    told = said.json()
    if said.status_code == 201:
        return Answer(True, told["late"], told["duplicate"])
    code = told["type"].removeprefix("urn:thidua:problem:")
    reasons = frozenset((one["pointer"], one["detail"]) for one in told.get("errors", ()))
    return Answer(
        False, code="invalid-field" if code == "invalid-request" else code, reasons=reasons
    )


async def by_kafka(room: DeskRoom, body: Body, at: str) -> Answer:
    await room.news()
    await room.apply(room.record(body, at=at))
    [said] = [one for one in await room.news() if one.topic.startswith("thidua.outbound.")]
    if said.name == "report-received":
        return Answer(True, said.data["late"], said.data["duplicate"])
    reasons = frozenset((one["pointer"], one["detail"]) for one in said.data["reasons"])
    return Answer(False, code=said.data["reasons"][0]["code"], reasons=reasons)


async def by_page(room: DeskRoom, body: Body, at: str) -> Answer:
    """As the school's reporter types it; a field's name stands for its pointer."""
    room.clock.time = moment(at)
    path = f"/drafts/{body['participant']}/{body['period']}"
    draft = (await room.get(SCHOOL, path)).json()
    seen = {name: str(draft.get(name, 0)) for name in ("version", "revision")}
    saved = await room.fill(SCHOOL, path, {**as_typed(body), **seen})
    if saved.status_code != 303:
        return _refused_by_page(saved.text, saved.status_code, body)
    version = (await room.get(SCHOOL, path)).json()["version"]
    await room.news()
    form = {"commitment": "true", "version": str(version)}
    sent = await room.fill(SCHOOL, f"{path}/submission", form)
    if sent.status_code == 303:
        [fact] = await room.news("report-received")
        return Answer(True, fact.data["late"])
    return _refused_by_page(sent.text, sent.status_code, body)


def as_typed(body: Body) -> dict[str, str]:
    return fields_of(ReportSubmitted.model_validate(body).model_dump(mode="json"))


def _refused_by_page(page: str, status: int, body: Body) -> Answer:
    numbers = {item["criterion"]: at for at, item in enumerate(body["items"])}
    reasons = set()
    for field, words in re.findall(r'<a href="[^"]*#o-items\.([^"]+)">([^<]+)</a>', page):
        code, _, name = field.partition(".")
        reasons.add((f"/items/{numbers[code]}/{name}", html.unescape(words).rpartition(": ")[2]))
    return Answer(False, code="invalid-field" if status == 422 else "", reasons=frozenset(reasons))


DOORS = {"http": by_http, "kafka": by_kafka, "page": by_page}
PROGRAMS = ("http", "kafka")


@dataclass(frozen=True)
class Case:
    """A change of a good report, and the pointers that a refusal names; None: it is taken."""

    change: Change
    code: str = ""
    pointers: tuple[str, ...] | None = None
    at: str = ON_TIME
    form: int = 1
    typed: bool = False
    """Whether a page's form can say it."""


def _item(number: int = 0, **changes: Any) -> Change:
    return lambda body: body["items"][number].update(changes)


def _all_of(*changes: Change) -> Change:
    return lambda body: [change(body) for change in changes]


UNSCORED: Mapping[str, Any] = {"self_score": None, "not_applicable": True}
CASES: Mapping[str, Case] = {
    "good": Case(lambda body: None, typed=True),
    "late": Case(lambda body: None, at=LATE, typed=True),
    "not applicable": Case(_item(**UNSCORED)),
    "not applicable, with a reason": Case(_item(**UNSCORED, reason="Không có"), form=2, typed=True),
    "nobody of that code": Case(
        lambda body: body.update(participant="khong-co"), "unknown-participant", ("/participant",)
    ),
    "no such period": Case(lambda b: b.update(period="2031-annual"), "wrong-period", ("/period",)),
    "a criterion of another group": Case(
        _item(criterion="c1"), "invalid-field", ("/items/0/criterion",)
    ),
    "a criterion twice": Case(_item(1, criterion="a1"), "invalid-field", ("/items/1/criterion",)),
    "points and not applicable": Case(
        _item(not_applicable=True), "invalid-field", ("/items/0/self_score",)
    ),
    "neither points nor a reason": Case(
        _item(1, self_score=None), "invalid-field", ("/items/1/self_score",), form=2, typed=True
    ),
    "not applicable without a reason": Case(
        _item(**UNSCORED), "invalid-field", ("/items/0/reason",), form=2, typed=True
    ),
    "two things at once": Case(
        _all_of(_item(**UNSCORED), _item(1, self_score=None)),
        "invalid-field",
        ("/items/0/reason", "/items/1/self_score"),
        form=2,
        typed=True,
    ),
    "no such content": Case(
        lambda body: body["contents"][0].update(content=9),
        "invalid-field",
        ("/contents/0/content",),
    ),
    "no such form of reward": Case(
        lambda body: body["nominations"][0].update(form="huan-chuong"),
        "invalid-field",
        ("/nominations/0/form",),
    ),
    "all of it wrong": Case(
        _all_of(
            lambda body: body.update(period="2031-annual", participant="khong-co"), _item(extra=1)
        ),
        "unknown-participant",
        ("/participant", "/period"),
    ),
    "too long": Case(
        lambda body: body.update(
            contents=[{"content": n % 2 + 1, "text": "ă" * 20_000} for n in range(20)]
        ),
        "invalid-field",
        ("",),
    ),
    "points with three decimals": Case(
        _item(self_score="38.555"), "invalid-field", ("/items/0/self_score",)
    ),
    "points as a number": Case(_item(self_score=38.5), "invalid-field", ("/items/0/self_score",)),
    "revision 0": Case(lambda body: body.update(revision=0), "invalid-field", ("/revision",)),
    "no items": Case(lambda body: body.pop("items"), "invalid-field", ("/items",)),
    "evidence that is no address": Case(
        _item(evidence=[{"title": "x", "url": "ftp://x"}]),
        "invalid-field",
        ("/items/0/evidence/0/url",),
    ),
}


@pytest.fixture
async def room(desk: DeskRoom) -> DeskRoom:
    await desk.begin_anew()
    await open_the_year(desk)
    return desk


@pytest.mark.parametrize("name", CASES)
async def test_every_door_decides_the_same(room: DeskRoom, name: str) -> None:
    case = CASES[name]
    body = complete(form=case.form)
    case.change(body)
    answers: dict[str, Answer] = {}
    for door, send in DOORS.items():
        if door in PROGRAMS or case.typed:
            answers[door] = await send(room, json.loads(json.dumps(body)), case.at)
            await forget_reports(room)
    for door, answer in answers.items():
        assert answer.taken == (case.pointers is None), (door, answer)
        assert answer.late == (case.at == LATE and answer.taken), door
        assert answer.code == case.code, door
        assert answer.pointers == set(case.pointers or ()), door
    assert len(set(answers.values())) == 1, answers


async def forget_reports(room: DeskRoom) -> None:
    async with room.engine.begin() as connection:
        for table in ("report", "draft"):
            await connection.exec_driver_sql(f"DELETE FROM {table}")
        await connection.exec_driver_sql("UPDATE obligation SET met_at = NULL, on_time = NULL")


@pytest.mark.parametrize(("first", "second"), list(itertools.product(DOORS, PROGRAMS)))
async def test_between_two_doors_the_revision_decides(
    room: DeskRoom, first: str, second: str
) -> None:
    one, other = DOORS[first], DOORS[second]
    assert (await one(room, complete(1), ON_TIME)).taken
    clash = await other(room, complete(1, "Khác"), ON_TIME)
    assert (clash.code, clash.pointers) == ("revision-conflict", {"/revision"})
    assert (await other(room, complete(2, "Khác"), ON_TIME)).taken
    assert await other(room, complete(2, "Khác"), LATE) == Answer(True, duplicate=True)
    if first != "page":
        assert await one(room, complete(2, "Khác"), LATE) == Answer(True, duplicate=True)
        assert (await one(room, complete(2, "Nữa"), ON_TIME)).code == "revision-conflict"
        assert await one(room, complete(1), LATE) == Answer(True, duplicate=True)
    assert (await one(room, complete(3), ON_TIME)).taken
    await room.must(OFFICER, "/reports/acceptances", judgement(CODE, 3))
    late = await other(room, complete(4), ON_TIME)
    assert late.code == "already-accepted"
    facts = [said for said in await room.said("report-received") if said.topic == FACTS]
    assert [said.data["revision"] for said in facts] == [1, 2, 3]


async def test_a_draft_that_another_door_has_overtaken_is_not_sent(room: DeskRoom) -> None:
    """The page says so, and shows what came in; nothing is written over."""
    path = f"/drafts/{CODE}/2025-annual"
    await room.fill(SCHOOL, path, {**as_typed(complete(1)), "version": "0"})
    version = (await room.get(SCHOOL, path)).json()["version"]
    assert (await by_kafka(room, complete(1, "Khác"), ON_TIME)).taken
    form = {"commitment": "true", "version": str(version)}
    sent = await room.fill(SCHOOL, f"{path}/submission", form)
    assert sent.status_code == 409
    assert "Bản số 1 đã được gửi qua cửa khác" in html.unescape(sent.text)
    facts = [said for said in await room.said("report-received") if said.topic == FACTS]
    assert len(facts) == 1
