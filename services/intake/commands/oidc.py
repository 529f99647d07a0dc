"""Signing in through a city's provider: OpenID Connect, code with PKCE, by Authlib.

Nobody is made here who is not on file: a subject is tied, once, to a person whose address on
file the provider has verified.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import StarletteIntegration, StarletteOAuth2App
from joserfc.errors import JoseError

from services.intake.commands.issuing import Issuer, hash_of
from services.intake.commands.sessions import Begun, begin_session
from services.intake.commands.sign_in import offer_choice
from services.intake.domain.sign_in import LINK_LIFE, local_path
from services.intake.store import people
from services.intake.store import sign_in as store
from shared.messaging import UnitOfWork, Works

BACK = "/intake/sign-in/oidc/back"
_TIMEOUT_SECONDS = 10.0


class ProviderFault(Exception):
    """The provider, or what the browser brought back from it, cannot be believed or reached."""


class NotOnFile(Exception):
    """The provider knows them; this system does not."""


@dataclass(frozen=True, slots=True)
class Provider:
    """`issuer`: where its discovery document is below; `ward`: of whom it knows the people;
    `claim`: the one that holds the address on file.
    """

    issuer: str
    client_id: str
    client_secret: str
    scopes: str
    ward: str
    claim: str


@dataclass(frozen=True, slots=True)
class Round:
    """A browser that is back: its code, and what it is checked by; `next` is where it wanted to."""

    code: str
    nonce: str
    verifier: str
    next: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says it is; `email` is one that it has verified, or ""."""

    issuer: str
    subject: str
    email: str


@lru_cache(maxsize=4)
def _client(provider: Provider) -> Any:
    """One client a process: it keeps the provider's metadata and keys."""
    return StarletteOAuth2App(
        StarletteIntegration("oidc"),
        "oidc",
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        server_metadata_url=f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": provider.scopes,
            "code_challenge_method": "S256",
            "timeout": _TIMEOUT_SECONDS,
            "trust_env": False,
        },
    )


async def set_out(works: Works, issuer: Issuer, provider: Provider, browser: str, to: str) -> str:
    """Where to send the browser. Raises ProviderFault."""
    try:
        begun = await _client(provider).create_authorization_url(issuer.origin + BACK)
    except (AuthlibBaseError, httpx2.HTTPError, ValueError, KeyError, RuntimeError) as error:
        raise ProviderFault(str(error)) from error
    async with works.begin() as work:
        values = {
            "browser_hash": hash_of(browser),
            "data": {name: begun[name] for name in ("state", "nonce", "code_verifier")},
            "next": local_path(to),
            "begun_at": work.system.now(),
        }
        await store.put_round(work.connection, values)
    return str(begun["url"])


async def come_back(
    works: Works, provider: Provider, browser: str | None, brought: Mapping[str, str]
) -> Round:
    """What a browser set out with, and the code it brings. Raises ProviderFault.

    A round is taken up once, by the browser that began it.
    """
    if browser is None:
        raise ProviderFault("no browser that set out")
    async with works.begin() as work:
        row = await store.take_round(work.connection, hash_of(browser))
        late = row is not None and work.system.now() - row.begun_at >= LINK_LIFE
    if row is None or late:
        raise ProviderFault("no round that this browser began")
    if not hmac.compare_digest(brought.get("state", ""), row.data["state"]):
        raise ProviderFault("another round's state")
    if "error" in brought or not brought.get("code"):
        raise ProviderFault(brought.get("error", "no code"))
    return Round(brought["code"], row.data["nonce"], row.data["code_verifier"], row.next)


async def identify(issuer: Issuer, provider: Provider, back: Round) -> Identity:
    """Exchange the code and check the ID token. Raises ProviderFault."""
    client = _client(provider)
    try:
        token = await client.fetch_access_token(
            redirect_uri=issuer.origin + BACK,
            code=back.code,
            code_verifier=back.verifier,
        )
        claims = await client.parse_id_token(token, nonce=back.nonce)
        if claims is None:
            raise ProviderFault("no ID token")
        said = dict(claims)
        if provider.claim not in said:
            more = await client.userinfo(token=token)
            if more.get("sub") != said["sub"]:
                raise ProviderFault("userinfo is of another subject")
            said = {**more, **said}
    except (
        AuthlibBaseError,
        JoseError,
        httpx2.HTTPError,
        ValueError,
        KeyError,
        RuntimeError,
    ) as error:
        raise ProviderFault(f"{type(error).__name__}: {error}") from error
    verified = said.get("email_verified") is True
    email = str(said.get(provider.claim, "")).replace("\0", "") if verified else ""
    return Identity(str(said["iss"]), str(said["sub"]), email)


async def sign_in_as(
    work: UnitOfWork,
    issuer: Issuer,
    provider: Provider,
    identity: Identity,
    *,
    browser: str,
    to: str,
    former: str | None,
) -> Begun | str:
    """A session for a subject that is known, else the secret of a link that ties it to a person.

    Raises NotOnFile, and Refusal when the known person has left the directory.
    """
    known = await store.person_of_subject(work.connection, identity.issuer, identity.subject)
    if known is not None:
        return await begin_session(work, issuer, known, "oidc", former)
    found = [
        one
        for one in await people.find_by_email(work.connection, identity.email)
        if one[0] == provider.ward
    ]
    if not found:
        raise NotOnFile
    known_as = (identity.issuer, identity.subject)
    return await offer_choice(work, issuer, browser, to, identity.email, found, known_as)
