"""The issuer by HTTP: published keys, tokens for other systems, and who these are."""

import base64
import binascii
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote_plus

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.intake.commands import machines
from services.intake.forms.sign_in import (
    AccessToken,
    KeySet,
    MachineForm,
    MachineMade,
    MachineRow,
    TokenError,
)
from services.intake.sign_in_settings import SignInSettings
from services.intake.store import issuing as store
from shared.contracts.base import Code
from shared.messaging import Works
from shared.refusal import Refusal
from shared.tokens import TOKEN_LIFE
from shared.web.identity import SignedIn

router = APIRouter(tags=["sign-in"])

KEYS_KEPT_SECONDS = 300
_GRANT = "client_credentials"


def _works(request: Request) -> Works:
    works: Works = request.app.state.parts.works
    return works


@router.get("/.well-known/jwks.json")
async def published_keys(request: Request, response: Response) -> KeySet:
    """The keys that access tokens are verified by (RFC 7517), also those that sign soon."""
    async with _works(request).read() as connection:
        keys = await store.published_keys(connection)
    response.headers["Cache-Control"] = f"public, max-age={KEYS_KEPT_SECONDS}"
    return KeySet.model_validate({"keys": keys})


_TOKEN_BODY = {
    "required": True,
    "content": {
        "application/x-www-form-urlencoded": {
            "schema": {
                "type": "object",
                "required": ["grant_type"],
                "properties": {
                    "grant_type": {"type": "string", "enum": [_GRANT]},
                    "scope": {"type": "string"},
                    "client_id": {"type": "string"},
                    "client_secret": {"type": "string"},
                },
            }
        }
    },
}


@router.post(
    "/oauth/token",
    response_model=AccessToken,
    responses={400: {"model": TokenError}, 401: {"model": TokenError}},
    openapi_extra={"requestBody": _TOKEN_BODY},
)
async def give_token(request: Request) -> Response:
    """A token for another system, for its id and secret (RFC 6749 §4.4): ten minutes long.

    Id and secret come by HTTP Basic or in the form, never both.
    """
    try:
        which, secret, scope = await _asked(request)
        settings: SignInSettings = request.app.state.parts.settings
        async with _works(request).begin() as work:
            made = await machines.machine_token(work, settings.issuer, which, secret, scope)
    except _TokenRefused as refused:
        return refused.response()
    except Refusal:
        return _TokenRefused("invalid_scope", "the machine does not hold this scope").response()
    if made is None:
        return _TokenRefused("invalid_client", "the id or the secret is not known").response()
    token, scopes = made
    seconds = int(TOKEN_LIFE.total_seconds())
    answer = AccessToken(access_token=token, expires_in=seconds, scope=scopes)
    return JSONResponse(answer.model_dump(), headers=_UNKEPT)


async def _asked(request: Request) -> tuple[str, str, str | None]:
    """Id, secret and scope of a request for a token. Raises _TokenRefused."""
    body = (await request.body()).decode("utf-8", "replace")
    fields = parse_qsl(body, keep_blank_values=True)
    given = dict(fields)
    basic = _basic(request.headers.get("authorization", ""))
    in_form = (given.get("client_id", ""), given.get("client_secret", ""))
    if len(given) < len(fields):
        raise _TokenRefused("invalid_request", "a parameter is there twice")
    if basic is not None and any(in_form):
        raise _TokenRefused("invalid_request", "credentials are there twice")
    if "grant_type" not in given:
        raise _TokenRefused("invalid_request", "grant_type is missing")
    if given["grant_type"] != _GRANT:
        raise _TokenRefused("unsupported_grant_type", f"only {_GRANT}")
    which, secret = basic or in_form
    return which, secret, given.get("scope")


_UNKEPT = {"Cache-Control": "no-store"}


def _basic(header: str) -> tuple[str, str] | None:
    """Id and secret of HTTP Basic, each form-encoded (RFC 6749 §2.3.1); None without it."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    which, _, secret = text.partition(":")
    return unquote_plus(which), unquote_plus(secret)


class _TokenRefused(Exception):
    """RFC 6749 §5.2."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self._body = {"error": error, "error_description": description}

    def response(self) -> Response:
        if self._body["error"] != "invalid_client":
            return JSONResponse(self._body, HTTPStatus.BAD_REQUEST, _UNKEPT)
        headers = {**_UNKEPT, "WWW-Authenticate": 'Basic realm="thidua"'}
        return JSONResponse(self._body, HTTPStatus.UNAUTHORIZED, headers)


@router.get("/machines")
async def list_machines(request: Request, person: SignedIn) -> list[MachineRow]:
    """The ward's machines, also those that have ended."""
    async with _works(request).read() as connection:
        rows = await store.machines(connection, person.ward)
    return [MachineRow.model_validate(row) for row in rows]


@router.post("/machines", status_code=HTTPStatus.CREATED)
async def add_machine(form: MachineForm, request: Request, person: SignedIn) -> MachineMade:
    """Let another system in; its secret is in this answer and nowhere else."""
    async with _works(request).begin() as work:
        which, secret = await machines.add_machine(work, form, person)
    return MachineMade(client_id=which, client_secret=secret)


@router.delete("/machines/{name}", status_code=HTTPStatus.NO_CONTENT)
async def end_machine(name: Code, request: Request, person: SignedIn) -> None:
    """Let it in no more, from now on."""
    async with _works(request).begin() as work:
        await machines.end_machine(work, name, person)
