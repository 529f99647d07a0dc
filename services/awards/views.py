"""What readers are shown: shortlist, dossiers, sessions. No ballot is ever read here."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.awards.domain import law
from services.awards.domain.shortlist import Standing, flags_of, forms_for, same_name
from services.awards.store import decisions as decision_store
from services.awards.store import dossiers as dossier_store
from services.awards.store import facts
from services.awards.store import sessions as session_store
from shared.calendar import ward_day
from shared.web.problems import not_found

Answer = dict[str, Any]


async def shortlist(connection: AsyncConnection, ward: str, period: str, now: datetime) -> Answer:
    """Blocks with their participants; proposals that name no participant stand apart."""
    menu = await facts.menu_of(connection, ward, period)
    if menu is None:
        raise not_found("kỳ báo cáo này")
    live = await dossier_store.live_of(connection, ward, period)
    proposals = [
        {"proposer": p.proposer, "subject": p.subject, "form": p.form, "reason": p.reason}
        for p in await facts.proposals_of(connection, ward, period)
    ]
    rules = law.rules_in_force(ward_day(now))
    kind = law.period_kind(period)
    blocks: dict[str, Answer] = {}
    matched: list[Answer] = []
    for row in await facts.standings(connection, ward, period):
        theirs = [p for p in proposals if _names(p["subject"], row)]
        matched += theirs
        block = blocks.setdefault(
            row.block, {"block": row.block, "title": row.block_title or "", "lines": []}
        )
        block["title"] = block["title"] or row.block_title or ""
        standing = Standing(
            row.collective,
            row.rank or 0,
            bool(row.late),
            live.get(row.participant, ""),
            len(theirs),
        )
        block["lines"].append(
            {
                **_standing_answer(row),
                "proposals": theirs,
                "dossier": standing.live_dossier or None,
                "forms": (forms := forms_for(standing, kind, menu.forms.values(), rules)),
                "eligible": bool(forms),
                "flags": [{"flag": f.name, "detail": f.detail} for f in flags_of(standing)],
            }
        )
    return {
        "period": period,
        "blocks": list(blocks.values()),
        "other_proposals": [p for p in proposals if p not in matched],
        "note": "Điểm chỉ để tham khảo; Hội đồng xét và Chủ tịch quyết định.",
    }


def _names(subject: str, row: Any) -> bool:
    return subject == row.participant or same_name(subject, row.name)


def _standing_answer(row: Any) -> Answer:
    return {
        "participant": row.participant,
        "name": row.name,
        "collective": row.collective,
        "proposed_by": row.proposed_by,
        "total": None if row.total is None else str(row.total),
        "grade": row.grade,
        "rank": row.rank,
        "ranked": row.ranked,
    }


async def dossiers(
    connection: AsyncConnection, ward: str, period: str | None = None
) -> list[Answer]:
    printed = await decision_store.documents_of(connection, ward)
    return [
        _dossier_answer(row, row.dossier in printed)
        for row in await dossier_store.all_of(connection, ward, period)
    ]


def _dossier_answer(row: Any, printed: bool) -> Answer:
    names = ("dossier", "period", "participant", "name", "unit", "form", "form_title")
    answer: Answer = {name: getattr(row, name) for name in names}
    answer |= {"achievement": row.achievement, "reason": row.reason, "state": row.state}
    answer |= {"window_from": row.window_from, "window_until": row.window_until}
    answer |= {"session": row.session, "tally": None, "decision": None, "printed": printed}
    if row.members is not None:
        counts = ("yes", "no", "abstain", "recused", "silent", "members")
        answer["tally"] = {name: getattr(row, name) for name in counts}
    if row.number is not None:
        answer["decision"] = {
            "number": row.number,
            "decided_on": row.decided_on,
            "ordinal": row.ordinal,
        }
    return answer


async def awards(connection: AsyncConnection, ward: str, period: str | None) -> list[Answer]:
    """The awards decided in a ward, as anybody may see them."""
    return [
        {
            "dossier": row.dossier,
            "period": row.period,
            "participant": row.participant,
            "name": row.name,
            "unit": row.unit,
            "achievement": row.achievement,
            "form": row.form,
            "form_title": row.form_title,
            "decision_number": row.number,
            "decided_on": row.decided_on,
            "ordinal": row.ordinal,
        }
        for row in await dossier_store.all_of(connection, ward, period)
        if row.number is not None
    ]


async def session(connection: AsyncConnection, ward: str, name: str) -> Answer:
    row = await session_store.find(connection, ward, name)
    if row is None:
        raise not_found("phiên họp này")
    _, roll = await session_store.last_roll(connection, ward, name)
    decision = await decision_store.find(connection, ward, name)
    return {
        "session": name,
        "period": row.period,
        "held_on": row.held_on,
        "rule": {"quorum": row.quorum, "pass": row.pass_rule, "recused": row.recused},
        "members": await session_store.members_of(connection, ward, name),
        "present": sorted(roll.present) if roll else [],
        "written": sorted(roll.written) if roll else [],
        "voted": len(await session_store.voters_of(connection, ward, name)),
        "dossiers": await session_store.agenda_of(connection, ward, name),
        "closed_at": row.closed_at,
        "approved_at": row.approved_at,
        "decision": None
        if decision is None
        else {"number": decision.number, "decided_on": decision.decided_on},
    }


async def sessions(connection: AsyncConnection, ward: str) -> list[Answer]:
    names = await session_store.all_of(connection, ward)
    return [await session(connection, ward, name) for name in names]
