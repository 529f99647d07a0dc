"""HTTPS on this machine alone: a certificate from an authority that only one state folder knows."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from deploy.local.state import HOST, write_atomically

VALID = timedelta(days=90)


@dataclass(frozen=True)
class Certificate:
    """PEM files: `authority` is what a client has to trust, `shown` what a server shows (with its
    private key).
    """

    authority: Path
    shown: Path

    @classmethod
    def made_in(cls, folder: Path, secrets: Path) -> "Certificate":
        """A new certificate for localhost; its authority is made once and kept."""
        made = cls(folder / "authority.pem", secrets / "origin.pem")
        key = secrets / "authority-key.pem"
        if made.authority.exists() and key.exists():
            authority = trustme.CA.from_pem(made.authority.read_bytes(), key.read_bytes())
        else:
            authority = trustme.CA(organization_name="thidua: trial on this machine")
            write_atomically(key, authority.private_key_pem.bytes().decode())
            write_atomically(made.authority, authority.cert_pem.bytes().decode(), mode=0o644)
        leaf = authority.issue_cert("localhost", HOST, not_after=datetime.now(UTC) + VALID)
        write_atomically(made.shown, leaf.private_key_and_cert_chain_pem.bytes().decode())
        return made


def trusting(authority: str | Path) -> ssl.SSLContext | bool:
    """What httpx verifies with: an authority's PEM file; "" for those that the machine knows."""
    return ssl.create_default_context(cafile=authority) if authority else True
