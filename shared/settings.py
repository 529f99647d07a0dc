"""Settings of a service: `THIDUA_…` in the environment, or `THIDUA_…_FILE` naming a file."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

_PREFIX = "THIDUA_"
_FILE = "_FILE"
PLAIN_FILES = frozenset({"THIDUA_PUBLISHERS_FILE"})


class Settings(BaseSettings):
    """What every service is told at its start; a service adds its own in its `app.py`."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_ignore_empty=True, extra="ignore", frozen=True
    )

    database_url: str
    """SQLAlchemy URL of this service's own database, `postgresql+asyncpg://…`."""
    kafka: str
    """Bootstrap servers, `host:port[,host:port…]`."""
    http_host: str = "127.0.0.1"
    http_port: int = 8080
    instance: str = "0"
    """Name of this replica, unique inside the service: static membership needs it."""
    env: Literal["local", "production"] = "production"
    origin: str = "http://127.0.0.1:8080"
    """The one public address, without a trailing slash; links in mails start with it."""
    business_clock: Path | None = None
    """File of anchors of the business clock; None: business time is system time."""
    token_public_key: str
    """PEM of the Ed25519 key that access tokens are verified with."""
    wait_seconds: float = Field(default=60, gt=0)
    alarm_share: float = Field(default=0.05, ge=0, le=1)
    """The consumer stops when one error parks more than this share of the keys met last (1: never
    stops), and at least `alarm_keys` of them."""
    alarm_keys: int = Field(default=5, ge=1)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


def with_files_read(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with each `THIDUA_X_FILE` read into `THIDUA_X`, unless X is set itself.

    An empty value is as good as none. Raises OSError when a named file cannot be read. Names
    whose plain meaning is a file (`THIDUA_PUBLISHERS_FILE`) are left alone: they have no
    counterpart without `_FILE`.
    """
    values = dict(environment)
    for name, value in environment.items():
        if not (name.startswith(_PREFIX) and name.endswith(_FILE)) or name in PLAIN_FILES:
            continue
        plain = name.removesuffix(_FILE)
        if value and not values.get(plain):
            values[plain] = Path(value).read_text("utf-8").strip()
    return values


SettingsT = TypeVar("SettingsT", bound=Settings)


def load(kind: type[SettingsT]) -> SettingsT:
    """Read settings of a kind; raises pydantic's ValidationError naming what is missing."""
    os.environ.update(with_files_read(os.environ))
    return kind()
