"""Intake with its files in a folder, and with its files on an S3-compatible server."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from deploy.local.infrastructure import Provided
from services.intake.shelf import shelf_at
from tests.component.evidence.room import MOST_BYTES, MOST_FILES, Files
from tests.component.intake_desk import moment, one_intake, open_the_year
from tests.s3.server import KEY_ID, KEY_SECRET, Bucket, running


@pytest.fixture(scope="package")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with running(tmp_path_factory.mktemp("s3")) as bucket:
        yield bucket


@pytest.fixture(scope="package")
async def in_a_folder(
    infrastructure: Provided, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Files]:
    folder = tmp_path_factory.mktemp("evidence")
    async with _files(infrastructure, folder, f"file://{folder}/a%20folder") as files:
        yield files


@pytest.fixture(scope="package")
async def on_s3(
    infrastructure: Provided, s3: Bucket, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Files]:
    async with _files(infrastructure, tmp_path_factory.mktemp("evidence"), s3.address) as files:
        files.folder = s3.folder
        yield files


@asynccontextmanager
async def _files(infrastructure: Provided, folder: Path, address: str) -> AsyncIterator[Files]:
    """Intake with the year open, whose files stand at the address."""
    told = {
        "evidence_store": address,
        "evidence_key_id": KEY_ID,
        "evidence_key_secret": KEY_SECRET,
        "evidence_bytes": MOST_BYTES,
        "evidence_files": MOST_FILES,
    }
    async with one_intake(infrastructure, folder, **told) as room:
        await open_the_year(room)
        yield Files(room, shelf_at(address, KEY_ID, KEY_SECRET), folder)


@pytest.fixture(params=["in_a_folder", "on_s3"])
def opened(request: pytest.FixtureRequest) -> Files:
    found: Files = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def files(opened: Files) -> Files:
    async for one in opened.shelf.everything():
        await opened.shelf.remove(one.name)
    async with opened.room.engine.begin() as connection:
        await connection.execute(
            sa.text("TRUNCATE evidence, draft, report, judgement, answer CASCADE")
        )
    await opened.room.news()
    opened.room.clock.time = moment("2025-12-01 09:00")
    return opened
