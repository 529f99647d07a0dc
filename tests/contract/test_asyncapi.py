"""The AsyncAPI document says what a service really takes and tells."""

from importlib import import_module
from typing import Any

import pytest

from shared.contracts.base import Event
from shared.contracts.inbound import ReportSubmitted
from shared.contracts.intake import ContactErased, ContactRecorded, ReportAccepted
from shared.contracts.scoring import ScoreComputed
from shared.messaging.asyncapi import asyncapi_document
from shared.messaging.consumer import Consumer
from shared.service import Service
from shared.settings import Settings

pytestmark = pytest.mark.contract

SERVICES = ("intake", "scoring", "awards", "notify")


async def handle(events: Any, work: Any) -> None:
    raise NotImplementedError


def small() -> Consumer:
    consumer = Consumer("scoring")
    for event in (ReportAccepted, ContactRecorded, ContactErased):
        consumer.on(event)(handle)
    return consumer


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return asyncapi_document("scoring", small(), [ScoreComputed])


def actions(document: dict[str, Any]) -> dict[str, str]:
    return {name: operation["action"] for name, operation in document["operations"].items()}


def payload(document: dict[str, Any], event: type[Event]) -> Any:
    (message,) = document["channels"][event.TYPE]["messages"].values()
    told = document["components"]["messages"][message["$ref"].rpartition("/")[2]]
    return document["components"]["schemas"][told["payload"]["$ref"].rpartition("/")[2]]


def test_each_type_is_a_channel_of_its_topic(document: dict[str, Any]) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert document["info"]["title"] == "thidua scoring"
    for event in (ReportAccepted, ContactRecorded, ContactErased, ScoreComputed):
        assert document["channels"][event.TYPE]["address"] == event.TOPIC


def test_what_is_taken_and_what_is_told(document: dict[str, Any]) -> None:
    assert actions(document) == {
        ReportAccepted.TYPE: "receive",
        ContactRecorded.TYPE: "receive",
        ContactErased.TYPE: "receive",
        ScoreComputed.TYPE: "send",
    }


def test_payloads_are_the_models(document: dict[str, Any]) -> None:
    assert payload(document, ScoreComputed)["properties"]["total"]["type"] == "string"
    assert set(payload(document, ReportAccepted)["properties"]) == set(ReportAccepted.model_fields)
    assert payload(document, ContactErased) == {"title": "ContactErased", "type": "null"}


def test_headers_are_described_and_no_server_is_promised(document: dict[str, Any]) -> None:
    for message in document["components"]["messages"].values():
        assert set(message["headers"]["required"]) == {
            "ce_id",
            "ce_source",
            "ce_type",
            "ce_specversion",
        }
        assert message["correlationId"]["location"] == "$message.header#/ce_correlationid"
    assert "servers" not in document
    assert not any("servers" in channel for channel in document["channels"].values())


def test_the_same_service_has_the_same_document(document: dict[str, Any]) -> None:
    again = asyncapi_document("scoring", small(), [ScoreComputed])
    assert list(again["channels"]) == list(document["channels"]) == sorted(document["channels"])
    assert again == document


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_tells_all_that_it_takes_and_says(name: str) -> None:
    service: Service[Settings] = import_module(f"services.{name}.app").service
    document = asyncapi_document(service.name, service.consumer, service.publishes)
    taken = set(service.consumer.subscriptions)
    if service.consumer.inbound_handler:
        taken.add(ReportSubmitted.TYPE)
    told = {event.TYPE for event in service.publishes}
    assert actions(document) == dict.fromkeys(taken, "receive") | dict.fromkeys(told, "send")


def test_a_publisher_s_topics_are_told_with_their_parameter() -> None:
    service = import_module("services.intake.app").service
    document = asyncapi_document("intake", service.consumer, service.publishes)
    channel = document["channels"][ReportSubmitted.TYPE]
    assert channel["address"] == "thidua.inbound.{publisher}.v1"
    assert set(channel["parameters"]) == {"publisher"}
