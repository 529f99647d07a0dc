"""What a service takes and says on Kafka, as an AsyncAPI 3.0 document.

FastStream declares it and writes the document. The kernel's own loop consumes and its relay
produces, with the settings of the same place (`client`).
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from faststream.specification import AsyncAPI

from shared.contracts.base import Event
from shared.contracts.inbound import ReportSubmitted
from shared.messaging.client import declare_subscriber, make_broker
from shared.messaging.consumer import Consumer

VERSION = "1"
_NO_ADDRESS = "kafka:9092"
_HEADERS = {
    "type": "object",
    "description": "CloudEvents 1.0, Kafka protocol binding, binary mode; UTF-8.",
    "required": ["ce_id", "ce_source", "ce_type", "ce_specversion"],
    "properties": {
        "ce_id": {"type": "string", "maxLength": 255},
        "ce_source": {"type": "string"},
        "ce_type": {"type": "string"},
        "ce_specversion": {"const": "1.0"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_subject": {"type": "string"},
        "ce_ward": {"type": "string"},
        "ce_correlationid": {"type": "string"},
        "ce_causationid": {"type": "string"},
        "traceparent": {"type": "string"},
        "content-type": {"const": "application/json"},
    },
}
_CORRELATION = {"location": "$message.header#/ce_correlationid"}
_PUBLISHER = {"publisher": {"description": "A name in the register of publishers."}}


def asyncapi_document(
    service: str, consumer: Consumer, publishes: Iterable[type[Event]]
) -> dict[str, Any]:
    """The document of one service: a channel for each type of event, named by it.

    What it reads again of its own is shown as what it says.
    """
    broker = make_broker(_NO_ADDRESS)
    told = sorted(set(publishes), key=lambda event: event.TYPE)
    subscribed = (subscription.event for subscription in consumer.subscriptions.values())
    taken = [event for event in subscribed if event not in told]
    if consumer.inbound_handler is not None:
        taken.append(ReportSubmitted)
    for event in sorted(taken, key=lambda event: event.TYPE):
        subscriber = declare_subscriber(
            broker, _address(event), consumer.name, event.TYPE, _words(event)
        )
        subscriber(_receiver(event))
    for event in told:
        broker.publisher(_address(event), schema=event, title=event.TYPE, description=_words(event))
    made = AsyncAPI(broker, title=f"thidua {service}", version=VERSION).to_specification()
    return _finished(made.to_jsonable(), [*taken, *told])


def _address(event: type[Event]) -> str:
    return event.TOPIC.replace("<", "{").replace(">", "}")


def _words(event: type[Event]) -> str:
    return f"{event.__doc__ or event.TYPE} The key is `<ward>/<subject>`."


def _receiver(event: type[Event]) -> Callable[[Any], Awaitable[None]]:
    async def receive(message: Any) -> None:
        raise NotImplementedError

    receive.__annotations__ = {"message": event, "return": None}
    return receive


def _finished(document: Any, events: Iterable[type[Event]]) -> dict[str, Any]:
    """In order; without servers (each stack has its own), with headers, null for a tombstone."""
    document.pop("servers", None)
    for part in ("channels", "operations"):
        document[part] = dict(sorted(document[part].items()))
    for channel in document["channels"].values():
        channel.pop("servers", None)
        if "{publisher}" in channel["address"]:
            channel["parameters"] = _PUBLISHER
    components = document["components"]
    for message in components["messages"].values():
        message |= {"headers": _HEADERS, "correlationId": _CORRELATION}
    for event in events:
        if event.ERASES:
            components["schemas"][event.__name__] = {"title": event.__name__, "type": "null"}
    return dict(document)
