"""A migration that is killed half-way, of a database of its own, and is simply run again."""

import subprocess
import time
from collections.abc import Sequence
from typing import Any

from deploy.local.state import ROOT
from tests.chaos.field import DidNotHappen, Field
from tests.chaos.schedule import Fault

SECONDS = 60
FAILPOINT = "during-migration"
SHAPE = (
    "SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity"
    " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    " ORDER BY 1, 2",
    "SELECT version_num FROM alembic_version",
)


class SchemaDiffers(Exception):
    """A migration that was interrupted and repeated left another schema than one that was not."""


def migrate_and_die(field: Field, fault: Fault) -> float:
    """Dies after its first revision; the second run ends with the schema of the living database."""
    name = f"{fault.service}_{fault.number}"
    url = field.stack.infrastructure.create_database(name)
    try:
        died = _migrate(field, fault.service, url, f"{FAILPOINT}:1")
        if died.returncode != -9 or f"failpoint {FAILPOINT} reached" not in died.stderr:
            raise DidNotHappen(f"the migration ended with {died.returncode}: {died.stderr[-500:]}")
        over = time.monotonic()
        done = _migrate(field, fault.service, url, "")
        if done.returncode:
            raise SchemaDiffers(f"the second migration failed: {done.stderr[-1000:]}")
        if _shape(field, name) != _shape(field, fault.service):
            raise SchemaDiffers(f"{fault.service}: the schemas differ")
    finally:
        field.databases.forget(name)
        field.stack.infrastructure.drop_database(name)
    return over


def _migrate(
    field: Field, service: str, url: str, failpoint: str
) -> subprocess.CompletedProcess[str]:
    environment = field.stack.environment_of(service)
    environment |= {"THIDUA_DATABASE_URL": url, "THIDUA_FAILPOINT": failpoint}
    return subprocess.run(
        [str(part) for part in field.stack.commands[service].migrate],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def _shape(field: Field, database: str) -> list[Sequence[Any]]:
    return [sorted(tuple(row) for row in field.databases.fetch(database, query)) for query in SHAPE]
