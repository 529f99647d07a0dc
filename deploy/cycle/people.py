"""The ward's sample people at the sign-in page: each gets an access token as a browser would."""

import threading
import time

import httpx
import jwt

from deploy.local.certificate import trusting
from deploy.local.web import no_cookies
from shared.web.identity import token_cookie

SAMPLE_SIGN_IN = "/intake/sign-in/sample"
SPARE_SECONDS = 60.0
"""A token that is good for less than this is not used any more."""


def client_of(origin: str, authority: str = "") -> httpx.Client:
    """For calls to the origin: each is whose token it carries."""
    return httpx.Client(
        base_url=origin,
        timeout=30,
        trust_env=False,
        follow_redirects=False,
        verify=trusting(authority),
        cookies=no_cookies(),
    )


class SignedIn:
    """Access tokens by person, fetched anew before they expire. Safe between threads."""

    def __init__(self, client: httpx.Client, ward: str) -> None:
        self._client, self._ward = client, ward
        self._cookie = token_cookie(str(client.base_url))
        self._tokens: dict[str, tuple[str, float]] = {}
        self._turns: dict[str, threading.Lock] = {}

    def token(self, person: str) -> str:
        """Raises httpx.TransportError, or httpx.HTTPStatusError when no token is given."""
        with self._turns.setdefault(person, threading.Lock()):
            token, until = self._tokens.get(person, ("", 0.0))
            if until - time.time() < SPARE_SECONDS:
                token = self._sign_in(person)
                claims = jwt.decode(token, options={"verify_signature": False})
                self._tokens[person] = token, float(claims["exp"])
            return token

    def forget(self, person: str, token: str) -> None:
        """The token was not believed: the next one is a new one."""
        with self._turns.setdefault(person, threading.Lock()):
            if self._tokens.get(person, ("", 0.0))[0] == token:
                del self._tokens[person]

    def _sign_in(self, person: str) -> str:
        answer = self._client.post(SAMPLE_SIGN_IN, data={"who": f"{self._ward}/{person}"})
        token = answer.cookies.get(self._cookie)
        if token is None:
            why = f"{person} gets no token: {answer.status_code} {answer.text[:500]}"
            raise httpx.HTTPStatusError(why, request=answer.request, response=answer)
        return token
