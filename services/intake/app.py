"""Intake, composed.

| what comes                        | who takes it                        |
|-----------------------------------|-------------------------------------|
| inbound report-submitted          | `handlers.answer_publishers`        |
| reminder-due, -overdue (our own)  | `recall_reminders`, `recall_overdue`|
| the clock                         | `routines.planner`                  |
"""

from pathlib import Path

from pydantic import TypeAdapter
from ruamel.yaml import YAML

from services.intake import api, pages, routines
from services.intake.forms import PublisherEntry
from services.intake.handlers import consumer, register
from shared.contracts.inbound import ReportReceipt, ReportRejected
from shared.contracts.intake import (
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
from shared.service import Parts, Service
from shared.settings import Settings


class IntakeSettings(Settings):
    publishers_file: Path
    """The register of publishers (YAML): name, ce_source, wards and participants granted."""


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
        ReportReceipt,
        ReportRejected,
    ),
    routers=(api.router, pages.router),
    routines=lambda parts: (routines.planner(parts.works),),
    prepare=read_register,
)
