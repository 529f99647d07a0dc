"""HTTP as one of the ward's people, asking again until there is an answer."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

PATIENCE = 180.0
"""Seconds for which a service may be away before the run is given up."""
TIMEOUT = 8.0


class Refused(Exception):
    """A service said no: status code and the problem's code."""

    def __init__(self, path: str, status: int, text: str) -> None:
        super().__init__(f"{path}: {status} {text[:500]}")
        self.status = status


class ServiceAway(Exception):
    """No answer for longer than PATIENCE."""


class Door:
    """Speaks to the services directly. POSTs are repeatable: a lost answer is asked for again.

    `addresses`: service -> URL; `tokens`: person -> bearer token. One thread each.
    """

    def __init__(self, addresses: Mapping[str, str], tokens: Mapping[str, str]) -> None:
        self._addresses, self._tokens = addresses, tokens
        self._client = httpx.Client(timeout=TIMEOUT, trust_env=False)

    def post(
        self,
        person: str,
        path: str,
        body: Mapping[str, Any],
        *,
        given_up: Callable[[], bool] = lambda: False,
    ) -> Any:
        """The answer's JSON. Raises Refused, ServiceAway."""
        url = self._addresses[path.split("/")[1]] + path
        headers = {"Authorization": f"Bearer {self._tokens[person]}"}
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self._client.post(url, json=body, headers=headers)
            except httpx.TransportError as error:
                seen = repr(error)
            else:
                if answer.is_success:
                    return answer.json()
                if answer.status_code < 500:
                    raise Refused(path, answer.status_code, answer.text)
                seen = f"{answer.status_code} {answer.text[:300]}"
            if time.monotonic() > deadline or given_up():
                raise ServiceAway(f"{path}: {seen}")
            time.sleep(0.2)

    def close(self) -> None:
        self._client.close()
