"""What every request pays for: nothing of it waits for a thread, or is read twice."""

import importlib
import inspect
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from shared.service import listen
from shared.web.access import Gate
from shared.web.pages import environment

pytestmark = pytest.mark.unit

SERVICES = ("intake", "scoring", "awards", "notify")


def asked_of(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for one in dependant.dependencies:
        yield from asked_of(one)


def routes() -> Iterator[APIRoute]:
    for name in SERVICES:
        for router in importlib.import_module(f"services.{name}.app").service.routers:
            yield from (route for route in router.routes if isinstance(route, APIRoute))


def is_async(call: Any) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(call.__call__)


def test_no_request_waits_for_a_thread() -> None:
    """What is not async, FastAPI runs in a thread, at more than its own cost."""
    slow = {
        f"{route.path}: {call.__qualname__}"
        for route in routes()
        for call in asked_of(route.dependant)
        if not is_async(call)
    }
    assert not slow
    assert is_async(Gate("test", ()))
    assert len(list(routes())) > 50


def test_labels_are_looked_up_once_and_mean_what_they_meant() -> None:
    made = environment()
    shown = made.from_string(
        "{{ _('100%% & hơn') }}|{{ _('%(n)s <b>', n='<i>') }}|{{ gettext('Tải') }}"
        "|{% trans %}50% & nửa{% endtrans %}"
        "|{% trans name='<u>' %}Chào {{ name }}: 5%{% endtrans %}"
        "|{% trans count=2 %}một{% pluralize %}{{ count }} cái{% endtrans %}"
    )
    expected = "100% & hơn|&lt;i&gt; <b>|Tải|50% & nửa|Chào &lt;u&gt;: 5%|2 cái"
    assert [shown.render(), shown.render()] == [expected, expected]


def test_no_answer_waits_for_an_acknowledgement() -> None:
    with listen("127.0.0.1", 0) as door, socket.create_connection(door.getsockname()):
        taken, _ = door.accept()
        with taken:
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
