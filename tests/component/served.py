"""A service put together in a test, behind a real HTTP server on the loop of the test."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import uvicorn


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which belong to pytest."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def app_of(client: httpx.AsyncClient) -> Any:
    """The app that a client talks to without a network."""
    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    return transport.app


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """Its address, `http://host:port`."""
    door = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    server = _Server(config)
    serving = asyncio.create_task(server.serve([door]))
    try:
        yield "http://{}:{}".format(*door.getsockname())
    finally:
        server.should_exit = True
        await serving
