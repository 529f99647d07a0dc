"""Reports on other forms than a year's, numbers beside criteria, and a plan's signed copy."""

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

import pytest

from deploy.cycle.bodies import movement_body, participant_body
from deploy.local.state import ROOT
from deploy.wards.loader import load_ward
from tests.component.draft_room import send, wrong
from tests.component.intake_desk import (
    OFFICER,
    SCHOOL,
    DeskRoom,
    judgement,
    moment,
    plan,
    report,
    returning,
    token,
)
from tests.component.movement_room import (
    ANNUAL,
    BASE,
    PLAN,
    RULED,
    call,
    draft,
    name_of,
    with_rules,
)
from tests.evidence_files import pdf

pytestmark = pytest.mark.component

REVIEW = "2027-so-ket"
UNIT = "tieu-hoc-1"
DRAFT = f"/drafts/{UNIT}/{REVIEW}"
RULE: dict[str, Any] = {
    "code": "so-ket",
    "kind": "midterm-report",
    "title": "Sơ kết",
    "suffix": "so-ket",
    "due": {"on": "2027-11-30"},
    "due_text": "đến hết ngày 30/11/2027",
    "years": [2027],
    "form": "midterm-review",
}
MOVEMENT = {**RULED, "rules": [PLAN, {**ANNUAL, "form": "annual-report.v2"}, RULE]}


@pytest.fixture(name="year")
async def opened(desk: DeskRoom) -> DeskRoom:
    """2027 is opened, with its review, and it is 01/10."""
    await with_rules(desk, MOVEMENT)
    desk.clock.time = moment("2027-10-01 09:00")
    await desk.must(OFFICER, f"{BASE}/years", {"year": 2027})
    return desk


def review(revision: int = 1, **more: Any) -> dict[str, Any]:
    body = {
        "period": REVIEW,
        "form": "midterm-review",
        "aims": [{"aim": "Số hóa hồ sơ", "reached": "partly", "result": "Đạt 80 %."}],
        "items": [{"criterion": "a1", "narrative": "Đã làm ba năm."}],
        "indicators": [{"code": "a1-1", "value": "80", "title": "Hồ sơ", "criterion": "a1"}],
        "lessons": "Giao việc sớm.",
        "directions": "Làm nốt.",
    }
    return report(UNIT, revision=revision, **(body | more))


def judged(revision: int = 1) -> dict[str, Any]:
    return judgement(UNIT, revision) | {"period": REVIEW}


async def page(room: DeskRoom, person: str, path: str) -> str:
    answer = await room.page(person, path)
    assert answer.status_code == 200, answer.text
    return unescape(" ".join(answer.text.split()))


def bearer(person: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(person)}"}


async def test_a_review_from_being_asked_to_being_accepted(year: DeskRoom) -> None:
    """Asked for by the rule, sent, sent back in part, mended by another door, accepted."""
    asked = [f.data for f in await year.news("period-opened", "obligation-opened")]
    assert {f["kind"] for f in asked if f["period"] == REVIEW} == {"midterm-report"}
    period = next(f for f in asked if f["period"] == REVIEW and "title" in f)
    assert (period["title"], period["kind"]) == ("Sơ kết 2027", "midterm-report")
    assert await year.rows(f"SELECT form FROM period WHERE period = '{REVIEW}'") == [
        ("midterm-review",)
    ]
    await year.must(SCHOOL, "/reports", review())
    received, met = await year.news("report-received", "obligation-met")
    duty = await year.get(SCHOOL, f"/obligations/{met.data['obligation']}")
    assert duty.json()["forms"] == ["midterm-review.v1"]
    assert "Báo cáo sơ kết, mẫu số 1" in await page(year, SCHOOL, f"/files/{UNIT}/{REVIEW}")
    [item] = received.data["items"]
    assert (item["criterion"], item["self_score"], item["not_applicable"]) == ("a1", None, False)
    assert (met.data["kind"], met.data["on_time"]) == ("midterm-report", True)
    back = returning(UNIT, reasons=[{"pointer": "/lessons", "text": "Nêu rõ hơn."}])
    back |= {"period": REVIEW, "correct_by": "2027-10-20T17:00:00+07:00"}
    await year.must(OFFICER, "/reports/returns", back)
    aims = [{"aim": "Số hóa hồ sơ", "reached": "reached"}]
    await year.apply(year.record(review(2, lessons="Rõ hơn.", aims=aims), at="2027-10-02 09:00"))
    [rejected] = await year.news("report-rejected")
    assert [r["pointer"] for r in rejected.data["reasons"]] == ["/aims/0"]
    await year.apply(year.record(review(2, lessons="Rõ hơn."), at="2027-10-02 09:00"))
    story = await page(year, SCHOOL, f"/reports/{UNIT}/{REVIEW}/2/differences?from=1")
    assert "Bài học kinh nghiệm" in story
    assert "Rõ hơn." in story
    assert "Mục tiêu" not in story
    await year.must(OFFICER, "/reports/acceptances", judged(2))
    shown = await page(year, SCHOOL, f"/reports/{UNIT}/{REVIEW}/2")
    for words in ("Đã tiếp nhận chính thức", "Đạt một phần", "Phương hướng", "Chỉ tiêu: Hồ sơ"):
        assert words in shown
    assert "Điểm tự chấm" not in shown
    board = await page(year, OFFICER, f"/?period={REVIEW}")
    assert "Đã tiếp nhận chính thức" in board


NOT_OF_THE_FORM: list[tuple[dict[str, Any], set[str]]] = [
    ({"form": "annual-report"}, {"/form"}),
    ({"form": "khong-co"}, {"/form"}),
    ({"form_version": 2}, {"/form_version"}),
    ({"lessons": ""}, {"/lessons"}),
    ({"items": [{"criterion": "a1", "self_score": "9"}]}, {"/items/0/self_score"}),
    ({"period": "2027-annual"}, {"/form"}),
    (
        {"period": "2027-annual", "form": "annual-report", "form_version": 1},
        {"/form_version"},
    ),
    (
        {"period": "2027-annual", "form": "annual-report", "form_version": 2},
        {"/aims", "/lessons", "/directions", "/items/0/self_score"},
    ),
]


async def test_every_door_names_what_is_not_of_the_form(year: DeskRoom) -> None:
    await year.news()
    for changes, pointers in NOT_OF_THE_FORM:
        body = review(**changes)
        answer = await year.post(SCHOOL, "/reports", body)
        assert answer.status_code == 422, answer.text
        assert wrong(answer) == pointers
        await year.apply(year.record(body, at="2027-10-02 09:00"))
        [rejected] = await year.news("report-rejected")
        assert {r["pointer"] for r in rejected.data["reasons"]} == pointers
    assert await year.rows("SELECT 1 FROM report") == []


async def save(room: DeskRoom, person: str, fields: Mapping[str, str]) -> str:
    """Type into the page; returns the page before it is sent."""
    shown = await room.page(person, DRAFT)
    [version] = set(re.findall(r'name="version" value="(\d+)"', shown.text))
    typed = {**fields, "version": version, "then": "submission"}
    saved = await room.fill(person, DRAFT, typed)
    assert saved.status_code == 303, saved.text
    return await page(room, person, saved.headers["location"].removeprefix("/intake"))


TYPED = {
    "aims.0.aim": "Số hóa hồ sơ",
    "aims.0.reached": "partly",
    "items.a1.narrative": "Đã làm.",
    "items.a2.standing": "nothing-arose",
    "items.a2.reason": "Chưa có thủ tục.",
    "lessons": "Giao sớm.",
}


async def test_a_review_is_written_on_the_page_and_what_is_missing_is_told_beside_its_field(
    year: DeskRoom,
) -> None:
    empty = await page(year, SCHOOL, DRAFT)
    for words in ("Kết quả so với mục tiêu của giai đoạn", "Bài học kinh nghiệm", "Mức đạt"):
        assert words in empty
    assert "Điểm tự chấm" not in empty
    number = {"indicators.a1-1.title": "Hồ sơ", "indicators.a1-1.value": "nhiều"}
    asked = await save(year, SCHOOL, TYPED | number)
    assert f'href="/intake{DRAFT}?check=yes#o-indicators.a1-1.value"' in asked
    assert "Ghi bằng số, ví dụ 38,5." in asked
    mended = await save(year, SCHOOL, {"indicators.a1-1.value": "80,5"})
    assert f'href="/intake{DRAFT}?check=yes#o-directions"' in mended
    assert "cần phần này: Phương hướng" in mended
    beside = await page(year, SCHOOL, f"{DRAFT}?check=yes")
    assert re.search(r'class="field faulty"> <label for="o-directions"', beside)
    ready = await save(year, SCHOOL, {"directions": "Làm tiếp.", "indicators.a1-1.unit": "%"})
    assert "Tiêu chí a1, số liệu 2" in await page(year, SCHOOL, DRAFT)
    [version] = set(re.findall(r'name="version" value="(\d+)"', ready))
    done = {"version": version, "commitment": "true"}
    sent = await year.fill(SCHOOL, f"{DRAFT}/submission", done)
    assert sent.headers["location"].endswith("?done=sent")
    [(body,)] = await year.rows("SELECT body FROM report")
    assert (body["form"], body["form_version"]) == ("midterm-review", 1)
    assert body["indicators"] == [
        {
            "code": "a1-1",
            "value": "80.5",
            "title": "Hồ sơ",
            "unit": "%",
            "criterion": "a1",
            "evidence": [],
        }
    ]
    back = returning(UNIT, reasons=[{"pointer": "/indicators/0", "text": "Sai số."}])
    back |= {"period": REVIEW, "correct_by": "2027-10-20T17:00:00+07:00"}
    await year.must(OFFICER, "/reports/returns", back)
    kept = await page(year, SCHOOL, DRAFT)
    assert 'name="indicators.a1-1.value"' in kept
    assert 'name="lessons"' not in kept
    assert "Tiêu chí a1, số liệu 2" not in kept
    assert "Đạt một phần" in kept


async def test_the_office_enters_a_review_that_came_on_paper(year: DeskRoom) -> None:
    answer = await send(year, "GET", OFFICER, f"/drafts/thcs-1/{REVIEW}")
    fields = {**TYPED, "directions": "Làm tiếp."}
    path, tag = f"/drafts/thcs-1/{REVIEW}", answer.headers["etag"]
    saved = await send(year, "PUT", OFFICER, path, {"fields": fields}, tag)
    assert saved.status_code == 200, saved.text
    tag = saved.headers["etag"]
    files = {"file": ("ban-chup.pdf", pdf(b"so ket"))}
    headers = bearer(OFFICER)
    brought = await year.client.post(
        f"/intake/files/thcs-1/{REVIEW}/evidence", files=files, headers=headers
    )
    assert brought.status_code == 201, brought.text
    paper = {
        "number": "9/BC-THCS",
        "dated": "2027-10-01",
        "received_on": "2027-10-01",
        "scan": brought.json()["id"],
    }
    body = {"commitment": True, "paper": paper}
    sent = await send(year, "POST", OFFICER, f"{path}/submission", body, tag)
    assert sent.status_code == 201, sent.text
    assert await year.rows("SELECT door, submitted_by FROM report") == [("paper", OFFICER)]


async def test_an_unknown_form_is_not_adopted_and_named_beside_its_field(year: DeskRoom) -> None:
    rules = [PLAN, {**ANNUAL, "form": "midterm-review"}]
    answer = await year.post(OFFICER, "/movements", draft(2, rules=rules))
    assert name_of(answer) == (422, "unknown-form")
    assert wrong(answer) == {"/rules/1/form"}
    assert "annual-report.v2" in answer.text
    by_hand = {
        "period": "2027-tong-ket",
        "movement": RULED["movement"],
        "kind": "final-report",
        "title": "Tổng kết",
        "year": 2027,
        "due": "2027-12-01T23:59:59+07:00",
        "due_text": "đến 01/12/2027",
        "form": "annual-report",
    }
    refused = await year.post(OFFICER, "/periods", by_hand)
    assert wrong(refused) == {"/form"}
    await year.must(OFFICER, "/periods", by_hand | {"form": "final-review.v1"})
    here = f"{BASE}/versions"
    assert (await year.fill(OFFICER, f"{here}/1/copies", {})).status_code == 303
    form = await year.page(OFFICER, f"{here}/2/rules/so-ket")
    assert "Báo cáo sơ kết, chỉ bản số 1" in form.text
    seen = re.search(r'name="seen" value="([^"]*)"', form.text)
    assert seen
    typed = {
        "seen": seen[1],
        "title": "Sơ kết",
        "due": "30/11/2027",
        "due_text": "đến hết ngày 30/11/2027",
        "form": "annual-report",
    }
    told = await year.fill(OFFICER, f"{here}/2/rules/so-ket", typed)
    assert told.status_code == 422
    assert '<a href="#o-form">' in told.text
    saved = await year.fill(
        OFFICER, f"{here}/2/rules/so-ket", typed | {"form": "midterm-review.v1"}
    )
    assert saved.status_code == 303, saved.text
    version = await call(year, "GET", f"{here}/2/differences?since=1")
    assert "midterm-review.v1" in version.text


async def test_a_plan_takes_its_signed_copy_later_once(desk: DeskRoom) -> None:
    await with_rules(desk, MOVEMENT)
    await desk.must(OFFICER, f"{BASE}/years", {"year": 2025})
    desk.clock.time = moment("2025-08-25 09:00")
    duty = f"/files/{UNIT}/2025-plan"
    await desk.must(SCHOOL, "/plans", plan(UNIT))
    assert "chưa nộp" in await page(desk, SCHOOL, duty)
    headers = bearer(SCHOOL)
    brought = await desk.client.post(
        f"/intake{duty}/evidence", files={"file": ("kh.pdf", pdf(b"ke hoach"))}, headers=headers
    )
    assert brought.status_code == 201, brought.text
    file = brought.json()["id"]
    url = f"http://ward.example/intake/evidence/{file}"
    elsewhere = plan("thcs-1", evidence={"title": "Kế hoạch", "url": url})
    stolen = await desk.post("thcs-1.reporter", "/plans", elsewhere)
    assert wrong(stolen) == {"/evidence/url"}
    typed = {"number": "01/KH", "issued_on": "20/08/2025", "url": url}
    asked = await desk.fill(SCHOOL, f"{duty}/plan", typed)
    assert url in asked.text
    done = await desk.fill(SCHOOL, f"{duty}/plan", typed | {"confirmed": "yes"})
    assert done.status_code == 303, done.text
    shown = await page(desk, SCHOOL, duty)
    assert f'<a href="{url}"' in shown
    assert "chưa nộp" not in shown
    again = plan(UNIT, evidence={"title": "Khác", "url": "https://truong.example/kh.pdf"})
    assert name_of(await desk.post(SCHOOL, "/plans", again)) == (409, "plan-recorded")
    await desk.must(SCHOOL, "/plans", plan(UNIT))
    assert len(await desk.said("plan-recorded")) == 1
    gone = await desk.client.delete(f"/intake/evidence/{file}", headers=headers)
    assert gone.status_code in {409, 422}, gone.text


async def test_what_is_wrong_with_a_plan_is_told_beside_its_field(desk: DeskRoom) -> None:
    await with_rules(desk, MOVEMENT)
    await desk.must(OFFICER, f"{BASE}/years", {"year": 2025})
    good = {"number": "1/KH", "url": "https://x.example/a.pdf", "issued_on": "20/08/2025"}
    for changes in ({"number": ""}, {"url": "ftp://x"}, {"issued_on": "31/02"}):
        told = await desk.fill(SCHOOL, f"/files/{UNIT}/2025-plan/plan", good | changes)
        assert told.status_code == 422
        assert re.findall(r'<a href="#o-([a-z_]+)">', told.text) == list(changes)


async def test_the_ward_s_own_review_is_asked_for_once_somebody_sets_its_day(
    desk: DeskRoom,
) -> None:
    """The plan says "năm 2027" and no day, so the sample's rule has none, but has its form."""
    ward = load_ward(ROOT / "deploy/wards/tu-minh")
    await desk.begin_anew()
    desk.clock.time = moment("2027-01-05 09:00")
    await desk.must(OFFICER, "/movements", movement_body(ward, "2027-01-05"))
    roll = [participant_body(one) for one in ward.participants if one.proposed_by is None]
    await desk.must(OFFICER, "/participants", {"participants": roll})
    rule = f"/movements/{ward.movement.code}/versions/2/rules/so-ket"
    copied = await desk.fill(OFFICER, f"/movements/{ward.movement.code}/versions/1/copies", {})
    assert copied.status_code == 303, copied.text
    shown = await desk.page(OFFICER, rule)
    assert 'value="midterm-review" selected' in shown.text
    seen = re.search(r'name="seen" value="([^"]*)"', shown.text)
    assert seen
    typed = {"seen": seen[1], "title": "Sơ kết", "due": "30/11/2027"}
    typed |= {"due_text": "đến hết ngày 30/11/2027", "form": "midterm-review"}
    saved = await desk.fill(OFFICER, rule, typed)
    assert saved.status_code == 303, saved.text
    here = f"/movements/{ward.movement.code}"
    preview = await desk.get(OFFICER, f"{here}/versions/2/adoption")
    document = {"number": "5/KH-UBND", "decided_on": "2027-01-05"}
    adoption = document | {"preview": preview.json()["digest"]}
    adopted = await desk.post(OFFICER, f"{here}/versions/2/adoption", adoption)
    assert adopted.status_code == 201, adopted.text
    await desk.must(OFFICER, f"{here}/years", {"year": 2027})
    asked = await desk.rows(
        "SELECT kind, form, count(*) FROM obligation JOIN period USING (ward, period, kind)"
        " GROUP BY 1, 2 ORDER BY 1"
    )
    owing = [one for one in ward.participants if one.manner in {"owes", "invited"}]
    assert ("midterm-report", "midterm-review", len(owing)) in asked
    assert {kind for kind, _, _ in asked} == {"annual-report", "midterm-report"}
