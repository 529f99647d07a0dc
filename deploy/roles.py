"""Who may call what, as a page: `python -m deploy.roles` writes `docs/roles.md`.

The services' tables of routes are the source; a test compares the page with them.
"""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from deploy.local.stack import SERVICES
from deploy.local.state import ROOT
from shared.roles import ROLES
from shared.web.access import COMMON, EVERYBODY, SIGNED_IN, Route

PAGE = ROOT / "docs" / "roles.md"
_WORDS = {
    "reporter": "đầu mối báo cáo",
    "head": "thủ trưởng đơn vị",
    "officer": "công chức phụ trách",
    "substitute-officer": "công chức được cử thay",
    "assessor": "người thẩm định",
    "inspector": "thành viên kiểm tra",
    "council": "thành viên Hội đồng",
    "council-secretary": "thư ký Hội đồng",
    "chairman": "Chủ tịch",
    "clerk": "văn thư",
    "communications-officer": "truyền thông",
    "operator": "vận hành",
    "auditor": "kiểm toán, giám sát",
}
_HEAD = """# Who may call what

Made by `python -m deploy.roles` from the services' tables of routes (`services/*/access.py`); what
is not in them is refused. A mark says that the route is open to the role; the last column says what
of the data must also hold, which the service's domain and its row scopes see to. Machines come in
by the scope of their token alone. A test walks every route as every role of two wards
(`test_every_route_as_every_role`).

| sign | role |
|---|---|
"""


def routes_of(service: str) -> tuple[Route, ...]:
    """The table of one service, with what every service has."""
    own: tuple[Route, ...] = import_module(f"services.{service}.access").ROUTES
    return (*own, *COMMON)


def _sign(place: int) -> str:
    return chr(ord("A") + place)


def _row(route: Route) -> str:
    public = "●" if route.who == EVERYBODY else ""
    named = frozenset(ROLES) if route.who in {EVERYBODY, SIGNED_IN} else frozenset(route.who)
    marks = ("●" if role in named else "" for role in ROLES)
    cells = (f"`{route.method} {route.path}`", public, *marks, route.scope, route.condition)
    return f"| {' | '.join(cells)} |"


def _table(title: str, routes: Iterable[Route]) -> str:
    signs = " | ".join(_sign(place) for place in range(len(ROLES)))
    head = f"| route | public | {signs} | scope | and |\n|---|{'---|' * (len(ROLES) + 3)}"
    rows = "\n".join(_row(route) for route in sorted(routes, key=lambda r: (r.path, r.method)))
    return f"## {title}\n\n{head}\n{rows}\n"


def page() -> str:
    """The whole page."""
    legend = "\n".join(
        f"| {_sign(place)} | `{role}` {_WORDS[role]} |" for place, role in enumerate(ROLES)
    )
    own = [
        _table(service, import_module(f"services.{service}.access").ROUTES) for service in SERVICES
    ]
    return "\n".join((_HEAD + legend + "\n", *own, _table("every service", COMMON)))


def main(file: Path = PAGE) -> None:
    """Write the page."""
    file.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
