"""Made-up requests of every role: no fault, no answer outside the schema, no hole in the table.

Together at least 5,000 cases, the same ones each time.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from deploy.local.infrastructure import Provided
from services.awards.access import ROUTES as AWARDS
from services.intake.access import ROUTES as INTAKE
from services.notify.access import ROUTES as NOTIFY
from services.notify.app import NotifySettings
from services.notify.app import service as notify
from services.scoring.access import ROUTES as SCORING
from shared.clock import SystemClock
from shared.messaging.relay import Relay
from shared.messaging.running import Runner
from shared.migrations import migrate
from shared.service import Parts, build_app
from shared.web.access import Route
from tests.component import awards_world, intake_desk, notify_stage, scoring_world
from tests.component.fuzzing import NOBODY, STRANGER, Fuzz
from tests.component.served import app_of, served

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(900)]

EACH = 1_300
"""Cases a service."""


@pytest.fixture(autouse=True)
def no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THIDUA_PER_MINUTE", "0")


@pytest.fixture
def url(infrastructure: Provided, request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"fuzz_{request.node.name.removeprefix('test_')[:20]}"
    yield infrastructure.create_database(name)
    infrastructure.drop_database(name)


async def fuzz(
    app: Any,
    service: str,
    routes: Sequence[Route],
    key: Ed25519PrivateKey,
    ward: str,
    unit: str,
    known: Mapping[str, Sequence[Any]],
) -> None:
    def headers(role: str) -> dict[str, str]:
        if role == NOBODY:
            return {}
        claims = {
            "sub": f"the.{role}",
            "name": "Người thử",
            "roles": ["officer" if role == STRANGER else role],
            "unit": unit,
            "ward": "phuong-khac" if role == STRANGER else ward,
            "iat": datetime.now(UTC).timestamp(),
            "exp": datetime.now(UTC) + timedelta(minutes=10),
        }
        return {"Authorization": f"Bearer {jwt.encode(claims, key, algorithm='EdDSA')}"}

    async with served(app) as address:
        asked = Fuzz(service, address, app.openapi(), routes, headers, known)
        await asyncio.to_thread(asked.run, EACH)
    told = ", ".join(f"{status}: {count}" for status, count in sorted(asked.statuses.items()))
    print(f"\n{service}: {asked.asked} cases in {asked.seconds:.0f} s ({told})")  # noqa: T201
    assert not asked.found, "\n\n".join(asked.found)
    assert asked.asked >= EACH
    assert any(status < 300 for status in asked.statuses), "nothing was ever let in"


async def test_intake(url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    async with intake_desk.intake_at(url, tmp_path_factory.mktemp("intake")) as room:
        await intake_desk.open_the_year(room)
        room.clock.time = intake_desk.moment("2025-12-01 09:00")
        await room.must(intake_desk.SCHOOL, "/reports", intake_desk.report("tieu-hoc-1"))
        known: dict[str, Sequence[Any]] = {
            "ward": [intake_desk.WARD],
            "period": [intake_desk.PERIOD, intake_desk.PLANS],
            "participant": ["tieu-hoc-1", "thcs-1", "mttq"],
            "movement": ["cds-2025-2030"],
            "version": [1, 2],
            "person": ["tieu-hoc-1.reporter", "the.officer"],
            "revision": [1, 2],
            "criterion": ["a1", "a2"],
            "number": [1, 2, 3],
            "publisher": ["e-office", "trial"],
        }
        key, ward = intake_desk._KEY, intake_desk.WARD
        await fuzz(app_of(room.client), "intake", INTAKE, key, ward, "tieu-hoc-1", known)


async def test_scoring(url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    async with scoring_world.open_world(url, tmp_path_factory.mktemp("scoring")) as world:
        ward = world.ward()
        await world.tell(ward.movement(), ward.period())
        await world.tell(*(ward.participant(code) for code in ("tieu-hoc-1", "thcs-1")))
        await world.adopt(ward)
        await world.tell(ward.report("tieu-hoc-1", {"a1": "30"}), ward.accepted("tieu-hoc-1"))
        known: dict[str, Sequence[Any]] = {
            "period": [scoring_world.PERIOD],
            "participant": ["tieu-hoc-1", "thcs-1"],
            "revision": [1],
            "criterion": ["a1", "a2"],
            "sheet_version": [1],
        }
        await fuzz(
            app_of(world.client), "scoring", SCORING, world.key, ward.code, "tieu-hoc-1", known
        )


async def test_awards(url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    async with awards_world.open_world(url, tmp_path_factory.mktemp("awards")) as world:
        ward = world.ward()
        story = awards_world.Story(world, ward)
        await story.attended()
        known: dict[str, Sequence[Any]] = {
            "period": [awards_world.PERIOD],
            "session": ["phien-1", "phien-2"],
            "dossier": awards_world.dossiers_of("phong-a", "truong-1"),
            "dossiers": awards_world.dossiers_of("phong-a", "truong-1"),
            "participant": ["phong-a", "truong-1"],
            "present": list(awards_world.COUNCIL),
            "members": list(awards_world.COUNCIL),
        }
        await fuzz(app_of(world.client), "awards", AWARDS, world.key, ward.code, "thcs-1", known)


async def test_notify(url: str) -> None:
    await migrate(url, notify.migrations)
    key, story = Ed25519PrivateKey.generate(), notify_stage.Story()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    settings = NotifySettings(
        database_url=url,
        kafka="127.0.0.1:9",
        token_public_key=public.decode(),
        smtp="127.0.0.1:9",
        env="local",
    )
    async with notify_stage.staged(url) as stage:
        await stage.tell(*notify_stage.basics(story), story.opened(), story.award())
        parts = Parts(settings, stage.engine, stage.works, stage.works.business, SystemClock())
        runner = Runner(notify.consumer, stage.applier, stage.engine, settings.kafka, "0")
        app = build_app(notify, parts, runner, Relay(stage.engine, settings.kafka, "n", "0"), ())
        known = {"period": [notify_stage.PERIOD], "person": [notify_stage.PERSON]}
        await fuzz(app, "notify", NOTIFY, key, "tu-minh", notify_stage.SCHOOL, known)
