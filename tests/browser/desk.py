"""Intake alone on its own database, at a moment when there is something to do at the desk."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

import httpx
import uvicorn

from deploy.local.infrastructure import Provided
from tests.component.intake_desk import (
    OFFICER,
    SCHOOL,
    DeskRoom,
    moment,
    one_intake,
    open_the_year,
    report,
    returning,
)

OTHER_SCHOOL = "thcs-1.reporter"
EVIDENCE = [{"title": "Ảnh buổi tập huấn", "url": "https://kho.example/anh"}]
ITEMS = [{"criterion": "a1", "self_score": "38.50", "narrative": "Đủ.", "evidence": EVIDENCE}]
Told = Queue[tuple[uvicorn.Server, DeskRoom, asyncio.AbstractEventLoop]]


@dataclass(frozen=True)
class Desk:
    """Where it is, and the paths of duties by (participant, kind), as mails link to them."""

    origin: str
    duties: dict[tuple[str, str], str]


@dataclass(frozen=True)
class ServedDesk:
    """Up in a thread with a loop of its own: the browser's driver has this one's."""

    origin: str
    room: DeskRoom
    loop: asyncio.AbstractEventLoop

    def begin_anew(self) -> Desk:
        """Nothing of what was done here before is known any more."""
        prepared = asyncio.run_coroutine_threadsafe(_prepare(self.room), self.loop)
        return Desk(self.origin, prepared.result(60))


async def _prepare(room: DeskRoom) -> dict[tuple[str, str], str]:
    await room.begin_anew()
    await open_the_year(room)
    opened = await room.said("obligation-opened")
    room.clock.time = moment("2025-12-01 09:00")
    await room.must(SCHOOL, "/reports", report("tieu-hoc-1", items=ITEMS))
    await room.must(OTHER_SCHOOL, "/reports", report("thcs-1", items=ITEMS))
    await room.must(OFFICER, "/reports/returns", returning("thcs-1"))
    return {
        (f.data["participant"], f.data["kind"]): f"/intake/duties/{f.data['obligation']}"
        for f in opened
    }


async def _serve(infrastructure: Provided, folder: Path, door: socket.socket, told: Told) -> None:
    async with one_intake(infrastructure, folder) as room:
        transport = room.client._transport
        assert isinstance(transport, httpx.ASGITransport)
        config = uvicorn.Config(transport.app, log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        told.put((server, room, asyncio.get_running_loop()))
        await server.serve(sockets=[door])


@contextmanager
def served_desk(infrastructure: Provided, folder: Path) -> Iterator[ServedDesk]:
    told: Told = Queue()
    with socket.create_server(("127.0.0.1", 0)) as door:
        running = _serve(infrastructure, folder, door, told)
        thread = threading.Thread(target=lambda: asyncio.run(running), daemon=True)
        thread.start()
        server, room, loop = told.get(timeout=120)
        yield ServedDesk(f"http://127.0.0.1:{door.getsockname()[1]}", room, loop)
        server.should_exit = True
        thread.join(30)
