"""The same page and the same write with nothing around them: FastAPI, SQLAlchemy, Jinja2.

Environment: DATABASE_URL (`postgresql+asyncpg://…`), PORT, ROWS (participants). Nobody signs in,
nothing is limited, logged or traced; a report is a row, a met duty and an outbox row in one
transaction, as in intake.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from jinja2 import Environment
from pydantic import BaseModel
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import create_async_engine

from shared.contracts.inbound import ReportSubmitted

metadata = sa.MetaData()
participant = sa.Table(
    "participant",
    metadata,
    sa.Column("participant", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("block", sa.Text, nullable=False),
    sa.Column("met_at", sa.DateTime(timezone=True)),
)
report = sa.Table(
    "report",
    metadata,
    sa.Column("participant", sa.Text, primary_key=True),
    sa.Column("period", sa.Text, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("body", JSONB, nullable=False),
    sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
)
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("event_id", sa.Text, nullable=False, unique=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
PAGE = Environment(autoescape=True).from_string(
    "<!doctype html><html lang=vi><title>Báo cáo</title><h1>Báo cáo</h1><table>"
    "{% for row in rows %}<tr><td>{{ row.participant }}<td>{{ row.name }}<td>{{ row.block }}"
    "<td>{{ row.revision or '' }}<td>{{ row.received_at or 'Chưa gửi' }}{% endfor %}</table>"
)


class Received(BaseModel):
    participant: str
    revision: int
    received_at: datetime


def made() -> FastAPI:
    """The app; its tables are made when it starts."""
    engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=10, max_overflow=5)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        rows = [
            {"participant": f"don-vi-{n}", "name": f"Đơn vị {n}", "block": "truong-hoc"}
            for n in range(int(os.environ["ROWS"]))
        ]
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
            await connection.execute(sa.insert(participant), rows)
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.get("/", response_class=HTMLResponse)
    async def page() -> str:
        newest = (
            sa.select(report.c.participant, report.c.revision, report.c.received_at)
            .distinct(report.c.participant)
            .order_by(report.c.participant, report.c.revision.desc())
            .subquery()
        )
        query = (
            sa.select(participant, newest.c.revision, newest.c.received_at)
            .outerjoin(newest, newest.c.participant == participant.c.participant)
            .order_by(participant.c.name)
        )
        async with engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return PAGE.render(rows=rows)

    @app.post("/reports", status_code=201)
    async def submit(form: ReportSubmitted) -> Received:
        now = datetime.now(UTC)
        row = {
            "participant": form.participant,
            "period": form.period,
            "revision": form.revision,
            "body": form.model_dump(mode="json"),
            "received_at": now,
        }
        whose = participant.c.participant == form.participant
        async with engine.begin() as connection:
            await connection.execute(sa.insert(report).values(row))
            await connection.execute(sa.update(participant).where(whose).values(met_at=now))
            event = {"event_id": str(uuid4()), "body": json.dumps(row["body"]).encode()}
            await connection.execute(sa.insert(outbox).values(event))
        return Received(participant=form.participant, revision=form.revision, received_at=now)

    return app


if __name__ == "__main__":
    uvicorn.run(
        made(), host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False, log_config=None
    )
