"""What the assessors and the council do: each command loads, asks the domain, stores, tells.

Locks: the keys that are told about first, then the period's gate (`store.facts.gate`).
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from services.scoring import answers
from services.scoring.domain.assessment import (
    Assessment,
    Command,
    State,
    check_revision,
    keep_off_own,
    leads,
    may,
    step,
)
from services.scoring.domain.claim import Claim, ClaimedItem
from services.scoring.domain.marks import Mark, Marks, NewMark, changes, decide
from services.scoring.domain.participant import Whose, check_is_here
from services.scoring.domain.result import (
    Result,
    Score,
    conclude,
    derivation_of,
    self_score,
    verified_score,
)
from services.scoring.domain.score import Basis
from services.scoring.domain.sheet import Adoption, check_covers, check_sheet
from services.scoring.forms import AdoptionForm, MarksForm, SheetForm
from services.scoring.store import facts, periods, sheets
from services.scoring.store import marks as mark_store
from shared.calendar import ward_day
from shared.contracts.intake import ParticipantRegistered, ReportReceived
from shared.contracts.scoring import ResultFrozen, ScoreComputed, SheetAdopted
from shared.messaging import Received, UnitOfWork
from shared.messaging.unit_of_work import HasCause
from shared.records import record_act
from shared.refusal import Refusal
from shared.web.identity import Person
from shared.web.problems import conflict, forbidden, not_found


def _not_adopted() -> Refusal:
    words = "Hội đồng chưa thông qua bảng điểm của kỳ này (số, ngày văn bản), nên chưa chấm điểm."
    return Refusal("sheet-not-adopted", words, "/period")


class _Said(NamedTuple):
    """A claim, whose it is, and the event that makes it count now (None: an act of people)."""

    whose: Whose
    claim: Claim
    cause: HasCause | None


async def keep_claims(events: Sequence[Received[ReportReceived]], work: UnitOfWork) -> None:
    """Keep what units say of themselves."""
    said = [(_whose(event.data), _claim(event.data)) for event in events]
    await facts.add_claims(work.connection, said)


async def record_claims(work: UnitOfWork, events: Sequence[Received[ReportReceived]]) -> None:
    """Keep what units say of themselves, and score it where the sheet is adopted."""
    await keep_claims(events, work)
    said = [_Said(_whose(event.data), _claim(event.data), event) for event in events]
    await _score_claims(work, said)


async def record_participants(
    work: UnitOfWork, events: Sequence[Received[ParticipantRegistered]]
) -> None:
    """Keep who takes part in which group and khối, and score what was claimed before that."""
    await facts.learn_participants(work.connection, [event.data for event in events])
    causes = {(event.data.ward, event.data.participant): event for event in events}
    said: list[_Said] = []
    for ward in {ward for ward, _ in causes}:
        codes = [code for of, code in causes if of == ward]
        for whose, claim in await facts.newest_claims(work.connection, ward, of=codes):
            said.append(_Said(whose, claim, causes[whose.ward, whose.participant]))
    await _score_claims(work, said)


def _whose(data: ReportReceived) -> Whose:
    return Whose(data.ward, data.participant, data.period)


def _claim(data: ReportReceived) -> Claim:
    items = tuple(
        ClaimedItem(item.criterion, item.self_score, item.not_applicable, item.narrative)
        for item in data.items
    )
    return Claim(data.report_id, data.revision, data.received_at, data.late, items)


async def _score_claims(work: UnitOfWork, said: Sequence[_Said]) -> None:
    """Tell the self totals of claims whose sheet and group are known, in the claims' order."""
    if not said:
        return
    places = {(one.whose.ward, one.whose.period) for one in said}
    await facts.pass_gates(work.connection, places)
    adopted = await sheets.adoptions(work.connection, places)
    if not adopted:
        return
    whose = {one.whose for one in said}
    people = await facts.participants(work.connection, whose)
    told = await mark_store.newest_scores(work.connection, whose, "self")
    news: list[tuple[Whose, Score]] = []
    for one in said:
        ward, participant, period = one.whose
        adoption = adopted.get((ward, period))
        sheet = adoption.sheet if adoption else None
        who = people.get((ward, participant))
        if who is not None and who.has_left:
            continue
        score = self_score(sheet, who, one.claim)
        if score is None or not score.is_news_after(told.get(one.whose)):
            continue
        told[one.whose] = score
        news.append((one.whose, score))
        _tell_score(work, one.whose, score, one.cause)
    await mark_store.add_scores(work.connection, news, work.business.now())


def _tell_score(work: UnitOfWork, whose: Whose, score: Score, cause: HasCause | None) -> None:
    event = ScoreComputed(
        ward=whose.ward,
        participant=whose.participant,
        period=whose.period,
        stage=score.stage,
        total=score.total,
        sheet_version=score.sheet_version,
        revision=score.revision,
    )
    work.publish(event, because_of=cause, discriminator=f"{whose.period}/{score.revision}")


async def propose_sheet(work: UnitOfWork, form: SheetForm, person: Person) -> answers.SheetProposed:
    """Store a version of a period's sheet. It never changes; another proposal is a new version."""
    sheet = form.to_sheet()
    check_sheet(sheet)
    stored = await sheets.find_sheet(work.connection, person.ward, form.period, sheet.version)
    if stored is not None and stored != sheet:
        raise conflict(
            "sheet-version-taken",
            f"Bảng điểm bản {sheet.version} đã có với nội dung khác; hãy đề xuất bản mới.",
        )
    if stored is None:
        now = work.business.now()
        args = (person.ward, form.period, sheet, person.actor, now)
        await sheets.add_sheet(work.connection, *args)
    return answers.SheetProposed(period=form.period, version=sheet.version)


async def adopt_sheet(
    work: UnitOfWork, period: str, form: AdoptionForm, person: Person
) -> answers.SheetAdopted:
    """Open scoring: the council's document puts a version in force, and claims are scored.

    The period's key and every participant's are locked.
    """
    ward = person.ward
    await work.lock(facts.gate(ward, period))
    file = await periods.load(work.connection, ward, period, of=())
    if file is None or file.movement is None:
        raise not_found(f"kỳ thi đua {period} hoặc phong trào của kỳ đó")
    sheet = await sheets.find_sheet(work.connection, ward, period, form.sheet_version)
    if sheet is None:
        raise not_found(f"bảng điểm bản {form.sheet_version} của kỳ {period}")
    adoption = Adoption(sheet, form.document_number, form.adopted_on)
    answer = answers.SheetAdopted(period=period, **form.model_dump())
    if file.adoption == adoption:
        return answer
    now = work.business.now()
    _may_be_adopted(file.adoption, form, ward_day(now))
    check_covers(sheet, file.movement.groups)
    await sheets.add_adoption(work.connection, ward, period, adoption, person.actor, now)
    work.publish(
        SheetAdopted(
            ward=ward,
            period=period,
            sheet_version=sheet.version,
            document_number=form.document_number,
            adopted_on=form.adopted_on,
        )
    )
    claims = await facts.newest_claims(work.connection, ward, in_period=period)
    await work.lock(*(f"{ward}/{whose.participant}" for whose, _ in claims))
    await _score_claims(work, [_Said(whose, claim, None) for whose, claim in claims])
    told = answer.model_dump(mode="json")
    await record_act(work, "sheet-adopted", f"{ward}/{period}", person.actor, told)
    return answer


def _may_be_adopted(standing: Adoption | None, form: AdoptionForm, today: date) -> None:
    if standing is not None:
        raise conflict(
            "sheet-already-adopted",
            f"Kỳ này đã có bảng điểm bản {standing.sheet.version}"
            f" theo văn bản {standing.document_number}.",
        )
    if form.adopted_on > today:
        raise Refusal("date-in-the-future", "Ngày văn bản chưa tới.", "/adopted_on")


async def give_marks(work: UnitOfWork, form: MarksForm, person: Person) -> answers.Marked:
    """Add marks for the accepted revision; the same marks again change nothing.

    The participant's key is locked.
    """
    command = Command.VERIFY if form.stage == "verified" else Command.JUDGE
    if not may(person.roles, command):
        raise forbidden("Vai trò của bạn không được chấm điểm ở bước này.")
    ward = person.ward
    await facts.pass_gates(work.connection, [(ward, form.period)])
    assessment = await _to_mark(work, form, person)
    given = tuple(form.given())
    settled = assessment.state in {State.VERIFIED, State.FROZEN}
    if settled and not changes(given, assessment.marks):
        return _marked(form, assessment)
    step(assessment.state, command)
    sheet, group, claim = assessment.sheet, assessment.group, assessment.claim
    if sheet is None or group is None or claim is None:
        raise _not_adopted()
    new = decide(sheet, group, claim, assessment.marks, given)
    whose = Whose(ward, form.participant, form.period)
    now = work.business.now()
    await mark_store.add_marks(work.connection, whose, claim, new, by=person.actor, at=now)
    marked = assessment.with_marks(_with_new(assessment.marks, new))
    await _tell_verified(work, whose, marked)
    facts_given = form.model_dump(mode="json")
    await record_act(work, "marks-given", f"{ward}/{form.participant}", person.actor, facts_given)
    return _marked(form, marked)


async def _to_mark(work: UnitOfWork, form: MarksForm, person: Person) -> Assessment:
    file = await periods.load(work.connection, person.ward, form.period, of={form.participant})
    if file is None:
        raise not_found(f"kỳ thi đua {form.period}")
    assessment = file.assessments.get(form.participant)
    if assessment is None:
        raise not_found(f"đơn vị {form.participant}")
    keep_off_own(assessment.participant, person.stakes)
    check_is_here(assessment.participant)
    if file.adoption is None:
        raise _not_adopted()
    if assessment.acceptance is None:
        step(assessment.state, Command.VERIFY)
        raise Refusal("report-not-accepted", "Báo cáo chưa được tiếp nhận.", "/participant")
    check_revision(assessment.acceptance, form.revision)
    return assessment


def _with_new(marks: Marks, new: Sequence[NewMark]) -> Marks:
    return {**marks, **{one.slot: Mark(one.slot, one.points, one.reason) for one in new}}


async def _tell_verified(work: UnitOfWork, whose: Whose, assessment: Assessment) -> None:
    score = verified_score(assessment)
    told = await mark_store.newest_scores(work.connection, {whose}, "verified")
    if score is not None and score.is_news_after(told.get(whose)):
        _tell_score(work, whose, score, None)
        await mark_store.add_scores(work.connection, [(whose, score)], work.business.now())


def _marked(form: MarksForm, assessment: Assessment) -> answers.Marked:
    basis = Basis.VERIFIED if form.stage == "verified" else Basis.FINAL
    derivation = derivation_of(assessment, basis, {})
    return answers.Marked(
        period=form.period,
        participant=form.participant,
        revision=form.revision,
        stage=form.stage,
        state=assessment.state,
        total=None if derivation is None else derivation.total,
        grade=None if derivation is None else derivation.grade,
    )


async def freeze_results(work: UnitOfWork, period: str, person: Person) -> answers.Frozen:
    """Rank inside each khối and write every result down with every line; told once.

    The period's key and every participant's are locked.
    """
    ward = person.ward
    await work.lock(facts.gate(ward, period))
    file = await periods.load(work.connection, ward, period)
    if file is None:
        raise not_found(f"kỳ thi đua {period}")
    if file.frozen_at is not None:
        return _frozen(file, list(file.results.values()))
    if file.adoption is None:
        raise _not_adopted()
    ready = _ready_to_freeze(file)
    concluded = conclude(ready, file.blocks, file.texts)
    results = [result for result, _ in concluded]
    await work.lock(*(f"{ward}/{result.participant}" for result in results))
    now = work.business.now()
    await periods.freeze(work.connection, ward, period, concluded, by=person.actor, at=now)
    for result in results:
        work.publish(_result_frozen(ward, period, result, now))
    totals = {result.participant: str(result.total) for result in results}
    await record_act(work, "results-frozen", f"{ward}/{period}", person.actor, totals)
    return _frozen(file, results)


def _result_frozen(ward: str, period: str, result: Result, at: datetime) -> ResultFrozen:
    return ResultFrozen(
        ward=ward,
        participant=result.participant,
        period=period,
        group=result.group,
        block=result.block,
        block_title=result.block_title,
        total=result.total,
        grade=result.grade,
        rank=result.rank,
        ranked=result.ranked,
        late=result.late,
        frozen_at=at,
    )


def _ready_to_freeze(file: periods.PeriodFile) -> list[Assessment]:
    """The verified assessments of all who take part; a conflict that names the accepted reports
    still to be marked.
    """
    here = [one for one in file.assessments.values() if not one.participant.has_left]
    accepted = [one for one in here if one.acceptance is not None]
    waiting = [one.participant for one in accepted if not leads(one.state, Command.FREEZE)]
    if waiting:
        names = "; ".join(f"{who.name} ({who.code})" for who in waiting)
        raise conflict("not-verified", f"Còn báo cáo chưa được thẩm định đủ các tiêu chí: {names}.")
    if not accepted:
        raise conflict("nothing-to-freeze", "Kỳ này chưa có báo cáo nào được tiếp nhận.")
    return accepted


def _frozen(file: periods.PeriodFile, results: Sequence[Result]) -> answers.Frozen:
    ordered = sorted(results, key=lambda one: (one.group, one.block, one.rank, one.participant))
    told = tuple(answers.FrozenResult.of(one) for one in ordered)
    return answers.Frozen(period=file.code, results=told)
