"""The one mail that the issuer writes: a link to sign in by."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path

from css_inline import CSSInliner
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from shared.calendar import WARD_ZONE, vietnamese_time
from shared.mail_headers import VN_POLICY
from shared.mailbox import Mailbox, clean

SUBJECT = "Liên kết đăng nhập hệ thống thi đua"
_TEMPLATES = Path(__file__).parent / "templates"
_inliner = CSSInliner(keep_style_tags=False, load_remote_stylesheets=False)


def _environment(*, html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        autoescape=html,  # noqa: S701  (the other form is plain text)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["moment"] = vietnamese_time
    return environment


_TEXT, _HTML = _environment(html=False), _environment(html=True)


def compose(
    link: str, *, to: Mailbox, sender: Mailbox, sent_at: datetime, good_until: datetime
) -> EmailMessage:
    """The mail with a sign-in link. Only its body holds the link: headers are logged by relays."""
    facts = {
        "link": link,
        "name": clean(to.name),
        "subject": SUBJECT,
        "sender": sender,
        "good_until": good_until,
    }
    mail = EmailMessage(policy=VN_POLICY)
    mail["From"] = Address(display_name=sender.name, addr_spec=sender.address)
    mail["To"] = Address(display_name=to.name, addr_spec=to.address)
    mail["Date"] = format_datetime(sent_at.astimezone(WARD_ZONE))
    mail["Message-ID"] = make_msgid(domain=sender.address.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    mail["X-Thidua-Kind"] = "sign-in-link"
    mail["Subject"] = SUBJECT
    mail.set_content(_TEXT.get_template("sign-in-link.txt.j2").render(facts), cte="base64")
    html = _inliner.inline(_HTML.get_template("sign-in-link.html.j2").render(facts))
    mail.add_alternative(html, subtype="html", cte="base64")
    mail["Content-Language"] = "vi"
    return mail
