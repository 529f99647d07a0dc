"""Who can be tried out: everyone in the directory, by role. For local stacks alone."""

from collections.abc import Sequence

from services.intake.commands.sign_in import Candidate
from services.intake.domain.directory import roles_on
from services.intake.store import people
from services.intake.store import sign_in as store
from shared.calendar import ward_day
from shared.messaging import UnitOfWork
from shared.roles import Role


async def people_by_role(work: UnitOfWork) -> list[tuple[Role, Sequence[Candidate]]]:
    """People of all wards under each of their roles; a role nobody holds is not there."""
    on = ward_day(work.business.now())
    groups: dict[Role, list[Candidate]] = {}
    for ward, rows in (await store.on_file(work.connection)).items():
        held = await people.held_by(work.connection, ward, [row.person for row in rows])
        for row in rows:
            candidate = Candidate(ward, row.person, row.name, row.unit)
            for role in sorted(roles_on(held.get(row.person, []), on)):
                groups.setdefault(role, []).append(candidate)
    return sorted(groups.items())
