"""A draft becomes a report: sent by its unit, or by the office from a document."""

from datetime import date, datetime

from services.intake.commands.approving import tell
from services.intake.commands.drafting import (
    Desk,
    check_current,
    check_seen,
    load,
    read_report,
    wrong_fields,
)
from services.intake.domain.office import check_may_judge
from services.intake.domain.report import Refused, Taken
from services.intake.doors import Submission, take_submissions
from services.intake.forms.drafts import DraftSubmissionForm, PaperForm
from services.intake.store import desk as store
from services.intake.store import drafts, evidence
from services.intake.store.draft_tables import paper as papers
from shared.calendar import last_moment_of, vietnamese_date, ward_day
from shared.contracts.inbound import ReportSubmitted
from shared.contracts.intake import PaperDocument
from shared.messaging import UnitOfWork
from shared.records import record_act
from shared.refusal import Refusal
from shared.rows import insert_rows
from shared.web.identity import Person


async def submit(
    work: UnitOfWork,
    person: Person,
    key: store.Key,
    form: DraftSubmissionForm,
    seen: int,
) -> Taken:
    """Send a draft through the door that all reports come in by; the draft is gone then.

    Raises Refusal, Problem: what is wrong, by the draft's fields. The participant's key is locked.
    """
    desk = await load(work.connection, person, key)
    desk.next("submit")
    if desk.side == "office":
        check_may_judge({person.id, person.acting_for}, person.stakes, desk.subject)
    check_seen(desk, seen)
    check_current(desk)
    now = work.business.now()
    received_at = _received_at(desk, form.paper, now)
    if form.paper is not None:
        await _check_scan(work, person, key, form.paper)
    report, found, problems = read_report(desk, person.ward, now)
    if report is None:
        raise wrong_fields([(p.pointer, p.detail) for p in problems], found)
    submission = Submission(
        report,
        received_at,
        door="paper" if form.paper else "page",
        publisher=None,
        by=person.id,
        acting_for=person.acting_for,
        paper=_document(person, form.paper, now),
    )
    [outcome] = await take_submissions(work, [submission])
    if isinstance(outcome, Refused):
        raise wrong_fields([(one.pointer, one.detail) for one in outcome.reasons], found)
    await drafts.drop_draft(work.connection, person.ward, key, desk.side)
    await tell(work, person, desk, "submit")
    if form.paper is not None:
        await _keep_paper(work, person, report, form.paper, now)
    facts = {"revision": report.revision, "digest": outcome.version.digest, **form.model_dump()}
    await record_act(work, "report-committed", key[0], person.actor, facts)
    return outcome


def _received_at(desk: Desk, paper: PaperForm | None, now: datetime) -> datetime:
    """When the office had the report: what came on paper was there on the day of its receipt.

    Raises Refusal on days that cannot be, and where it is not said how the report came.
    """
    if desk.side == "unit":
        if paper is not None:
            words = "Đơn vị gửi báo cáo của mình; chỉ Phòng Văn hóa - Xã hội nhập thay văn bản."
            raise Refusal("not-on-paper", words, "/paper")
        return now
    if paper is None:
        words = "Ghi số, ngày văn bản của đơn vị và ngày nhận: báo cáo này được nhập thay."
        raise Refusal("paper-needed", words, "/paper")
    today = ward_day(now)
    if paper.received_on > today:
        raise Refusal("date-to-come", "Ngày nhận không thể ở tương lai.", "/paper/received_on")
    if paper.dated > paper.received_on:
        words = "Ngày của văn bản không thể sau ngày nhận."
        raise Refusal("dates-out-of-order", words, "/paper/dated")
    opened_on: date = ward_day(desk.period.opened_at)
    if paper.received_on < opened_on:
        words = f"Kỳ này mở ngày {vietnamese_date(opened_on)}; không thể nhận báo cáo trước đó."
        raise Refusal("before-the-period", words, "/paper/received_on")
    return min(now, last_moment_of(paper.received_on))


def _document(person: Person, paper: PaperForm | None, now: datetime) -> PaperDocument | None:
    if paper is None:
        return None
    recorded = {"recorded_by": person.id, "acting_for": person.acting_for, "recorded_at": now}
    return PaperDocument.model_validate(paper.model_dump(exclude={"scan"}) | recorded)


async def _check_scan(work: UnitOfWork, person: Person, key: store.Key, paper: PaperForm) -> None:
    """Raises Refusal where the scan is not among the files of this report."""
    file = await evidence.find(work.connection, person, paper.scan)
    if file is None or (file.participant, file.period) != key:
        words = "Không có tệp này trong hồ sơ của đơn vị; hãy tải bản chụp lên trước."
        raise Refusal("no-such-file", words, "/paper/scan")


async def _keep_paper(
    work: UnitOfWork, person: Person, report: ReportSubmitted, form: PaperForm, now: datetime
) -> None:
    row = {
        "ward": person.ward,
        "participant": report.participant,
        "period": report.period,
        "revision": report.revision,
        **form.model_dump(),
        "recorded_at": now,
    }
    await insert_rows(work.connection, papers, [row])
