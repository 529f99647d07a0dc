"""The vote: each member's ballot, and the closing that counts them."""

from typing import Any

from services.awards import answers
from services.awards.commands.keys import session_key
from services.awards.commands.sessions import Sitting, check_session, load_sitting
from services.awards.domain.ballot import check_voter, fill_in
from services.awards.domain.dossier import Circumstances, Command, State, is_own_unit, step
from services.awards.domain.session import Roll, check_open
from services.awards.domain.tally import Tally, count, passes
from services.awards.forms import BallotForm
from services.awards.store import dossiers, sessions
from services.awards.store.tables import recusal, voter
from shared.calendar import ward_day
from shared.contracts.awards import DossierConcluded
from shared.messaging.unit_of_work import UnitOfWork
from shared.records import record_act
from shared.refusal import Refusal
from shared.web.identity import Person
from shared.web.problems import conflict, forbidden


async def cast_ballot(
    work: UnitOfWork, name: str, form: BallotForm, person: Person
) -> answers.BallotTaken:
    """Take a member's ballot. A second one changes nothing: nobody can tell what the first said."""
    check_session(person, name)
    sitting = await load_sitting(work, person.ward, name)
    if person.id not in sitting.members:
        raise forbidden("Bạn không phải là thành viên của phiên họp này.")
    rows = await dossiers.load(work.connection, person.ward, sitting.agenda)
    own = [d for d in sitting.agenda if _is_own(rows[d], person)]
    voted = await sessions.voters_of(work.connection, person.ward, name)
    repeated = person.id in voted
    if not repeated:
        roll = _open_roll(sitting)
        today = ward_day(work.business.now())
        for dossier in sitting.agenda:
            case = _case(sitting, rows[dossier], today)
            if dossier not in own:
                step(rows[dossier].state, Command.VOTE, person.roles, case)
        check_voter(person.id, roll)
        choices = [(c.dossier, c.choice) for c in form.choices]
        paper = fill_in(choices, sitting.agenda, own)
        key = {"ward": person.ward, "session": name}
        await sessions.cast(work.connection, key, person.id, paper, own)
    return answers.BallotTaken(
        session=name, voted=True, repeated=repeated, not_voting_on=tuple(own)
    )


def _is_own(row: Any, person: Person) -> bool:
    return is_own_unit(person.stakes, row.participant, row.proposed_by)


def _case(sitting: Sitting, row: Any, today: Any) -> Circumstances:
    return Circumstances(today, window_until=row.window_until, held_on=sitting.row.held_on)


def _open_roll(sitting: Sitting) -> Roll:
    if sitting.closed:
        raise conflict("session-closed", "Phiên họp đã kết luận.")
    check_open(sitting.roll, len(sitting.members), sitting.quorum)
    return sitting.roll or Roll()


async def close_session(work: UnitOfWork, name: str, person: Person) -> answers.SessionClosed:
    """Count the ballots and conclude every dossier of the agenda."""
    check_session(person, name)
    sitting = await load_sitting(work, person.ward, name)
    if not sitting.closed:
        await _conclude(work, sitting, person)
    outcomes = await sessions.outcomes_of(work.connection, person.ward, name)
    told = (answers.PassedTally.of(dossier, *outcomes[dossier]) for dossier in sitting.agenda)
    return answers.SessionClosed(session=name, dossiers=tuple(told))


async def _conclude(work: UnitOfWork, sitting: Sitting, person: Person) -> None:
    name, now = sitting.row.session, work.business.now()
    _open_roll(sitting)
    if not await sessions.voters_of(work.connection, person.ward, name):
        raise Refusal("no-ballots", "Chưa có thành viên nào bỏ phiếu.")
    rows = await dossiers.load(work.connection, person.ward, sitting.agenda)
    tallies = await _count(work, sitting, person.ward)
    moves: list[tuple[str, Command, State]] = []
    for dossier, (_, passed) in tallies.items():
        command = Command.PASS if passed else Command.FAIL
        case = _case(sitting, rows[dossier], ward_day(now))
        state = step(rows[dossier].state, command, person.roles, case)
        moves.append((dossier, command, state))
    values = {"ward": person.ward, "session": name, "closed_by": person.actor, "closed_at": now}
    await sessions.close(work.connection, values, tallies)
    await dossiers.move(work.connection, person.ward, moves, person.actor, now)
    for dossier, (_, passed) in tallies.items():
        row = rows[dossier]
        work.publish(
            DossierConcluded(
                ward=person.ward,
                dossier=dossier,
                period=row.period,
                participant=row.participant,
                form=row.form,
                passed=passed,
                concluded_at=now,
            )
        )
    told = {
        d: {**answers.counts_of(tally), "passed": passed} for d, (tally, passed) in tallies.items()
    }
    await record_act(work, "session-closed", session_key(person.ward, name), person.actor, told)


async def _count(work: UnitOfWork, sitting: Sitting, ward: str) -> dict[str, tuple[Tally, bool]]:
    """Empty the urn and count. Raises RuntimeError when voters and ballots do not agree."""
    name, connection = sitting.row.session, work.connection
    await sessions.empty_the_urn(connection, ward, name)
    ballots = await sessions.ballots_of(connection, ward, name)
    ticked = await sessions.counts_of(connection, voter, ward, name)
    recused = await sessions.counts_of(connection, recusal, ward, name)
    tallies: dict[str, tuple[Tally, bool]] = {}
    for dossier in sitting.agenda:
        choices = ballots.get(dossier, [])
        if len(choices) != ticked.get(dossier, 0):
            raise RuntimeError(f"{dossier}: {len(choices)} ballots, {ticked.get(dossier)} voters")
        tally = count(choices, recused.get(dossier, 0), len(sitting.members))
        tallies[dossier] = tally, passes(tally, sitting.pass_rule)
    return tallies
