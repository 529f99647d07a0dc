"""The same page and the same write with nothing around them: FastAPI, SQLAlchemy, Jinja2, PyJWT.

The page is one flat template with the same table; what can be done with it is not there.

Environment: DATABASE_URL (`postgresql+asyncpg://…`), PORT, PUBLIC_KEY (PEM of Ed25519), SEED (what
its tables hold, JSON of `Seed`). One process and a pool as a service has. It verifies the token
and who may send, and does in one transaction what intake does: the duty is locked and read, the
report stored, the duty met, its reminders cancelled, two facts put into the outbox. Statements are
made once. Nothing is limited, logged or traced, nobody's access ends, there is one shape of answer.
"""

import hashlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

import jwt
import sqlalchemy as sa
import uvicorn
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment
from pydantic import BaseModel
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from shared.calendar import vietnamese_date, vietnamese_time
from shared.contracts.inbound import ReportSubmitted

MOMENT = sa.DateTime(timezone=True)
metadata = sa.MetaData()
participant = sa.Table(
    "participant",
    metadata,
    sa.Column("ward", sa.Text, primary_key=True),
    sa.Column("participant", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("reporter", sa.Text, nullable=False),
)
duty = sa.Table(
    "duty",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("ward", sa.Text, nullable=False),
    sa.Column("participant", sa.Text, nullable=False),
    sa.Column("period", sa.Text, nullable=False),
    sa.Column("due", MOMENT, nullable=False),
    sa.Column("met_at", MOMENT),
    sa.Column("on_time", sa.Boolean),
    sa.UniqueConstraint("ward", "participant", "period"),
)
reminder = sa.Table(
    "reminder",
    metadata,
    sa.Column("duty", sa.Uuid, primary_key=True),
    sa.Column("offset_days", sa.Integer, primary_key=True),
    sa.Column("due_at", MOMENT, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
)
report = sa.Table(
    "report",
    metadata,
    sa.Column("ward", sa.Text, primary_key=True),
    sa.Column("participant", sa.Text, primary_key=True),
    sa.Column("period", sa.Text, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("report_id", sa.Uuid, nullable=False),
    sa.Column("body", JSONB, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("received_at", MOMENT, nullable=False),
    sa.Column("late", sa.Boolean, nullable=False),
    sa.Column("sent_by", sa.Text, nullable=False),
)
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("event_id", sa.Text, nullable=False, unique=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("headers", JSONB, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
TO_DO = (
    sa.select(report.c.period, report.c.received_at, participant.c.name, duty.c.id, duty.c.due)
    .join(
        participant,
        sa.and_(
            participant.c.ward == report.c.ward, participant.c.participant == report.c.participant
        ),
    )
    .outerjoin(
        duty,
        sa.and_(
            duty.c.ward == report.c.ward,
            duty.c.participant == report.c.participant,
            duty.c.period == report.c.period,
        ),
    )
    .where(report.c.ward == sa.bindparam("ward"))
    .order_by(report.c.received_at, report.c.participant)
)
ASKED = (
    sa.select(duty.c.id, duty.c.due, duty.c.met_at)
    .where(
        duty.c.ward == sa.bindparam("ward"),
        duty.c.participant == sa.bindparam("participant"),
        duty.c.period == sa.bindparam("period"),
    )
    .with_for_update()
)
MEET = (
    sa.update(duty)
    .where(duty.c.id == sa.bindparam("which"), duty.c.met_at.is_(None))
    .values(met_at=sa.bindparam("at"), on_time=sa.bindparam("timely"))
)
CANCEL = (
    sa.update(reminder)
    .where(reminder.c.duty == sa.bindparam("which"), reminder.c.state == "planned")
    .values(state="cancelled")
)
ADD_REPORT, ADD_FACTS = sa.insert(report), sa.insert(outbox)
ROWS_SHOWN = 50
PAGE = Environment(autoescape=True)
PAGE.filters |= {"date": vietnamese_date, "time": vietnamese_time}
TEMPLATE = PAGE.from_string("""\
<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><title>Việc của tôi · Thi đua phường</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/static/thidua.css"></head>
<body><header class="top"><a class="brand" href="/"><b>Thi đua</b></a>
<details class="who"><summary>{{ who.name }}</summary><a href="/me">Thông tin của tôi</a></details>
<nav class="places"><ul><li><a href="/" aria-current="page">Việc của tôi</a></li>
<li><a href="/board">Báo cáo</a></li><li><a href="/honours">Vinh danh</a></li></ul></nav></header>
<main><h1>Việc của tôi</h1>
<form class="inline" method="get" role="search"><label for="q">Tìm trong danh sách</label>
<input id="q" type="search" name="q"><button class="quiet">Lọc</button></form>
<div class="scroll" role="region" aria-label="Những việc đang chờ bạn" tabindex="0">
<table class="stack" role="table"><caption>Những việc đang chờ bạn</caption>
<thead role="rowgroup"><tr role="row">
{% for name, title in columns %}
<th scope="col" role="columnheader"><a href="?sort={{ name }}">{{ title }}</a></th>
{% endfor %}
</tr></thead><tbody role="rowgroup">
{% for row in rows %}
<tr role="row"><td role="cell" data-th="Việc"><a href="/reports/{{ row.id }}">Xem báo cáo \
{{ row.period }}<span class="hidden">: {{ row.name }}</span></a></td>
<td role="cell" data-th="Đơn vị, cá nhân">{{ row.name }}</td>
<td role="cell" data-th="Chờ từ">{{ row.received_at|time }}</td>
<td role="cell" data-th="Hạn">{% if row.due %}{{ row.due|date }} \
<span class="muted">còn {{ (row.due - now).days }} ngày</span>{% endif %}</td>
<td role="cell" data-th="Tình trạng"><span class="badge info"><i aria-hidden="true">›</i>\
{{ "Sắp đến hạn" if row.due and (row.due - now).days < 3 else "Đang chờ" }}</span></td></tr>
{% endfor %}
</tbody></table></div>
<p class="muted">Đang hiện {{ rows|length }} trong {{ total }} dòng.</p>
</main><footer class="foot"><p>Hệ thống theo dõi phong trào thi đua.</p></footer></body></html>
""")
COLUMNS = (
    ("viec", "Việc"),
    ("don-vi", "Đơn vị, cá nhân"),
    ("tu", "Chờ từ"),
    ("han", "Hạn"),
    ("tinh-trang", "Tình trạng"),
)


class Seed(BaseModel):
    """Wards and how many participants each has; `reported`: wards whose reports are in."""

    wards: dict[str, int]
    reported: frozenset[str]
    period: str
    reminders: int


class Received(BaseModel):
    participant: str
    period: str
    report_id: UUID
    revision: int
    received_at: datetime
    late: bool


async def prepare(connection: AsyncConnection, seed: Seed) -> None:
    """Make the tables and fill them."""
    await connection.run_sync(metadata.create_all)
    now = datetime.now(UTC)
    due = now + timedelta(days=30)
    for ward, size in seed.wards.items():
        people, duties, reminders, reports = [], [], [], []
        for number in range(size):
            key = {"ward": ward, "participant": f"don-vi-{number}"}
            which = uuid4()
            people.append({**key, "name": f"Đơn vị {number}", "reporter": f"dau-moi-{number}"})
            duties.append({**key, "id": which, "period": seed.period, "due": due})
            reminders += [
                {"duty": which, "offset_days": days, "due_at": due, "state": "planned"}
                for days in range(seed.reminders)
            ]
            row = {**key, "period": seed.period, "revision": 1, "report_id": uuid4(), "body": {}}
            sent = {"digest": "", "received_at": now, "late": False, "sent_by": "bench"}
            reports.append({**row, **sent})
        await connection.execute(sa.insert(participant), people)
        await connection.execute(sa.insert(duty), duties)
        await connection.execute(sa.insert(reminder), reminders)
        if ward in seed.reported:
            await connection.execute(sa.insert(report), reports)


def _row(form: ReportSubmitted, now: datetime, late: bool, who: str) -> dict[str, Any]:
    body = form.model_dump(mode="json")
    return {
        "ward": form.ward,
        "participant": form.participant,
        "period": form.period,
        "revision": form.revision,
        "report_id": form.report_id,
        "body": body,
        "digest": hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest(),
        "received_at": now,
        "late": late,
        "sent_by": who,
    }


def _fact(kind: str, form: ReportSubmitted, body: bytes) -> dict[str, Any]:
    identity = str(uuid4())
    headers = {"ce_id": identity, "ce_type": kind, "ce_ward": form.ward, "ce_specversion": "1.0"}
    return {"event_id": identity, "key": form.key, "headers": headers, "body": body}


def made() -> FastAPI:
    """The app; its tables are made when it starts."""
    engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=10, max_overflow=5)
    seed = Seed.model_validate_json(os.environ["SEED"])
    key: Any = load_pem_public_key(os.environ["PUBLIC_KEY"].encode())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with engine.begin() as connection:
            await prepare(connection, seed)
        yield
        await engine.dispose()

    async def person(request: Request) -> dict[str, Any]:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            return jwt.decode(token, key, algorithms=["EdDSA"], options={"verify_aud": False})
        except jwt.PyJWTError:
            raise HTTPException(401) from None

    Who = Annotated[dict[str, Any], Depends(person)]  # noqa: N806
    app = FastAPI(lifespan=lifespan)

    @app.get("/", response_class=HTMLResponse)
    async def page(who: Who) -> str:
        async with engine.connect() as connection:
            rows = (await connection.execute(TO_DO, {"ward": who["ward"]})).all()
        return TEMPLATE.render(
            rows=rows[:ROWS_SHOWN],
            total=len(rows),
            columns=COLUMNS,
            who=who,
            now=datetime.now(UTC),
        )

    @app.post("/reports", status_code=201)
    async def submit(form: ReportSubmitted, who: Who) -> Received:
        if form.ward != who["ward"] or "officer" not in who["roles"]:
            raise HTTPException(403)
        now = datetime.now(UTC)
        asked = {"ward": form.ward, "participant": form.participant, "period": form.period}
        async with engine.begin() as connection:
            found = (await connection.execute(ASKED, asked)).one_or_none()
            if found is None:
                raise HTTPException(422)
            late = now > found.due
            row = _row(form, now, late, who["sub"])
            answer = Received.model_validate(row)
            await connection.execute(ADD_REPORT, row)
            facts = [_fact("report-received", form, form.model_dump_json().encode())]
            if found.met_at is None:
                met = {"which": found.id, "at": now, "timely": not late}
                await connection.execute(MEET, met)
                await connection.execute(CANCEL, {"which": found.id})
                told = {**asked, "met_at": now.isoformat(), "on_time": not late}
                facts.append(_fact("obligation-met", form, json.dumps(told).encode()))
            await connection.execute(ADD_FACTS, facts)
        return answer

    return app


if __name__ == "__main__":
    uvicorn.run(
        made(), host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False, log_config=None
    )
