"""Parts of the embedded stack that need nothing running."""

import json
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.local import artifacts, broker, state, tokens
from deploy.local.guard import signal_group
from deploy.local.infrastructure import infrastructure_from_environment
from deploy.local.postgres import Databases
from deploy.local.process import JOB, SERVICE, ChildEndedError, Family, StackError
from deploy.local.proxy import ROLES, by_role
from deploy.local.state import State, free_port, write_json
from services.intake.pages.role_words import ROLE_WORDS
from shared.web.identity import TokenReader
from shared.web.problems import Problem

pytestmark = pytest.mark.unit


@pytest.fixture
def jars(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    folder = tmp_path / "jars"
    folder.mkdir()
    (folder / "a.jar").write_bytes(b"a")
    (folder / "b.jar").write_bytes(b"b")
    checksums = tmp_path / "jars.sha256"
    checksums.write_text(
        "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  a.jar\n"
        "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d  b.jar\n"
    )
    return folder, artifacts.expected_jars(checksums)


def test_pinned_jars_are_accepted(jars: tuple[Path, dict[str, str]]) -> None:
    artifacts.verify(*jars)


def test_a_changed_an_extra_and_a_missing_jar_are_named(
    jars: tuple[Path, dict[str, str]],
) -> None:
    folder, expected = jars
    (folder / "a.jar").write_bytes(b"other")
    (folder / "b.jar").unlink()
    (folder / "c.jar").write_bytes(b"c")
    with pytest.raises(StackError) as refused:
        artifacts.verify(folder, expected)
    text = str(refused.value)
    assert "a.jar: sha256" in text
    assert "b.jar: missing" in text
    assert "c.jar: not on the list" in text


def test_every_pinned_version_is_in_the_checksums() -> None:
    expected = artifacts.expected_jars()
    for coordinate in artifacts.coordinates():
        _, artifact, version = coordinate.split(":")
        assert f"{artifact}-{version}.jar" in expected


def test_requiring_apache_refuses_another_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THIDUA_REQUIRE", "apache")
    monkeypatch.setenv("THIDUA_BROKER", "wheel")
    family = Family(tmp_path)
    with pytest.raises(StackError, match="THIDUA_REQUIRE"):
        broker.choose(State(tmp_path), family, print)
    family.close()


@pytest.mark.parametrize(("require", "falls_back"), [("", True), ("apache", False)])
def test_the_wheel_serves_only_where_kafka_cannot_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require: str, falls_back: bool
) -> None:
    def unreachable(_: object) -> Path:
        raise artifacts.UnreachableError("no registry answers")

    monkeypatch.setattr(artifacts, "jars", unreachable)
    monkeypatch.delenv("THIDUA_BROKER", raising=False)
    monkeypatch.setenv("THIDUA_REQUIRE", require)
    family = Family(tmp_path)
    try:
        if falls_back:
            assert isinstance(broker.choose(State(tmp_path), family, print), broker.WheelBroker)
        else:
            with pytest.raises(artifacts.UnreachableError):
                broker.choose(State(tmp_path), family, print)
    finally:
        family.close()


def test_a_state_folder_has_one_holder(tmp_path: Path) -> None:
    first, second = State(tmp_path), State(tmp_path)
    assert not first.held()
    first.take()
    assert second.held()
    with pytest.raises(StackError, match="a stack is running"):
        second.take()
    first.release()
    second.take()
    second.release()


def test_ports_are_remembered_and_can_be_fixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = State(tmp_path)
    first = state.port("origin")
    assert State(tmp_path).port("origin") == first
    assert state.port("mail") != first
    fixed = free_port()
    monkeypatch.setenv("THIDUA_PORT_KAFKA_CONTROLLER", str(fixed))
    assert state.port("kafka-controller") == fixed


def test_secrets_are_kept_and_readable_by_their_owner_only(tmp_path: Path) -> None:
    state = State(tmp_path)
    secret = state.secret("postgres")
    assert State(tmp_path).secret("postgres") == secret
    assert stat.S_IMODE((state.secrets / "postgres").stat().st_mode) == 0o600
    assert stat.S_IMODE(state.secrets.stat().st_mode) == 0o700


def test_clearing_touches_only_a_folder_that_a_stack_marked(tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    (state.folder / "kafka").mkdir()
    write_json(state.folder / "ports.json", {"a": 1})
    state.clear()
    assert {entry.name for entry in state.folder.iterdir()} == {"STATE-OF-AN-EMBEDDED-STACK"}
    (state.folder / "STATE-OF-AN-EMBEDDED-STACK").unlink()
    (state.folder / "thesis.txt").touch()
    with pytest.raises(StackError, match="not the state"):
        state.clear()
    assert (state.folder / "thesis.txt").exists()


def test_a_child_that_ends_is_named_with_its_last_lines(tmp_path: Path) -> None:
    family = Family(tmp_path)
    failing = [sys.executable, "-c", "print('no such table'); raise SystemExit(7)"]
    with pytest.raises(ChildEndedError, match=r"(?s)job ended \(exit code 7\).*no such table"):
        family.run("job", failing)
    child = family.start("service", failing, SERVICE)
    child.process.wait()
    with pytest.raises(ChildEndedError) as crash:
        family.check()
    assert crash.value.name == "service"
    family.close()
    later = Family(tmp_path)
    later.run("job", [sys.executable, "-c", "print('all is well')"])
    later.close()
    assert (tmp_path / "job.log").read_text() == "all is well\n"
    assert (tmp_path / "job.previous.log").read_text() == "no such table\n"


def test_a_kill_on_purpose_is_no_crash_and_stubborn_children_end_too(tmp_path: Path) -> None:
    family = Family(tmp_path)
    stubborn = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    )
    family.start("one", [sys.executable, "-c", "import time; time.sleep(60)"], SERVICE)
    family.kill("one")
    family.check()
    child = family.start("two", [sys.executable, "-c", stubborn], JOB)
    while not child.log.read_text():
        time.sleep(0.01)
    family.close()
    assert child.process.returncode == -signal.SIGKILL
    with pytest.raises(StackError, match="stopping"):
        family.start("three", ["true"], SERVICE)


@pytest.mark.parametrize("ask", [Family.kill, Family.stop])
def test_who_watches_sees_no_crash_while_a_child_is_being_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Family, str], None]
) -> None:
    """Whoever watches may look between the child's death and its being forgotten."""
    family = Family(tmp_path)
    child = family.start("one", [sys.executable, "-c", "import time; time.sleep(60)"], SERVICE)
    looks = 0

    def signalled(pid: int, number: int) -> None:
        nonlocal looks
        signal_group(pid, number)
        child.process.wait()
        family.check()
        looks += 1

    monkeypatch.setattr("deploy.local.process.signal_group", signalled)
    ask(family, "one")
    assert looks
    family.close()


async def test_tokens_are_what_services_verify(tmp_path: Path) -> None:
    keys = tokens.Keys.kept_in(tmp_path)
    assert stat.S_IMODE(keys.private.stat().st_mode) == 0o600
    assert tokens.Keys.kept_in(tmp_path).private.read_text() == keys.private.read_text()
    mint = tokens.Mint(keys, "tu-minh")
    assessor = tokens.Person(
        "van-phong.assessor", "Người thẩm định", ("assessor",), "van-phong", ""
    )
    reader = TokenReader(None, pinned=keys.public.read_text())
    person = await reader.read(mint.mint(assessor))
    assert (person.id, person.unit, person.ward) == (assessor.person, "van-phong", "tu-minh")
    assert person.name == "Người thẩm định"
    assert person.roles == {"assessor"}
    with pytest.raises(Problem):
        await reader.read(mint.mint(assessor, valid=timedelta(seconds=-1)))
    (tmp_path / "other").mkdir()
    stranger = tokens.Mint(tokens.Keys.kept_in(tmp_path / "other"), "tu-minh")
    with pytest.raises(Problem):
        await reader.read(stranger.mint(assessor))


def test_sample_people_hold_every_role() -> None:
    people = tokens.sample_people()
    assert len({one.person for one in people}) == len(people)
    assert {role for one in people for role in one.roles} == set(ROLE_WORDS)
    assert all(one.email.endswith(".example") for one in people)


def test_people_are_listed_under_each_role_they_hold() -> None:
    people = {
        "chairman": {"roles": ["council", "chairman"]},
        "secretary": {"roles": ["council"]},
        "guest": {"roles": ["visitor"]},
    }
    listed = [(role, [key for key, _ in held]) for role, held in by_role(people)]
    assert listed == [
        ("Chủ tịch Ủy ban nhân dân phường", ["chairman"]),
        ("Thành viên Hội đồng Thi đua - Khen thưởng", ["chairman", "secretary"]),
        ("visitor", ["guest"]),
    ]


def test_the_landing_calls_roles_what_the_pages_do() -> None:
    assert dict(ROLES) == dict(ROLE_WORDS)


def test_outside_infrastructure_needs_both_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THIDUA_TEST_KAFKA", raising=False)
    monkeypatch.delenv("THIDUA_TEST_POSTGRES", raising=False)
    assert infrastructure_from_environment() is None
    monkeypatch.setenv("THIDUA_TEST_KAFKA", "127.0.0.1:1")
    with pytest.raises(ValueError, match="both"):
        infrastructure_from_environment()
    monkeypatch.setenv("THIDUA_TEST_POSTGRES", "postgresql://admin:pw@db.example:5432/postgres")
    found = infrastructure_from_environment()
    assert found is not None
    assert found.databases.url("x", "y") == "postgresql+asyncpg://x:y@db.example:5432/x"


@pytest.mark.parametrize("name", ["a b", "A", "1a", "x; DROP", ""])
def test_only_plain_database_names_are_taken(name: str) -> None:
    with pytest.raises(ValueError, match="plain"):
        Databases("postgresql://a:b@c:1/d").create(name, "pw")


def test_what_a_stack_says_is_written_whole(tmp_path: Path) -> None:
    file = tmp_path / "stack.json"
    write_json(file, {"smtp": "127.0.0.1:1", "tên": "thử"})
    assert json.loads(file.read_text("utf-8")) == {"smtp": "127.0.0.1:1", "tên": "thử"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["stack.json"]


def test_no_two_processes_are_given_the_same_port() -> None:
    port = free_port()
    ask = f"from deploy.local import state; print(state._hold_back({port}))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert state.port_is_free(port), "nothing listens there: only its lock tells"
