"""What notify answers by HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.notify.domain import task
from services.notify.domain.delivery import State
from services.notify.domain.task import Task, Urgency, title
from services.notify.forms import MailKind

Period = Annotated[str, Field(examples=["2025-annual"])]


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True, frozen=True)


class TaskAnswer(_Answer):
    """One thing to do, and the page where it is done."""

    id: str = Field(examples=["report:0190a5c2-7d34-7b51-9a53-2f0d1c7e11aa"])
    kind: task.Kind
    title: str = Field(examples=["Gửi báo cáo thi đua năm 2025"])
    about: str = Field(examples=["Trường Trung học cơ sở 1"], description='"": no unit of its own.')
    participant: str = Field(examples=["thcs-1"], description='"": no unit of its own.')
    period: Period
    count: int = Field(ge=1, examples=[1], description="How many files it is about.")
    since: AwareDatetime | None = Field(examples=["2025-12-05T09:30:00+07:00"])
    due: date | None = Field(examples=["2025-12-09"], description="The last day.")
    urgency: Urgency
    link: str = Field(examples=["/intake/duties/0190a5c2-7d34-7b51-9a53-2f0d1c7e11aa"])

    @classmethod
    def of(cls, one: Task, when: str) -> "TaskAnswer":
        """`when`: the task's period in words."""
        return cls(
            id=one.id,
            kind=one.kind,
            title=title(one, when),
            about=one.about,
            participant=one.participant,
            period=one.period,
            count=one.files,
            since=one.since,
            due=one.due,
            urgency=one.urgency,
            link=one.path,
        )


class TaskCounts(_Answer):
    """How many tasks somebody has."""

    total: int = Field(examples=[3])
    by_urgency: dict[Urgency, int] = Field(examples=[{"late": 1, "open": 2}])
    by_kind: dict[task.Kind, int] = Field(examples=[{"report": 1, "look": 2}])


class MailAnswer(_Answer):
    """One mail and what became of it; never to which address."""

    id: UUID
    kind: MailKind
    status: State
    person: str | None = Field(
        examples=["thcs-1.reporter"], description="Whom it is to; null while it waits for facts."
    )
    participant: str = Field(examples=["thcs-1"])
    name: str = Field(examples=["Trường Trung học cơ sở 1"])
    period: Period
    attempts: int = Field(examples=[1])
    reason: str = Field(examples=["obligation-met"], description="Why it was not sent, or not yet.")
    taken_at: AwareDatetime
    sent_at: AwareDatetime | None


class MailCounts(_Answer):
    """How many mails stand where."""

    total: int = Field(examples=[2])
    by_status: dict[State, int] = Field(examples=[{"dropped": 1, "sent": 1}])
    by_kind: dict[MailKind, dict[State, int]] = Field(examples=[{"own-result": {"sent": 1}}])
