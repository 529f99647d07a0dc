"""What comes to the issuer by HTTP."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.base import Code, Text

ScopeName = Annotated[str, Field(pattern=r"^[a-z]+(-[a-z]+)*:(read|write)$", max_length=60)]


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MachineForm(_Form):
    """Another system that may call; `scopes` are those of the table of routes."""

    name: Code
    title: Text = Field(min_length=1, max_length=200)
    scopes: frozenset[ScopeName] = Field(min_length=1, max_length=20)


class MachineMade(BaseModel):
    """`client_secret` is shown this once."""

    client_id: str
    client_secret: str


class MachineRow(BaseModel):
    """A machine as operators see it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    title: str
    scopes: list[str]
    made_by: str
    made_at: datetime
    ended_at: datetime | None


class PublishedKey(BaseModel):
    """An Ed25519 key for verifying (RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: str
    use: Literal["sig"] = "sig"
    alg: Literal["EdDSA"] = "EdDSA"


class KeySet(BaseModel):
    """RFC 7517."""

    keys: list[PublishedKey]


class AccessToken(BaseModel):
    """An answer of the token endpoint (RFC 6749 §5.1); `expires_in` in seconds."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  (the kind of token, no secret)
    expires_in: int
    scope: str


class TokenError(BaseModel):
    """A refusal of the token endpoint (RFC 6749 §5.2)."""

    error: Literal["invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope"]
    error_description: str
