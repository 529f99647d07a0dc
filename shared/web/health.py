"""Liveness by progress, readiness by what is reachable, and the state of the flow."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.messaging.measuring import Measuring
from shared.messaging.relay import Relay
from shared.messaging.running import Runner
from shared.messaging.tables import outbox, parked
from shared.routine import Routine

STALE_SECONDS = 60.0
READY_SECONDS = 3.0


def health_router(
    service: str,
    engine: AsyncEngine,
    runner: Runner,
    relay: Relay,
    routines: Sequence[Routine],
) -> APIRouter:
    router = APIRouter(tags=["operators"])
    measuring = Measuring(service, engine, runner, relay)

    @router.get("/livez", include_in_schema=False)
    async def livez() -> JSONResponse:
        """Is it getting on? Asks nobody outside the process."""
        ages = _ages(runner, relay)
        stale = sorted(name for name, age in ages.items() if age > STALE_SECONDS)
        status = 503 if stale else 200
        return JSONResponse({"service": service, "stale": stale}, status)

    @router.get("/readyz", include_in_schema=False)
    async def readyz() -> JSONResponse:
        """Can it work now: database, a place in the group, no alarm?

        The broker may be away: what is said meanwhile waits in the outbox.
        """
        missing: list[str] = []
        try:
            async with asyncio.timeout(READY_SECONDS), engine.connect() as connection:
                await connection.execute(sa.text("SELECT 1"))
        except Exception:
            missing.append("database")
        if runner.consumer.topics and not (runner.client and runner.client.assignment()):
            missing.append("partitions")
        if runner.alarm:
            missing.append("consumer")
        told = {"service": service, "missing": missing, "alarm": runner.alarm}
        return JSONResponse(told, 503 if missing else 200)

    @router.get("/flow", include_in_schema=False)
    async def flow() -> dict[str, Any]:
        """What is on its way: outbox, records not applied, parked events, routines' dues."""
        due = {routine.name: await routine.pending() for routine in routines}
        behind, positions = 0, dict[str, int]()
        if runner.consumer.topics:
            behind, positions = await runner.behind()
        async with engine.connect() as connection:
            waiting = await connection.scalar(sa.select(sa.func.count()).select_from(outbox))
            set_aside = await connection.scalar(
                sa.select(sa.func.count()).where(parked.c.state == "parked")
            )
        return {
            "service": service,
            "outbox": waiting,
            "behind": behind,
            "parked": set_aside,
            "due": due,
            "positions": positions,
            "idle": not (waiting or behind or runner.busy or any(due.values())),
        }

    @router.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        """For Prometheus; answered also while database and broker are away."""
        await measuring.refresh()
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def _ages(runner: Runner, relay: Relay) -> dict[str, float]:
    """Seconds since each part got on.

    Restarting helps a process that is stuck, not one whose broker or database is away: a relay
    that begins again after each fault is alive, however old its outbox gets. A row that stands at
    the head with no fault to explain it is another matter.
    """
    now = time.monotonic()
    ages = {"relay": now - relay.last_turn}
    if relay.head_since is not None:
        ages["outbox"] = now - max(relay.head_since, relay.last_fault)
    if runner.consumer.topics:
        ages["consumer"] = now - runner.last_progress
    return ages
