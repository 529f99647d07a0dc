"""Settings of a service: `THIDUA_…` in the environment, or `THIDUA_…_FILE` naming a file."""

import os
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, Self, TypeVar

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_PREFIX = "THIDUA_"
_FILE = "_FILE"


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
    proxies: str = ""
    """Addresses or networks of the proxy in front, by commas: it alone is believed about where a
    request comes from."""
    business_clock: Path | None = None
    """File of anchors of the business clock; None: business time is system time."""
    issuer_keys: str = ""
    """Address of the issuer's published keys (JWKS), by which access tokens are verified."""
    token_public_key: str = ""
    """PEM of an Ed25519 key whose tokens are believed too: for trying out, never in production."""
    internal_hosts: str = "127.0.0.1,localhost"
    """Names, besides the origin's and the service's own, under which it may be called in
    production, with commas."""
    body_limit: int = Field(default=1024 * 1024, ge=1)
    """Bytes of a request's body."""
    per_minute: int = Field(default=600, ge=0)
    """Requests a minute of one person, or of one address that is not signed in; 0: no limit."""
    wait_seconds: float = Field(default=60, gt=0)
    alarm_share: float = Field(default=0.05, ge=0, le=1)
    """The consumer stops when one error parks more than this share of the keys met last (1: never
    stops), and at least `alarm_keys` of them."""
    alarm_keys: int = Field(default=5, ge=1)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("proxies")
    @classmethod
    def _addresses(cls, value: str) -> str:
        for part in filter(None, value.split(",")):
            ip_network(part.strip())
        return value

    @model_validator(mode="after")
    def _fit_for_production(self) -> Self:
        if self.env == "production" and self.token_public_key:
            raise ValueError("THIDUA_TOKEN_PUBLIC_KEY is for trying out; give THIDUA_ISSUER_KEYS")
        return self


def with_files_read(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with each `THIDUA_X_FILE` read into `THIDUA_X`, unless X is set itself.

    An empty value is as good as none. Raises OSError when a named file cannot be read.
    """
    values = dict(environment)
    for name, value in environment.items():
        if not (name.startswith(_PREFIX) and name.endswith(_FILE)):
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
