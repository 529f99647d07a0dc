"""Settings of awards."""

from pathlib import Path

from pydantic import Field, FilePath

from shared.settings import Settings


class AwardsSettings(Settings):
    documents: Path
    """Folder of printed documents; the database holds paths relative to it."""
    emblem: FilePath | None = None
    """Image of the national emblem for certificates; None leaves its place empty."""
    certificate_template: FilePath | None = None
    """A ward's own typst template; None: the one that ships with the service."""
    decider: str = "Chủ tịch Ủy ban nhân dân phường {place}"
    """The granting position with its authority; `{place}` is the movement's place."""
    publication_days: int = Field(default=5, ge=0)
    """Working days below which a publication gets a remark [design reading], never a refusal."""
