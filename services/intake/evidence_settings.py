"""Settings of files of evidence: where they stand, how large and how many they may be."""

from functools import cached_property
from typing import Self

from pydantic import Field, model_validator

from services.intake.domain.evidence import MOST_BYTES
from services.intake.shelf import Shelf, check_address, shelf_at
from shared.settings import Settings


class EvidenceSettings(Settings):
    evidence_store: str = ""
    """`file:///folder`, or `s3://bucket/prefix?endpoint=https://…&region=…`. Only a local stack can
    do without: its files are gone when it stops."""
    evidence_key_id: str = ""
    """Of the S3-compatible store."""
    evidence_key_secret: str = ""
    evidence_bytes: int = Field(default=MOST_BYTES, ge=1, le=MOST_BYTES)
    """Of one file."""
    evidence_files: int = Field(default=60, ge=1, le=1000)
    """Files of one participant for one period [design reading]."""
    evidence_unused_days: int = Field(default=90, ge=1)
    """A file that no report or draft names is removed so long after it was uploaded, and after the
    period's deadline [design reading]."""

    @model_validator(mode="after")
    def _fit_to_keep_files(self) -> Self:
        if self.env == "production" and not self.evidence_store:
            raise ValueError("THIDUA_EVIDENCE_STORE is needed")
        check_address(self.evidence_store, self.evidence_key_id, self.evidence_key_secret)
        return self

    @cached_property
    def shelf(self) -> Shelf:
        """Where the files stand. Raises OSError when the folder cannot be made."""
        return shelf_at(self.evidence_store, self.evidence_key_id, self.evidence_key_secret)
