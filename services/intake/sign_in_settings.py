"""Settings of the issuer: its secret, its mail, how long sessions last, a city's provider."""

from datetime import timedelta
from functools import cached_property
from typing import Self

from pydantic import Field, field_validator, model_validator

from services.intake.commands.issuing import Issuer, Vault
from services.intake.commands.oidc import Provider
from services.intake.domain.session import Limits
from services.intake.domain.token_key import Rotation
from shared.contracts.base import Code
from shared.mailbox import Mailbox
from shared.post import Relay
from shared.settings import Settings

LOCAL_SENDER = "Phòng Văn hóa - Xã hội <thi-dua@phuong.example>"


class SignInSettings(Settings):
    key_secret: str
    """Fernet key (base64 of 32 bytes) that wraps private keys at rest; several with commas: the
    first wraps, the others still unwrap."""
    smtp: str
    """The relay for sign-in links, `host:port`."""
    smtp_username: str | None = None
    smtp_password: str | None = None
    smtp_tls: bool = False
    """True: TLS from the first byte; else it is taken up when the relay offers it."""
    mail_from: str = ""
    """`Name <address>`. Only a local stack can do without."""
    session_idle_hours: float = Field(default=8, gt=0)
    """A session ends after so long without a request: a working day [design reading]."""
    session_hours: float = Field(default=24 * 7, gt=0, le=24 * 7)
    """A session ends after so long, however busy: a week [design reading], and no more, for the
    topic that says what has ended is kept as long."""
    key_days: float = Field(default=7, ge=1)
    """How long a key signs before the next one does."""
    sample_sign_in: bool = False
    """Signing in as anybody without proof, for trying out; refused in production."""
    oidc_issuer: str = ""
    """Base address of an OpenID Connect provider; empty: none."""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_scopes: str = "openid email"
    oidc_ward: Code | None = None
    """The ward whose people the provider knows."""
    oidc_claim: str = "email"
    """The claim that holds the address on file; it counts only when `email_verified` is true."""

    @field_validator("key_secret")
    @classmethod
    def _fernet(cls, value: str) -> str:
        Vault(value)
        return value

    @field_validator("smtp")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        Relay.at(value)
        return value

    @field_validator("mail_from")
    @classmethod
    def _mailbox(cls, value: str) -> str:
        if value:
            Mailbox.parse(value)
        return value

    @model_validator(mode="after")
    def _fit_to_issue(self) -> Self:
        if self.env == "production" and self.sample_sign_in:
            raise ValueError("THIDUA_SAMPLE_SIGN_IN lets anybody in: not in production")
        if self.env == "production" and not self.mail_from:
            raise ValueError("THIDUA_MAIL_FROM is needed")
        given = (self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret, self.oidc_ward)
        if any(given) and not all(given):
            raise ValueError("THIDUA_OIDC_ISSUER, _CLIENT_ID, _CLIENT_SECRET and _WARD go together")
        if self.env == "production" and self.oidc_issuer.startswith("http:"):
            raise ValueError("THIDUA_OIDC_ISSUER must be https")
        return self

    @cached_property
    def issuer(self) -> Issuer:
        """What sessions and tokens are made by."""
        idle, whole = timedelta(hours=self.session_idle_hours), timedelta(hours=self.session_hours)
        rotation = Rotation(timedelta(days=self.key_days))
        return Issuer(self.origin, Vault(self.key_secret), Limits(idle, whole), rotation)

    @property
    def sender(self) -> Mailbox:
        """Who writes the mail with the link."""
        mailbox, usual = Mailbox.parse(self.mail_from or LOCAL_SENDER), Mailbox.parse(LOCAL_SENDER)
        return mailbox if mailbox.name else Mailbox(usual.name, mailbox.address)

    @property
    def relay(self) -> Relay:
        """The server that the mail is handed to."""
        plain = Relay.at(self.smtp)
        return Relay(
            plain.host,
            plain.port,
            self.smtp_username,
            self.smtp_password,
            self.smtp_tls,
            hello=self.sender.address.rpartition("@")[2],
            timeout=10.0,
            answer_timeout=60.0,
        )

    @property
    def provider(self) -> Provider | None:
        """The city's provider, where there is one."""
        if not self.oidc_issuer:
            return None
        return Provider(
            self.oidc_issuer,
            self.oidc_client_id,
            self.oidc_client_secret,
            self.oidc_scopes,
            self.oidc_ward or "",
            self.oidc_claim,
        )
