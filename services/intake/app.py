"""Intake, composed.

| what comes                        | who takes it                        |
|-----------------------------------|-------------------------------------|
| inbound report-submitted          | `handlers.answer_publishers`        |
| reminder-due, -overdue,           | `recall_reminders`, `_overdue`,     |
| -escalated (our own)              | `_escalations`                      |
| summary-due (our own)             | `handlers.recall_summaries`         |
| the clock                         | `routines.planner`,                 |
|                                   | `office_routines.mornings`,         |
|                                   | `sign_in_routines.link_mail, upkeep`,|
|                                   | `evidence_routines.sweep`           |
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from services.intake import evidence_routines, office_routines, routines, sign_in_routines
from services.intake.access import ROUTES
from services.intake.admission import ADMIT
from services.intake.api import board as board_api
from services.intake.api import desk as desk_api
from services.intake.api import drafts as drafts_api
from services.intake.api import evidence as evidence_api
from services.intake.api import movement as movement_api
from services.intake.api import people as people_api
from services.intake.api import planning as planning_api
from services.intake.api import publishers as publishers_api
from services.intake.api import roster as roster_api
from services.intake.api import sign_in as sign_in_api
from services.intake.api.own_data import router as own_data
from services.intake.commands.issuing import OwnKeys
from services.intake.evidence_settings import EvidenceSettings
from services.intake.handlers import consumer
from services.intake.pages import (
    board,
    board_year,
    draft,
    duty,
    judging,
    people,
    people_forms,
    reminding,
    report,
    session,
    sign_in,
    submission,
    timeline,
)
from services.intake.pages import evidence as evidence_pages
from services.intake.pages import planning as planning_pages
from services.intake.pages import publishers as publisher_pages
from services.intake.pages import roster as roster_pages
from services.intake.pages.movement import faces as movement_pages
from services.intake.pages.movement_rule import faces as movement_rule
from services.intake.registration import PUBLISHERS
from services.intake.shelf import NotThere, ShelfAway
from services.intake.sign_in_settings import SignInSettings
from shared.contracts.inbound import ReportReceipt, ReportRejected
from shared.contracts.intake import (
    AccessEnded,
    ApprovalAsked,
    ApprovalSettled,
    ContactErased,
    ContactRecorded,
    MovementLaunched,
    ObligationEscalated,
    ObligationMet,
    ObligationMoved,
    ObligationOpened,
    ObligationOverdue,
    ObligationWithdrawn,
    ParticipantLeft,
    ParticipantRegistered,
    PeriodOpened,
    PlanRecorded,
    ReminderDue,
    ReportAccepted,
    ReportReceived,
    ReportReopened,
    ReportReturned,
    ReportWithdrawn,
    SummaryDue,
)
from shared.routine import Routine
from shared.service import Parts, Service
from shared.waiting import wait_for


class IntakeSettings(SignInSettings, EvidenceSettings):
    """Who may sign in how, where files stand; the rest of what intake goes by is data.

    `hand_reminders_a_day`: how often the office may remind of one duty by hand in one day.
    """

    hand_reminders_a_day: int = Field(default=1, ge=1, le=10)


def started_by_the_clock(parts: Parts[IntakeSettings]) -> Sequence[Routine]:
    works, settings = parts.works, parts.settings
    return (
        routines.planner(works),
        office_routines.mornings(works, lambda: consumer.topics),
        sign_in_routines.link_mail(works, settings.issuer, settings.relay, settings.sender),
        sign_in_routines.upkeep(works, settings.issuer),
        evidence_routines.sweep(works, settings.shelf, settings.evidence_unused_days),
    )


async def wait_for_shelf(parts: Parts[IntakeSettings]) -> None:
    """Until files can be stored. Raises DependencyMissing."""

    async def look() -> None:
        await parts.settings.shelf.check()

    what, seconds = "the store of files (THIDUA_EVIDENCE_STORE)", parts.settings.wait_seconds
    await wait_for(what, look, seconds, ShelfAway, NotThere, OSError)


service = Service(
    name="intake",
    settings=IntakeSettings,
    migrations=Path(__file__).parent / "migrations",
    consumer=consumer,
    publishes=(
        MovementLaunched,
        ParticipantLeft,
        ParticipantRegistered,
        PeriodOpened,
        ObligationOpened,
        ReminderDue,
        ObligationOverdue,
        ObligationEscalated,
        ObligationMoved,
        ObligationWithdrawn,
        ObligationMet,
        PlanRecorded,
        ReportReceived,
        ReportReturned,
        ReportAccepted,
        ReportReopened,
        ReportWithdrawn,
        ApprovalAsked,
        ApprovalSettled,
        SummaryDue,
        ContactRecorded,
        ContactErased,
        AccessEnded,
        ReportReceipt,
        ReportRejected,
    ),
    routers=(
        desk_api.router,
        draft.faces,
        submission.faces,
        people.faces,
        people_forms.faces,
        publisher_pages.faces,
        board_year.faces,
        reminding.faces,
        timeline.faces,
        evidence_pages.faces,
        board_api.router,
        movement_pages,
        movement_rule,
        drafts_api.router,
        evidence_api.router,
        movement_api.router,
        people_api.router,
        planning_pages.faces,
        roster_pages.faces,
        planning_api.router,
        roster_api.router,
        publishers_api.router,
        sign_in_api.router,
        own_data,
        board.router,
        duty.router,
        evidence_pages.router,
        report.router,
        judging.router,
        session.router,
        sign_in.router,
    ),
    keys=lambda parts: OwnKeys(parts.engine),
    routes=ROUTES,
    routines=started_by_the_clock,
    needs=wait_for_shelf,
    commands={"admit": ADMIT, "publishers": PUBLISHERS},
)
