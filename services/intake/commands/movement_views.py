"""Versions of the movement as they are shown: whole, beside each other, before adoption."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.commands import movement as commands
from services.intake.commands.rules import Picture
from services.intake.domain.movement import difference
from services.intake.domain.obligation import obligation_id
from services.intake.domain.rule import Replan
from services.intake.forms.movement import (
    ChangeRow,
    Differences,
    PlannedDuty,
    Preview,
    VersionDetail,
)
from services.intake.store import desk
from services.intake.store import movement as store
from shared.calendar import WARD_ZONE
from shared.web.problems import not_found


def detail_of(row: Any) -> VersionDetail:
    """A version as it is shown, and tagged."""
    values = {name: value for name, value in row._asdict().items() if name != "data"}
    return VersionDetail.model_validate({**values, "title": row.data["title"], "content": row.data})


async def compare(
    connection: AsyncConnection, ward: str, movement: str, version: int, since: int | None
) -> Differences:
    """Raises Problem (404) where there is nothing to compare."""
    newer = await commands.existing(connection, ward, movement, version)
    if since is None:
        rows = await store.versions(connection, ward)
        earlier = (r.version for r in rows if r.movement == movement and r.version < version)
        since = next(earlier, None)
    if since is None:
        raise not_found(f"phiên bản nào trước phiên bản {version}")
    older = await commands.existing(connection, ward, movement, since)
    return Differences(
        movement=movement,
        older=since,
        newer=version,
        changes=tuple(ChangeRow.of(one) for one in difference(older.data, newer.data)),
    )


async def preview_of(
    connection: AsyncConnection, ward: str, movement: str, version: int, now: datetime
) -> Preview:
    """Raises Problem (404), Refusal where it cannot be done."""
    known = await commands.existing(connection, ward, movement, version)
    commands.check_draft(known)
    picture, digest = await commands.preview(connection, ward, known, now)
    roll = await desk.participants(connection, ward)
    names = {code: row.name for code, row in roll.items()}
    return shown_picture(picture, digest, version, ward, names)


def shown_picture(
    picture: Picture, digest: str, version: int, ward: str, names: dict[str, str]
) -> Preview:
    return Preview(
        movement=picture.movement,
        version=version,
        digest=digest,
        **shown_plan(picture.plan, ward, names),
    )


def shown_plan(
    plan: Replan, ward: str, names: Mapping[str, str]
) -> dict[str, tuple[PlannedDuty, ...]]:
    """`new`, `moved`, `withdrawn`, `kept`; `names`: of participants, by code."""

    def duty(one: Any, was_due: Any = None) -> PlannedDuty:
        return PlannedDuty(
            obligation=obligation_id(ward, one.participant, one.kind, one.period),
            participant=one.participant,
            name=names.get(one.participant, one.participant),
            kind=one.kind,
            period=one.period,
            manner=one.manner,
            due=one.due.astimezone(WARD_ZONE),
            due_text=one.due_text,
            was_due=was_due and was_due.astimezone(WARD_ZONE),
        )

    return {
        "new": tuple(duty(one) for one in plan.new),
        "moved": tuple(duty(after, before.due) for before, after in plan.moved),
        "withdrawn": tuple(duty(one) for one in plan.withdrawn),
        "kept": tuple(duty(one) for one in plan.kept),
    }
