"""A session's own doors: renew its token, act for somebody, sign out."""

from datetime import date
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from services.intake.commands import sessions
from services.intake.domain.sign_in import local_path
from services.intake.pages.cookies import Cookies
from services.intake.pages.people import DONE
from services.intake.pages.role_words import ROLE_WORDS
from services.intake.sign_in_settings import SignInSettings
from services.intake.store import people
from shared.calendar import ward_day
from shared.messaging import Works
from shared.web.identity import SignedIn
from shared.web.pages import Pages

router = APIRouter(include_in_schema=False)
_pages = Pages("intake", Path(__file__).parents[1] / "templates")

Next = Annotated[str, Query(alias="next")]
SIGN_IN = "/intake/sign-in"


def _settings(request: Request) -> SignInSettings:
    settings: SignInSettings = request.app.state.parts.settings
    return settings


def _works(request: Request) -> Works:
    works: Works = request.app.state.parts.works
    return works


@router.get("/session/renew")
async def renew(request: Request, to: Next = "") -> Response:
    """A new token for the session's browser, and back to where it came from."""
    return await _renew(request, local_path(to), HTTPStatus.SEE_OTHER)


@router.post("/session/renew")
async def renew_and_send_again(request: Request, to: Next = "") -> Response:
    """The same for a form: 307 makes the browser send it again, with all that was typed."""
    return await _renew(request, local_path(to), HTTPStatus.TEMPORARY_REDIRECT)


async def _renew(request: Request, to: str, how: HTTPStatus) -> Response:
    cookies = Cookies.of(request)
    async with _works(request).begin() as work:
        token = await sessions.renew(work, _settings(request).issuer, cookies.session(request))
    if token is None:
        again = to if how is HTTPStatus.SEE_OTHER else _page_before(request)
        response = RedirectResponse(_sign_in(again), HTTPStatus.SEE_OTHER)
        cookies.end(response)
        return response
    response = RedirectResponse(to, how)
    cookies.give_token(response, token)
    return response


def _sign_in(to: str) -> str:
    return f"{SIGN_IN}?next={quote(to, safe='/')}"


def _page_before(request: Request) -> str:
    """The page with the form that was sent; what takes a form need not be a page itself."""
    parts = urlsplit(request.headers.get("referer", ""))
    origin = urlsplit(_settings(request).origin)
    if (parts.scheme, parts.netloc) != (origin.scheme, origin.netloc):
        return local_path(None)
    return local_path(f"{parts.path}?{parts.query}" if parts.query else parts.path)


@router.get("/session")
async def show_session(request: Request, person: SignedIn) -> Response:
    """Whose session it is, for whom they may act, who acts for them, and the ways out."""
    cookies = Cookies.of(request)
    async with _works(request).begin() as work:
        account = await sessions.account_of(
            work, _settings(request).issuer, cookies.session(request)
        )
        known = await people.delegations_with(work.connection, person.ward, person.id)
    today = ward_day(_works(request).business.now())
    values = {
        "account": account,
        "name": person.name,
        "lent": [one for one in known if one.principal == person.id and _lasts(one, today)],
        "words": ROLE_WORDS,
        "done": DONE.get(request.query_params.get("done", ""), ""),
    }
    return _pages.render(request, "session.html", values)


def _lasts(lent: Any, today: date) -> bool:
    return lent.ended_on is None and today <= lent.until


@router.post("/session/acting")
async def act_for(
    request: Request, _: SignedIn, principal: Annotated[str, Form()] = ""
) -> Response:
    """Act in somebody's place by their delegation; without one named, in one's own again."""
    cookies, issuer = Cookies.of(request), _settings(request).issuer
    async with _works(request).begin() as work:
        begun = await sessions.act_for(work, issuer, cookies.session(request), principal)
    if begun is None:
        return RedirectResponse(_sign_in("/intake/session"), HTTPStatus.SEE_OTHER)
    response = RedirectResponse(local_path(None), HTTPStatus.SEE_OTHER)
    cookies.begin(response, begun)
    return response


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End this browser's session. No token is asked for: it may have run out."""
    return await _signed_out(request, everywhere=False)


@router.post("/sign-out-everywhere")
async def sign_out_everywhere(request: Request) -> Response:
    """End all sessions of the person."""
    return await _signed_out(request, everywhere=True)


async def _signed_out(request: Request, *, everywhere: bool) -> Response:
    cookies = Cookies.of(request)
    async with _works(request).begin() as work:
        await sessions.end_session(work, cookies.session(request), everywhere=everywhere)
    response = RedirectResponse(f"{SIGN_IN}?left=true", HTTPStatus.SEE_OTHER)
    cookies.end(response)
    return response
