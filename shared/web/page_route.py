"""One address with two faces: a page for browsers, data for programs."""

from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope


class PageRoute(APIRoute):
    """Only for requests that ask for HTML; others go on to the route of the same path behind it.

    A router of pages has it as `route_class` and is included before the one of the API.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and "text/html" not in Headers(scope=scope).get("accept", ""):
            return Match.NONE, {}
        return super().matches(scope)
