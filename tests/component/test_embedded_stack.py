"""The whole embedded stack with stand-in services: addresses, one origin, and a clean end."""

import json
import os
import signal
import smtplib
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import httpx
import pytest

from deploy.local.certificate import trusting
from deploy.local.guard import gone
from deploy.local.stack import SERVICES, ServiceCommand, Stack
from deploy.local.state import ROOT, State

pytestmark = pytest.mark.component

STAND_IN = r"""
import http.server, json, os, sys
name = sys.argv[1]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        length = int(self.headers.get("content-length", 0))
        told = {"path": self.path, "headers": dict(self.headers), "pid": os.getpid(),
                "body": self.rfile.read(length).decode(), "settings": sorted(os.environ),
                "origin": os.environ["THIDUA_ORIGIN"]}
        if self.path.endswith("/crash"):
            print("the last words of", name, flush=True)
            os._exit(9)
        answer = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("X-From", name)
        self.send_header("Set-Cookie", "thidua_token=of-somebody; Path=/")
        self.end_headers()
        self.wfile.write(answer)
    do_POST = do_GET
    def log_message(self, *_): pass
place = (os.environ["THIDUA_HTTP_HOST"], int(os.environ["THIDUA_HTTP_PORT"]))
http.server.ThreadingHTTPServer(place, Handler).serve_forever()
"""
SUPERVISOR = """
import sys
from pathlib import Path
from deploy.local.__main__ import supervise
from tests.component.test_embedded_stack import stand_ins
from deploy.local.stack import Stack
sys.exit(supervise(Stack(Path(sys.argv[1]), commands=stand_ins())))
"""


def stand_ins() -> dict[str, ServiceCommand]:
    """Services that answer every request with what they were asked."""
    python = sys.executable
    return {
        name: ServiceCommand([python, "-c", "pass"], [python, "-c", STAND_IN, name])
        for name in SERVICES
    }


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    with Stack(folder, commands=stand_ins(), say=lambda _: None) as stack:
        yield stack


@pytest.fixture
def browser(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.http["origin"], trust_env=False) as client:
        yield client


def test_stack_json_says_where_everything_is(stack: Stack) -> None:
    told = json.loads(stack.state.stack_file.read_text())
    assert told == stack.addresses
    assert told["postgres"].keys() == set(SERVICES)
    assert told["http"].keys() == {"origin", "mail", *SERVICES}
    children = {"postgres", "kafka", "mail", "proxy", *SERVICES}
    assert told["pids"].keys() == {"supervisor", *children}
    assert not any(gone(pid) for pid in told["pids"].values())
    assert stat.S_IMODE(stack.state.stack_file.stat().st_mode) == 0o600


def test_services_get_settings_but_no_private_key(stack: Stack, browser: httpx.Client) -> None:
    settings = {name: set(browser.get(f"/{name}/x").json()["settings"]) for name in SERVICES}
    common = {"THIDUA_DATABASE_URL_FILE", "THIDUA_KAFKA", "THIDUA_ISSUER_KEYS", "THIDUA_PROXIES"}
    assert all(common <= given for given in settings.values())
    assert [name for name in SERVICES if "THIDUA_SMTP" in settings[name]] == ["intake", "notify"]
    assert [name for name in SERVICES if "THIDUA_KEY_SECRET_FILE" in settings[name]] == ["intake"]
    assert [name for name in SERVICES if "THIDUA_DOCUMENTS" in settings[name]] == ["awards"]
    for secret in ("token-private.pem", "key-secret"):
        assert stat.S_IMODE((stack.state.secrets / secret).stat().st_mode) == 0o600


def test_the_origin_passes_requests_on_unchanged(stack: Stack, browser: httpx.Client) -> None:
    answer = browser.post(
        "/scoring/a%2Fb?q=%C3%AA&q=2",
        content="thân bài".encode(),
        headers={"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Host": "evil.example"},
    )
    assert answer.headers["x-from"] == "scoring"
    told = answer.json()
    headers = {name.lower(): value for name, value in told["headers"].items()}
    assert told["path"] == "/scoring/a%2Fb?q=%C3%AA&q=2"
    assert told["body"] == "thân bài"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-host"] == stack.http["origin"].removeprefix("http://")
    assert headers["x-forwarded-proto"] == "http"


def test_the_origin_gives_nobody_the_cookies_of_somebody_else(browser: httpx.Client) -> None:
    assert browser.get("/intake/x").headers["set-cookie"].startswith("thidua_token=of-somebody")
    browser.cookies.clear()
    for _ in range(3):
        told = browser.get("/intake/x").json()["headers"]
        assert "cookie" not in {name.lower() for name in told}
        browser.cookies.clear()


def test_a_killed_service_is_a_plain_page_and_comes_back(
    stack: Stack, browser: httpx.Client
) -> None:
    stack.kill("awards")
    page = browser.get("/awards/", headers={"Accept": "text/html"})
    assert page.status_code == 502
    assert "Phần “Khen thưởng” tạm thời chưa trả lời" in page.text
    problem = browser.get("/awards/")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["status"] == 502
    stack.check()
    stack.start_service("awards", {"THIDUA_FAILPOINT": "x"})
    assert "THIDUA_FAILPOINT" in browser.get("/awards/x").json()["settings"]
    told = json.loads(stack.state.stack_file.read_text())
    assert told["pids"]["awards"] == browser.get("/awards/x").json()["pid"]


def test_an_address_of_nobody_is_not_found(browser: httpx.Client) -> None:
    assert browser.get("/nowhere/").status_code == 404
    assert browser.get("/intake").headers["location"] == "/intake/"


def test_anyone_can_try_the_pages_as_a_sample_person(browser: httpx.Client) -> None:
    landing = browser.get("/").text
    assert "môi trường chạy thử" in landing
    assert "Chủ tịch Ủy ban nhân dân phường" in landing
    form = '<form method="post" action="/intake/sign-in/sample">'
    assert f'{form}<input type="hidden" name="who" value="tu-minh/chairman">' in landing
    assert "Chưa đăng nhập" in landing
    here = browser.get("/", headers={"Cookie": "thidua_here=1"}).text
    assert '<form method="post" action="/intake/sign-out">' in here


@pytest.mark.parametrize("path", ["flow", "livez", "readyz", "metrics", "metrics/", "%66low"])
def test_what_is_for_the_machine_room_stays_inside(
    stack: Stack, browser: httpx.Client, path: str
) -> None:
    for name in SERVICES:
        assert browser.get(f"/{name}/{path}").status_code == 404
        assert httpx.get(f"{stack.http[name]}/{name}/{path}", trust_env=False).status_code == 200
    assert browser.get(f"/intake/board/{path}").headers["x-from"] == "intake"


def letter(number: int) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = f"Nhắc nộp báo cáo {number}"
    mail["From"] = "thidua@tu-minh.example"
    mail["To"] = "van-phong@tu-minh.example"
    mail["Date"] = "Sat, 29 Nov 2025 08:00:00 +0700"
    mail.set_content("Kính gửi đơn vị,\n.một dòng bắt đầu bằng dấu chấm\n")
    mail.add_alternative("<p>Kính gửi <b>đơn vị</b></p><script>x()</script>", subtype="html")
    return mail


def test_every_mail_becomes_a_file_and_a_page(stack: Stack, browser: httpx.Client) -> None:
    host, _, port = stack.addresses["smtp"].rpartition(":")
    sent = [letter(number) for number in range(300)]
    with smtplib.SMTP(host, int(port)) as client:
        for mail in sent:
            client.send_message(mail)
    files = sorted(Path(stack.addresses["mail"]).glob("*.eml"))
    read = [BytesParser(policy=policy.default).parsebytes(file.read_bytes()) for file in files]
    assert [mail["Subject"] for mail in read] == [mail["Subject"] for mail in sent]
    assert {mail["Delivered-To"] for mail in read} == {"van-phong@tu-minh.example"}
    body = read[0].get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines()[1] == ".một dòng bắt đầu bằng dấu chấm"
    listed = browser.get("/mail/").text
    assert "Có 300 thư" in listed
    assert sent[-1]["Subject"] in listed
    assert "29/11/2025 08:00:00" in listed


def test_a_mails_html_cannot_act(stack: Stack, browser: httpx.Client) -> None:
    host, _, port = stack.addresses["smtp"].rpartition(":")
    with smtplib.SMTP(host, int(port)) as client:
        client.send_message(letter(1))
    newest = sorted(Path(stack.addresses["mail"]).glob("*.eml"))[-1].name
    shown = browser.get(f"/mail/{newest}").text
    assert 'sandbox="allow-popups' in shown
    assert "<script>x()" not in shown
    policy_of_html = browser.get(f"/mail/{newest}/html").headers["content-security-policy"]
    assert "default-src 'none'" in policy_of_html
    assert "sandbox" in policy_of_html
    assert "allow-scripts" not in policy_of_html
    raw = browser.get(f"/mail/{newest}/raw")
    assert raw.headers["content-type"].startswith("text/plain")
    assert browser.get("/mail/..%2Fstack.json").status_code == 404


def test_with_https_the_origin_is_believed_by_who_trusts_its_authority(tmp_path: Path) -> None:
    with Stack(tmp_path, commands=stand_ins(), say=lambda _: None, https=True) as stack:
        origin, authority = stack.http["origin"], stack.addresses["authority"]
        assert origin.startswith("https://127.0.0.1:")
        trusted = trusting(authority)
        told = httpx.get(f"{origin}/awards/x", trust_env=False, verify=trusted).json()
        headers = {name.lower(): value for name, value in told["headers"].items()}
        assert headers["x-forwarded-proto"] == "https"
        assert told["origin"] == origin
        assert httpx.get(
            origin.replace("127.0.0.1", "localhost"), trust_env=False, verify=trusted
        ).is_success
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(origin, trust_env=False)
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(origin.replace("https:", "http:"), trust_env=False)
    assert stat.S_IMODE((tmp_path / "secrets" / "origin.pem").stat().st_mode) == 0o600


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One state folder that the following tests start from again and again."""
    return tmp_path_factory.mktemp("kept")


def started(folder: Path) -> subprocess.Popen[str]:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 90
    while not (folder / "stack.json").exists():
        if supervisor.poll() is not None or time.monotonic() > deadline:
            supervisor.kill()
            pytest.fail(supervisor.communicate()[0])
        time.sleep(0.05)
    return supervisor


def family_of(pid: int) -> set[int]:
    """The process and all that descend from it."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    found, size = {pid}, 0
    while len(found) > size:
        size = len(found)
        found |= {child for child, parent in pairs if parent in found}
    return found


def all_gone(pids: set[int], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not all(gone(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def by_interrupt(supervisor: subprocess.Popen[str], _: Path) -> int:
    supervisor.send_signal(signal.SIGINT)
    return 0


def by_down(_: subprocess.Popen[str], folder: Path) -> int:
    ended = subprocess.run(
        [sys.executable, "-m", "deploy.local", "down"],
        cwd=ROOT,
        env=os.environ | {"THIDUA_STATE": str(folder)},
        check=False,
    )
    assert ended.returncode == 0
    assert not State(folder).held()
    return 0


def by_kill(supervisor: subprocess.Popen[str], _: Path) -> int:
    supervisor.kill()
    return -signal.SIGKILL


@pytest.mark.parametrize("end", [by_interrupt, by_down, by_kill])
def test_nothing_is_left_running(kept: Path, end: object) -> None:
    assert callable(end)
    supervisor = started(kept)
    running = family_of(supervisor.pid)
    assert len(running) > 15
    told = json.loads((kept / "stack.json").read_text())
    assert set(told["pids"].values()) <= running
    code = end(supervisor, kept)
    output, _ = supervisor.communicate(timeout=60)
    assert supervisor.returncode == code, output
    assert all_gone(running, 40), output
    assert (kept / "stack.json").exists() == (end is by_kill)
    state = State(kept)
    deadline = time.monotonic() + 40
    while state.held() and time.monotonic() < deadline:
        time.sleep(0.05)
    state.take()
    state.release()


def test_a_crash_is_named_with_its_last_lines_and_the_stack_stops(kept: Path) -> None:
    supervisor = started(kept)
    running = family_of(supervisor.pid)
    told = json.loads((kept / "stack.json").read_text())
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(told["http"]["notify"] + "/notify/crash", trust_env=False)
    output, _ = supervisor.communicate(timeout=60)
    assert supervisor.returncode == 1
    assert "notify ended (exit code 9)" in output
    assert "the last words of notify" in output
    assert all_gone(running, 40)


def test_a_service_that_cannot_start_is_named_and_nothing_is_left(kept: Path) -> None:
    broken = stand_ins()
    broken["scoring"] = ServiceCommand(
        [sys.executable, "-c", "raise SystemExit('no column named points')"], ["true"]
    )
    stack = Stack(kept, commands=broken, say=lambda _: None)
    with pytest.raises(Exception, match=r"(?s)scoring-migrate ended.*no column named points"):
        stack.start()
    assert not stack.state.held()
    assert not stack.state.stack_file.exists()
    assert not stack.state.pid_file.exists()
