"""The topics job: makes the catalogue true on a broker, as far as that loses nothing.

`python -m deploy.topics [--check] [--publishers FILE] [--publisher NAME …]` reads
`deploy/topics.yaml`, `THIDUA_KAFKA` (host:port,…) and `THIDUA_TOPIC_REPLICATION` (copies of each
partition; default 1). A publisher that is not named, and has an inbound topic, keeps its topics.
Repeating it changes nothing.
"""

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

CATALOGUE = Path(__file__).with_name("topics.yaml")
OURS = "thidua."
_PUBLISHER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_INBOUND = re.compile(rf"thidua\.inbound\.(?P<publisher>{_PUBLISHER.pattern})\.v1")
_TOPIC = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")


class CatalogueError(Exception):
    """The catalogue or the register cannot be used; the text says where and why."""


@dataclass(frozen=True)
class Topic:
    """A topic as the catalogue wants it; `config` holds only what it speaks about."""

    name: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Existing:
    """A topic as the broker has it, with all its settings."""

    partitions: int
    config: Mapping[str, str]


@dataclass(frozen=True)
class Plan:
    """What to do: `grow` holds (topic, new number of partitions); `drift` lines for a person."""

    create: tuple[Topic, ...] = ()
    grow: tuple[tuple[str, int], ...] = ()
    drift: tuple[str, ...] = ()


def plan(wanted: Iterable[Topic], existing: Mapping[str, Existing]) -> Plan:
    """Compare. Never asks to shrink, to delete or to change a setting."""
    create: list[Topic] = []
    grow: list[tuple[str, int]] = []
    drift: list[str] = []
    known: set[str] = set()
    for topic in sorted(wanted, key=lambda topic: topic.name):
        known.add(topic.name)
        found = existing.get(topic.name)
        if found is None:
            create.append(topic)
            continue
        if found.partitions < topic.partitions:
            grow.append((topic.name, topic.partitions))
        drift += _differences(topic, found)
    strange = sorted(name for name in existing if name.startswith(OURS) and name not in known)
    drift += [f"{name}: not in the catalogue" for name in strange]
    return Plan(tuple(create), tuple(grow), tuple(drift))


def _differences(topic: Topic, found: Existing) -> list[str]:
    lines: list[str] = []
    if found.partitions > topic.partitions:
        lines.append(
            f"{topic.name}: {found.partitions} partitions, the catalogue says {topic.partitions} "
            "(partitions never shrink)"
        )
    for key, value in sorted(topic.config.items()):
        if (actual := found.config.get(key)) != value:
            lines.append(f"{topic.name}: {key} is {actual}, the catalogue says {value}")
    return lines


def catalogue(publishers: Sequence[str], file: Path = CATALOGUE) -> tuple[Topic, ...]:
    """The wanted topics, those of each publisher included. Raises CatalogueError."""
    data = _read(file)
    if not isinstance(data, dict) or data.keys() - {"topics", "per_publisher"}:
        raise CatalogueError(f"{file}: expected `topics` and `per_publisher`, nothing else")
    topics = [_topic(entry, file) for entry in data.get("topics", ())]
    for publisher in publishers:
        topics += [_topic(entry, file, publisher) for entry in data.get("per_publisher", ())]
    names = [topic.name for topic in topics]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise CatalogueError(f"{file}: named twice: {', '.join(twice)}")
    return tuple(topics)


def _topic(entry: Any, file: Path, publisher: str = "") -> Topic:
    try:
        name = str(entry["name"]).replace("{publisher}", publisher)
        partitions, config = entry["partitions"], entry.get("config", {})
        unknown = entry.keys() - {"name", "partitions", "config"}
        settings = {str(key): value for key, value in config.items()}
    except (TypeError, KeyError, AttributeError):
        raise CatalogueError(f"{file}: a topic needs name and partitions: {entry}") from None
    wrong = [f"unknown field {key}" for key in sorted(unknown)]
    if not _TOPIC.fullmatch(name):
        wrong.append("name: lower case letters, digits, dots and hyphens expected")
    if not isinstance(partitions, int) or isinstance(partitions, bool) or partitions < 1:
        wrong.append("partitions: a whole number from 1 expected")
    wrong += [f"{k}: a text expected" for k, v in settings.items() if not isinstance(v, str)]
    if wrong:
        raise CatalogueError(f"{file}: {name}: {'; '.join(wrong)}")
    return Topic(name, partitions, settings)


def registered_publishers(file: Path) -> tuple[str, ...]:
    """Names of the register's publishers, in order. Raises CatalogueError."""
    data = _read(file)
    if not isinstance(data, list):
        raise CatalogueError(f"{file}: expected a list of publishers")
    names = [str(entry.get("name", "")) if isinstance(entry, dict) else "" for entry in data]
    if len(set(names)) < len(names):
        raise CatalogueError(f"{file}: a publisher is named twice")
    return named(names)


def named(names: Sequence[str]) -> tuple[str, ...]:
    """The names, if they can be those of publishers. Raises CatalogueError."""
    for name in names:
        if not _PUBLISHER.fullmatch(name):
            raise CatalogueError(f"{name!r} is not a publisher's name")
    return tuple(names)


def with_topics(existing: Iterable[str]) -> set[str]:
    """The publishers that have an inbound topic."""
    return {match["publisher"] for name in existing if (match := _INBOUND.fullmatch(name))}


def _read(file: Path) -> Any:
    try:
        return YAML(typ="safe", pure=True).load(file)
    except (OSError, YAMLError) as error:
        raise CatalogueError(f"{file}: {error}") from error


async def observe(admin: AIOKafkaAdminClient) -> dict[str, Existing]:
    """Partitions and settings of every topic of ours on the broker."""
    names = sorted(name for name in await admin.list_topics() if name.startswith(OURS))
    if not names:
        return {}
    described = await admin.describe_topics(names)
    partitions = {entry["topic"]: len(entry["partitions"]) for entry in described}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    settings: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for code, message, _, name, entries in response.resources:
            if code:
                raise for_code(code)(message)
            settings[name] = {entry[0]: entry[1] for entry in entries}
    return {name: Existing(partitions[name], settings[name]) for name in names}


async def carry_out(admin: AIOKafkaAdminClient, steps: Plan, replication: int) -> None:
    """Create and grow. A topic that somebody else has just made is no error."""
    if steps.create:
        made = await admin.create_topics(
            [
                NewTopic(
                    topic.name, topic.partitions, replication, topic_configs=dict(topic.config)
                )
                for topic in steps.create
            ]
        )
        _raise_errors(made.topic_errors, allowed={"TopicAlreadyExistsError"})
    if steps.grow:
        grown = await admin.create_partitions(
            {name: NewPartitions(total) for name, total in steps.grow}
        )
        _raise_errors(grown.topic_errors, allowed=set())


def _raise_errors(errors: Iterable[Sequence[Any]], allowed: set[str]) -> None:
    for name, code, *message in errors:
        kind = for_code(code)
        if code and kind.__name__ not in allowed:
            raise kind(f"{name}: {' '.join(str(part) for part in message if part)}")


async def apply(
    kafka: str, publishers: Sequence[str], replication: int, check: bool
) -> tuple[int, Plan]:
    """Observe, plan and, unless only checking, carry out: how many topics are wanted, and the plan.

    Raises CatalogueError, KafkaError.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.split(","))
    await admin.start()
    try:
        existing = await observe(admin)
        wanted = catalogue(sorted({*publishers, *with_topics(existing)}))
        steps = plan(wanted, existing)
        if not check:
            await carry_out(admin, steps, replication)
    finally:
        await admin.close()
    return len(wanted), steps


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0: done (drift is told, not an error); 1: failed, or `--check` found work."""
    parser = argparse.ArgumentParser(prog="python -m deploy.topics")
    parser.add_argument("--check", action="store_true", help="only tell; exit 1 when it differs")
    parser.add_argument("--publishers", type=Path, metavar="FILE", help="YAML; names count")
    parser.add_argument(
        "--publisher", action="append", default=[], metavar="NAME", help="may be repeated"
    )
    told = parser.parse_args(arguments)
    check: bool = told.check
    kafka = os.environ.get("THIDUA_KAFKA", "")
    if not kafka:
        print("topics: THIDUA_KAFKA is not set", file=sys.stderr)
        return 1
    try:
        publishers = named(told.publisher)
        if told.publishers is not None:
            publishers += registered_publishers(told.publishers)
        replication = int(os.environ.get("THIDUA_TOPIC_REPLICATION", "1"))
        wanted, steps = asyncio.run(apply(kafka, publishers, replication, check))
    except (CatalogueError, KafkaError, ValueError) as error:
        print(f"topics: {error}", file=sys.stderr)
        return 1
    for topic in steps.create:
        print(f"{'missing' if check else 'created'}: {topic.name} ({topic.partitions} partitions)")
    for name, total in steps.grow:
        print(f"{'too few partitions' if check else 'grown'}: {name} to {total} partitions")
    for line in steps.drift:
        print(f"drift: {line}")
    print(f"{wanted} topics in the catalogue, {len(steps.drift)} drifts")
    return int(check and steps != Plan())


if __name__ == "__main__":
    sys.exit(main())
