"""What comes in by HTTP: filters of the list of mails, and who may see all of it."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.notify.domain.delivery import State
from shared.web.identity import Role

KEEPERS: tuple[Role, ...] = ("officer", "operator", "auditor")
"""Roles that see every mail; all others see those to themselves."""
PAGE = 50
"""Mails on a page."""

Kind = Literal[
    "obligation-opened",
    "reminder",
    "overdue",
    "report-received",
    "report-returned",
    "report-accepted",
    "own-result",
    "award-decided",
]


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


class MailFilter(BaseModel):
    """An empty value filters nothing. `before`: the cursor, from the page before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Annotated[State | None, BeforeValidator(_empty_is_none)] = None
    kind: Annotated[Kind | None, BeforeValidator(_empty_is_none)] = None
    before: Annotated[int | None, BeforeValidator(_empty_is_none)] = Field(
        default=None, ge=1, le=2**63 - 1
    )
