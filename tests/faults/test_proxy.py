"""The proxy does to plain sockets what it says."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from threading import Thread

import pytest

from tests.faults.proxy import Proxy

pytestmark = pytest.mark.unit

SHORT = 0.15
"""Seconds of silence that count as silence."""
LONG = 10


class Echo:
    """A server that sends back what it gets, and knows how its connections ended."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.target: tuple[str, int] = self.listener.getsockname()
        self.ended: list[str] = []
        self.heard = b""
        self._threads = [Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self._threads.append(Thread(target=self._serve, args=[client], daemon=True))
                self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client:
                while data := client.recv(65536):
                    self.heard += data
                    client.sendall(data)
            self.ended.append("end")
        except OSError:
            self.ended.append("reset")

    def close(self) -> None:
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self._threads:
            thread.join(LONG)


@pytest.fixture
def echo() -> Iterator[Echo]:
    with closing(Echo()) as server:
        yield server


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    with Proxy(echo.target) as proxy:
        yield proxy


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), LONG)


def answers(client: socket.socket, said: bytes = b"hello") -> bool:
    client.settimeout(LONG)
    client.sendall(said)
    return client.recv(65536) == said


def is_silent(client: socket.socket) -> bool:
    client.settimeout(SHORT)
    client.sendall(b"lost")
    with pytest.raises(TimeoutError):
        client.recv(65536)
    return True


def soon(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + LONG
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def is_reset(client: socket.socket) -> bool:
    client.settimeout(LONG)
    with pytest.raises(ConnectionResetError):
        client.recv(65536)
    return True


def test_everything_passes_in_both_directions_to_the_end(echo: Echo, proxy: Proxy) -> None:
    said = bytes(range(256)) * 20_000
    got = bytearray()

    def send(client: socket.socket) -> None:
        client.sendall(said)
        client.shutdown(socket.SHUT_WR)

    with connect(proxy) as client:
        sender = Thread(target=send, args=[client])
        sender.start()
        while data := client.recv(65536):
            got += data
        sender.join(LONG)
    assert bytes(got) == said
    assert soon(lambda: echo.ended == ["end"])
    assert soon(lambda: (proxy.accepted, proxy.connections) == (1, 0))


def test_a_reset_ends_what_is_connected_and_lets_new_ones_pass(echo: Echo, proxy: Proxy) -> None:
    with connect(proxy) as old:
        assert answers(old)
        proxy.reset()
        assert is_reset(old)
    with connect(proxy) as new:
        assert answers(new)
    proxy.reset()
    assert proxy.connections == 0
    echo.close()
    assert echo.ended[0] == "reset"


def test_refused_nothing_listens_until_healed(proxy: Proxy) -> None:
    with connect(proxy) as old:
        assert answers(old)
        proxy.refuse()
        assert is_reset(old)
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.heal()
    with connect(proxy) as new:
        assert answers(new)


def test_a_black_hole_swallows_and_neither_side_is_told(echo: Echo, proxy: Proxy) -> None:
    with connect(proxy) as old, connect(proxy) as leaving:
        assert answers(old)
        assert answers(leaving)
        proxy.black_hole()
        assert is_silent(old)
        leaving.close()
        with connect(proxy) as new:
            assert is_silent(new)
            assert echo.heard == b"hello" * 2
            assert echo.ended == []
            proxy.heal()
            assert is_reset(new)
        assert is_reset(old)
    with connect(proxy) as after:
        assert answers(after)


def test_half_open_the_server_is_told_and_the_client_is_not(echo: Echo, proxy: Proxy) -> None:
    with connect(proxy) as old:
        assert answers(old)
        proxy.half_open()
        assert is_silent(old)
        with connect(proxy) as new:
            assert answers(new)
            assert soon(lambda: echo.ended == ["reset"])
            proxy.heal()
            assert is_reset(old)
            assert answers(new), "what was never silent goes on"


def test_slow_each_chunk_is_late_and_none_is_lost(proxy: Proxy) -> None:
    with connect(proxy) as client:
        assert answers(client)
        proxy.slow(SHORT)
        client.settimeout(SHORT)
        client.sendall(b"late")
        with pytest.raises(TimeoutError):
            client.recv(65536)
        client.settimeout(LONG)
        assert client.recv(65536) == b"late"
        proxy.heal()
        assert answers(client)


def test_a_target_that_is_gone_resets_its_clients(echo: Echo, proxy: Proxy) -> None:
    echo.close()
    with pytest.raises(ConnectionResetError), connect(proxy) as client:
        client.recv(65536)


def test_one_fault_ends_the_one_before(proxy: Proxy) -> None:
    proxy.black_hole()
    with connect(proxy) as lost:
        assert is_silent(lost)
        proxy.slow(0.01)
        assert is_reset(lost)
    proxy.refuse()
    proxy.reset()
    with connect(proxy) as client:
        assert answers(client)
