"""What comes in by HTTP. Unknown fields are refused."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.awards.domain.decision import SIGNED_BY_CHAIRMAN
from services.awards.domain.tally import MAJORITY, Choice, Recused
from shared.contracts.base import Code, Text

PersonId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$", max_length=120)]
Dossiers = Annotated[tuple[Code, ...], Field(min_length=1, max_length=500)]
_FILLED = StringConstraints(strip_whitespace=True, min_length=1)
"""White space alone is not a text."""
Line = Annotated[Text, _FILLED, Field(max_length=120)]


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DossierForm(_Form):
    """A dossier; `dossier` is the client's own id, a slug or a UUID."""

    dossier: Code
    period: Code
    participant: Code
    form: Code
    achievement: Annotated[Text, _FILLED, Field(max_length=1000)]
    reason: Annotated[Text, _FILLED, Field(max_length=5000)]


class PublicationForm(_Form):
    """The window in which the public may give an opinion, both days included."""

    period: Code
    dossiers: Dossiers
    window_from: date
    window_until: date


class RuleForm(_Form):
    """How the session votes, as the council's regulation says.

    `quorum`: share of members who must be present; `pass`: `majority-of-total` or such as
    `4/5-of-total`; `recused`: whether members who may not vote stay in the denominator.
    """

    quorum: str = "2/3"
    passing: str = Field(default=MAJORITY, alias="pass")
    recused: Recused = "stay"


class RegulationForm(_Form):
    number: Line
    issued_on: date


class SessionForm(_Form):
    session: Code
    period: Code
    held_on: date
    members: Annotated[tuple[PersonId, ...], Field(min_length=1, max_length=200)]
    rule: RuleForm = RuleForm()
    dossiers: Dossiers
    regulation: RegulationForm | None = None


class AttendanceForm(_Form):
    """Members present, and absent members whose written opinion is at hand."""

    present: Annotated[tuple[PersonId, ...], Field(max_length=200)]
    written: Annotated[tuple[PersonId, ...], Field(max_length=200)] = ()


class ChoiceForm(_Form):
    dossier: Code
    choice: Choice


class BallotForm(_Form):
    choices: Annotated[tuple[ChoiceForm, ...], Field(max_length=500)]


class DecisionForm(_Form):
    """Number and date as văn thư enters them; `signer_lines` is who signs, line by line."""

    session: Code
    number: Annotated[Text, _FILLED, Field(max_length=60)]
    decided_on: date
    signer_lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=3)] = (
        SIGNED_BY_CHAIRMAN
    )
