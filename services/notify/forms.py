"""What comes in by HTTP: filters of the lists."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.notify.domain import task
from services.notify.domain.delivery import State

MailKind = Literal[
    "obligation-opened",
    "reminder",
    "overdue",
    "report-received",
    "report-returned",
    "report-reopened",
    "report-accepted",
    "own-result",
    "award-decided",
    "escalated",
    "deadline-moved",
    "duty-withdrawn",
    "approval-asked",
    "approval-settled",
    "office-summary",
]


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


class MailFilter(BaseModel):
    """An empty value filters nothing."""

    model_config = ConfigDict(frozen=True)

    status: Annotated[State | None, BeforeValidator(_empty_is_none)] = None
    kind: Annotated[MailKind | None, BeforeValidator(_empty_is_none)] = None


class TaskFilter(BaseModel):
    """An empty value filters nothing. `q`: words in the title or the unit's name."""

    model_config = ConfigDict(frozen=True)

    kind: Annotated[task.Kind | None, BeforeValidator(_empty_is_none)] = None
    q: str = Field(default="", max_length=200)
