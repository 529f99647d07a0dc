"""Signing in: a link by mail, a city's provider, and in a local stack anybody of the sample."""

import logging
import re
from http import HTTPStatus
from math import ceil
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from services.intake.commands import oidc, sample, sign_in
from services.intake.commands.issuing import new_secret
from services.intake.commands.sessions import Begun, begin_session
from services.intake.commands.sign_in import Asked, Opened
from services.intake.domain.sign_in import Verdict, local_path
from services.intake.pages.cookies import Cookies
from services.intake.pages.role_words import ROLE_WORDS
from services.intake.sign_in_settings import SignInSettings
from shared.mailbox import AddressError, Mailbox
from shared.messaging import Works
from shared.refusal import Refusal
from shared.web.pages import Pages
from shared.web.problems import Problem, not_found

log = logging.getLogger(__name__)

router = APIRouter(include_in_schema=False)
_pages = Pages("intake", Path(__file__).parents[1] / "templates")

Next = Annotated[str, Query(alias="next")]
NextField = Annotated[str, Form(alias="next")]
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_BAD_ADDRESS = "Hãy nhập một địa chỉ thư điện tử, ví dụ ten@co-quan.example."
_TROUBLE = {
    Verdict.UNKNOWN: (HTTPStatus.NOT_FOUND, "Liên kết không đúng", "Liên kết này không có."),
    Verdict.ELSEWHERE: (
        HTTPStatus.FORBIDDEN,
        "Liên kết thuộc về một trình duyệt khác",
        "Liên kết chỉ mở được trong trình duyệt đã dùng để xin. Hãy sao chép liên kết vào trình"
        " duyệt ấy, hoặc xin liên kết mới ngay tại đây.",
    ),
    Verdict.USED: (
        HTTPStatus.GONE,
        "Liên kết đã dùng",
        "Mỗi liên kết chỉ đăng nhập được một lần. Hãy xin liên kết mới.",
    ),
    Verdict.EXPIRED: (
        HTTPStatus.GONE,
        "Liên kết đã hết hạn",
        "Liên kết chỉ dùng được trong 10 phút. Hãy xin liên kết mới.",
    ),
}
_LEFT = "Địa chỉ nhận liên kết này không còn trong danh bạ của phường."
_NO_PROVIDER = "Chưa đăng nhập được qua hệ thống của thành phố. Hãy thử lại, hoặc xin liên kết."
_NOT_ON_FILE = (
    "Hệ thống của thành phố đã xác nhận, nhưng địa chỉ thư của bạn chưa có trong danh bạ của"
    " phường. Hãy liên hệ Phòng Văn hóa - Xã hội."
)


def _settings(request: Request) -> SignInSettings:
    settings: SignInSettings = request.app.state.parts.settings
    return settings


def _works(request: Request) -> Works:
    works: Works = request.app.state.parts.works
    return works


@router.get("/sign-in")
async def show_sign_in(request: Request, to: Next = "", left: bool = False) -> HTMLResponse:
    """The form; `left`: somebody has just signed out."""
    return await _form(request, local_path(to), left=left)


async def _form(
    request: Request,
    to: str,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    left: bool = False,
    title: str = "",
    trouble: str = "",
    wrong: str = "",
) -> HTMLResponse:
    settings = _settings(request)
    groups: list[tuple[str, Any]] = []
    if settings.sample_sign_in:
        async with _works(request).begin() as work:
            found = await sample.people_by_role(work)
        groups = [(ROLE_WORDS[role], held) for role, held in found]
    values = {
        "to": to,
        "left": left,
        "title": title,
        "trouble": trouble,
        "wrong": wrong,
        "has_provider": settings.provider is not None,
        "groups": groups,
        "sample": settings.sample_sign_in,
    }
    return _pages.render(request, "sign-in.html", values, status)


@router.post("/sign-in")
async def ask_for_link(
    request: Request, email: Annotated[str, Form()] = "", to: NextField = ""
) -> HTMLResponse:
    """The same answer for every address; whether it is on file is looked up after it."""
    settings, cookies = _settings(request), Cookies.of(request)
    try:
        address = Mailbox("", email.strip()).address
    except AddressError:
        invalid = HTTPStatus(422)
        return await _form(request, local_path(to), status=invalid, wrong=_BAD_ADDRESS)
    browser = _kept(cookies.browser(request)) or new_secret()
    source = request.client.host if request.client else ""
    try:
        async with _works(request).begin() as work:
            asked = Asked(address, source, browser, to)
            await sign_in.ask_for_link(work, settings.issuer, asked)
    except sign_in.TooOften as error:
        raise _too_often(ceil(error.wait.total_seconds())) from None
    response = _pages.render(request, "sign-in-asked.html", {})
    cookies.bind(response, browser)
    return response


def _kept(browser: str | None) -> str | None:
    """A browser that asks twice stays the same one, so that the first mail's link works too."""
    return browser if browser and _SECRET.fullmatch(browser) else None


def _too_often(seconds: int) -> Problem:
    minutes = ceil(seconds / 60)
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too-many-links",
        "Đã xin quá nhiều liên kết",
        f"Hãy dùng liên kết đã nhận, hoặc xin lại sau {minutes} phút.",
        headers={"Retry-After": str(seconds)},
    )


@router.post("/sign-in/sample")
async def sign_in_as_sample(
    request: Request, who: Annotated[str, Form()] = "", to: NextField = ""
) -> Response:
    """Become a sample person, where the settings allow it."""
    settings, cookies = _settings(request), Cookies.of(request)
    if not settings.sample_sign_in:
        raise not_found("trang này")
    ward, _, person = who.replace("\0", "").partition("/")
    async with _works(request).begin() as work:
        begun = await begin_session(
            work, settings.issuer, (ward, person), "sample", cookies.session(request)
        )
    return _entered(request, begun, local_path(to))


def _entered(request: Request, begun: Begun, to: str) -> Response:
    response = RedirectResponse(to, HTTPStatus.SEE_OTHER)
    Cookies.of(request).begin(response, begun)
    return response


@router.get("/sign-in/oidc")
async def go_to_provider(request: Request, to: Next = "") -> Response:
    """Off to the provider, with what this browser must bring back."""
    settings, cookies = _settings(request), Cookies.of(request)
    if settings.provider is None:
        raise not_found("trang này")
    browser = _kept(cookies.browser(request)) or new_secret()
    try:
        there = await oidc.set_out(_works(request), settings.issuer, settings.provider, browser, to)
    except oidc.ProviderFault as fault:
        return await _no_provider(request, fault, local_path(to))
    response = RedirectResponse(there, HTTPStatus.SEE_OTHER)
    cookies.bind(response, browser)
    return response


@router.get("/sign-in/oidc/back")
async def come_back(request: Request) -> Response:
    """Back from the provider: signed in, or asked to confirm the first time."""
    settings, cookies = _settings(request), Cookies.of(request)
    provider, browser = settings.provider, cookies.browser(request)
    if provider is None:
        raise not_found("trang này")
    brought, to = dict(request.query_params), local_path(None)
    try:
        back = await oidc.come_back(_works(request), provider, browser, brought)
        to = back.next
        identity = await oidc.identify(settings.issuer, provider, back)
        async with _works(request).begin() as work:
            begun = await oidc.sign_in_as(
                work,
                settings.issuer,
                provider,
                identity,
                browser=browser or "",
                to=to,
                former=cookies.session(request),
            )
    except oidc.ProviderFault as fault:
        return await _no_provider(request, fault, to)
    except oidc.NotOnFile:
        forbidden = HTTPStatus.FORBIDDEN
        title = "Chưa có trong danh bạ"
        return await _form(request, to, status=forbidden, title=title, trouble=_NOT_ON_FILE)
    if isinstance(begun, str):
        return RedirectResponse(f"/intake/sign-in/{begun}", HTTPStatus.SEE_OTHER)
    return _entered(request, begun, to)


async def _no_provider(request: Request, fault: Exception, to: str) -> Response:
    log.warning("no sign-in through the provider: %s", fault)
    status, title = HTTPStatus.BAD_GATEWAY, "Chưa đăng nhập được"
    return await _form(request, to, status=status, title=title, trouble=_NO_PROVIDER)


@router.get("/sign-in/{secret}")
async def open_link(secret: str, request: Request) -> HTMLResponse:
    """What a link leads to: one button. Nothing is used up, however often this is fetched."""
    browser = Cookies.of(request).browser(request)
    async with _works(request).begin() as work:
        opened = await sign_in.open_link(work, _settings(request).issuer, secret, browser)
    return await _landing(request, secret, opened)


async def _landing(request: Request, secret: str, opened: Opened, wrong: str = "") -> HTMLResponse:
    if opened.verdict is not Verdict.GO:
        status, title, trouble = _TROUBLE[opened.verdict]
        return await _form(request, opened.next, status=status, title=title, trouble=trouble)
    wrong = wrong if opened.people else _LEFT
    values = {"secret": secret, "people": opened.people, "wrong": wrong}
    status = HTTPStatus(422) if wrong else HTTPStatus.OK
    return _pages.render(request, "sign-in-link.html", values, status)


@router.post("/sign-in/{secret}")
async def use_link(secret: str, request: Request, who: Annotated[str, Form()] = "") -> Response:
    """Sign in by the link, once."""
    settings, cookies = _settings(request), Cookies.of(request)
    browser, former = cookies.browser(request), cookies.session(request)
    try:
        async with _works(request).begin() as work:
            opened, begun = await sign_in.use_link(
                work, settings.issuer, secret, browser, who, former
            )
    except Refusal as refusal:
        async with _works(request).begin() as work:
            opened = await sign_in.open_link(work, settings.issuer, secret, browser)
        return await _landing(request, secret, opened, refusal.detail)
    if begun is None:
        return await _landing(request, secret, opened)
    return _entered(request, begun, opened.next)
