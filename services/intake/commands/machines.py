"""Other systems: made known by an operator, then given short-lived tokens for their secret."""

import hmac
from typing import Any

from services.intake.commands.issuing import Issuer, hash_of, new_secret, sign
from services.intake.domain.machine import granted, machine_id, may_be_machine_id
from services.intake.domain.session import machine_claims, machine_subject
from services.intake.forms.sign_in import MachineForm
from services.intake.store import issuing as store
from shared.access import end_access
from shared.contracts.intake import AccessEnded
from shared.messaging import UnitOfWork
from shared.records import record_act
from shared.web.identity import Person
from shared.web.problems import conflict, not_found


async def add_machine(work: UnitOfWork, form: MachineForm, person: Person) -> tuple[str, str]:
    """Its id and its secret, which is shown this once. A name is never used again."""
    which, secret = machine_id(person.ward, form.name), new_secret()
    values: dict[str, Any] = {
        "id": which,
        "secret_hash": hash_of(secret),
        "ward": person.ward,
        "title": form.title,
        "scopes": sorted(form.scopes),
        "made_by": person.actor,
        "made_at": work.system.now(),
    }
    if not await store.add_machine(work.connection, values):
        raise conflict("machine-exists", f"Tên {form.name} đã dùng cho một hệ thống.")
    facts = {"title": form.title, "scopes": sorted(form.scopes)}
    await record_act(work, "machine-added", which, person.actor, facts)
    return which, secret


async def end_machine(work: UnitOfWork, name: str, person: Person) -> None:
    """Its secret gives no more tokens, and those it has are believed no more."""
    which, now = machine_id(person.ward, name), work.system.now()
    subject = machine_subject(which)
    await work.lock(f"{person.ward}/{subject}")
    if not await store.end_machine(work.connection, person.ward, which, now):
        raise not_found(f"hệ thống mang tên {name}")
    await end_access(work.connection, {(person.ward, subject, ""): now}, now)
    work.publish(AccessEnded(ward=person.ward, person=subject, session=None, issued_before=now))
    await record_act(work, "machine-ended", which, person.actor, {})


async def machine_token(
    work: UnitOfWork, issuer: Issuer, which: str, secret: str, scope: str | None
) -> tuple[str, str] | None:
    """A token and its scopes; None for a machine or a secret that is not known.

    Raises Refusal when it asks for a scope that it does not hold.
    """
    named = may_be_machine_id(which)
    row = await store.find_machine(work.connection, which) if named else None
    known = row.secret_hash if row is not None else bytes(32)
    if not hmac.compare_digest(hash_of(secret), known) or row is None:
        return None
    scopes = granted(scope, row.scopes)
    token = await sign(work, issuer, machine_claims(which, row.ward, row.title, scopes))
    return token, " ".join(sorted(scopes))
