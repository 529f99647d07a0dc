"""What every event of the published language has in common."""

import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

_TYPE = re.compile(r"^vn\.thidua\.(?P<publisher>[a-z]+)\.(?P<thing>[a-z]+(-[a-z]+)*)\.v(?P<v>\d+)$")


def _nfc(text: str) -> str:
    if "\x00" in text:
        raise ValueError("text holds a NUL")
    return unicodedata.normalize("NFC", text)


def _decimal_text(value: object) -> object:
    if isinstance(value, float | int):
        raise ValueError("a decimal must be written as a string, such as '38.5'")  # noqa: TRY004
    return value


Text = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_nfc)]
"""Free text, NFC, without NUL; outer white space is removed before its length is judged."""
Code = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
"""A lower-case slug: a ward, participant, period, group, block or form."""
Points = Annotated[
    Decimal,
    Field(max_digits=7, decimal_places=2),
    BeforeValidator(_decimal_text),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]{1,5}(\.[0-9]{1,2})?$"}),
]
"""Points or a rate; a decimal string in JSON.

The limits stand before the validator: behind it pydantic checks them in Python, at three times
the cost.
"""
Instant = AwareDatetime
Day = date


class Part(BaseModel):
    """A piece of an event's data. Unknown fields are skipped: evolution is additive."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Part):
    """One fact, named by a CloudEvents type.

    `TYPE` is `vn.thidua.<publisher>.<thing>-<past participle>.v<N>`; `TOPIC` is where facts of
    the publisher are kept; the Kafka key is `<ward>/<subject>`.
    """

    TYPE: ClassVar[str] = ""
    TOPIC: ClassVar[str] = ""
    PUBLISHER: ClassVar[str] = ""
    ERASES: ClassVar[bool] = False
    """True for a tombstone: no body; ward and subject are those of the key."""

    ward: Code

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.TYPE:
            return
        match = _TYPE.match(cls.TYPE)
        if match is None:
            raise TypeError(f"{cls.__name__}.TYPE is not an event type: {cls.TYPE!r}")
        cls.PUBLISHER = match["publisher"]
        cls.TOPIC = cls.TOPIC or f"thidua.{cls.PUBLISHER}.v1"

    @property
    def subject(self) -> str:
        """What the fact is about, unique inside its ward."""
        raise NotImplementedError

    @property
    def key(self) -> str:
        """The Kafka key, `<ward>/<subject>`: order holds inside it and nowhere else."""
        return f"{self.ward}/{self.subject}"
