"""Who may call which route: one table a service, and what is not in it is refused."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts

from shared.roles import Role
from shared.web.identity import Person, identify, signed_in
from shared.web.problems import forbidden

Open = Literal["everybody", "signed-in"]
EVERYBODY: Final = "everybody"
SIGNED_IN: Final = "signed-in"


@dataclass(frozen=True, slots=True)
class Route:
    """One row: a method and path, and who may call it.

    `condition` says in Vietnamese what of the data must also hold; the domain sees to it.
    `scope`: machines whose token has it may call it too.
    """

    method: str
    path: str
    who: Open | tuple[Role, ...]
    condition: str = ""
    scope: str = ""

    def admits(self, person: Person) -> bool:
        """Whether somebody signed in may call it."""
        if person.is_machine:
            return self.scope in person.scopes
        return isinstance(self.who, str) or person.has(*self.who)


COMMON: tuple[Route, ...] = (
    Route("GET", "/livez", EVERYBODY, "chỉ gọi được trong cụm máy chủ"),
    Route("GET", "/readyz", EVERYBODY, "chỉ gọi được trong cụm máy chủ"),
    Route("GET", "/flow", EVERYBODY, "chỉ gọi được trong cụm máy chủ"),
    Route("GET", "/metrics", EVERYBODY, "chỉ gọi được trong cụm máy chủ"),
    Route("GET", "/asyncapi.json", EVERYBODY),
    Route("GET", "/openapi.json", EVERYBODY),
    Route("GET", "/static/{name:path}", EVERYBODY),
    Route("GET", "/parked", ("operator",), "của phường mình"),
    Route("GET", "/parked/{number}", ("operator",), "của phường mình"),
    Route("POST", "/parked/retries", ("operator",), "của phường mình"),
    Route("POST", "/parked/discards", ("operator",), "của phường mình"),
)
"""What every service has."""


class Gate:
    """The one dependency of a whole app that lets in by the table."""

    def __init__(self, service: str, routes: Sequence[Route]) -> None:
        """Raises ValueError on a route that is there twice."""
        self._prefix = f"/{service}"
        self.routes = {(route.method, route.path): route for route in (*routes, *COMMON)}
        if len(self.routes) < len(routes) + len(COMMON):
            raise ValueError(f"{service}: the table of routes names a route twice")

    async def __call__(self, request: Request) -> None:
        """Raises Problem: 401 where somebody has to sign in, 403 where their roles do not do."""
        person = await identify(request)
        route = self._entry(_method(request), request.scope["route"].path)
        if route is None:
            raise forbidden("Đường dẫn này chưa được mở cho ai.")
        if route.who == EVERYBODY:
            return
        if not route.admits(await signed_in(person)):
            raise forbidden("Vai trò của bạn không được làm việc này.")

    def _entry(self, method: str, path: str) -> Route | None:
        """A router's own paths come without the prefix, and one may begin with the same word."""
        bare = path.removeprefix(self._prefix)
        return self.routes.get((method, path)) or self.routes.get((method, bare))

    def check(self, app: FastAPI) -> None:
        """Raises ValueError naming routes without an entry, and entries without a route."""
        served = set(self._served(app))
        missing = sorted(served - set(self.routes))
        if missing:
            raise ValueError(f"routes that the table does not name: {missing}")
        if idle := sorted(set(self.routes) - served):
            raise ValueError(f"the table names what is not served: {idle}")

    def _served(self, app: FastAPI) -> Iterable[tuple[str, str]]:
        for route in iter_route_contexts(app.routes):
            path = str(route.path or "").removeprefix(self._prefix)
            yield from ((method, path) for method in route.methods or () if method != "HEAD")


def _method(request: Request) -> str:
    return "GET" if request.method == "HEAD" else request.method
