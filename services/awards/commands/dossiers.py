"""The officer's commands: open dossiers, publish candidates."""

from typing import Any

from services.awards import answers
from services.awards.commands.keys import dossier_key
from services.awards.domain import law
from services.awards.domain.dossier import Circumstances, Command, is_own_unit, step
from services.awards.domain.publication import Window, advice, check_window
from services.awards.forms import DossierForm, PublicationForm
from services.awards.store import dossiers, facts
from shared.calendar import ward_day
from shared.contracts.awards import CandidatePublished, DossierOpened
from shared.messaging.unit_of_work import UnitOfWork
from shared.records import record_act
from shared.refusal import Refusal
from shared.web.identity import Person
from shared.web.problems import conflict, not_found


async def open_dossier(
    work: UnitOfWork, form: DossierForm, person: Person
) -> answers.DossierOpened:
    """Open a dossier. Raises Refusal by the rules in force on the day; Problem (409)."""
    known = await dossiers.find(work.connection, person.ward, form.dossier)
    if known is not None:
        _check_same(known, form)
        return answers.DossierOpened(dossier=form.dossier, state=known.state)
    menu = await facts.menu_of(work.connection, person.ward, form.period)
    who = await facts.find_participant(work.connection, person.ward, form.participant)
    if menu is None:
        raise Refusal("unknown-period", "Chưa mở kỳ báo cáo này.", "/period")
    if who is None:
        raise Refusal("unknown-participant", "Chưa đăng ký đơn vị, cá nhân này.", "/participant")
    if who.left_on is not None:
        detail = f"{who.name} đã thôi tham gia nên không mở hồ sơ mới."
        raise Refusal("participant-left", detail, "/participant")
    now = work.business.now()
    own = is_own_unit(person.stakes, who.participant, who.proposed_by)
    state = step(None, Command.OPEN, person.roles, Circumstances(ward_day(now), own_unit=own))
    rules = law.rules_in_force(ward_day(now))
    law.check(await _case(work, menu, who, form), rules)
    values = _values(form, menu, who) | {"law": law.version_of(rules), "state": str(state)}
    await dossiers.add(work.connection, values)
    moves = [(form.dossier, Command.OPEN, state)]
    await dossiers.move(work.connection, person.ward, moves, person.actor, now)
    work.publish(
        DossierOpened(
            ward=person.ward,
            dossier=form.dossier,
            period=form.period,
            participant=form.participant,
            form=form.form,
            opened_at=now,
        )
    )
    subject = dossier_key(person.ward, form.dossier)
    await record_act(work, "dossier-opened", subject, person.actor, form.model_dump())
    return answers.DossierOpened(dossier=form.dossier, state=state)


def _values(form: DossierForm, menu: facts.Menu, who: Any) -> dict[str, Any]:
    """What a dossier remembers of its participant and movement as they were when it was opened."""
    return {
        **form.model_dump(),
        "ward": who.ward,
        "name": who.name,
        "unit": "" if who.collective else who.proposed_by_name,
        "collective": who.collective,
        "proposed_by": who.proposed_by,
        "form_title": menu.forms[form.form].title,
        "movement": menu.movement,
        "movement_version": menu.version,
    }


async def _case(work: UnitOfWork, menu: facts.Menu, who: Any, form: DossierForm) -> law.Case:
    ward, period, participant = who.ward, form.period, form.participant
    results = await facts.results_of(work.connection, ward, period, [participant])
    live = await dossiers.live_of(work.connection, ward, period)
    return law.Case(
        law.period_kind(period),
        menu.forms.get(form.form),
        who.collective,
        participant in results,
        live.get(participant, ""),
    )


def _check_same(known: Any, form: DossierForm) -> None:
    if any(getattr(known, name) != value for name, value in form.model_dump().items()):
        raise conflict("dossier-differs", f"Hồ sơ {form.dossier} đã có với nội dung khác.")


async def publish_candidates(
    work: UnitOfWork, form: PublicationForm, person: Person, advised_days: int
) -> answers.Published:
    """Publish dossiers for opinion. Those published before with the same window stay as they are.

    `advised_days`: working days below which the answer carries a remark, never a refusal.
    """
    window = Window(form.window_from, form.window_until)
    rows = await dossiers.load(work.connection, person.ward, form.dossiers)
    now = work.business.now()
    fresh: dict[str, Any] = {}
    for place, name in enumerate(form.dossiers):
        row = _candidate(rows.get(name), form.period, f"/dossiers/{place}")
        if row.window_from is None:
            case = Circumstances(ward_day(now))
            step(row.state, Command.PUBLISH, person.roles, case, f"/dossiers/{place}")
            fresh[name] = row
        elif Window(row.window_from, row.window_until) != window:
            raise conflict("window-differs", f"Hồ sơ {name} đã công khai với thời gian khác.")
    if fresh:
        check_window(window, ward_day(now))
        await _enter_publication(work, person, window, fresh)
    return answers.Published(
        dossiers=form.dossiers,
        window_from=window.first,
        window_until=window.last,
        working_days=window.working_days,
        advice=advice(window, advised_days),
    )


def _candidate(row: Any | None, period: str, pointer: str) -> Any:
    if row is None:
        raise not_found(f"hồ sơ ở {pointer}")
    if row.period != period:
        raise Refusal("other-period", "Hồ sơ này thuộc kỳ khác.", pointer)
    return row


async def _enter_publication(
    work: UnitOfWork, person: Person, window: Window, fresh: dict[str, Any]
) -> None:
    now = work.business.now()
    await dossiers.publish(work.connection, person.ward, list(fresh), window)
    case = Circumstances(ward_day(now))
    moves = [
        (name, Command.PUBLISH, step(row.state, Command.PUBLISH, person.roles, case))
        for name, row in fresh.items()
    ]
    await dossiers.move(work.connection, person.ward, moves, person.actor, now)
    for name, row in fresh.items():
        work.publish(
            CandidatePublished(
                ward=person.ward,
                dossier=name,
                period=row.period,
                participant=row.participant,
                form=row.form,
                name=row.name,
                unit=row.unit,
                achievement=row.achievement,
                form_title=row.form_title,
                window_from=window.first,
                window_until=window.last,
            )
        )
    told = {"dossiers": sorted(fresh), "from": window.first, "until": window.last}
    subject = f"{person.ward}/publications/{window.first}"
    await record_act(work, "candidates-published", subject, person.actor, told)
