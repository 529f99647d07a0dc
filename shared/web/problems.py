"""Problem details (RFC 9457): a stable type, words in Vietnamese, pointers to fields."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from shared.fields import FieldProblem, field_problems
from shared.messaging.errors import is_transient
from shared.refusal import Refusal

_TYPE = "urn:thidua:problem:"


class Problem(Exception):
    """A refusal that a caller can act on."""

    def __init__(
        self,
        status: HTTPStatus,
        name: str,
        title: str,
        detail: str = "",
        errors: Sequence[FieldProblem] = (),
    ) -> None:
        super().__init__(f"{name}: {title} {detail}".strip())
        self.status = status
        self.name = name
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": _TYPE + self.name,
            "title": self.title,
            "status": int(self.status),
        }
        if self.detail:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = [{"pointer": e.pointer, "detail": e.detail} for e in self.errors]
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
    return Problem(HTTPStatus.UNAUTHORIZED, "unauthenticated", "Chưa đăng nhập", detail)


def _response(problem: Problem) -> JSONResponse:
    return JSONResponse(problem.body(), int(problem.status), media_type="application/problem+json")


def _unexpected(error: Exception) -> Problem:
    if is_transient(error):
        why = "Hệ thống tạm thời gián đoạn; xin thử lại sau ít phút."
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "Tạm thời gián đoạn", why)
    why = "Việc này chưa được thực hiện; người vận hành đã có dấu vết của lỗi."
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "Hệ thống gặp lỗi", why)


def answer_with_problems(app: FastAPI) -> None:
    """Make every refusal of an app a problem document."""

    @app.exception_handler(Problem)
    async def on_problem(_: Request, problem: Problem) -> JSONResponse:
        return _response(problem)

    @app.exception_handler(Refusal)
    async def on_refusal(_: Request, refusal: Refusal) -> JSONResponse:
        errors = [FieldProblem(refusal.pointer, refusal.detail)] if refusal.pointer else []
        return _response(refused(refusal.name, refusal.detail, errors))

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        errors = field_problems(error.errors(), skip=1)
        return _response(refused("invalid-request", "Có trường chưa đúng.", errors))

    @app.exception_handler(HTTPException)
    async def on_http(_: Request, error: HTTPException) -> JSONResponse:
        status = HTTPStatus(error.status_code)
        name = status.phrase.lower().replace(" ", "-")
        return _response(Problem(status, name, _TITLES.get(status, status.phrase)))

    @app.exception_handler(Exception)
    async def on_fault(_: Request, error: Exception) -> JSONResponse:
        return _response(_unexpected(error))


_TITLES = {
    HTTPStatus.NOT_FOUND: "Không tìm thấy trang",
    HTTPStatus.METHOD_NOT_ALLOWED: "Không dùng được cách gọi này",
}
