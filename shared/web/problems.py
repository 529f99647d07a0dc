"""Problem details (RFC 9457): a stable type, words in Vietnamese, pointers to fields.

A browser that asked for a page gets the same as a page.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from markupsafe import escape
from starlette.exceptions import HTTPException

from shared.fields import FieldProblem, field_problems
from shared.messaging.errors import is_transient
from shared.refusal import Refusal
from shared.telemetry import current_trace
from shared.web.entrance import wants_page, way_in

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_TYPE = "urn:thidua:problem:"
_REQUEST = "urn:thidua:request:"

Place = Literal["query", "path", "header", "cookie"]
ErrorPage = Callable[[Request, "Problem"], Response]


class Problem(Exception):
    """A refusal that a caller can act on.

    `errors` point into the body; `parameters` are wrong ones outside of it: place, name, words.
    """

    def __init__(
        self,
        status: HTTPStatus,
        name: str,
        title: str,
        detail: str = "",
        errors: Sequence[FieldProblem] = (),
        parameters: Sequence[tuple[str, str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{name}: {title} {detail}".strip())
        self.status = status
        self.name = name
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)
        self.parameters = tuple(parameters)
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": _TYPE + self.name,
            "title": self.title,
            "status": int(self.status),
        }
        if self.detail:
            body["detail"] = self.detail
        trace = current_trace()
        if trace is not None:
            body["instance"] = _REQUEST + trace.request
        errors: list[dict[str, str]] = [
            {"pointer": e.pointer, "detail": e.detail} for e in self.errors
        ]
        errors += [{"in": p, "parameter": name, "detail": d} for p, name, d in self.parameters]
        if errors:
            body["errors"] = errors
        return body


def refused(name: str, detail: str, errors: Sequence[FieldProblem] = ()) -> Problem:
    """A rule forbids it (422)."""
    return Problem(HTTPStatus(422), name, "Không thực hiện được", detail, errors)


def not_found(what: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "not-found", "Không tìm thấy", f"Không có {what}.")


def conflict(name: str, detail: str) -> Problem:
    return Problem(HTTPStatus.CONFLICT, name, "Trái với trạng thái hiện tại", detail)


def forbidden(detail: str) -> Problem:
    return Problem(HTTPStatus.FORBIDDEN, "forbidden", "Không có quyền", detail)


def unauthenticated(detail: str) -> Problem:
    """401; RFC 9110 asks for the header."""
    challenge = {"WWW-Authenticate": 'Bearer realm="thidua"'}
    return Problem(
        HTTPStatus.UNAUTHORIZED, "unauthenticated", "Chưa đăng nhập", detail, headers=challenge
    )


def plain_page(_: Request, problem: Problem) -> Response:
    """Where a service has no shell."""
    words = escape(problem.title), escape(problem.detail)
    html = "<!doctype html><html lang=vi><meta charset=utf-8><title>{0}</title><h1>{0}</h1><p>{1}"
    return HTMLResponse(html.format(*words))


def respond(request: Request, problem: Problem) -> Response:
    """A problem as an answer; for a browser a page, or the way in where it has to sign in."""
    if problem.status == HTTPStatus.UNAUTHORIZED and (way := way_in(request)):
        return way
    if wants_page(request):
        page: ErrorPage = getattr(request.app.state, "error_page", plain_page)
        response = page(request, problem)
        response.status_code = int(problem.status)
    else:
        response = JSONResponse(problem.body(), int(problem.status), media_type=MEDIA_TYPE)
    for name, value in problem.headers.items():
        response.headers[name] = value
    return response


def unexpected(error: Exception) -> Problem:
    """What is said of a fault; never what it was."""
    if is_transient(error):
        why = "Hệ thống tạm thời gián đoạn; xin thử lại sau ít phút."
        return Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "unavailable",
            "Tạm thời gián đoạn",
            why,
            headers={"Retry-After": "5"},
        )
    why = "Việc này chưa được thực hiện; người vận hành đã có dấu vết của lỗi."
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "Hệ thống gặp lỗi", why)


def http_problem(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """What the framework refused by itself."""
    code = HTTPStatus(status)
    name = _NAMES.get(status, code.phrase.lower().replace(" ", "-"))
    title = _TITLES.get(status, "Yêu cầu chưa thực hiện được")
    return Problem(code, name, title, _DETAILS.get(status, ""), headers=headers)


def answer_with_problems(app: FastAPI) -> None:
    """Make every refusal of an app a problem document."""

    @app.exception_handler(Problem)
    async def on_problem(request: Request, problem: Problem) -> Response:
        return respond(request, problem)

    @app.exception_handler(Refusal)
    async def on_refusal(request: Request, refusal: Refusal) -> Response:
        errors = [FieldProblem(refusal.pointer, refusal.detail)] if refusal.pointer else []
        return respond(request, refused(refusal.name, refusal.detail, errors))

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        return respond(request, _invalid(request, error.errors()))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        return respond(request, http_problem(error.status_code, error.headers))

    @app.exception_handler(Exception)
    async def on_fault(request: Request, error: Exception) -> Response:
        return respond(request, unexpected(error))


def _invalid(request: Request, errors: Sequence[Any]) -> Problem:
    if _is_of_another_type(request, errors):
        return http_problem(415)
    inside = [error for error in errors if error["loc"][0] == "body"]
    outside = [error for error in errors if error["loc"][0] != "body"]
    return Problem(
        HTTPStatus(422),
        "invalid-request",
        "Không thực hiện được",
        "Có trường chưa đúng.",
        field_problems(inside, skip=1),
        list(_parameters(outside)),
    )


def _parameters(errors: Iterable[Any]) -> Iterable[tuple[str, str, str]]:
    for error in errors:
        [told] = field_problems([error], skip=1)
        place, *name = error["loc"]
        yield str(place), "/".join(str(part) for part in name), told.detail


def _is_of_another_type(request: Request, errors: Sequence[Any]) -> bool:
    """The body was not read as JSON, because it does not say that it is."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        return False
    return any(tuple(error["loc"]) == ("body",) and error["type"] != "missing" for error in errors)


_NAMES = {405: "method-not-allowed", 413: "content-too-large"}
_TITLES = {
    400: "Yêu cầu không đọc được",
    404: "Không tìm thấy trang",
    405: "Không dùng được cách gọi này",
    406: "Không có dạng trả lời được yêu cầu",
    412: "Nội dung đã thay đổi",
    413: "Nội dung gửi lên quá lớn",
    415: "Không nhận dạng nội dung này",
    421: "Sai địa chỉ máy chủ",
    428: "Thiếu điều kiện cập nhật",
    429: "Gửi quá nhiều yêu cầu",
}
_DETAILS = {
    413: "Hãy gửi ít nội dung hơn trong một lần.",
    415: "Hãy gửi nội dung dạng application/json.",
}
