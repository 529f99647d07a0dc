"""The doors: HTTP as one of the ward's people, and Kafka as another system."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from deploy.cycle.people import SignedIn, client_of

PATIENCE_SECONDS = 120.0
"""How long a service may be away (restarted, say) before the cycle gives up."""
WORTH_WAITING = frozenset({429, 500, 502, 503, 504})
SIGN_INS = 50
"""How often a token that is not believed is fetched anew: a service may not know its key yet."""
PUBLISHER = Path(__file__).parents[2] / "examples" / "publisher" / "publish.py"


class DoorClosed(RuntimeError):
    """Somebody was refused who should not have been, or a service stayed away."""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call of one person; POSTs are repeatable, so a lost answer is asked for again."""

    person: str
    path: str
    body: Mapping[str, Any]


@dataclass(slots=True)
class Doors:
    """`check` raises when the stack has ended; `authority` is trusted where there is HTTPS."""

    origin: str
    kafka: str
    ward: str
    check: Callable[[], None] = lambda: None
    authority: str = ""
    _client: httpx.Client = field(init=False)
    _people: SignedIn = field(init=False)

    def __post_init__(self) -> None:
        self._client = client_of(self.origin, self.authority)
        self._people = SignedIn(self._client, self.ward)

    def close(self) -> None:
        self._client.close()

    def post(self, person: str, path: str, body: Mapping[str, Any]) -> Any:
        """The answer's JSON. Raises DoorClosed on a refusal, with what was said."""
        return self._ask("POST", person, path, body)

    def get(self, person: str, path: str) -> Any:
        return self._ask("GET", person, path, None)

    def post_all(self, calls: Sequence[Call], at_once: int = 6) -> list[Any]:
        """Several people at the door at once; answers in the order of the calls."""
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(lambda c: self.post(c.person, c.path, c.body), calls))

    def _ask(self, method: str, person: str, path: str, body: Mapping[str, Any] | None) -> Any:
        key = {"Idempotency-Key": str(uuid4())} if method == "POST" else {}
        deadline = time.monotonic() + PATIENCE_SECONDS
        signed_in = 0
        while True:
            try:
                token = self._people.token(person)
                headers = {"Authorization": f"Bearer {token}", **key}
                answer = self._client.request(method, path, json=body, headers=headers)
            except httpx.TransportError as error:
                seen, again = str(error), True
            except httpx.HTTPStatusError as error:
                seen, again = str(error), error.response.status_code in WORTH_WAITING
            else:
                if answer.is_success:
                    return answer.json()
                seen = f"{answer.status_code} {answer.text[:1000]}"
                again = answer.status_code in WORTH_WAITING
                if answer.status_code == httpx.codes.UNAUTHORIZED and signed_in < SIGN_INS:
                    self._people.forget(person, token)
                    signed_in, again = signed_in + 1, True
            self.check()
            if not again or time.monotonic() > deadline:
                raise DoorClosed(f"{person}: {method} {path}: {seen}")
            time.sleep(0.2)

    def publish(self, publisher: str, records: Iterable[Mapping[str, Any]], folder: Path) -> None:
        """Let another system send records: a process of its own, with a plain Kafka client."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{publisher}.jsonl"
        lines = [json.dumps(record, ensure_ascii=False) for record in records]
        file.write_text("\n".join(lines) + "\n", "utf-8")
        command = [sys.executable, str(PUBLISHER), "--kafka", self.kafka]
        command += ["--publisher", publisher, str(file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise DoorClosed(f"{publisher} could not publish: {done.stderr[-1000:]}")
