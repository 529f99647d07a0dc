"""Notify, composed.

| what comes                                      | who takes it                      |
|-------------------------------------------------|-----------------------------------|
| movement-launched                               | `handlers.take_movements`         |
| period-opened                                   | `handlers.take_periods`           |
| participant-registered                          | `handlers.take_participants`      |
| contact-recorded, contact-erased                | `take_contacts`, `forget_contacts`|
| obligation-opened, reminder-due                 | `tell_opened`, `tell_reminders`   |
| obligation-overdue, obligation-met              | `tell_overdue`, `take_met`        |
| obligation-moved, -withdrawn, -escalated        | `tell_moved`, `…`, `tell_heads`   |
| summary-due                                     | `handlers.tell_office`            |
| report-received, -returned, -accepted           | `tell_received`, `…`              |
| sheet-adopted, score-computed                   | `take_sheets`, `take_scores`      |
| result-frozen                                   | `handlers.tell_results`           |
| dossier-opened                                  | `handlers.take_dossiers`          |
| candidate-published, dossier-concluded          | `show_candidates`, `hide_…`       |
| award-decided                                   | `handlers.honour`                 |
| mail-sent, mail-failed (our own)                | `recall_sent`, `recall_failed`    |
| the clock                                       | `routines.MailRoom`               |
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import field_validator, model_validator

from services.notify import api, pages
from services.notify.access import ROUTES
from services.notify.domain.house import House
from services.notify.handlers import consumer
from services.notify.routines import MailRoom, mail_routine
from shared.contracts.notify import MailFailed, MailSent
from shared.mailbox import Mailbox
from shared.post import Relay
from shared.routine import Routine
from shared.service import Parts, Service
from shared.settings import Settings

LOCAL_SENDER = "Phòng Văn hóa - Xã hội <thi-dua@phuong.example>"


class NotifySettings(Settings):
    smtp: str
    """The relay, `host:port`."""
    smtp_username: str | None = None
    smtp_password: str | None = None
    smtp_tls: bool = False
    """True: TLS from the first byte; else it is taken up when the relay offers it."""
    mail_from: str = ""
    """`Name <address>`; its domain ends Message-IDs. Only a local stack can do without."""
    reply_to: str = ""
    """Whom an answer reaches; the sender when empty."""
    decided_by: str = ""
    """Who decides awards; empty: the Chairman of the People's Committee of the ward."""

    @field_validator("smtp")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        Relay.at(value)
        return value

    @field_validator("mail_from", "reply_to")
    @classmethod
    def _mailbox(cls, value: str) -> str:
        if value:
            Mailbox.parse(value)
        return value

    @model_validator(mode="after")
    def _sender_known(self) -> Self:
        if self.env == "production" and not self.mail_from:
            raise ValueError("THIDUA_MAIL_FROM is needed")
        return self

    def house(self) -> House:
        """Who writes the mails."""
        mailbox = Mailbox.parse(self.mail_from or LOCAL_SENDER)
        if not mailbox.name:
            mailbox = Mailbox(Mailbox.parse(LOCAL_SENDER).name, mailbox.address)
        reply_to = Mailbox.parse(self.reply_to) if self.reply_to else mailbox
        return House(mailbox, reply_to, self.origin, self.decided_by)

    def relay(self) -> Relay:
        """The server that mail is handed to."""
        plain = Relay.at(self.smtp)
        return Relay(
            plain.host,
            plain.port,
            self.smtp_username,
            self.smtp_password,
            self.smtp_tls,
            hello=self.house().mailbox.address.rpartition("@")[2],
        )


def routines(parts: Parts[NotifySettings]) -> Sequence[Routine]:
    settings = parts.settings
    room = MailRoom(parts.works, settings.house(), settings.relay(), settings.instance)
    return (mail_routine(room),)


service = Service(
    name="notify",
    settings=NotifySettings,
    migrations=Path(__file__).parent / "migrations",
    consumer=consumer,
    publishes=(MailSent, MailFailed),
    routers=(pages.router, pages.faces, api.router, api.own_data),
    routes=ROUTES,
    routines=routines,
)
