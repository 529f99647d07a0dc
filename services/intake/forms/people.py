"""What comes to the directory by HTTP and from its file, and what it answers."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.intake.domain.directory import Holding, in_force, roles_on
from services.intake.forms.desk import Email, PersonId
from shared.contracts.base import Day, Instant, Text
from shared.roles import Role


def _blank_to_none(value: object) -> object:
    return None if value == "" else value


UnitCode = Annotated[str, Field(pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$", max_length=80)]
"""A participant's code, or "" for none."""
OptionalDay = Annotated[Day | None, BeforeValidator(_blank_to_none)]
Reason = Annotated[Text, Field(min_length=1, max_length=500)]
DocumentNumber = Annotated[Text, Field(max_length=100)]
Name = Annotated[Text, Field(min_length=1, max_length=300)]


def _like(**example: Any) -> ConfigDict:
    return ConfigDict(frozen=True, extra="forbid", json_schema_extra={"example": example})


_EXAMPLE = {
    "person": "phong-vhxh.officer",
    "name": "Công chức phụ trách thi đua, khen thưởng",
    "email": "phong-vhxh.officer@tu-minh.example",
    "unit": "phong-vhxh",
}


class AdmissionForm(BaseModel):
    """Somebody new in the directory; the same again changes nothing."""

    model_config = _like(**_EXAMPLE)

    person: PersonId
    name: Name
    email: Email
    unit: UnitCode = ""


class ContactForm(BaseModel):
    """The person's name, address and unit as they are now."""

    model_config = _like(**{k: v for k, v in _EXAMPLE.items() if k != "person"})

    name: Name
    email: Email
    unit: UnitCode = ""


class GrantForm(BaseModel):
    """A role, for a unit or a session where it is held for one; `since` empty: from today."""

    model_config = _like(role="council", document="12/QĐ-UBND", since="2025-08-01")

    role: Role
    unit: UnitCode = ""
    session: UnitCode = ""
    since: OptionalDay = None
    until: OptionalDay = None
    document: DocumentNumber = ""


class EndForm(BaseModel):
    model_config = _like(reason="Chuyển công tác")

    reason: Reason


class DelegationForm(BaseModel):
    """`delegate` acts for `principal` in these roles, by the document, until the day named."""

    model_config = _like(
        principal="chairman",
        delegate="vice-chairman",
        roles=["chairman"],
        since="2025-12-15",
        until="2025-12-20",
        document="21/GUQ-UBND",
    )

    principal: PersonId
    delegate: PersonId
    roles: tuple[Role, ...] = Field(min_length=1, max_length=13)
    since: OptionalDay = None
    until: Day
    document: Annotated[DocumentNumber, Field(min_length=1)]


class AccessEndForm(BaseModel):
    """Signs a person out everywhere; with `roles` also ends every role and delegation."""

    model_config = _like(reason="Mất máy tính", roles=False)

    reason: Reason
    roles: bool = False


class ErasureForm(BaseModel):
    """`document`: the number of the paper by which erasure was asked for and agreed."""

    model_config = _like(document="08/YC-DLCN")

    document: Annotated[DocumentNumber, Field(min_length=1)]


class CorrectionForm(BaseModel):
    model_config = _like(text="Địa chỉ thư đã đổi sang van-phong.moi@tu-minh.example")

    text: Annotated[Text, Field(min_length=1, max_length=2000)]


class CorrectionAnswerForm(BaseModel):
    model_config = _like(outcome="corrected", reason="Đã sửa địa chỉ thư.")

    outcome: Literal["corrected", "refused"]
    reason: Reason


class AdmittedEntry(BaseModel):
    """One person of the file that `admit` reads; `substitute_for`: whose file they take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    person: PersonId
    name: Name
    roles: tuple[Role, ...] = Field(min_length=1)
    unit: UnitCode = ""
    email: Email
    substitute_for: UnitCode = ""

    def admission(self) -> AdmissionForm:
        return AdmissionForm(person=self.person, name=self.name, email=self.email, unit=self.unit)

    def grants(self, since: date, document: str) -> tuple[GrantForm, ...]:
        """Each role, for the unit that it is held for."""
        units = {
            "reporter": self.unit,
            "head": self.unit,
            "substitute-officer": self.substitute_for,
        }
        return tuple(
            GrantForm(role=role, unit=units.get(role, ""), since=since, document=document)
            for role in self.roles
        )


class AdmissionFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    people: tuple[AdmittedEntry, ...] = Field(min_length=1)


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Admitted(_Answer):
    """`new`: was not in the directory before."""

    person: str
    version: int
    new: bool


class Granted(_Answer):
    """`warnings`: what the ward should be told about who holds what."""

    id: int
    person: str
    role: Role
    warnings: tuple[str, ...] = ()


class Delegated(_Answer):
    id: int
    principal: str
    delegate: str


class Ended(_Answer):
    """`ended_on`: the first day without it."""

    id: int
    ended_on: Day


class AccessWasEnded(_Answer):
    person: str
    roles_ended: int


class Erased(_Answer):
    """`warnings`: what is left without somebody."""

    person: str
    erased_on: Day
    warnings: tuple[str, ...] = ()


class CorrectionAsked(_Answer):
    id: int


class CorrectionAnswered(_Answer):
    id: int
    outcome: Literal["corrected", "refused"]


class HeldRole(_Answer):
    """A role as granted; `in_force` today."""

    id: int
    role: Role
    scope: Literal["ward", "unit", "session"]
    scope_of: str
    since: Day
    until: Day | None
    document: str
    granted_by: str
    granted_at: Instant
    ended_on: Day | None
    ended_by: str | None
    ended_at: Instant | None
    ended_why: str
    in_force: bool = False


class DelegationRow(_Answer):
    id: int
    principal: str
    delegate: str
    roles: tuple[Role, ...]
    since: Day
    until: Day
    document: str
    granted_by: str
    granted_at: Instant
    ended_on: Day | None
    ended_by: str | None
    ended_at: Instant | None
    in_force: bool = False


class PersonRow(_Answer):
    """One person in a list, with the roles in force today."""

    person: str
    name: str
    email: str
    unit: str
    roles: tuple[Role, ...]
    erased_on: Day | None

    @classmethod
    def of(cls, row: Any, held: Iterable[Holding], on: date) -> "PersonRow":
        return cls(
            person=row.person,
            name=row.name,
            email=row.email,
            unit=row.unit,
            roles=tuple(sorted(roles_on(held, on))),
            erased_on=row.erased_on,
        )


Row = TypeVar("Row", HeldRole, DelegationRow)


class PersonDetail(_Answer):
    person: str
    name: str
    email: str
    unit: str
    version: int
    erased_on: Day | None
    roles: tuple[HeldRole, ...]
    delegations: tuple[DelegationRow, ...]

    @classmethod
    def of(
        cls, row: Any, roles: Iterable[Any], delegations: Iterable[Any], on: date
    ) -> "PersonDetail":
        return cls(
            person=row.person,
            name=row.name,
            email=row.email,
            unit=row.unit,
            version=row.version,
            erased_on=row.erased_on,
            roles=tuple(_told(HeldRole, one, on) for one in roles),
            delegations=tuple(_told(DelegationRow, one, on) for one in delegations),
        )


def _told(model: type[Row], row: Any, on: date) -> Row:
    """A row as shown, with whether it counts on a day."""
    counts = in_force(row.since, row.until, row.ended_on, on)
    return model.model_validate(row).model_copy(update={"in_force": counts})


class CorrectionRow(_Answer):
    id: int
    person: str
    text: str
    asked_at: Instant
    outcome: Literal["corrected", "refused"] | None
    reason: str
    answered_by: str | None
    answered_at: Instant | None
