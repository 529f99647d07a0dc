"""What notify publishes: what became of a mail."""

from typing import ClassVar
from uuid import UUID

from shared.contracts.base import Code, Event, Instant, Text


class _AboutMail(Event):
    mail: UUID
    person: str
    kind: Code
    because_of: str
    """Id of the event that was the reason for the mail."""

    @property
    def subject(self) -> str:
        return self.person


class MailSent(_AboutMail):
    TYPE: ClassVar[str] = "vn.thidua.notify.mail-sent.v1"

    sent_at: Instant


class MailFailed(_AboutMail):
    """The mail could not be delivered, or (uncertain) nobody can say whether it was."""

    TYPE: ClassVar[str] = "vn.thidua.notify.mail-failed.v1"

    failed_at: Instant
    uncertain: bool
    reason: Text
