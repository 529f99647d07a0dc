"""What readers are shown: shortlist, sessions. No ballot is ever read here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.awards.answers import (
    FlagRow,
    ProposalRow,
    RuleRow,
    SessionDecision,
    SessionDetail,
    Shortlist,
    ShortlistBlock,
    ShortlistLine,
)
from services.awards.domain import law
from services.awards.domain.shortlist import Standing, flags_of, forms_for, same_name
from services.awards.store import decisions as decision_store
from services.awards.store import dossiers as dossier_store
from services.awards.store import facts
from services.awards.store import sessions as session_store
from shared.calendar import ward_day
from shared.web.identity import Person
from shared.web.problems import not_found


async def shortlist(
    connection: AsyncConnection, ward: str, period: str, now: datetime
) -> Shortlist:
    """Blocks with their participants; proposals that name no participant stand apart."""
    menu = await facts.menu_of(connection, ward, period)
    if menu is None:
        raise not_found("kỳ báo cáo này")
    live = await dossier_store.live_of(connection, ward, period)
    proposals = [
        ProposalRow(proposer=p.proposer, subject=p.subject, form=p.form, reason=p.reason)
        for p in await facts.proposals_of(connection, ward, period)
    ]
    rules = law.rules_in_force(ward_day(now))
    kind = law.period_kind(period)
    blocks: dict[str, list[ShortlistLine]] = {}
    titles: dict[str, str] = {}
    matched: list[ProposalRow] = []
    for row in await facts.standings(connection, ward, period):
        theirs = [p for p in proposals if _names(p.subject, row)]
        matched += theirs
        dossier = live.get(row.participant, "")
        standing = Standing(
            row.collective,
            row.rank or 0,
            bool(row.late),
            dossier,
            len(theirs),
            has_left=row.left_on is not None,
        )
        forms = forms_for(standing, kind, menu.forms.values(), rules)
        titles[row.block] = titles.get(row.block) or row.block_title or ""
        blocks.setdefault(row.block, []).append(_line(row, standing, theirs, forms))
    return Shortlist(
        period=period,
        blocks=tuple(
            ShortlistBlock(block=block, title=titles[block], lines=tuple(lines))
            for block, lines in blocks.items()
        ),
        other_proposals=tuple(p for p in proposals if p not in matched),
        note="Điểm chỉ để tham khảo; Hội đồng xét và Chủ tịch quyết định.",
    )


def _names(subject: str, row: Any) -> bool:
    return subject == row.participant or same_name(subject, row.name)


def _line(
    row: Any, standing: Standing, proposals: Sequence[ProposalRow], forms: Sequence[str]
) -> ShortlistLine:
    return ShortlistLine(
        participant=row.participant,
        name=row.name,
        collective=row.collective,
        proposed_by=row.proposed_by,
        total=row.total,
        grade=row.grade,
        rank=row.rank,
        ranked=row.ranked,
        proposals=tuple(proposals),
        dossier=standing.live_dossier or None,
        forms=tuple(forms),
        eligible=bool(forms),
        flags=tuple(FlagRow(flag=f.name, detail=f.detail) for f in flags_of(standing)),
    )


async def session(connection: AsyncConnection, person: Person, name: str) -> SessionDetail:
    """Raises Problem (404): there is none, or it is not for this person to see."""
    ward = person.ward
    seen = await session_store.seen_of(connection, person, name)
    row = await session_store.find(connection, ward, name) if seen else None
    if row is None:
        raise not_found("phiên họp này")
    _, roll = await session_store.last_roll(connection, ward, name)
    decision = await decision_store.find(connection, ward, name)
    return SessionDetail(
        session=name,
        period=row.period,
        held_on=row.held_on,
        rule=RuleRow(quorum=row.quorum, passing=row.pass_rule, recused=row.recused),
        members=tuple(await session_store.members_of(connection, ward, name)),
        present=tuple(sorted(roll.present)) if roll else (),
        written=tuple(sorted(roll.written)) if roll else (),
        voted=len(await session_store.voters_of(connection, ward, name)),
        dossiers=tuple(await session_store.agenda_of(connection, ward, name)),
        closed_at=row.closed_at,
        approved_at=row.approved_at,
        decision=None
        if decision is None
        else SessionDecision(number=decision.number, decided_on=decision.decided_on),
    )


async def sessions(connection: AsyncConnection, person: Person) -> list[SessionDetail]:
    """Those that somebody may see, in order."""
    names = await session_store.seen_of(connection, person)
    return [await session(connection, person, name) for name in names]
