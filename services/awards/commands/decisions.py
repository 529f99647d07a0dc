"""After the vote: the Chairman approves, văn thư enters the decision's number and date."""

from typing import Any

from services.awards import answers
from services.awards.commands.keys import session_key
from services.awards.commands.sessions import Sitting, load_sitting
from services.awards.domain.decision import Listed, check_date, check_number, in_order
from services.awards.domain.dossier import Circumstances, Command, State, is_own_unit, step
from services.awards.forms import DecisionForm
from services.awards.store import decisions, dossiers, facts, sessions
from shared.calendar import vietnamese_date, ward_day
from shared.contracts.awards import AwardDecided
from shared.messaging.unit_of_work import UnitOfWork
from shared.records import record_act
from shared.refusal import Refusal
from shared.web.identity import Person
from shared.web.problems import conflict


async def approve_session(work: UnitOfWork, name: str, person: Person) -> answers.SessionApproved:
    """Approve the dossiers that passed in a session."""
    sitting = await load_sitting(work, person.ward, name)
    passed = await _passed(work, sitting, person.ward)
    if sitting.row.approved_at is None:
        now = work.business.now()
        rows = await dossiers.load(work.connection, person.ward, passed)
        moves: list[tuple[str, Command, State]] = []
        for dossier in passed:
            row = rows[dossier]
            own = is_own_unit(person.stakes, row.participant, row.proposed_by)
            case = Circumstances(ward_day(now), own_unit=own)
            state = step(row.state, Command.APPROVE, person.roles, case)
            moves.append((dossier, Command.APPROVE, state))
        values = {
            "ward": person.ward,
            "session": name,
            "approved_by": person.actor,
            "approved_at": now,
        }
        await sessions.approve(work.connection, values)
        await dossiers.move(work.connection, person.ward, moves, person.actor, now)
        await record_act(
            work,
            "awards-approved",
            session_key(person.ward, name),
            person.actor,
            {"dossiers": passed},
        )
    return answers.SessionApproved(session=name, approved=tuple(passed))


async def _passed(work: UnitOfWork, sitting: Sitting, ward: str) -> list[str]:
    if not sitting.closed:
        raise Refusal("session-not-closed", "Phiên họp chưa kết luận.")
    outcomes = await sessions.outcomes_of(work.connection, ward, sitting.row.session)
    passed = [dossier for dossier in sitting.agenda if outcomes[dossier][1]]
    if not passed:
        raise Refusal("nothing-passed", "Không có hồ sơ nào được Hội đồng đồng ý.")
    return passed


async def enter_decision(
    work: UnitOfWork, form: DecisionForm, person: Person
) -> answers.DecisionEntered:
    """Enter the decision on a session's approved dossiers; one decision a session."""
    sitting = await load_sitting(work, person.ward, form.session)
    known = await decisions.find(work.connection, person.ward, form.session)
    if known is None:
        slug = await _check(work, form, sitting, person.ward)
        await _decide(work, form, slug, await _passed(work, sitting, person.ward), person)
    elif not (
        known.number == form.number
        and known.decided_on == form.decided_on
        and known.signer_lines == list(form.signer_lines)
    ):
        day = vietnamese_date(known.decided_on)
        detail = f"Phiên họp này đã có Quyết định số {known.number} ngày {day}."
        raise conflict("decision-differs", detail)
    ordinals = await decisions.ordinals_of(work.connection, person.ward, form.session)
    return answers.DecisionEntered(
        session=form.session,
        number=form.number,
        decided_on=form.decided_on,
        awards=tuple(answers.DecidedAward(dossier=d, ordinal=n) for d, n in ordinals.items()),
    )


async def _check(work: UnitOfWork, form: DecisionForm, sitting: Sitting, ward: str) -> str:
    if sitting.row.approved_at is None:
        raise Refusal("not-approved", "Chủ tịch chưa duyệt kết quả phiên họp này.", "/session")
    slug = check_number(form.number)
    approved_on = ward_day(sitting.row.approved_at)
    today = ward_day(work.business.now())
    check_date(form.decided_on, sitting.row.held_on, approved_on, today)
    taken = await decisions.with_number(work.connection, ward, form.decided_on.year, slug)
    if taken is not None:
        detail = f"Số {taken.number} đã dùng trong năm {form.decided_on.year}."
        raise conflict("number-taken", detail)
    return slug


async def _decide(
    work: UnitOfWork, form: DecisionForm, slug: str, approved: list[str], person: Person
) -> None:
    now = work.business.now()
    rows = await dossiers.load(work.connection, person.ward, approved)
    names = await _in_order(work, [rows[dossier] for dossier in approved])
    case = Circumstances(ward_day(now))
    moves = [
        (name, Command.DECIDE, step(rows[name].state, Command.DECIDE, person.roles, case))
        for name in names
    ]
    values = {
        "ward": person.ward,
        "session": form.session,
        "number": form.number,
        "slug": slug,
        "year": form.decided_on.year,
        "decided_on": form.decided_on,
        "signer_lines": list(form.signer_lines),
        "entered_by": person.actor,
        "entered_at": now,
    }
    await decisions.add(work.connection, values, names)
    await dossiers.move(work.connection, person.ward, moves, person.actor, now)
    for ordinal, name in enumerate(names, 1):
        work.publish(_decided(rows[name], form, ordinal))
    told = {**form.model_dump(), "dossiers": names}
    await record_act(
        work, "awards-decided", session_key(person.ward, form.session), person.actor, told
    )


async def _in_order(work: UnitOfWork, rows: list[Any]) -> list[str]:
    """The dossiers of one session in the decision's order; all are of one period."""
    who = [row.participant for row in rows]
    results = await facts.results_of(work.connection, rows[0].ward, rows[0].period, who)
    listed = [
        Listed(
            row.dossier,
            row.collective,
            results[row.participant].block,
            results[row.participant].rank,
            row.participant,
        )
        for row in rows
    ]
    return [one.dossier for one in in_order(listed)]


def _decided(row: Any, form: DecisionForm, ordinal: int) -> AwardDecided:
    return AwardDecided(
        ward=row.ward,
        dossier=row.dossier,
        period=row.period,
        participant=row.participant,
        form=row.form,
        name=row.name,
        unit=row.unit,
        achievement=row.achievement,
        form_title=row.form_title,
        decision_number=form.number,
        decided_on=form.decided_on,
        ordinal=ordinal,
    )
