"""A letter becomes a mail: headers, a text part and an HTML part that say the same."""

from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from enum import Enum
from pathlib import Path
from textwrap import fill
from typing import Any, TypeVar, cast
from unicodedata import normalize

from css_inline import CSSInliner
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.notify.domain import letter as wording
from services.notify.domain.letter import (
    AwardDecided,
    Letter,
    OfficeSummary,
    OwnResult,
    Sender,
    message_id,
    thread_id,
)
from shared.calendar import WARD_ZONE, vietnamese_date, vietnamese_time, ward_day
from shared.mail_headers import VN_POLICY
from shared.mailbox import Mailbox, clean

_T = TypeVar("_T")
_TEMPLATES = Path(__file__).parent / "templates"
_TEXT_WIDTH = 76
_inliner = CSSInliner(keep_style_tags=False, load_remote_stylesheets=False)


def _environment(form: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        autoescape=form == "html",  # noqa: S701  (the other form is plain text)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(layout=f"layout.{form}.j2", parts=f"parts.{form}.j2")
    environment.filters.update(
        day=vietnamese_date,
        full_day=wording.full_day,
        moment=vietnamese_time,
        ward_day=ward_day,
        points=wording.points,
        remaining=wording.remaining,
        capital=wording.capital,
        paragraph=_paragraph,
        hanging=_hanging,
    )
    return environment


def _paragraph(text: str) -> str:
    return fill(text, _TEXT_WIDTH, break_long_words=False, break_on_hyphens=False)


def _hanging(text: str, indent: int = 2) -> str:
    return fill(
        text,
        _TEXT_WIDTH,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


_TEXT, _HTML = _environment("txt"), _environment("html")


def compose(
    letter: Letter, *, to: Mailbox, sender: Sender, event: str, sent_at: datetime
) -> EmailMessage:
    """The mail that tells `to` of `letter` because of `event`; the same input, the same bytes.

    `sent_at` is an aware instant and becomes the Date header. Raises ValueError for a path
    outside the origin, an unaware instant or an event id that cannot stand in a header, and
    jinja2.UndefinedError for a template that asks for what the letter does not hold.
    """
    if not event.isascii() or not event.isprintable():
        raise ValueError(f"not an event id that a header can carry: {event!r}")
    letter, to, sender = _tidy(letter), _tidy(to), _tidy(sender)
    facts = _facts(letter, to, sender)
    template = _TEXT.get_template(f"{letter.kind}.j2")
    subject = clean("".join(template.blocks["subject"](template.new_context(facts))))
    facts["subject"] = subject
    html = _HTML.get_template(f"{letter.kind}.j2").render(facts)

    mail = EmailMessage(policy=VN_POLICY)
    _identify(mail, letter, to, sender, event=event, sent_at=sent_at)
    mail["Subject"] = subject
    mail.set_content(normalize("NFC", template.render(facts)), cte="base64")
    mail.add_alternative(normalize("NFC", _inliner.inline(html)), subtype="html", cte="base64")
    mail["Content-Language"] = "vi"
    mail.set_boundary(f"=_{mail['Message-ID'][1:37]}")
    return mail


def _identify(
    mail: EmailMessage,
    letter: Letter,
    to: Mailbox,
    sender: Sender,
    *,
    event: str,
    sent_at: datetime,
) -> None:
    if sent_at.tzinfo is None:
        raise ValueError("the date of a mail must carry its zone")
    thread = thread_id(letter.about, sender.domain)
    mail["From"] = _mailbox(sender.mailbox)
    mail["To"] = _mailbox(to)
    mail["Reply-To"] = _mailbox(sender.reply_to)
    mail["Date"] = format_datetime(sent_at.astimezone(WARD_ZONE))
    mail["Message-ID"] = message_id(event, to.address, letter.kind, sender.domain)
    mail["In-Reply-To"] = thread
    mail["References"] = thread
    mail["List-Id"] = f"<thidua.{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    mail["X-Thidua-Kind"] = letter.kind
    mail["X-Thidua-Event"] = event


def _mailbox(mailbox: Mailbox) -> Address:
    return Address(display_name=mailbox.name, addr_spec=mailbox.address)


def _facts(letter: Letter, to: Mailbox, sender: Sender) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "letter": letter,
        "about": letter.about,
        "to": to,
        "sender": sender,
        "link": sender.link(letter.path),
        "whose": "đơn vị" if letter.about.collective else "cá nhân",
    }
    if isinstance(letter, OfficeSummary | OwnResult | AwardDecided):
        return facts
    return facts | {
        "owes": letter.obligation.owes,
        "deadline": letter.obligation.deadline,
        "task": wording.task(letter),
        "full_task": wording.full_task(letter),
        "verb": wording.verb(letter),
    }


def _tidy(value: _T) -> _T:
    """The same value with every text in it on one line and in NFC."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return cast("_T", clean(value))
    if isinstance(value, tuple):
        return cast("_T", tuple(_tidy(item) for item in value))
    if is_dataclass(value) and not isinstance(value, type):
        tidied = {field.name: _tidy(getattr(value, field.name)) for field in fields(value)}
        return replace(value, **tidied)
    return value
