"""What a service holds about somebody, as they are shown it (Law 91/2025/QH15: to know, to see)."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class HeldRow:
    """One thing that is held: what it is and what it says, in Vietnamese, and since when."""

    what: str
    text: str
    at: datetime | date | None = None


def is_by(column: sa.ColumnElement[str], person: str) -> sa.ColumnElement[bool]:
    """The column names somebody as the one who did it, for themselves or for another."""
    return sa.or_(column == person, column.startswith(f"{person} for ", autoescape=True))
