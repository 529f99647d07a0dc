"""What comes to the register of publishers by HTTP and from its file, and what it answers."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.intake.domain.publisher import Grant
from services.intake.forms.people import DocumentNumber, OptionalDay, Reason
from shared.contracts.base import Code, Day, Instant
from shared.contracts.inbound import inbound_topic, outbound_topic

Everybody = Literal["all"]
Document = Annotated[DocumentNumber, Field(min_length=1)]
Source = Annotated[str, Field(pattern=r"^([a-z][a-z0-9+.-]*:[\x21-\x7e]+)?$", max_length=200)]
"""A URI, or "" for `urn:thidua:publisher:<name>`."""


def _like(**example: Any) -> ConfigDict:
    return ConfigDict(frozen=True, extra="forbid", json_schema_extra={"example": example})


def _split(value: object) -> object:
    """A page's one field of codes, with spaces, commas or lines between them."""
    if not isinstance(value, str):
        return value
    if value.strip().casefold() in ("all", "tất cả"):
        return "all"
    return value.replace(",", " ").replace(";", " ").split()


class PublisherForm(BaseModel):
    """Another system that will send reports; the same again changes nothing."""

    model_config = _like(name="e-office", source="", document="14/QĐ-UBND")

    name: Code
    source: Source = ""
    document: Document


class PublisherGrantForm(BaseModel):
    """For whom it may report: codes, or "all" of the ward's. `since` empty: from today."""

    model_config = _like(
        participants=["tieu-hoc-1", "thcs-1"], since="2025-11-01", document="15/QĐ-UBND"
    )

    participants: Annotated[
        Everybody | Annotated[tuple[Code, ...], Field(min_length=1, max_length=1000)],
        BeforeValidator(_split),
    ]
    since: OptionalDay = None
    until: OptionalDay = None
    document: Document

    def grant(self, ward: str, today: date) -> Grant:
        whom = None if self.participants == "all" else frozenset(self.participants)
        return Grant(ward, whom, self.since or today, self.until)


class PublisherEndForm(BaseModel):
    model_config = _like(reason="Thôi dùng phần mềm này")

    reason: Reason


class GrantEntry(BaseModel):
    """One grant of the register's file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ward: Code
    participants: tuple[Code, ...] | Everybody


class PublisherEntry(BaseModel):
    """One publisher of the register's file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Code
    source: Source = ""
    grants: tuple[GrantEntry, ...] = ()


class PublisherRegistered(BaseModel):
    """`new`: it was not in the register before. An operator has to make the two topics."""

    model_config = _like(
        name="e-office",
        new=True,
        inbound="thidua.inbound.e-office.v1",
        outbound="thidua.outbound.e-office.v1",
    )

    name: str
    new: bool
    inbound: str
    outbound: str

    @classmethod
    def of(cls, name: str, *, new: bool) -> Self:
        return cls(name=name, new=new, inbound=inbound_topic(name), outbound=outbound_topic(name))


class PublisherGranted(BaseModel):
    """The grant's number, by which it is taken back."""

    model_config = _like(publisher="e-office", id=1, new=True)

    publisher: str
    id: int
    new: bool


class PublisherEnded(BaseModel):
    """From when on nothing of it is taken."""

    model_config = _like(publisher="e-office", ended_at="2026-02-02T09:00:00+07:00")

    publisher: str
    ended_at: Instant


_GRANT = {
    "id": 1,
    "participants": "all",
    "since": "2025-08-01",
    "until": None,
    "document": "14/QĐ-UBND",
    "granted_by": "operator",
    "granted_at": "2025-08-01T08:00:00+07:00",
    "ended_at": None,
    "ended_by": None,
    "ended_why": "",
}


class PublisherGrantRow(BaseModel):
    """What a publisher may do, or could. `ended_at`: nothing is taken by it since then."""

    model_config = _like(**_GRANT)

    id: int
    participants: tuple[str, ...] | Everybody
    since: Day
    until: Day | None
    document: str
    granted_by: str
    granted_at: Instant
    ended_at: Instant | None
    ended_by: str | None
    ended_why: str

    @classmethod
    def of(cls, row: Any) -> Self:
        fields = {name: getattr(row, name) for name in cls.model_fields}
        whom = "all" if row.participants is None else tuple(row.participants)
        return cls.model_validate(fields | {"participants": whom})


class PublisherRow(BaseModel):
    """A publisher with what this ward has granted it. `ours`: this ward registered it."""

    model_config = _like(
        name="e-office",
        source="urn:thidua:publisher:e-office",
        inbound="thidua.inbound.e-office.v1",
        outbound="thidua.outbound.e-office.v1",
        ours=True,
        document="14/QĐ-UBND",
        registered_at="2025-08-01T08:00:00+07:00",
        registered_by="operator",
        ended_at=None,
        ended_by=None,
        ended_why="",
        grants=[_GRANT],
    )

    name: str
    source: str
    inbound: str
    outbound: str
    ours: bool
    document: str
    registered_at: Instant
    registered_by: str
    ended_at: Instant | None
    ended_by: str | None
    ended_why: str
    grants: tuple[PublisherGrantRow, ...]

    @classmethod
    def of(cls, row: Any, grants: Sequence[Any], ward: str) -> Self:
        return cls(
            name=row.name,
            source=row.ce_source,
            inbound=inbound_topic(row.name),
            outbound=outbound_topic(row.name),
            ours=row.ward == ward,
            document=row.document,
            registered_at=row.registered_at,
            registered_by=row.registered_by,
            ended_at=row.ended_at,
            ended_by=row.ended_by,
            ended_why=row.ended_why,
            grants=tuple(PublisherGrantRow.of(one) for one in grants),
        )
