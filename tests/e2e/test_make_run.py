"""What `make run` runs, as a person sees it: played once, kept, and ended by Ctrl-C."""

import pytest

from deploy.cycle.story import STORY
from tests.e2e.made import MadeRun

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_it_is_played_once_and_stays_up_until_ctrl_c(made_run: MadeRun) -> None:
    played, kept = made_run.played, made_run.kept
    assert made_run.ended == 0
    assert f"[{len(STORY)}/{len(STORY)}]" in played
    assert "\x1b[" not in played
    for line in (
        "Khối trường học (8 được xếp hạng)",
        "Giấy khen đã in: 22 tệp PDF",
        "kỳ 2026-annual",
    ):
        assert line in played
        assert line in kept
    assert "không diễn lại" in kept
    assert "[ 1/" not in kept
    assert _line(played, "Thư: ") == _line(kept, "Thư: ")


def test_a_browser_that_keeps_to_what_cookies_ask_for_signs_in_over_https(
    made_run: MadeRun,
) -> None:
    entered = made_run.entered
    assert entered.status_code == 303
    assert "max-age=" in entered.headers["strict-transport-security"]
    cookies = {line.partition("=")[0]: line for line in entered.headers.get_list("set-cookie")}
    token, session = cookies["__Host-thidua_token"], cookies["__Secure-thidua_session"]
    assert token.endswith("; HttpOnly; Max-Age=600; Path=/; SameSite=lax; Secure")
    assert "; Path=/intake/; SameSite=lax; Secure" in session
    assert "Domain=" not in token + session


def _line(text: str, start: str) -> str:
    [line] = [line for line in text.splitlines() if line.startswith(start)]
    return line
