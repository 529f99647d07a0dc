"""Where files of evidence stand is told in one address, and a wrong one is known at the start."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.intake.evidence_settings import EvidenceSettings
from services.intake.shelf import shelf_at

pytestmark = pytest.mark.unit

GIVEN: dict[str, Any] = {
    "database_url": "postgresql+asyncpg://x@y/z",
    "kafka": "kafka:9092",
    "env": "production",
    "evidence_store": "file:///var/lib/thidua/evidence",
}
S3 = {
    "evidence_store": "s3://minh-chung/tu-minh?endpoint=https://kho.example&region=hn",
    "evidence_key_id": "thidua",
    "evidence_key_secret": "bí mật",
}


@pytest.mark.parametrize("change", [{}, S3, {"env": "local", "evidence_store": ""}])
def test_a_place_is_taken(change: dict[str, Any]) -> None:
    EvidenceSettings(**GIVEN | change)


@pytest.mark.parametrize(
    "change",
    [
        {"evidence_store": ""},
        {"evidence_store": "/var/lib/thidua/evidence"},
        {"evidence_store": "file://host/folder"},
        {"evidence_store": "https://kho.example/minh-chung"},
        S3 | {"evidence_key_id": ""},
        S3 | {"evidence_key_secret": ""},
        S3 | {"evidence_store": "s3://minh-chung?allow_http=true"},
        S3 | {"evidence_store": "s3://minh-chung?endpoint"},
        S3 | {"evidence_store": "s3://?endpoint=https://kho.example"},
        {"evidence_bytes": (20 << 20) + 1},
        {"evidence_files": 0},
        {"evidence_unused_days": 0},
    ],
)
def test_a_place_or_a_number_that_is_wrong_stops_the_start(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EvidenceSettings(**GIVEN | change)


def test_the_folder_is_the_one_that_the_address_names(tmp_path: Path) -> None:
    shelf = shelf_at((tmp_path / "một thư mục").as_uri())
    assert shelf.folder == tmp_path / "một thư mục"
    assert shelf.folder.is_dir()
    assert shelf_at("").folder is None
