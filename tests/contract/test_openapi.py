"""What programs are told of the four APIs is complete: words, answers, examples, refusals."""

import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from shared.clock import BusinessClock, SystemClock
from shared.messaging.consumer import Consumer
from shared.messaging.relay import Relay
from shared.messaging.unit_of_work import Works
from shared.service import Parts, Service, build_app
from shared.settings import Settings

pytestmark = pytest.mark.contract

SERVICES = ("intake", "scoring", "awards", "notify")
NOWHERE = "postgresql+asyncpg://nobody@127.0.0.1/nothing"
Operation = tuple[str, dict[str, Any]]


@cache
def document(name: str) -> dict[str, Any]:
    """A service's OpenAPI document, without anything running."""
    service: Service[Settings] = importlib.import_module(f"services.{name}.app").service
    given: dict[str, Any] = {"database_url": NOWHERE, "kafka": "nowhere:1", "env": "local"}
    filled: dict[str, Any] = {
        field: "/nowhere"
        for field, told in service.settings.model_fields.items()
        if told.is_required() and field not in given
    }
    settings = service.settings.model_construct(**filled, **given)
    engine, system = create_async_engine(NOWHERE), SystemClock()
    works = Works(engine, name, BusinessClock(system), system)
    parts = Parts(settings, engine, works, BusinessClock(system), system)
    runner: Any = MagicMock(consumer=Consumer("none"))
    relay = Relay(engine, "nowhere:1", name, "0")
    return build_app(service, parts, runner, relay, []).openapi()


OTHERWISE = {("give_token", "400"), ("give_token", "401")}
"""RFC 6749 (5.2) has its own form of a refusal."""
SHOWN_ONCE = {"POST /intake/machines"}
"""The answer holds a secret, which is not kept."""


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for service in SERVICES:
        for path, methods in document(service)["paths"].items():
            for method, operation in methods.items():
                yield service, f"{method.upper()} {path}", operation


ALL = list(operations())
each = pytest.mark.parametrize(
    ("service", "operation"),
    [pytest.param(service, told, id=name) for service, name, told in ALL],
)


def schema_of(service: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with its reference followed."""
    reference = schema.get("$ref", "")
    if not reference:
        return schema
    return document(service)["components"]["schemas"][reference.rpartition("/")[2]]  # type: ignore[no-any-return]


@pytest.mark.parametrize("service", SERVICES)
def test_the_document_is_of_version_3_1_and_names_the_ways_to_sign_in(service: str) -> None:
    told = document(service)
    assert told["openapi"].startswith("3.1.")
    assert set(told["components"]["securitySchemes"]) == {"bearer", "cookie"}
    assert told["servers"]


@pytest.mark.parametrize("service", SERVICES)
def test_operations_have_stable_names(service: str) -> None:
    names = [told["operationId"] for of, _, told in ALL if of == service]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)


@each
def test_an_operation_says_what_it_does(service: str, operation: dict[str, Any]) -> None:
    assert operation.get("description", "").strip(), service
    assert operation.get("tags")


@each
def test_an_answer_has_a_shape(service: str, operation: dict[str, Any]) -> None:
    found = {s: told for s, told in operation["responses"].items() if s.startswith("2")}
    assert found
    for told in found.values():
        for kind, media in told.get("content", {}).items():
            if kind == "application/json":
                assert_shaped(service, media["schema"])


def assert_shaped(service: str, schema: dict[str, Any]) -> None:
    schema = schema_of(service, schema)
    if "items" in schema:
        assert_shaped(service, schema["items"])
    elif "anyOf" in schema:
        for one in schema["anyOf"]:
            assert_shaped(service, one)
    else:
        assert schema.get("properties") or schema.get("type") not in {None, "object"}, schema


@each
def test_a_body_comes_with_an_example_that_holds(service: str, operation: dict[str, Any]) -> None:
    import jsonschema_rs

    if "requestBody" not in operation:
        return
    components = {"components": document(service)["components"]}
    for media in operation["requestBody"]["content"].values():
        validator = jsonschema_rs.validator_for(media["schema"] | components)
        assert media["example"] is not None
        validator.validate(media["example"])


@each
def test_every_refusal_is_told_and_is_a_problem(service: str, operation: dict[str, Any]) -> None:
    refusals = {s: told for s, told in operation["responses"].items() if s >= "4"}
    assert {"400", "404", "422", "429", "500", "503"} <= set(refusals)
    if operation["security"]:
        assert {"401", "403"} <= set(refusals)
    for status, told in refusals.items():
        if (operation["operationId"], status) in OTHERWISE:
            continue
        assert set(told["content"]) == {"application/problem+json"}, service
        assert told["description"]


@each
def test_who_may_call_it_is_told(service: str, operation: dict[str, Any]) -> None:
    assert operation["security"] in ([], [{"bearer": []}, {"cookie": []}]), service
    assert bool(operation["security"]) == ("x-who" in operation)


CREATES = [
    pytest.param(name, told, id=name)
    for _, name, told in ALL
    if name.startswith("POST") and "201" in told["responses"] and name not in SHOWN_ONCE
]


@pytest.mark.parametrize(("name", "operation"), CREATES)
def test_whatever_creates_can_be_sent_again(name: str, operation: dict[str, Any]) -> None:
    headers = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "header"}
    assert "Idempotency-Key" in headers, name


@pytest.mark.parametrize(
    ("name", "operation"),
    [pytest.param(n, o, id=n) for _, n, o in ALL if n.startswith(("PUT", "PATCH"))],
)
def test_whatever_changes_names_what_it_changes(name: str, operation: dict[str, Any]) -> None:
    headers = {one["name"].lower() for one in operation.get("parameters", ())}
    assert "if-match" in headers, name
    assert {"412", "428"} <= set(operation["responses"])


def test_all_four_are_looked_at() -> None:
    assert {service for service, _, _ in ALL} == set(SERVICES)
    assert len(ALL) > 40
    assert Path("docs").is_dir()
