"""The secretary's commands before the vote: call a session, take attendance."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from services.awards import answers
from services.awards.commands.keys import session_key
from services.awards.domain.dossier import Circumstances, Command, State, step
from services.awards.domain.session import (
    Roll,
    call_roll,
    check_members,
    has_quorum,
    parse_share,
)
from services.awards.domain.tally import PassRule, parse_rule
from services.awards.forms import AttendanceForm, SessionForm
from services.awards.store import dossiers, sessions
from shared.calendar import ward_day
from shared.messaging.unit_of_work import UnitOfWork
from shared.records import record_act
from shared.refusal import Refusal
from shared.web.identity import Person
from shared.web.problems import conflict, not_found


@dataclass(frozen=True, slots=True)
class Sitting:
    """A session as loaded; `row` holds its date, rules and the instants of closing, approval."""

    row: Any
    members: list[str]
    agenda: list[str]
    roll_number: int
    roll: Roll | None

    @property
    def quorum(self) -> Fraction:
        return parse_share(self.row.quorum, "/rule/quorum")

    @property
    def pass_rule(self) -> PassRule:
        return parse_rule(self.row.pass_rule, self.row.recused)

    @property
    def closed(self) -> bool:
        return self.row.closed_at is not None


async def load_sitting(work: UnitOfWork, ward: str, name: str) -> Sitting:
    """Raises Problem (404)."""
    row = await sessions.find(work.connection, ward, name)
    if row is None:
        raise not_found("phiên họp này")
    return Sitting(
        row,
        await sessions.members_of(work.connection, ward, name),
        await sessions.agenda_of(work.connection, ward, name),
        *await sessions.last_roll(work.connection, ward, name),
    )


def check_session(person: Person, name: str) -> None:
    """Whoever holds a role for some sessions has it in these; of others they learn nothing.

    Raises Problem (404).
    """
    if person.sessions and name not in person.sessions:
        raise not_found("phiên họp này")


async def call_session(
    work: UnitOfWork, form: SessionForm, person: Person
) -> answers.SessionCalled:
    """Call a session for published dossiers; it may be called before their windows end."""
    check_session(person, form.session)
    values = _values_of(form, person.ward)
    known = await sessions.find(work.connection, person.ward, form.session)
    if known is not None:
        sitting = await load_sitting(work, person.ward, form.session)
        _check_same(sitting, values, form)
        return _session_answer(form)
    check_members(form.members)
    parse_share(form.rule.quorum, "/rule/quorum")
    parse_rule(form.rule.passing, form.rule.recused)
    now = work.business.now()
    rows = await dossiers.load(work.connection, person.ward, form.dossiers)
    moves: list[tuple[str, Command, State]] = []
    for place, name in enumerate(form.dossiers):
        pointer = f"/dossiers/{place}"
        row = rows.get(name)
        if row is None:
            raise not_found(f"hồ sơ ở {pointer}")
        if row.period != form.period:
            raise Refusal("other-period", "Hồ sơ này thuộc kỳ khác.", pointer)
        if name in form.dossiers[:place]:
            raise Refusal("named-twice", "Hồ sơ này đã có trong danh sách.", pointer)
        case = Circumstances(ward_day(now), window_until=row.window_until, held_on=form.held_on)
        state = step(row.state, Command.CONVENE, person.roles, case, pointer)
        moves.append((name, Command.CONVENE, state))
    entry = {**values, "convened_by": person.actor, "convened_at": now}
    await sessions.add(work.connection, entry, form.members, form.dossiers)
    await dossiers.move(work.connection, person.ward, moves, person.actor, now)
    subject = session_key(person.ward, form.session)
    await record_act(work, "session-called", subject, person.actor, form.model_dump())
    return _session_answer(form)


def _values_of(form: SessionForm, ward: str) -> dict[str, Any]:
    regulation = form.regulation
    return {
        "ward": ward,
        "session": form.session,
        "period": form.period,
        "held_on": form.held_on,
        "quorum": form.rule.quorum,
        "pass_rule": form.rule.passing,
        "recused": form.rule.recused,
        "regulation_number": regulation.number if regulation else "",
        "regulation_issued_on": regulation.issued_on if regulation else None,
    }


def _check_same(sitting: Sitting, values: dict[str, Any], form: SessionForm) -> None:
    same = (
        all(getattr(sitting.row, name) == value for name, value in values.items())
        and sitting.members == sorted(form.members)
        and sitting.agenda == list(form.dossiers)
    )
    if not same:
        raise conflict("session-differs", f"Phiên họp {form.session} đã có với nội dung khác.")


def _session_answer(form: SessionForm) -> answers.SessionCalled:
    return answers.SessionCalled(
        session=form.session,
        held_on=form.held_on,
        members=len(form.members),
        dossiers=form.dossiers,
    )


async def take_attendance(
    work: UnitOfWork, name: str, form: AttendanceForm, person: Person
) -> answers.Attendance:
    """Enter who is present or gave a written opinion; a later roll corrects an earlier one."""
    check_session(person, name)
    sitting = await load_sitting(work, person.ward, name)
    voted = await sessions.voters_of(work.connection, person.ward, name)
    roll = call_roll(sitting.members, form.present, form.written, voted)
    if roll != sitting.roll:
        if sitting.closed:
            raise conflict("session-closed", "Phiên họp đã kết luận.")
        now = work.business.now()
        if ward_day(now) < sitting.row.held_on:
            raise Refusal("session-not-begun", "Chưa đến ngày họp Hội đồng.")
        number = sitting.roll_number + 1
        values = {
            "ward": person.ward,
            "session": name,
            "roll": number,
            "taken_by": person.actor,
            "taken_at": now,
        }
        await sessions.add_roll(work.connection, values, roll)
        told = {"roll": number, "present": form.present, "written": form.written}
        subject = session_key(person.ward, name)
        await record_act(work, "attendance-taken", subject, person.actor, told)
    return answers.Attendance(
        session=name,
        members=len(sitting.members),
        present=tuple(sorted(roll.present)),
        written=tuple(sorted(roll.written)),
        quorum=sitting.row.quorum,
        open=has_quorum(len(roll.present), len(sitting.members), sitting.quorum),
    )
