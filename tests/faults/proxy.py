"""A TCP proxy that harms the connections through it, as networks and dying machines do."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

from deploy.local.state import HOST, free_port

T = TypeVar("T")
CHUNK = 64 * 1024
CALL_SECONDS = 30
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(eq=False)
class _Link:
    """A client's connection and, unless the target is gone or unreachable, the one behind it.

    What a silent link reads is swallowed, the end of the stream included: neither side learns
    anything more about the other.
    """

    client: socket.socket
    upstream: socket.socket | None = None
    silent: bool = False
    ends: int = 0
    pumps: list[asyncio.Task[None]] = field(default_factory=list)

    async def stop(self) -> None:
        for pump in self.pumps:
            pump.cancel()
        await asyncio.gather(*self.pumps, return_exceptions=True)
        self.pumps.clear()

    def lose_upstream(self) -> None:
        if self.upstream is not None:
            _reset(self.upstream)
            self.upstream = None


class Proxy:
    """Listens on `port` (0: a free one) of the loopback interface; a context manager.

    It runs in a thread of its own. Its methods may be called from any thread, and return when
    the fault is there. A fault ends the one before it.
    """

    def __init__(self, target: tuple[str, int], port: int = 0) -> None:
        self.target = target
        self.port = port or free_port()
        self.accepted = 0
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._hole = False
        self._delay = 0.0
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"{HOST}:{self.port}"

    @property
    def connections(self) -> int:
        """Connections of clients that are open now, silent ones included."""
        return self._call(self._count)

    def reset(self) -> None:
        """Every connection of now gets a TCP reset on both sides; new ones pass."""
        self._call(self._pass_again, every=True)

    def refuse(self) -> None:
        """Nothing listens any more, and what was connected is reset: the server's process died."""
        self._call(self._refuse)

    def black_hole(self) -> None:
        """Connections stay and new ones are accepted, but what either side says is swallowed."""
        self._call(self._swallow)

    def slow(self, seconds: float) -> None:
        """Each chunk of each direction waits that long before it goes on."""
        self._call(self._pass_again, delay=seconds)

    def half_open(self) -> None:
        """The server loses every connection of now; clients are not told. New ones pass."""
        self._call(self._half_open)

    def heal(self) -> None:
        """Everything passes again; connections that went silent are reset."""
        self._call(self._pass_again)

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._pass_again)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._call(self._refuse)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Callable[..., Coroutine[Any, Any, T]], **options: Any) -> T:
        return asyncio.run_coroutine_threadsafe(work(**options), self._loop).result(CALL_SECONDS)

    async def _count(self) -> int:
        return len(self._links)

    async def _pass_again(self, *, every: bool = False, delay: float = 0.0) -> None:
        self._hole, self._delay = False, delay
        for link in [link for link in self._links if every or link.silent]:
            await self._cut(link)
        if self._listener is None:
            self._listener = socket.create_server((HOST, self.port), backlog=1024)
            self._listener.setblocking(False)
            self._accepting = self._loop.create_task(self._accept(self._listener))

    async def _refuse(self) -> None:
        if self._listener is not None and self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
            self._listener.close()
            self._listener = None
        await asyncio.gather(*self._tasks)
        for link in list(self._links):
            await self._cut(link)

    async def _swallow(self) -> None:
        await self._pass_again()
        self._hole = True
        for link in self._links:
            link.silent = True

    async def _half_open(self) -> None:
        await self._pass_again()
        for link in self._links:
            link.silent = True
            await link.stop()
            link.lose_upstream()
            self._pump(link, link.client, None)

    async def _cut(self, link: _Link) -> None:
        if link not in self._links:
            return
        self._links.discard(link)
        await link.stop()
        link.lose_upstream()
        _reset(link.client)

    async def _finish(self, link: _Link) -> None:
        if link in self._links and link.upstream is not None:
            self._links.discard(link)
            link.upstream.close()
            link.client.close()

    async def _accept(self, listener: socket.socket) -> None:
        while True:
            client, _ = await self._loop.sock_accept(listener)
            self._later(self._open(client))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, client: socket.socket) -> None:
        self.accepted += 1
        _prepare(client)
        link = _Link(client, silent=self._hole)
        self._links.add(link)
        if link.silent:
            self._pump(link, client, None)
            return
        upstream = socket.socket()
        _prepare(upstream)
        try:
            await self._loop.sock_connect(upstream, self.target)
        except OSError:
            upstream.close()
            await self._cut(link)
            return
        if link not in self._links:
            _reset(upstream)
            return
        link.upstream = upstream
        self._pump(link, client, upstream)
        self._pump(link, upstream, client)

    def _pump(self, link: _Link, source: socket.socket, sink: socket.socket | None) -> None:
        link.pumps.append(self._loop.create_task(self._carry(link, source, sink)))

    async def _carry(self, link: _Link, source: socket.socket, sink: socket.socket | None) -> None:
        try:
            while data := await self._loop.sock_recv(source, CHUNK):
                if self._delay:
                    await asyncio.sleep(self._delay)
                if sink is not None and not link.silent:
                    await self._loop.sock_sendall(sink, data)
            if sink is not None and not link.silent:
                sink.shutdown(socket.SHUT_WR)
                link.ends += 1
        except OSError:
            if not link.silent:
                self._later(self._cut(link))
        else:
            if link.ends == 2 and not link.silent:
                self._later(self._finish(link))


def _prepare(end: socket.socket) -> None:
    end.setblocking(False)
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    end.close()
