"""Who is told what: every kind of fact, every reason not to tell it any more, and in what words."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import get_args

import pytest

from services.notify import forms, pages
from services.notify.app import NotifySettings, service
from services.notify.domain import letter, telling
from services.notify.domain.delivery import State
from services.notify.domain.house import plan_name, ward_name
from services.notify.domain.kind_words import KIND_WORDS
from services.notify.domain.letter import Manner
from services.notify.domain.report_parts import part_of_report
from services.notify.domain.telling import (
    KINDS,
    BeforeIt,
    Case,
    Moot,
    Participant,
    Period,
    Stands,
    kind_of,
    needs_period,
    read,
    write,
)
from shared.contracts.awards import (
    AwardDecided,
    CandidatePublished,
    DossierConcluded,
    DossierOpened,
)
from shared.contracts.intake import (
    AccessEnded,
    ApprovalAsked,
    ApprovalSettled,
    ContactErased,
    ContactRecorded,
    MovementLaunched,
    ParticipantLeft,
    ParticipantRegistered,
    PeriodOpened,
    ReportWithdrawn,
)
from shared.contracts.intake import ObligationMet as Met
from shared.contracts.notify import MailFailed, MailSent
from shared.contracts.scoring import ScoreComputed, SheetAdopted
from tests.component.notify_stage import (
    DUE,
    HEAD,
    HOUSE,
    LATER,
    PERIOD,
    PERSON,
    PUPIL,
    SCHOOL,
    Story,
)

pytestmark = pytest.mark.unit

STORY = Story()
SCHOOLS = Participant(SCHOOL, "Trường số 1", "owes", "")
PUPILS = Participant(PUPIL, "Giáo viên dạy Tin học", "proposed", "Trường số 1")
YEAR = Period(2025, DUE, "trước ngày 10/12/2025")
LAST = date(2025, 12, 9)
CHAIRMAN = "Chủ tịch Ủy ban nhân dân phường Tứ Minh"
FACTS: dict[str, telling.Told] = {
    "obligation-opened": STORY.opened(),
    "reminder": STORY.reminder(),
    "overdue": STORY.overdue(),
    "report-received": STORY.received(),
    "report-returned": STORY.returned(),
    "report-reopened": STORY.reopened(),
    "report-accepted": STORY.accepted(),
    "own-result": STORY.result(),
    "award-decided": STORY.award(),
    "escalated": STORY.escalated(),
    "deadline-moved": STORY.moved(),
    "duty-withdrawn": STORY.withdrawn(),
    "approval-asked": STORY.asked(),
    "approval-settled": STORY.settled(),
    "office-summary": STORY.summary(),
}
REMINDING = {"reminder", "overdue"}
UNTIL_MET = {"obligation-opened", "escalated", "deadline-moved", "duty-withdrawn", *REMINDING}
NOW = {
    kind: Stands("owes", DUE, "trước ngày 10/12/2025")
    for kind in ("obligation-opened", "escalated", *REMINDING)
} | {
    "deadline-moved": Stands("owes", LATER, "trước ngày 16/12/2025"),
    "duty-withdrawn": Stands("owes", DUE, "trước ngày 10/12/2025", "waived"),
}
"""How a duty stands when its fact is still the last word on it."""
TOLD = BeforeIt("obligation-opened", DUE)


def case(kind: str, **changes: object) -> Case:
    usual = Case(FACTS[kind], SCHOOLS, YEAR, None, stands=NOW.get(kind))
    if kind in {"deadline-moved", "duty-withdrawn"}:
        usual = replace(usual, told=TOLD)
    return replace(usual, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_becomes_the_letter_of_its_name(kind: str) -> None:
    late = timedelta(1 if kind in {"overdue", "escalated"} else 0)
    written = write(case(kind), CHAIRMAN, LAST + late)
    assert not isinstance(written, Moot)
    assert written.kind == kind == kind_of(FACTS[kind])
    assert read(kind, FACTS[kind].model_dump(mode="json")) == FACTS[kind]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("met", [False, True])
@pytest.mark.parametrize("superseded", [False, True])
def test_relevance_of_every_kind(kind: str, met: bool, superseded: bool) -> None:
    late = timedelta(1 if kind == "escalated" else 0)
    written = write(case(kind, met=met, superseded=superseded), CHAIRMAN, LAST + late)
    if met and kind in UNTIL_MET:
        assert written == Moot("obligation-met")
    elif superseded and kind in {"office-summary", *REMINDING}:
        assert written == Moot("superseded")
    else:
        assert not isinstance(written, Moot)


@pytest.mark.parametrize("manner", Manner)
@pytest.mark.parametrize("left", [7, 0, -1, -5])
def test_a_reminder_is_true_on_the_day_on_which_it_is_written(manner: Manner, left: int) -> None:
    """Those who owe are told that they are late by a fact of its own, the others never are."""
    event = STORY.reminder(14, manner=manner.value)
    written = write(case("reminder", event=event), CHAIRMAN, LAST - timedelta(left))
    if left >= 0:
        assert isinstance(written, letter.Reminder)
        assert written.days_left == left
    elif manner is Manner.OWES:
        assert written == Moot("deadline-passed")
    else:
        assert isinstance(written, letter.Overdue)
        assert not written.obligation.owes


@pytest.mark.parametrize("left", [7, 0, -1, -5])
@pytest.mark.parametrize("superseded", [False, True])
def test_what_the_office_sends_by_hand_is_told_also_to_whoever_is_late(
    left: int, superseded: bool
) -> None:
    """Nothing planned stands for it, but what is done is done."""
    event = STORY.reminder(14).model_copy(update={"by_hand": True})
    told = case("reminder", event=event, superseded=superseded)
    written = write(told, CHAIRMAN, LAST - timedelta(left))
    assert isinstance(written, letter.Reminder if left >= 0 else letter.Overdue)
    assert written.by_hand
    met = write(replace(told, met=True), CHAIRMAN, LAST - timedelta(left))
    assert met == Moot("obligation-met")


@pytest.mark.parametrize("kind", sorted(UNTIL_MET))
@pytest.mark.parametrize("withdrawn", ["", "waived", "left"])
@pytest.mark.parametrize("moved", [False, True])
def test_what_is_told_of_a_duty_fits_how_it_stands(kind: str, withdrawn: str, moved: bool) -> None:
    """Nobody is told a date that does not hold, nor asked for what is not asked any more."""
    due = DUE - timedelta(9) if moved else NOW[kind].due
    stands = Stands("owes", due, "trước ngày khác", withdrawn)
    written = write(case(kind, stands=stands), CHAIRMAN, LAST + timedelta(1))
    if kind == "duty-withdrawn":
        expected = None if withdrawn else "asked-again"
    elif withdrawn:
        expected = "obligation-withdrawn"
    elif kind == "obligation-opened":
        assert isinstance(written, letter.ObligationOpened)
        assert written.obligation.deadline.last_moment == due
        return
    else:
        expected = "deadline-moved" if moved else None
    if kind == "reminder" and expected is None:
        expected = "deadline-passed"
    assert (written.reason if isinstance(written, Moot) else None) == expected


@pytest.mark.parametrize("kind", ["obligation-opened", "deadline-moved", "duty-withdrawn"])
@pytest.mark.parametrize("before", [None, "obligation-opened", "reminder", "duty-withdrawn"])
@pytest.mark.parametrize("due", [DUE, LATER])
def test_a_change_is_told_to_those_who_had_been_told_otherwise(
    kind: str, before: str | None, due: datetime
) -> None:
    told = BeforeIt(before, due) if before else None
    written = write(case(kind, told=told), CHAIRMAN, LAST)
    news = {
        "obligation-opened": before in {None, "duty-withdrawn"} or due != DUE,
        "deadline-moved": before is not None and due != LATER,
        "duty-withdrawn": before not in {None, "duty-withdrawn"},
    }
    assert isinstance(written, Moot) is not news[kind]
    if isinstance(written, letter.DeadlineMoved):
        assert (written.was, written.obligation.deadline.last_moment) == (DUE, LATER)


@pytest.mark.parametrize("stands", [None, NOW["deadline-moved"]])
def test_a_duty_that_is_asked_again_is_told_by_the_date_that_holds(stands: Stands | None) -> None:
    holds = stands.due if stands else DUE
    for due in (DUE, LATER):
        told = BeforeIt("reminder", due)
        written = write(case("obligation-opened", stands=stands, told=told), CHAIRMAN, LAST)
        if due == holds:
            assert written == Moot("told-before")
        elif stands is not None:
            assert isinstance(written, letter.ObligationOpened)
            assert written.obligation.deadline.last_moment == holds


def test_a_withdrawal_of_which_only_the_kind_is_known_was_told_too() -> None:
    told = BeforeIt("duty-withdrawn", None)
    assert isinstance(
        write(case("obligation-opened", told=told), CHAIRMAN, LAST), letter.ObligationOpened
    )
    moved = write(case("deadline-moved", told=told), CHAIRMAN, LAST)
    assert isinstance(moved, letter.DeadlineMoved)
    assert moved.was == DUE
    assert write(case("duty-withdrawn", told=told), CHAIRMAN, LAST) == Moot("told-before")


@pytest.mark.parametrize("kind", ["overdue", "escalated"])
@pytest.mark.parametrize("manner", Manner)
def test_only_who_still_owes_is_told_to_be_late(kind: str, manner: Manner) -> None:
    stands = replace(NOW[kind], manner=manner.value)
    written = write(case(kind, stands=stands), CHAIRMAN, LAST + timedelta(1))
    expected = None if manner is Manner.OWES else "not-owed"
    assert (written.reason if isinstance(written, Moot) else None) == expected


def test_the_head_is_told_the_days_of_the_day_of_writing() -> None:
    written = write(case("escalated"), CHAIRMAN, LAST + timedelta(6))
    assert isinstance(written, letter.Escalated)
    assert written.days_late == 6


def test_an_overdue_fact_counts_the_days_when_it_is_written() -> None:
    written = write(case("overdue"), CHAIRMAN, LAST + timedelta(4))
    assert isinstance(written, letter.Overdue)
    assert written.days_late == 4


def test_a_report_is_written_about_by_what_was_asked_or_else_by_the_period() -> None:
    asked = telling.Asked("invited", DUE - timedelta(5), "trước ngày 05/12/2025")
    written = write(case("report-accepted", asked=asked), CHAIRMAN, LAST)
    assert isinstance(written, letter.ReportAccepted)
    assert written.obligation.manner is Manner.INVITED
    assert written.obligation.deadline.wording == "trước ngày 05/12/2025"
    unasked = case("report-received", event=STORY.received(code=PUPIL), participant=PUPILS)
    written = write(unasked, CHAIRMAN, LAST)
    assert isinstance(written, letter.ReportReceived)
    assert written.obligation.manner is Manner.PROPOSED
    assert written.obligation.deadline.wording == "trước ngày 10/12/2025"


def test_an_individuals_award_is_told_to_the_unit_that_proposed_it() -> None:
    event = STORY.award(PUPIL, "Giáo viên dạy Tin học")
    written = write(case("award-decided", event=event, participant=PUPILS), CHAIRMAN, LAST)
    assert isinstance(written, letter.AwardDecided)
    assert (written.about.unit, written.name) == ("Trường số 1", "Giáo viên dạy Tin học")
    assert written.decided_by == CHAIRMAN
    assert written.path == f"/awards/dossiers/{PERIOD}.{PUPIL}"


def _day_for(kind: str) -> date:
    """A day on which the fact is told."""
    return LAST + timedelta(1 if kind == "escalated" else 0)


def test_links_are_plain_and_deep() -> None:
    paths = {}
    for kind in KINDS:
        written = write(case(kind), CHAIRMAN, _day_for(kind))
        assert not isinstance(written, Moot)
        paths[kind] = HOUSE.sender("Tứ Minh", "Phong trào").link(written.path)
    origin = "https://thidua.tu-minh.example"
    assert paths["own-result"] == f"{origin}/scoring/?period={PERIOD}"
    assert paths["award-decided"] == f"{origin}/awards/dossiers/{PERIOD}.{SCHOOL}"
    duties = {paths[kind] for kind in UNTIL_MET}
    assert duties == {f"{origin}/intake/duties/{STORY.opened().obligation}"}
    drafts = {paths[kind] for kind in KINDS if kind.startswith("approval-")}
    assert drafts == {f"{origin}/intake/drafts/{SCHOOL}/{PERIOD}"}
    reports = {paths[kind] for kind in KINDS if kind.startswith("report-")}
    assert reports == {f"{origin}/intake/files/{SCHOOL}/{PERIOD}"}


@pytest.mark.parametrize(
    "kind", ["report-received", "report-returned", "report-reopened", "report-accepted"]
)
def test_a_report_that_was_asked_for_is_at_its_duty(kind: str) -> None:
    asked = telling.Asked("owes", DUE, "trước ngày 10/12/2025", "0198f2a4")
    written = write(case(kind, asked=asked), CHAIRMAN, LAST)
    assert not isinstance(written, Moot)
    assert written.path == "/intake/duties/0198f2a4"


@pytest.mark.parametrize("kind", ["approval-asked", "approval-settled"])
@pytest.mark.parametrize("since", [-1, 0, 1])
def test_what_is_told_of_a_draft_was_the_last_said_of_it(kind: str, since: int) -> None:
    event = FACTS[kind]
    assert isinstance(event, ApprovalAsked | ApprovalSettled)
    written = write(case(kind, draft=event.draft + since), CHAIRMAN, LAST)
    assert (written == Moot("draft-changed")) is (since > 0)


def test_a_head_is_told_what_waits_and_authors_what_the_head_did() -> None:
    assert telling.named_in(STORY.asked()) == (HEAD,)
    told = {
        outcome: telling.named_in(STORY.settled(outcome))
        for outcome in ("approved", "sent-back", "taken-back", "sent")
    }
    assert told == {"approved": (PERSON,), "sent-back": (PERSON,), "taken-back": (), "sent": ()}


def test_the_head_of_a_person_who_is_proposed_heads_the_proposing_unit() -> None:
    one = replace(PUPILS, collective=False)
    written = write(case("approval-asked", participant=one), CHAIRMAN, LAST)
    assert isinstance(written, letter.ApprovalAsked)
    assert (written.unit, written.about.unit) == ("Trường số 1", "Giáo viên dạy Tin học")
    back = write(case("approval-settled", event=STORY.settled("sent-back")), CHAIRMAN, LAST)
    assert isinstance(back, letter.ApprovalSettled)
    assert (back.approved, back.said) == (False, "Thiếu số liệu.")


def test_a_person_is_no_unit() -> None:
    one = replace(PUPILS, collective=False)
    for kind in KINDS:
        written = write(case(kind, participant=one), CHAIRMAN, _day_for(kind))
        assert not isinstance(written, Moot)
        assert written.about.collective is (kind in {"award-decided", "office-summary"}), kind
    alone = write(case("award-decided", participant=replace(one, proposer="")), CHAIRMAN, LAST)
    assert isinstance(alone, letter.AwardDecided)
    assert not alone.about.collective


def test_only_a_units_plan_does_without_the_period() -> None:
    assert [kind for kind, event in FACTS.items() if not needs_period(event)] == ["office-summary"]
    plan = STORY.opened(kind="unit-plan")
    assert not needs_period(plan)
    written = write(case("obligation-opened", event=plan, period=None), CHAIRMAN, LAST)
    assert isinstance(written, letter.ObligationOpened)
    for kind in KINDS.keys() - {"office-summary"}:
        with pytest.raises(LookupError):
            write(case(kind, period=None), CHAIRMAN, _day_for(kind))


@pytest.mark.parametrize(
    ("pointer", "words"),
    [
        ("", "Báo cáo"),
        ("/", "Báo cáo"),
        ("/items", "Tiêu chí"),
        ("/items/0", "Tiêu chí a1"),
        ("/items/1/narrative", "Tiêu chí a2"),
        ("/items/7/narrative", "Tiêu chí thứ 8"),
        ("/items/a4", "Tiêu chí a4"),
        ("/contents/0/text", "Nội dung thứ 1"),
        ("/contents/²", "Nội dung ²"),
        ("/indicators/2", "Chỉ tiêu thứ 3"),
        ("/difficulties", "Khó khăn, vướng mắc"),
        ("/something/else", "Báo cáo"),
    ],
)
def test_the_part_of_a_report_in_words(pointer: str, words: str) -> None:
    assert part_of_report(pointer, ("a1", "a2")) == words


@pytest.mark.parametrize(
    ("title", "plan"),
    [
        ("Phong trào thi đua X", "Kế hoạch phát động Phong trào thi đua X"),
        ("Phát động Phong trào thi đua X", "Kế hoạch phát động Phong trào thi đua X"),
        ("Kế hoạch phát động X", "Kế hoạch phát động X"),
    ],
)
def test_the_plan_is_named_by_its_movement(title: str, plan: str) -> None:
    assert plan_name(title) == plan


def test_the_ward_and_its_chairman() -> None:
    assert ward_name("Tứ Minh") == ward_name("phường Tứ Minh") == "phường Tứ Minh"
    assert ward_name("xã Mẫu") == "xã Mẫu"
    assert HOUSE.chairman("Tứ Minh") == CHAIRMAN
    assert replace(HOUSE, decided_by="Chủ tịch").chairman("Tứ Minh") == "Chủ tịch"
    sender = HOUSE.sender("Tứ Minh", "Phong trào thi đua X")
    assert (sender.domain, sender.ward) == ("tu-minh.example", "phường Tứ Minh")


def settings(**more: str) -> NotifySettings:
    given = {"database_url": "x", "kafka": "x", "smtp": "relay:25"}
    return NotifySettings.model_validate(given | {"env": "local"} | more)


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_has_left_is_asked_for_nothing_and_told_what_was_decided(kind: str) -> None:
    late = timedelta(1 if kind in {"overdue", "escalated"} else 0)
    gone = replace(SCHOOLS, has_left=True)
    written = write(case(kind, participant=gone), CHAIRMAN, LAST + late)
    told = {"report-received", "report-accepted", "own-result", "award-decided"}
    if kind in told | {"duty-withdrawn", "office-summary"}:
        assert not isinstance(written, Moot)
    else:
        assert written == Moot("participant-left")


def test_settings_name_a_sender() -> None:
    house = settings(mail_from="thi-dua@tu-minh.example").house()
    assert (house.mailbox.address, house.reply_to) == ("thi-dua@tu-minh.example", house.mailbox)
    assert house.mailbox.name == "Phòng Văn hóa - Xã hội"
    house = settings(mail_from="Phường <a@b.example>", reply_to="Bàn <c@d.example>").house()
    assert (house.mailbox.name, house.reply_to.address) == ("Phường", "c@d.example")
    assert settings().relay().hello == "phuong.example"


@pytest.mark.parametrize(
    "wrong",
    [{"smtp": "relay"}, {"mail_from": "không"}, {"reply_to": "không"}, {"env": "production"}],
)
def test_wrong_settings_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        settings(**wrong)


def test_every_kind_and_status_has_words_and_a_filter() -> None:
    assert set(KIND_WORDS) == set(KINDS) == set(get_args(forms.MailKind))
    assert set(pages.STATUS_WORDS) == set(State)


def test_what_notify_listens_to() -> None:
    public = {CandidatePublished, DossierConcluded, AwardDecided}
    of_tasks = {SheetAdopted, ScoreComputed, DossierOpened, ReportWithdrawn}
    known = {MovementLaunched, PeriodOpened, ContactRecorded, ContactErased}
    known |= {ParticipantRegistered, ParticipantLeft}
    own = {MailSent, MailFailed, AccessEnded}
    heard = {subscription.event for subscription in service.consumer.subscriptions.values()}
    assert heard == {*KINDS.values(), *public, *of_tasks, *known, *own, Met}
