"""The 2025 cycle, end to end: what must have come of it, whatever the timing."""

import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from pypdf import PdfReader

from deploy.cycle.play import LEFT_RUNNING_AT
from deploy.cycle.post import NOT_GRANTED, UNKNOWN
from deploy.cycle.story import DECISION
from deploy.cycle.year import (
    LATE_BY_HTTP,
    LATE_BY_KAFKA,
    LATE_PLANS,
    NEVER_REPORT,
    NEXT_PERIOD,
    PERIOD,
    RETURNED,
)
from shared.clock import BusinessClock, SystemClock
from shared.database import connect
from shared.messaging.tables import act
from shared.records import Act, first_break
from tests.played import Fact, Played

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

INTAKE, SCORING, AWARDS = (f"thidua.{name}.v1" for name in ("intake", "scoring", "awards"))
NOTIFY = "thidua.notify.v1"


def named(facts: list[Fact], name: str) -> list[Fact]:
    return [fact for fact in facts if fact.name == name]


def data(fact: Fact) -> dict[str, object]:
    assert fact.data is not None
    return fact.data


def test_nothing_was_set_aside(ward: Played) -> None:
    assert ward.player.flow.parked() == 0


def test_the_movement_says_what_the_plan_says(ward: Played) -> None:
    [launched] = named(ward.facts(INTAKE), "movement-launched")
    movement = data(launched)
    criteria = [c["code"] for group in movement["groups"] for c in group["criteria"]]  # type: ignore[attr-defined]
    assert criteria == ["a1", "a2", "a3", "a4", "b1", "b2", "c1", "c2", "c3", "d1", "d2"]
    plan = ward.player.stage.year.ward.movement
    assert movement["title"] == plan.title
    assert [c["text"] for c in movement["contents"]] == [c.text for c in plan.contents]  # type: ignore[attr-defined]
    assert [f["title"] for f in movement["forms"]] == [  # type: ignore[attr-defined]
        form.official_title for form in plan.final_forms
    ]


def test_late_is_accepted_and_flagged_by_receipt(ward: Played) -> None:
    received = named(ward.facts(INTAKE), "report-received")
    late = {data(fact)["participant"] for fact in received if data(fact)["late"]}
    assert late == {*LATE_BY_HTTP, *LATE_BY_KAFKA}
    doors = Counter(data(fact)["door"] for fact in received)
    assert doors["kafka"] > 15
    assert doors["http"] > 15


def test_the_returned_report_came_back(ward: Played) -> None:
    facts = [f for f in ward.facts(INTAKE) if f.key == f"tu-minh/{RETURNED}"]
    story = [
        f.name
        for f in facts
        if f.name.startswith("report-") and f.data and f.data["period"] == PERIOD
    ]
    assert story == ["report-received", "report-returned", "report-received", "report-accepted"]


def test_plans_are_judged_by_their_date_of_issue(ward: Played) -> None:
    plans = named(ward.facts(INTAKE), "plan-recorded")
    late = {data(fact)["participant"] for fact in plans if not data(fact)["on_time"]}
    assert late == set(LATE_PLANS)


def test_every_record_of_a_publisher_is_answered_with_its_reason(ward: Played) -> None:
    answers = ward.facts("thidua.outbound.e-office.v1")
    refused = [
        reason["code"]
        for fact in named(answers, "report-rejected")
        for reason in data(fact)["reasons"]  # type: ignore[attr-defined]
    ]
    assert Counter(refused) == {
        "unreadable": 1,
        "invalid-field": 1,
        "key-mismatch": 1,
        "wrong-period": 1,
        "same-id-other-bytes": 1,
        "unknown-participant": 1,
    }
    taken = named(answers, "report-received")
    assert sum(bool(data(fact)["duplicate"]) for fact in taken) == 1
    [unknown] = [f for f in answers if f.key == f"tu-minh/{UNKNOWN}"]
    assert unknown.name == "report-rejected"
    first = f"tu-minh/{ward.player.stage.year.by_kafka[0].code}"
    behind = [f.name for f in answers if f.key == first]
    assert "report-received" in behind[behind.index("report-rejected") :]


def test_a_publisher_cannot_report_for_whom_it_was_not_granted(ward: Played) -> None:
    [answer] = ward.facts("thidua.outbound.trial.v1")
    assert answer.key == f"tu-minh/{NOT_GRANTED}"
    assert [r["code"] for r in data(answer)["reasons"]] == ["not-granted"]  # type: ignore[attr-defined]


def test_reminders_go_to_those_who_still_owe(ward: Played) -> None:
    facts = ward.facts(INTAKE)
    met: set[object] = set()
    for fact in facts:
        if fact.name == "obligation-met":
            met.add(data(fact)["obligation"])
        if fact.name in {"reminder-due", "obligation-overdue"}:
            assert data(fact)["obligation"] not in met
    overdue = {
        data(f)["participant"]
        for f in named(facts, "obligation-overdue")
        if data(f)["period"] == PERIOD
    }
    assert overdue == {"tdp-20", "tdp-21", "tdp-22"}
    offsets = Counter(
        data(f)["offset_days"] for f in named(facts, "reminder-due") if data(f)["period"] == PERIOD
    )
    assert set(offsets) == {30, 14, 7, 3, 1, 0}


def test_results_are_ranked_inside_each_block(ward: Played) -> None:
    results = [data(f) for f in named(ward.facts(SCORING), "result-frozen")]
    assert {r["participant"] for r in results} == {
        p for p in ward.player.stage.year.participants if p not in NEVER_REPORT
    }
    blocks: dict[object, list[dict[str, object]]] = {}
    for result in results:
        blocks.setdefault(result["block"], []).append(result)
    assert len(blocks) == 8
    for lines in blocks.values():
        assert {line["ranked"] for line in lines} == {len(lines)}
        for line in lines:
            total = Decimal(str(line["total"]))
            better = sum(Decimal(str(other["total"])) > total for other in lines)
            assert line["rank"] == better + 1


def test_a_unit_sees_its_own_derivation_and_no_other(ward: Played) -> None:
    own = ward.doors.get("thcs-2.reporter", f"/scoring/results/{PERIOD}/thcs-2")
    assert own["participant"] == "thcs-2"
    with pytest.raises(RuntimeError, match="403"):
        ward.doors.get("thcs-2.reporter", f"/scoring/results/{PERIOD}/thcs-1")


def test_awards_are_decided_by_number_and_printed(ward: Played) -> None:
    decided = [data(f) for f in named(ward.facts(AWARDS), "award-decided")]
    assert len(decided) >= 15
    assert {d["decision_number"] for d in decided} == {DECISION}
    assert {d["form"] for d in decided} == {"giay-khen"}
    assert sorted(int(str(d["ordinal"])) for d in decided) == list(range(1, len(decided) + 1))
    refused = [f for f in named(ward.facts(AWARDS), "dossier-concluded") if not data(f)["passed"]]
    assert [data(f)["participant"] for f in refused] == ["nguoi-dan-3"]
    printed = sorted(Path(ward.addresses["documents"]).rglob("*.pdf"))
    assert len(printed) == len(decided)
    texts = [" ".join(PdfReader(file).pages[0].extract_text().split()) for file in printed]
    for award in decided:
        assert any(str(award["name"]) in text and DECISION in text for text in texts)


def test_ballots_never_leave_awards(ward: Played) -> None:
    for fact in ward.facts(INTAKE, SCORING, AWARDS, NOTIFY):
        assert "choice" not in str(fact.data)
        assert "ballot" not in fact.name


def test_everybody_concerned_got_each_mail_once(ward: Played) -> None:
    mails = ward.mails()
    identities = [mail["Message-ID"] for mail in mails]
    assert len(identities) == len(set(identities))
    intake, scoring, awards = (ward.facts(topic) for topic in (INTAKE, SCORING, AWARDS))
    kinds = Counter(str(mail["X-Thidua-Kind"]) for mail in mails)
    escalated = [f for f in named(intake, "obligation-escalated") if data(f)["head"]]
    assert kinds == +Counter(
        {
            "obligation-opened": len(named(intake, "obligation-opened")),
            "reminder": len(named(intake, "reminder-due")),
            "overdue": len(named(intake, "obligation-overdue")),
            "report-received": len(named(intake, "report-received")),
            "report-returned": 1,
            "report-accepted": len(named(intake, "report-accepted")),
            "own-result": len(named(scoring, "result-frozen")),
            "award-decided": len(named(awards, "award-decided")),
            "escalated": len(escalated),
            "office-summary": len(named(intake, "summary-due")),
        }
    )
    assert len(named(ward.facts(NOTIFY), "mail-sent")) == len(mails)


def test_the_public_page_honours_names_units_achievements_and_forms(ward: Played) -> None:
    page = ward.doors._client.get("/notify/honours")
    assert page.status_code == 200
    for fact in named(ward.facts(AWARDS), "award-decided"):
        assert str(data(fact)["name"]) in page.text
    shown = page.text.partition("<main")[2]
    assert "điểm" not in shown
    assert "xếp hạng" not in shown


def test_the_next_period_is_open_and_the_clock_runs(ward: Played) -> None:
    opened = {data(f)["period"] for f in named(ward.facts(INTAKE), "period-opened")}
    assert NEXT_PERIOD in opened
    clock = BusinessClock(SystemClock(), ward.stack.state.clock)
    before = clock.now()
    assert before >= LEFT_RUNNING_AT
    time.sleep(0.01)
    assert clock.now() > before


@pytest.mark.parametrize("service", ["intake", "scoring", "awards"])
async def test_the_log_of_acts_is_whole(ward: Played, service: str) -> None:
    engine = connect(ward.addresses["postgres"][service], pool_size=1)
    async with engine.connect() as connection:
        rows = await connection.execute(sa.select(act).order_by(act.c.seq))
        acts = [
            Act(r.seq, r.at, r.name, r.subject, r.actor, r.commitment, r.previous, r.hash)
            for r in rows
        ]
    await engine.dispose()
    assert acts
    assert first_break(acts) is None


async def test_no_database_links_a_voter_to_a_choice(ward: Played) -> None:
    engine = connect(ward.addresses["postgres"]["awards"], pool_size=1)
    async with engine.connect() as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM urn")) == 0
        assert (
            await connection.scalar(sa.text("SELECT count(DISTINCT xmin::text) FROM ballot")) == 1
        )
        voters = await connection.scalar(sa.text("SELECT count(DISTINCT xmin::text) FROM voter"))
    await engine.dispose()
    assert voters == 9


def test_the_mail_catcher_shows_names_as_they_were_written(ward: Played) -> None:
    page = ward.doors._client.get("/mail/")
    assert "Đầu mối báo cáo - Tổ dân phố số 22 " in page.text
