"""What the issuer refuses to start with, and the mail that it writes."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import ValidationError

from services.intake.app import IntakeSettings
from services.intake.commands.issuing import Vault
from services.intake.letters import compose
from shared.calendar import WARD_ZONE
from shared.mailbox import Mailbox

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parent.parent / "golden" / "sign-in"
SECRET = Fernet.generate_key().decode()
GIVEN: dict[str, Any] = {
    "database_url": "postgresql+asyncpg://nowhere.example/intake",
    "kafka": "nowhere.example:9092",
    "origin": "https://thidua.tu-minh.example",
    "key_secret": SECRET,
    "smtp": "relay.example:25",
    "mail_from": "thi-dua@tu-minh.example",
    "evidence_store": "file:///var/lib/thidua/evidence",
}
PROVIDER = {
    "oidc_issuer": "https://dang-nhap.example",
    "oidc_client_id": "thidua",
    "oidc_client_secret": "secret",
    "oidc_ward": "tu-minh",
}


@pytest.mark.parametrize(
    "change",
    [
        {"sample_sign_in": True},
        {"mail_from": ""},
        {"key_secret": "short"},
        {"key_secret": ""},
        {"smtp": "relay"},
        {"mail_from": "no address"},
        {"session_idle_hours": 0},
        {"oidc_issuer": "https://dang-nhap.example"},
        {**PROVIDER, "oidc_issuer": "http://dang-nhap.example"},
    ],
)
def test_production_does_not_start_with(change: dict[str, Any]) -> None:
    IntakeSettings(**GIVEN)
    with pytest.raises(ValidationError):
        IntakeSettings(**GIVEN | change)


def test_a_local_stack_may_let_samples_in_and_do_without_a_sender() -> None:
    local = IntakeSettings(**GIVEN | {"env": "local", "sample_sign_in": True, "mail_from": ""})
    assert local.sender.address == "thi-dua@phuong.example"


def test_a_provider_is_there_when_all_of_it_is() -> None:
    assert IntakeSettings(**GIVEN).provider is None
    provider = IntakeSettings(**GIVEN | PROVIDER).provider
    assert provider is not None
    assert (provider.claim, provider.scopes) == ("email", "openid email")


def test_a_secret_can_be_replaced_without_losing_what_it_wrapped() -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    wrapped = Vault(old).wrap(b"private")
    assert Vault(f"{new},{old}").unwrap(wrapped) == b"private"
    assert Vault(f"{new},{old}").seal("a", "x") == Vault(new).seal("a", "x")
    assert Vault(new).seal("a", "x") != Vault(old).seal("a", "x")
    assert Vault(new).seal("a", "x") != Vault(new).seal("b", "x")


LINK = "https://thidua.tu-minh.example/intake/sign-in/" + "s" * 43


def a_mail(name: str = "Đầu mối báo cáo Trường THCS Tứ Minh") -> Any:
    return compose(
        LINK,
        to=Mailbox(name, "dau-moi@thcs-tu-minh.example"),
        sender=Mailbox("Phòng Văn hóa - Xã hội phường Tứ Minh", "thi-dua@tu-minh.example"),
        sent_at=datetime(2025, 12, 9, 7, 30, tzinfo=WARD_ZONE),
        good_until=datetime(2025, 12, 9, 7, 40, tzinfo=WARD_ZONE),
    )


@pytest.mark.parametrize(("name", "kind"), [("link.txt", "plain"), ("link.html", "html")])
def test_the_mail_is_as_written_down(name: str, kind: str) -> None:
    mail = a_mail()
    headers = "\n".join(f"{k}: {v}" for k, v in mail.items() if k != "Message-ID")
    part = mail.get_body((kind,)).get_content()
    text = f"{headers}\n\n{part}" if kind == "plain" else part
    text = text.replace("\r\n", "\n")
    if os.environ.get("THIDUA_WRITE_GOLDEN"):
        (GOLDEN / name).write_text(text, "utf-8")
    assert text == (GOLDEN / name).read_text("utf-8")


def test_a_name_puts_no_header_and_no_tag_into_the_mail() -> None:
    mail = a_mail("Xấu\r\nBcc: b@evil.example <script>")
    assert mail["Bcc"] is None
    assert "<script>" not in mail.get_body(("html",)).get_content()
    assert [one.addr_spec for one in mail["To"].addresses] == ["dau-moi@thcs-tu-minh.example"]
    assert all(len(line) <= 78 for line in mail.as_bytes().split(b"\r\n"))
