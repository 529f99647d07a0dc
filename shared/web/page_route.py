"""One address with two faces: a page for browsers, data for programs."""

from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope

_ASKS = "asks_for_a_page"


class PageRoute(APIRoute):
    """Only for requests that ask for HTML; others go on to the route of the same path behind it.

    A router of pages has it as `route_class` and is included before the one of the API.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and not _asks_for_a_page(scope):
            return Match.NONE, {}
        return super().matches(scope)


def _asks_for_a_page(scope: Scope) -> bool:
    """Looked up once for all the routes that a request is held against."""
    state = scope.setdefault("state", {})
    if _ASKS not in state:
        state[_ASKS] = "text/html" in Headers(scope=scope).get("accept", "")
    return bool(state[_ASKS])
