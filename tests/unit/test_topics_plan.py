"""The topics job's decision: what is made, what grows, what is only told."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy import topics
from deploy.topics import CatalogueError, Existing, Plan, Topic, catalogue, plan

pytestmark = pytest.mark.unit

names = st.sampled_from([f"thidua.{name}.v1" for name in ("intake", "scoring", "awards", "new")])
configs = st.dictionaries(
    st.sampled_from(["retention.ms", "cleanup.policy"]), st.sampled_from(["-1", "1000", "compact"])
)
wanted_topics = st.lists(
    st.builds(Topic, names, st.integers(1, 9), configs), unique_by=lambda topic: topic.name
)
brokers = st.dictionaries(names, st.builds(Existing, st.integers(1, 9), configs))


def carried_out(steps: Plan, broker: dict[str, Existing]) -> dict[str, Existing]:
    after = dict(broker)
    after |= {topic.name: Existing(topic.partitions, topic.config) for topic in steps.create}
    after |= {name: Existing(total, broker[name].config) for name, total in steps.grow}
    return after


@given(wanted_topics, brokers)
def test_a_second_run_has_nothing_to_do(wanted: list[Topic], broker: dict[str, Existing]) -> None:
    first = plan(wanted, broker)
    second = plan(wanted, carried_out(first, broker))
    assert (second.create, second.grow) == ((), ())
    assert second.drift == first.drift


@given(wanted_topics, brokers)
def test_partitions_only_grow_and_settings_stay(
    wanted: list[Topic], broker: dict[str, Existing]
) -> None:
    after = carried_out(plan(wanted, broker), broker)
    for name, before in broker.items():
        assert after[name].partitions >= before.partitions
        assert after[name].config == before.config
    for topic in wanted:
        assert after[topic.name].partitions >= topic.partitions


@given(wanted_topics, brokers)
def test_every_difference_that_stays_is_told(
    wanted: list[Topic], broker: dict[str, Existing]
) -> None:
    steps = plan(wanted, broker)
    after = carried_out(steps, broker)
    known = {topic.name for topic in wanted}
    differing = {name for name in broker if name not in known} | {
        topic.name
        for topic in wanted
        if after[topic.name].partitions != topic.partitions
        or any(after[topic.name].config.get(key) != v for key, v in topic.config.items())
    }
    assert {line.split(":")[0] for line in steps.drift} == differing


def test_drift_names_topic_setting_and_both_values() -> None:
    steps = plan(
        [Topic("thidua.intake.v1", 6, {"retention.ms": "-1"})],
        {
            "thidua.intake.v1": Existing(8, {"retention.ms": "604800000"}),
            "thidua.inbound.gone.v1": Existing(3, {}),
            "somebody.else": Existing(1, {}),
        },
    )
    assert steps == Plan(
        drift=(
            "thidua.intake.v1: 8 partitions, the catalogue says 6 (partitions never shrink)",
            "thidua.intake.v1: retention.ms is 604800000, the catalogue says -1",
            "thidua.inbound.gone.v1: not in the catalogue",
        )
    )


def test_the_catalogue_keeps_facts_for_ever() -> None:
    found = {topic.name: topic for topic in catalogue(["e-office", "trial"])}
    facts = [f"thidua.{service}.v1" for service in ("intake", "scoring", "awards", "notify")]
    for name in facts:
        assert found[name].partitions == 6
        assert found[name].config == {"cleanup.policy": "delete", "retention.ms": "-1"}
    contacts = found["thidua.intake.contacts.v1"].config
    assert contacts["cleanup.policy"] == "compact"
    years = int(contacts["delete.retention.ms"]) / 1000 / 86_400 / 365
    assert 99 < years < 200, "a tombstone outlives the movement; more would overflow in the broker"
    access = found["thidua.intake.access.v1"].config
    days = int(access["retention.ms"]) / 1000 / 86_400
    assert days == 7, "no token lives longer than minutes, and who signed out when is nobody's fact"
    inbound = found["thidua.inbound.e-office.v1"]
    assert inbound.config["message.timestamp.type"] == "LogAppendTime"
    assert inbound.config["retention.ms"] == "-1"
    outbound = {f"thidua.outbound.{name}.v1" for name in ("e-office", "trial")}
    inbound_names = {f"thidua.inbound.{name}.v1" for name in ("e-office", "trial")}
    own = {"thidua.intake.contacts.v1", "thidua.intake.access.v1"}
    assert found.keys() == {*facts, *own, *outbound, *inbound_names}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("topics: [{name: a, partitions: 0}]", "partitions: a whole number from 1"),
        ("topics: [{name: A b, partitions: 1}]", "name: lower case"),
        ("topics: [{name: a}]", "a topic needs name and partitions"),
        ("topics: [{name: a, partitions: 1, size: 2}]", "unknown field size"),
        ("topics: [{name: a, partitions: 1, config: {retention.ms: -1}}]", "a text expected"),
        ("topics: [{name: a, partitions: 1}, {name: a, partitions: 2}]", "named twice: a"),
        ("other: 1", "expected `topics`"),
        ("topics: [", "line 1"),
    ],
)
def test_a_bad_catalogue_is_refused_with_the_reason(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text(text)
    with pytest.raises(CatalogueError, match=said):
        catalogue([], file)


@pytest.mark.parametrize("text", ["- {name: A}", "- {}", "a: 1", "- {name: x}\n- {name: x}"])
def test_a_bad_register_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "publishers.yaml"
    file.write_text(text)
    with pytest.raises(CatalogueError):
        topics.registered_publishers(file)


def test_without_a_broker_the_job_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("THIDUA_KAFKA", raising=False)
    assert topics.main([]) == 1
    assert "THIDUA_KAFKA" in capsys.readouterr().err
