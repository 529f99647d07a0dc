"""What the deployment files promise, read as Compose itself resolves them."""

import ast
import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module, metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.fernet import Fernet
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.compose.livez import alive
from deploy.local.proxy import INTERNAL
from shared.settings import Settings, load

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent
SERVICES = ("intake", "scoring", "awards", "notify")
MIGRATIONS = tuple(f"migrate-{service}" for service in SERVICES)
JOBS = ("topics", "publishers", *MIGRATIONS)
INFRASTRUCTURE = ("kafka", "postgres", "mailpit", "proxy")
EVERYTHING = (*SERVICES, *JOBS, *INFRASTRUCTURE)

Compose = dict[str, Any]


def resolve(*options: str, **chosen: str) -> Compose:
    """The project as `docker compose config` resolves it; only `chosen` is in the environment."""
    command = [str(TOOLS / "docker-compose"), *options, "config", "--format", "json"]
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **chosen}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    resolved: Compose = json.loads(done.stdout)
    return resolved


@pytest.fixture(scope="module")
def compose() -> Compose:
    return resolve("--env-file", os.devnull)


@pytest.fixture(scope="module")
def containers(compose: Compose) -> Compose:
    services: Compose = compose["services"]
    return services


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text("utf-8")


def instructions(text: str, stage: str) -> list[str]:
    """The instructions of one stage, continuation lines joined, comments dropped."""
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("FROM ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        if lines[start].endswith(f" AS {stage}"):
            return [" ".join(line.split()) for line in lines[start:end] if line.strip()]
    raise AssertionError(f"Dockerfile has no stage {stage}")


def waits_for(container: Compose) -> dict[str, str]:
    return {name: need["condition"] for name, need in container.get("depends_on", {}).items()}


def test_the_project_holds_what_the_tests_below_walk(containers: Compose) -> None:
    assert set(containers) == set(EVERYTHING)


def test_the_example_environment_says_the_defaults(compose: Compose) -> None:
    assert resolve("--env-file", ".env.example") == compose


def test_the_example_environment_lists_every_variable() -> None:
    used = re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text("utf-8"))
    listed = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE)
    assert set(listed) == set(used)


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_container_is_hardened(containers: Compose, name: str) -> None:
    container = containers[name]
    user, _, group = container["user"].partition(":")
    assert int(user) > 0, "runs as root"
    assert int(group) > 0, "runs in root's group"
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert not container.get("privileged", False)
    assert set(container["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert set(container["logging"]["options"]) == {"max-size", "max-file"}
    for mount in container.get("volumes", []):
        assert mount["type"] == "volume" or mount["read_only"], f"{mount['source']} can be written"


@pytest.mark.parametrize("name", [*SERVICES, *INFRASTRUCTURE])
def test_what_stays_up_is_watched_and_stops_in_its_own_time(containers: Compose, name: str) -> None:
    container = containers[name]
    assert container["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert container["restart"] == "unless-stopped"
    assert container["stop_grace_period"]


@pytest.mark.parametrize("name", JOBS)
def test_a_job_ends_and_is_not_watched(containers: Compose, name: str) -> None:
    assert containers[name]["restart"] == "no"
    assert containers[name]["healthcheck"] == {"disable": True}


@pytest.mark.parametrize("name", EVERYTHING)
def test_images_are_pinned(containers: Compose, name: str) -> None:
    tag = containers[name]["image"].partition("@")[0].rpartition("/")[2].partition(":")[2]
    assert re.match(r"v?\d+\.\d+(\.\d+)?", tag), f"{containers[name]['image']} floats"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_after_its_own_migration_and_the_topics(
    containers: Compose, service: str
) -> None:
    needs = waits_for(containers[service])
    assert (
        needs.items()
        >= {
            "kafka": "service_healthy",
            "postgres": "service_healthy",
            "topics": "service_completed_successfully",
            f"migrate-{service}": "service_completed_successfully",
        }.items()
    )
    assert not set(needs) & (set(SERVICES) | set(MIGRATIONS) - {f"migrate-{service}"})
    assert waits_for(containers[f"migrate-{service}"]) == {"postgres": "service_healthy"}
    assert waits_for(containers["topics"]) == {"kafka": "service_healthy"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_migration_runs_in_its_service_s_image_with_its_settings(
    containers: Compose, service: str
) -> None:
    migration, owner = containers[f"migrate-{service}"], containers[service]
    assert owner["build"]["args"]["SERVICE"] == service
    assert owner["build"]["target"] == "service"
    assert migration["command"] == ["migrate"]
    for shared in ("image", "environment", "secrets", "user"):
        assert migration[shared] == owner[shared]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_holds_its_own_secrets_only(containers: Compose, service: str) -> None:
    held = {secret["source"] for secret in containers[service]["secrets"]}
    assert held == {f"{service}-database-url"} | ({"key-secret"} if service == "intake" else set())


def test_networks_let_nobody_reach_what_is_not_theirs(compose: Compose) -> None:
    containers = compose["services"]
    members: dict[str, set[str]] = {}
    for name in EVERYTHING:
        for network in containers[name]["networks"]:
            members.setdefault(network, set()).add(name)
    assert members == {
        "bus": {"kafka", "topics", *SERVICES},
        "db": {"postgres", "publishers", *MIGRATIONS, *SERVICES},
        "web": {"proxy", *SERVICES},
        "mail": {"mailpit", "intake", "notify"},
        "edge": {"proxy"},
    }
    internal = {name for name, network in compose["networks"].items() if network.get("internal")}
    assert internal == {"bus", "db", "web"}


def test_only_the_proxy_and_the_mail_catcher_listen_and_only_on_this_machine(
    containers: Compose,
) -> None:
    ports = {name: containers[name]["ports"] for name in EVERYTHING if "ports" in containers[name]}
    assert set(ports) == {"proxy", "mailpit"}
    assert {port["host_ip"] for published in ports.values() for port in published} == {"127.0.0.1"}


def test_what_must_outlive_a_container_stands_on_a_volume(containers: Compose) -> None:
    kept = {
        (name, mount["target"])
        for name in EVERYTHING
        for mount in containers[name].get("volumes", [])
        if mount["type"] == "volume"
    }
    assert kept == {
        ("kafka", containers["kafka"]["environment"]["KAFKA_LOG_DIRS"]),
        ("postgres", "/var/lib/postgresql"),
        ("awards", containers["awards"]["environment"]["THIDUA_DOCUMENTS"]),
        ("intake", urlsplit(containers["intake"]["environment"]["THIDUA_EVIDENCE_STORE"]).path),
    }


def test_the_broker_creates_no_topic_by_itself(containers: Compose) -> None:
    assert containers["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_no_secret_stands_in_the_environment(containers: Compose) -> None:
    for name in EVERYTHING:
        for key, value in containers[name].get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|DATABASE_URL|TOKEN", key):
                assert key.endswith("_FILE"), f"{name} carries {key}"
                assert value.startswith("/run/secrets/")


def settings_of(service: str) -> type[Settings]:
    """The service's own kind of settings; a service without any uses the common ones."""
    application = import_module(f"services.{service}.app")
    kinds = [
        value
        for value in vars(application).values()
        if isinstance(value, type) and issubclass(value, Settings)
    ]
    return max(kinds, key=lambda kind: len(kind.__mro__), default=Settings)


def provided(environment: Mapping[str, str]) -> dict[str, str]:
    """Environment name -> settings field, as `shared.settings` reads `_FILE` names."""
    plain = {key: key.removesuffix("_FILE") for key in environment}
    return {key: name.removeprefix("THIDUA_").lower() for key, name in plain.items()}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_what_it_knows_and_all_that_it_needs(
    containers: Compose, service: str
) -> None:
    fields = settings_of(service).model_fields
    told = set(provided(containers[service]["environment"]).values())
    assert told <= set(fields), "settings that the service does not have"
    required = {name for name, field in fields.items() if field.is_required()}
    assert required <= told, "settings that the service cannot start without"


@pytest.mark.parametrize("service", SERVICES)
def test_in_production_a_service_believes_only_the_issuer(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what Compose says when only the origin and the environment differ."""
    subprocess.run(
        [ROOT / "deploy/compose/init-secrets", tmp_path], capture_output=True, check=True
    )
    chosen = {"THIDUA_ENV": "production", "THIDUA_ORIGIN": "https://thidua.example"}
    container = resolve("--env-file", os.devnull, **chosen)["services"][service]
    told = dict(container["environment"])
    for secret in container["secrets"]:
        for name, value in told.items():
            if value == secret["target"] or value == f"/run/secrets/{secret['target']}":
                told[name] = str(tmp_path / secret["source"])
    monkeypatch.setattr("os.environ", told)
    settings = load(settings_of(service))
    assert settings.token_public_key == ""
    assert settings.issuer_keys == "http://intake:8080/intake/.well-known/jwks.json"
    assert settings.proxies
    assert not getattr(settings, "sample_sign_in", False)
    monkeypatch.setitem(told, "THIDUA_TOKEN_PUBLIC_KEY", "pem")
    with pytest.raises(ValueError, match="trying out"):
        load(settings_of(service))


def test_a_city_s_sign_in_is_told_to_the_issuer_alone() -> None:
    provider = {
        "THIDUA_OIDC_ISSUER": "https://dang-nhap.example",
        "THIDUA_OIDC_CLIENT_ID": "thidua",
        "THIDUA_OIDC_WARD": "tu-minh",
    }
    files = ("-f", "docker-compose.yml", "-f", "deploy/compose/oidc.yml")
    containers = resolve("--env-file", os.devnull, *files, **provider)["services"]
    told = containers["intake"]["environment"]
    fields = settings_of("intake").model_fields
    assert {name for name in provided(told).values() if name.startswith("oidc")} < set(fields)
    assert told.items() >= provider.items()
    assert told["THIDUA_OIDC_CLIENT_SECRET_FILE"] == "/run/secrets/oidc-client-secret"
    for other in set(EVERYTHING) - {"intake"}:
        assert not any("OIDC" in name for name in containers[other].get("environment", {}))


def test_an_s3_compatible_store_is_told_to_intake_alone() -> None:
    chosen = {
        "THIDUA_EVIDENCE_STORE": "s3://minh-chung?endpoint=https://kho.example",
        "THIDUA_EVIDENCE_KEY_ID": "thidua",
    }
    files = ("-f", "docker-compose.yml", "-f", "deploy/compose/s3.yml")
    containers = resolve("--env-file", os.devnull, *files, **chosen)["services"]
    told = containers["intake"]["environment"]
    assert told.items() >= chosen.items()
    assert told["THIDUA_EVIDENCE_KEY_SECRET_FILE"] == "/run/secrets/evidence-key-secret"
    assert set(provided(told).values()) <= set(settings_of("intake").model_fields)
    for other in set(EVERYTHING) - {"intake", "migrate-intake", "publishers"}:
        assert not any("EVIDENCE" in name for name in containers[other].get("environment", {}))


def test_the_services_image_is_small_in_rights_and_says_so(dockerfile: str) -> None:
    runtime = instructions(dockerfile, "runtime")
    assert runtime[-1] == "USER 10001:10001"
    assert any("org.opencontainers.image.title" in line for line in runtime)
    service = instructions(dockerfile, "service")
    assert service[0] == "FROM runtime AS service"
    assert any(line.startswith("HEALTHCHECK") and "/app/livez.py" in line for line in service)
    copied = [line for line in service if line.startswith("COPY")]
    assert not any(re.search(r"COPY (\. |services |services/ )", line) for line in copied)
    for stage in ("service", "topics"):
        started = [line for line in instructions(dockerfile, stage) if line.startswith("ENTRY")]
        assert len(started) == 1
        assert started[0].startswith('ENTRYPOINT ["')


def test_the_entrypoint_becomes_the_service_and_passes_its_command_on(
    dockerfile: str, tmp_path: Path
) -> None:
    entry = next(x for x in instructions(dockerfile, "service") if x.startswith("ENTRYPOINT"))
    program = json.loads(entry.removeprefix("ENTRYPOINT "))
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$PPID" "$@"\n')
    python.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SERVICE": "awards"}
    command = [*program, "migrate", "a b"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    parent, *words = done.stdout.splitlines()
    assert parent == str(os.getpid()), "a shell stands between the runtime and the service"
    assert words == ["-m", "services.awards", "migrate", "a b"]


def test_the_image_takes_only_locked_packages_and_no_tools(dockerfile: str) -> None:
    build = " ".join(instructions(dockerfile, "build"))
    assert 'uv sync --locked --no-default-groups --extra "${SERVICE}"' in build
    arguments = dict(re.findall(r"^ARG (\w+_IMAGE)=(\S+)$", dockerfile, re.MULTILINE))
    assert set(arguments) == {"PYTHON_IMAGE", "UV_IMAGE"}
    makefile = (ROOT / "Makefile").read_text("utf-8")
    uv = re.search(r"^UV_VERSION := (\S+)$", makefile, re.MULTILINE)
    assert uv is not None
    assert arguments["UV_IMAGE"].endswith(f":{uv[1]}")


def roots_of(requirement: Requirement) -> Iterator[Requirement]:
    """What a distribution needs itself, with the extras asked for."""
    for line in metadata.requires(requirement.name) or []:
        needed = Requirement(line)
        extras = requirement.extras or {""}
        if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in extras):
            yield needed


def distributions_in_image(extra: str) -> set[str]:
    """Canonical names of all packages that the image built with this extra carries."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"][extra]]
    waiting = [Requirement(line) for line in wanted]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key not in seen:
            seen.add(key)
            waiting.extend(roots_of(requirement))
    return {name for name, _ in seen}


def imported(folder_or_file: Path) -> set[str]:
    """Top-level names of third-party packages imported anywhere below."""
    files = [folder_or_file] if folder_or_file.is_file() else folder_or_file.rglob("*.py")
    names: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"shared", "services", "deploy"}


@pytest.mark.parametrize(
    ("extra", "code"),
    [(service, ("shared", f"services/{service}")) for service in SERVICES]
    + [("topics", ("shared", "deploy/topics.py"))],
)
def test_an_image_carries_every_package_that_its_code_imports(
    extra: str, code: tuple[str, ...]
) -> None:
    carried = distributions_in_image(extra)
    homes = metadata.packages_distributions()
    for name in sorted(set().union(*(imported(ROOT / part) for part in code))):
        owners = {canonicalize_name(owner) for owner in homes[name]}
        assert owners & carried, f"{' + '.join(code)} imports {name}, which the image lacks"


def copied_from_here(dockerfile: str) -> set[str]:
    """Every path of this repository that the Dockerfile copies."""
    lines = [line for line in dockerfile.splitlines() if line.startswith("COPY")]
    return {
        path
        for line in lines
        if "--from=" not in line
        for path in line.replace("${SERVICE}", "intake").split()[1:-1]
    }


def test_the_build_context_holds_what_the_dockerfile_copies_and_no_more(dockerfile: str) -> None:
    ignored, *admitted = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert ignored == "*"
    open_paths = {line.removeprefix("!") for line in admitted if line.startswith("!")}
    copied = copied_from_here(dockerfile)
    assert {path for path in open_paths if not any(c.startswith(path) for c in copied)} == set()
    assert {c for c in copied if not any(c.startswith(path) for path in open_paths)} == set()


def test_the_topics_image_holds_every_module_of_ours_that_the_job_imports(dockerfile: str) -> None:
    job = ast.parse((ROOT / "deploy/topics.py").read_text("utf-8"))
    modules = {
        node.module
        for node in ast.walk(job)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }
    ours = {module for module in modules if module.startswith(("deploy.", "services."))}
    missing = {m for m in ours if f"{m.replace('.', '/')}.py" not in copied_from_here(dockerfile)}
    assert missing == set()


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False), (404, False)])
def test_the_health_check_believes_only_a_200_of_its_own_service(
    status: int, healthy: bool
) -> None:
    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/awards/livez" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_port
        answers = [alive("awards", port), alive("intake", port)]
        server.shutdown()
    assert [*answers, alive("awards", port)] == [healthy, False, False], "the last: nobody listens"


def test_secrets_are_made_once_closed_to_others_and_never_shown(
    compose: Compose, tmp_path: Path
) -> None:
    folder = tmp_path / "secrets"
    command = [ROOT / "deploy/compose/init-secrets", folder]
    first = subprocess.run(command, capture_output=True, text=True, check=True)
    made = {path.name: path.read_text() for path in folder.iterdir()}
    assert {Path(secret["file"]).name for secret in compose["secrets"].values()} <= set(made)
    assert folder.stat().st_mode & 0o777 == 0o700
    for name, value in made.items():
        assert value.strip()
        assert value.strip().splitlines()[-1] not in first.stdout + first.stderr, f"{name} shown"
        # Mounted as they are into containers that are not root: closed by the folder instead.
        assert (folder / name).stat().st_mode & 0o777 == 0o444
    Fernet(made["key-secret"].strip())
    for service in SERVICES:
        password = made[f"{service}-password"].strip()
        assert made[f"{service}-database-url"].strip() == (
            f"postgresql+asyncpg://{service}:{password}@postgres:5432/{service}"
        )
    subprocess.run(command, capture_output=True, check=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == made


def test_the_proxy_has_a_path_for_each_service() -> None:
    routes = (ROOT / "deploy/compose/proxy/Caddyfile").read_text("utf-8")
    assert set(re.findall(r"^\timport service (\w+)$", routes, re.MULTILINE)) == set(SERVICES)
    assert re.search(
        r"handle /{args\[0\]}/\* {.*reverse_proxy {args\[0\]}:8080\n", routes, re.DOTALL
    )


def test_the_proxy_keeps_inside_what_is_for_the_machine_room() -> None:
    caddyfile = (ROOT / "deploy/compose/proxy/Caddyfile").read_text("utf-8")
    [pattern] = re.findall(r"@inside path_regexp (\S+)\n\s+respond @inside 404", caddyfile)
    for name in INTERNAL:
        assert re.search(pattern, f"/intake/{name}")
        assert re.search(pattern, f"/notify/{name}/")
    for path in ("/intake/", "/intake/flows", "/awards/dossiers/flow", "/notify/honours"):
        assert not re.search(pattern, path)


COMMAND = re.compile(r"`make ([a-z]+)|^(?:\$ )?make ([a-z]+)(?: +[A-Z]+=.*| +#.*)?$", re.MULTILINE)


def test_commands_shown_to_people_exist() -> None:
    shown: set[str] = set()
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")):
        found = COMMAND.findall(page.read_text("utf-8"))
        shown |= {quoted or alone for quoted, alone in found}
    assert {"run", "test"} <= shown, "the README opens with the two commands"
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert shown <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
