"""A real SMTP server that delivers to nobody: each mail becomes a file, and a page shows them.

`python -m deploy.local.mailcatcher --smtp host:port --http host:port --folder mail/`
"""

import argparse
import asyncio
import itertools
import re
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from deploy.local.web import address, page, server

with warnings.catch_warnings():
    # aiosmtpd 1.4.6 still names parts of the standard library that are deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST = 25 * 1024 * 1024
SHOWN = 200
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
FILE_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z-\d+\.eml")
# A mail's HTML may be anything: no scripts, no requests, links only into a new tab.
HTML_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)


class Catcher:
    """Writes each accepted mail as `<UTC time>-<n>.eml`, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._numbers = itertools.count(1)

    async def handle_DATA(self, _server: SMTP, _session: Session, mail: Envelope) -> str:  # noqa: N802
        """Called by aiosmtpd for each mail; the answer goes to the sender."""
        recipients = [f"Delivered-To: {address}\r\n" for address in mail.rcpt_tos]
        added = f"Return-Path: <{mail.mail_from or ''}>\r\n" + "".join(recipients)
        content = mail.content if isinstance(mail.content, bytes) else b""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{next(self._numbers)}.eml"
        draft = self.folder / f".{name}"
        draft.write_bytes(added.encode() + content)
        draft.rename(self.folder / name)
        return f"250 OK {name}"


@dataclass(frozen=True)
class Line:
    """A mail in the list."""

    file: str
    subject: str
    to: str
    date: str


def newest(folder: Path, limit: int = SHOWN) -> list[Line]:
    """The latest mails, newest first, headers decoded."""
    parser = BytesHeaderParser(policy=policy.default)
    files = sorted(file for file in folder.iterdir() if FILE_NAME.fullmatch(file.name))
    lines: list[Line] = []
    for file in reversed(files[-limit:]):
        with file.open("rb") as content:
            lines.append(_line(file.name, parser.parse(content)))
    return lines


def _line(file: str, mail: EmailMessage) -> Line:
    subject = _words(mail, "Subject") or "(không có tiêu đề)"
    return Line(file, subject, _words(mail, "To"), _date(mail))


def _words(mail: EmailMessage, name: str) -> str:
    """A header as a mail program reads it: the standard library's own parser puts a space
    between two encoded words of an address, where RFC 2047 has none.
    """
    for known, value in mail.raw_items():
        if known.lower() == name.lower():
            return " ".join(str(make_header(decode_header(str(value)))).split())
    return ""


def _date(mail: EmailMessage) -> str:
    try:
        moment = parsedate_to_datetime(str(mail["Date"]))
    except ValueError:
        return str(mail["Date"] or "")
    return f"{moment.astimezone(ZONE):%d/%m/%Y %H:%M:%S}"


def pages(folder: Path) -> Starlette:
    """The mail page, under `/mail` as the proxy passes it."""

    def opened(request: Request) -> tuple[str, EmailMessage]:
        name: str = request.path_params["name"]
        if not FILE_NAME.fullmatch(name) or not (folder / name).is_file():
            raise HTTPException(404)
        with (folder / name).open("rb") as content:
            return name, BytesParser(policy=policy.default).parse(content)

    def listing(_: Request) -> Response:
        total = sum(1 for file in folder.iterdir() if FILE_NAME.fullmatch(file.name))
        return page("mails.html", mails=newest(folder), total=total)

    def one(request: Request) -> Response:
        name, mail = opened(request)
        text, html = mail.get_body(("plain",)), mail.get_body(("html",))
        attached = [part.get_filename("tệp không tên") for part in mail.iter_attachments()]
        return page(
            "mail.html",
            line=_line(name, mail),
            sender=_words(mail, "From"),
            text=text.get_content() if text else "",
            has_html=html is not None,
            attached=attached,
        )

    def html(request: Request) -> Response:
        body = opened(request)[1].get_body(("html",))
        if body is None:
            raise HTTPException(404)
        headers = {"Content-Security-Policy": HTML_POLICY}
        return HTMLResponse(f'<base target="_blank">{body.get_content()}', headers=headers)

    def raw(request: Request) -> Response:
        content = (folder / opened(request)[0]).read_bytes().decode("utf-8", "replace")
        return PlainTextResponse(content, headers={"X-Content-Type-Options": "nosniff"})

    async def missing(_: Request, __: Exception) -> Response:
        return page("problem.html", 404, title="Không có thư này", detail="Thư đã bị xóa.")

    routes = [
        Route("/mail/", listing),
        Route("/mail/{name}", one),
        Route("/mail/{name}/html", html),
        Route("/mail/{name}/raw", raw),
    ]
    return Starlette(routes=routes, exception_handlers={404: missing})


async def serve(smtp: str, http: str, folder: Path) -> None:
    """Take mail and show it until told to stop."""
    catcher = Catcher(folder)
    host, port = address(smtp)
    listener = await asyncio.get_running_loop().create_server(
        lambda: SMTP(
            catcher, hostname="thidua.example", enable_SMTPUTF8=True, data_size_limit=LARGEST
        ),
        host,
        port,
    )
    async with listener:
        await server(pages(folder), http).serve()
        listener.close()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.mailcatcher")
    parser.add_argument("--smtp", required=True, help="host:port to take mail on")
    parser.add_argument("--http", required=True, help="host:port of the page")
    parser.add_argument("--folder", required=True, type=Path)
    chosen = parser.parse_args()
    asyncio.run(serve(chosen.smtp, chosen.http, chosen.folder))


if __name__ == "__main__":
    main()
