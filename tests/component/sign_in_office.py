"""The issuer on a database of its own, with a real SMTP server, and browsers that come to it."""

import asyncio
import itertools
import re
import warnings
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import jwt
import sqlalchemy as sa
from cryptography.fernet import Fernet
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.infrastructure import Provided
from deploy.local.mailcatcher import Catcher
from services.intake import app, sign_in_routines
from services.intake.commands.issuing import OwnKeys
from services.intake.store.tables import contact, delegation, role_held, tables
from shared.access import EndedAccess
from shared.clock import BusinessClock, SystemClock
from shared.database import connect
from shared.messaging.applying import Applier
from shared.messaging.relay import Relay
from shared.messaging.running import Runner
from shared.messaging.tables import kernel
from shared.messaging.unit_of_work import Works
from shared.migrations import migrate
from shared.routine import Routine
from shared.service import Parts, build_app
from shared.web.identity import Person, TokenReader
from tests.component.emptying import empty
from tests.kernel import FakeRecord, header_pairs

with warnings.catch_warnings():
    # aiosmtpd 1.4.6 still names parts of the standard library that are deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from aiosmtpd.smtp import SMTP

ORIGIN = "https://thidua.tu-minh.example"
WARD, OTHER_WARD = "tu-minh", "le-loi"
OFFICER = "phong-vhxh.officer"
LEADER = "phong-vhxh.leader"
ADDRESS = f"{OFFICER}@tu-minh.example"
SESSION, TOKEN, HERE, BROWSER = (
    "__Secure-thidua_session",
    "__Host-thidua_token",
    "thidua_here",
    "__Secure-thidua_browser",
)
LINK = re.compile(rf"{re.escape(ORIGIN)}/intake/sign-in/([A-Za-z0-9_-]{{43}})\s")
SHOWN = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


@dataclass
class Office:
    """The issuer in pieces: `served` by HTTP, `mail` and `upkeep` as the clock starts them."""

    engine: AsyncEngine
    works: Works
    served: FastAPI
    mail: Routine
    upkeep: Routine
    folder: Path
    settings: app.IntakeSettings
    applier: Applier
    _clients: list[httpx.AsyncClient] = field(default_factory=list)

    def browser(self, **headers: str) -> "Browser":
        """A browser that nobody has used yet."""
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.served), base_url=ORIGIN, headers=SHOWN | headers
        )
        self._clients.append(client)
        return Browser(self, client)

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()

    def mails(self) -> list[EmailMessage]:
        """What the relay took, the oldest first."""
        files = sorted(self.folder.glob("*.eml"))
        parser = BytesParser(policy=policy.default)
        return [parser.parsebytes(file.read_bytes()) for file in files]

    async def post_out(self) -> list[EmailMessage]:
        """Send what is due; returns the new mails."""
        before = len(self.mails())
        await self.mail.turn()
        return self.mails()[before:]

    async def rows(self, statement: str) -> list[Any]:
        async with self.engine.connect() as connection:
            return list((await connection.execute(sa.text(statement))).all())

    async def run(self, statement: str) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(sa.text(statement))

    async def read_token(self, token: str) -> Person:
        """As a service reads it that has never seen it."""
        ended = EndedAccess(self.engine, SystemClock())
        return await TokenReader(OwnKeys(self.engine), ORIGIN, "", ended).read(token)

    async def read_back(self) -> None:
        """Read from our own topic what we have said, as after a restored backup."""
        rows = await self.rows("SELECT topic, key, headers, body FROM outbox ORDER BY seq")
        records = [
            FakeRecord(row.topic, 0, n, row.key.encode(), row.body, header_pairs(row.headers))
            for n, row in enumerate(rows)
        ]
        await self.applier.apply(records)

    async def begin_anew(self) -> None:
        """Forget everything but the two people on file; nobody is signed in."""
        await empty(self.engine, (*kernel.sorted_tables, *tables.sorted_tables))
        for file in self.folder.glob("*.eml"):
            file.unlink()
        await self.register(OFFICER, roles=("officer",), unit="phong-vhxh")
        await self.register(LEADER, roles=("head",), unit="phong-vhxh")

    async def register(
        self,
        person: str,
        *,
        roles: tuple[str, ...] = (),
        unit: str = "",
        ward: str = WARD,
        email: str = "",
    ) -> None:
        values = {"ward": ward, "person": person, "name": f"Người giữ việc {person}", "unit": unit}
        address = email or f"{person}@{ward}.example"
        async with self.engine.begin() as connection:
            await connection.execute(sa.insert(contact).values(email=address, **values))
            for role in roles:
                of_unit = role in {"reporter", "head", "substitute-officer"}
                await connection.execute(
                    sa.insert(role_held).values(
                        ward=ward,
                        person=person,
                        role=role,
                        scope="unit" if of_unit else "ward",
                        scope_of=unit if of_unit else "",
                        since=date(2025, 1, 1),
                        document="",
                        granted_by="operator",
                        granted_at=sa.func.now(),
                    )
                )

    async def lend(self, principal: str, delegate: str, roles: list[str]) -> None:
        """A delegation in force."""
        async with self.engine.begin() as connection:
            await connection.execute(
                sa.insert(delegation).values(
                    ward=WARD,
                    principal=principal,
                    delegate=delegate,
                    roles=roles,
                    since=date(2025, 1, 1),
                    until=date(2099, 1, 1),
                    document="12/UQ",
                    granted_by=principal,
                    granted_at=sa.func.now(),
                )
            )


@dataclass
class Browser:
    """Somebody's browser, with its cookies."""

    office: Office
    client: httpx.AsyncClient

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(path, **options)

    async def post(
        self, path: str, data: Mapping[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        return await self.client.post(path, data=dict(data or {}), **options)

    def cookie(self, name: str) -> str | None:
        return next((one.value for one in self.client.cookies.jar if one.name == name), None)

    def put(self, name: str, value: str, path: str = "/") -> None:
        """As somebody would who can plant a cookie."""
        self.client.cookies.set(name, value, domain="thidua.tu-minh.example", path=path)

    async def ask(self, address: str = ADDRESS, to: str = "/intake/") -> httpx.Response:
        return await self.post("/intake/sign-in", {"email": address, "next": to})

    async def link(self, address: str = ADDRESS, to: str = "/intake/") -> str:
        """Ask for a link, take it from the mail: its path."""
        assert (await self.ask(address, to)).status_code == 200
        [mail] = await self.office.post_out()
        return path_in(mail)

    async def sign_in(self, address: str = ADDRESS, to: str = "/intake/") -> httpx.Response:
        answer = await self.post(await self.link(address, to))
        assert answer.status_code == 303, answer.text
        return answer

    async def renew(self, to: str = "/intake/") -> httpx.Response:
        return await self.get("/intake/session/renew", params={"next": to})


def path_in(mail: EmailMessage) -> str:
    """The path of the link in a mail's text."""
    text = mail.get_body(("plain",))
    assert text is not None
    [secret] = LINK.findall(text.get_content())
    return f"/intake/sign-in/{secret}"


def claims_of(token: str | None) -> dict[str, Any]:
    """What a token says, unverified."""
    assert token
    return dict(jwt.decode(token, options={"verify_signature": False}))


@asynccontextmanager
async def office_at(url: str, folder: Path, **more: Any) -> AsyncIterator[Office]:
    """The issuer with its schema, two people of one unit on file."""
    await migrate(url, app.service.migrations)
    mail_folder = folder / f"mail-{uuid4()}"
    catcher = Catcher(mail_folder)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(catcher, hostname="relay.example"), "127.0.0.1", 0
    )
    given: dict[str, Any] = {
        "database_url": url,
        "kafka": "nowhere.example:9092",
        "env": "local",
        "origin": ORIGIN,
        "key_secret": Fernet.generate_key().decode(),
        "smtp": f"127.0.0.1:{server.sockets[0].getsockname()[1]}",
        "mail_from": "Phòng Văn hóa - Xã hội <thi-dua@tu-minh.example>",
        "per_minute": 0,
    }
    settings = app.IntakeSettings(**given | more)
    engine, system = connect(url), SystemClock()
    business = BusinessClock(system)
    works = Works(engine, "intake", business, system)
    parts = Parts(settings, engine, works, business, system)
    consumer = app.service.consumer
    applier = Applier(consumer, engine, business, system)
    runner = Runner(consumer, applier, engine, settings.kafka, "0")
    served = build_app(app.service, parts, runner, Relay(engine, settings.kafka, "intake", "0"), [])
    mail = sign_in_routines.link_mail(works, settings.issuer, settings.relay, settings.sender)
    upkeep = sign_in_routines.upkeep(works, settings.issuer)
    office = Office(engine, works, served, mail, upkeep, mail_folder, settings, applier)
    async with server:
        try:
            await office.begin_anew()
            yield office
        finally:
            await office.close()
            await engine.dispose()


_databases = itertools.count(1)


@asynccontextmanager
async def one_office(infrastructure: Provided, folder: Path, **more: Any) -> AsyncIterator[Office]:
    """The issuer on a database that several tests use one after the other; see `begin_anew`."""
    name = f"sign_in_office_{next(_databases)}"
    try:
        async with office_at(infrastructure.create_database(name), folder, **more) as office:
            yield office
    finally:
        infrastructure.drop_database(name)
