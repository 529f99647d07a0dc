"""Requests made up from an OpenAPI document, sent as people of every role (schemathesis)."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from shared.roles import ROLES
from shared.web.access import COMMON, EVERYBODY, Route

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
NOBODY, STRANGER = "nobody", "stranger"
"""Not signed in; and an officer of another ward, where nothing is."""
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)

Headers = Callable[[str], Mapping[str, str]]
"""What somebody of a role sends along."""


@dataclass
class Fuzz:
    """One service under questions. `known` are values by field that mean something to it."""

    service: str
    address: str
    document: Mapping[str, Any]
    routes: Sequence[Route]
    headers: Headers
    known: Mapping[str, Sequence[Any]]
    asked: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    found: list[str] = field(default_factory=list)
    """What failed, at most once for each operation and way of making up."""

    def run(self, at_least: int) -> None:
        """Ask every operation alike, and go on until `at_least` cases have been asked."""
        started = time.monotonic()
        schema = schemathesis.openapi.from_dict(quick_to_make_up(self.document))
        operations: list[Any] = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]
        session = requests.Session()
        each = -(-at_least // (len(operations) * len(MODES)))
        for _ in range(4):
            for operation in operations:
                for mode in MODES:
                    self._ask(session, operation, mode, each)
            if self.asked >= at_least or self.found:
                break
            each *= 2
        self.seconds = time.monotonic() - started

    def _ask(self, session: requests.Session, operation: Any, mode: Any, count: int) -> None:
        route = self._route(operation)
        everyone = (NOBODY, STRANGER, *ROLES)
        let_in = [role for role in everyone if _admitted(route, role)] or list(everyone)
        roles = st.one_of(st.sampled_from(let_in), st.sampled_from(everyone))

        @settings(
            max_examples=count,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        )
        @given(operation.as_strategy(generation_mode=mode), roles, st.booleans(), st.randoms())
        def one(case: Any, role: str, meant: bool, random: Any) -> None:
            if meant:
                self._make_meaningful(case, random)
            self._check(session, case, route, role)

        try:
            one()
        except Unsatisfiable:
            return
        except (AssertionError, FailureGroup) as error:
            self.found.append(f"{operation.label} ({mode.value}): {error}")

    def _make_meaningful(self, case: Any, random: Any) -> None:
        """Put what the service knows in the place of what was made up."""
        for name in ("path_parameters", "query"):
            given_values = getattr(case, name) or {}
            for key in given_values:
                if key in self.known:
                    given_values[key] = random.choice(self.known[key])
        if isinstance(case.body, dict):
            case.body = self._meant(case.body, random)

    def _meant(self, value: Any, random: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: self._meant(one, random, key) for key, one in value.items()}
        if isinstance(value, list):
            return [self._meant(one, random, name) for one in value]
        return random.choice(self.known[name]) if name in self.known else value

    def _check(self, session: requests.Session, case: Any, route: Route, role: str) -> None:
        headers = self.headers(role)
        answer = case.call(
            base_url=self.address, session=session, headers=headers, allow_redirects=False
        )
        self.asked += 1
        self.statuses[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS, headers=dict(headers))
        if answer.status_code < 300:
            assert _admitted(route, role), f"a hole: {role} got in at {case.method} {case.path}"

    def _route(self, operation: Any) -> Route:
        path = operation.path.removeprefix(f"/{self.service}")
        [found] = [
            one
            for one in (*self.routes, *COMMON)
            if (one.method, one.path) == (operation.method.upper(), path)
        ]
        return found


LONGEST_LIST = 3


def quick_to_make_up(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same document with shorter lists in what is only sent, never answered.

    Patterns lose their capturing groups, which take most of the time and change nothing.
    """
    made: dict[str, Any] = json.loads(
        json.dumps(document).replace("(-[a-z0-9]+)*", "(?:-[a-z0-9]+)*")
    )
    operations = [one for methods in made["paths"].values() for one in methods.values()]
    schemas = made["components"]["schemas"]
    sent = _reached([one.get("requestBody") for one in operations], schemas)
    answered = _reached([one["responses"] for one in operations], schemas)
    for name in sent - answered:
        _shorten(schemas[name])
    return made


def _reached(part: Any, schemas: Mapping[str, Any]) -> set[str]:
    """Names of the schemas that a part of the document refers to, however far away."""
    found, todo = set[str](), [part]
    while todo:
        names = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(todo.pop())))
        todo += [schemas[name] for name in names - found]
        found |= names
    return found


def _shorten(schema: Any) -> None:
    if isinstance(schema, list):
        for one in schema:
            _shorten(one)
    elif isinstance(schema, dict):
        if schema.get("type") == "array":
            least = schema.get("minItems", 0)
            schema["maxItems"] = max(least, min(schema.get("maxItems", LONGEST_LIST), LONGEST_LIST))
        for name, one in schema.items():
            if name not in {"examples", "default"}:
                _shorten(one)


def _admitted(route: Route, role: str) -> bool:
    """By the table alone."""
    if isinstance(route.who, str):
        return route.who == EVERYBODY or role != NOBODY
    return ("officer" if role == STRANGER else role) in route.who
