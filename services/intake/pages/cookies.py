"""The issuer's cookies. Only the token goes to all paths; the session stays with the issuer."""

from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from services.intake.commands.sessions import Begun
from services.intake.domain.sign_in import LINK_LIFE
from services.intake.sign_in_settings import SignInSettings
from shared.tokens import TOKEN_LIFE
from shared.web.entrance import HERE
from shared.web.identity import token_cookie

SESSION_PATH = "/intake/"
BROWSER_PATH = "/intake/sign-in"


@dataclass(frozen=True, slots=True)
class Cookies:
    """Set and read with the attributes of this origin: `Secure`, and the prefixes that browsers
    hold to, where it is https. `lasting` is how long a session's cookie is kept, in seconds.
    """

    origin: str
    lasting: int

    @classmethod
    def of(cls, request: Request) -> "Cookies":
        settings: SignInSettings = request.app.state.parts.settings
        return cls(settings.origin, int(settings.session_hours * 3600))

    def session(self, request: Request) -> str | None:
        return request.cookies.get(self._name("thidua_session"))

    def browser(self, request: Request) -> str | None:
        return request.cookies.get(self._name("thidua_browser"))

    def bind(self, response: Response, browser: str) -> None:
        """Say which browser asked for a link."""
        name, seconds = self._name("thidua_browser"), int(LINK_LIFE.total_seconds())
        self._set(response, name, browser, BROWSER_PATH, seconds)

    def begin(self, response: Response, begun: Begun) -> None:
        self._set(response, self._name("thidua_session"), begun.secret, SESSION_PATH, self.lasting)
        self._set(response, HERE, "1", "/", self.lasting)
        self.give_token(response, begun.token)
        self._drop(response, self._name("thidua_browser"), BROWSER_PATH)

    def give_token(self, response: Response, token: str) -> None:
        seconds = int(TOKEN_LIFE.total_seconds())
        self._set(response, token_cookie(self.origin), token, "/", seconds)

    def end(self, response: Response) -> None:
        self._drop(response, self._name("thidua_session"), SESSION_PATH)
        self._drop(response, token_cookie(self.origin), "/")
        self._drop(response, HERE, "/")

    @property
    def _secure(self) -> bool:
        return self.origin.startswith("https:")

    def _name(self, plain: str) -> str:
        return f"__Secure-{plain}" if self._secure else plain

    def _set(self, response: Response, name: str, value: str, path: str, seconds: int) -> None:
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path=path,
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    def _drop(self, response: Response, name: str, path: str) -> None:
        response.delete_cookie(name, path=path, secure=self._secure, httponly=True, samesite="lax")
