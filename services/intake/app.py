"""Intake, composed.

| what comes                        | who takes it                        |
|-----------------------------------|-------------------------------------|
| inbound report-submitted          | `handlers.answer_publishers`        |
| reminder-due, -overdue (our own)  | `recall_reminders`, `recall_overdue`|
| the clock                         | `routines.planner`,                 |
|                                   | `sign_in_routines.link_mail, upkeep`|
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter
from ruamel.yaml import YAML

from services.intake import routines, sign_in_routines
from services.intake.access import ROUTES
from services.intake.admission import ADMIT
from services.intake.api import desk as desk_api
from services.intake.api import people as people_api
from services.intake.api import sign_in as sign_in_api
from services.intake.api.own_data import router as own_data
from services.intake.commands.issuing import OwnKeys
from services.intake.forms.desk import PublisherEntry
from services.intake.handlers import consumer, register
from services.intake.pages import board, duty, people, people_forms, report, session, sign_in
from services.intake.sign_in_settings import SignInSettings
from shared.contracts.inbound import ReportReceipt, ReportRejected
from shared.contracts.intake import (
    AccessEnded,
    ContactErased,
    ContactRecorded,
    MovementLaunched,
    ObligationMet,
    ObligationOpened,
    ObligationOverdue,
    ParticipantRegistered,
    PeriodOpened,
    PlanRecorded,
    ReminderDue,
    ReportAccepted,
    ReportReceived,
    ReportReturned,
)
from shared.routine import Routine
from shared.service import Parts, Service


class IntakeSettings(SignInSettings):
    publishers_file: Path
    """The register of publishers (YAML): name, ce_source, wards and participants granted."""


def started_by_the_clock(parts: Parts[IntakeSettings]) -> Sequence[Routine]:
    works, settings = parts.works, parts.settings
    return (
        routines.planner(works),
        sign_in_routines.link_mail(works, settings.issuer, settings.relay, settings.sender),
        sign_in_routines.upkeep(works, settings.issuer),
    )


async def read_register(parts: Parts[IntakeSettings]) -> None:
    """Name the inbound topics and grants. Raises ValueError on a register that is wrong."""
    text = parts.settings.publishers_file.read_text("utf-8")
    entries = TypeAdapter(list[PublisherEntry]).validate_python(YAML(typ="safe").load(text))
    if len({entry.name for entry in entries}) < len(entries):
        raise ValueError(f"{parts.settings.publishers_file}: a publisher is named twice")
    register.replace([entry.publisher() for entry in entries])
    consumer.listen_to(register.topics)


service = Service(
    name="intake",
    settings=IntakeSettings,
    migrations=Path(__file__).parent / "migrations",
    consumer=consumer,
    publishes=(
        MovementLaunched,
        ParticipantRegistered,
        PeriodOpened,
        ObligationOpened,
        ReminderDue,
        ObligationOverdue,
        ObligationMet,
        PlanRecorded,
        ReportReceived,
        ReportReturned,
        ReportAccepted,
        ContactRecorded,
        ContactErased,
        AccessEnded,
        ReportReceipt,
        ReportRejected,
    ),
    routers=(
        people.faces,
        people_forms.faces,
        desk_api.router,
        people_api.router,
        sign_in_api.router,
        own_data,
        board.router,
        duty.router,
        report.router,
        session.router,
        sign_in.router,
    ),
    keys=lambda parts: OwnKeys(parts.engine),
    routes=ROUTES,
    routines=started_by_the_clock,
    prepare=read_register,
    commands={"admit": ADMIT},
)
