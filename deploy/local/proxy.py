"""One origin for the four services, the mail page, and a landing page to try them as anyone.

`python -m deploy.local.proxy --listen host:port --route intake=http://host:port … --tokens FILE`
A path goes unchanged to the service that its first part names.
"""

import argparse
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from deploy.local.web import STATIC, no_cookies, page, server
from shared.web.entrance import HERE

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
# RFC 9110 §7.6.1: meant for the next hop only. The rest is set anew, never believed.
NOT_PASSED_ON = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "x-real-ip",
    }
)
INTERNAL = frozenset({"livez", "readyz", "flow", "metrics"})
"""What a service shows to its own machine room alone, by its own address."""
PLACES = [
    ("/notify/", "Việc của tôi", "việc phải làm, việc gần hạn nhất đứng trước"),
    ("/notify/honours", "Vinh danh", "tập thể, cá nhân được khen thưởng, ai cũng xem được"),
    ("/intake/", "Báo cáo", "kế hoạch, báo cáo của từng đơn vị và việc còn nợ"),
    ("/scoring/", "Chấm điểm", "điểm, cách tính từng dòng và xếp hạng trong khối"),
    ("/awards/", "Khen thưởng", "hồ sơ, phiên họp, quyết định và giấy khen"),
    ("/notify/mails", "Thư đã gửi", "thư nào đã gửi cho ai, thư nào lỗi"),
    ("/mail/", "Hộp thư chạy thử", "đọc các thư mà hệ thống đã gửi"),
]
ROLES = {
    "chairman": "Chủ tịch Ủy ban nhân dân phường",
    "officer": "Công chức Phòng Văn hóa - Xã hội phụ trách thi đua",
    "substitute-officer": "Người được cử thay công chức phụ trách",
    "assessor": "Người chấm điểm",
    "inspector": "Thành viên tổ kiểm tra",
    "council": "Thành viên Hội đồng Thi đua - Khen thưởng",
    "council-secretary": "Thư ký Hội đồng",
    "clerk": "Văn thư",
    "communications-officer": "Người phụ trách truyền thông",
    "operator": "Người vận hành hệ thống",
    "auditor": "Người kiểm tra, giám sát",
    "head": "Thủ trưởng đơn vị",
    "reporter": "Đầu mối báo cáo của đơn vị",
}
NAMES = {
    "intake": "Báo cáo",
    "scoring": "Chấm điểm",
    "awards": "Khen thưởng",
    "notify": "Thông báo",
    "mail": "Hộp thư chạy thử",
}


def by_role(people: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, Any]]]]:
    """Sample people under each role they hold, in the order of `ROLES`; unknown roles last."""
    held: set[str] = {role for person in people.values() for role in person["roles"]}
    order = [role for role in ROLES if role in held] + sorted(held - ROLES.keys())
    return [
        (ROLES.get(role, role), [(key, one) for key, one in people.items() if role in one["roles"]])
        for role in order
    ]


class Origin:
    """The handlers behind the one address. `routes`: first path part -> address behind it."""

    def __init__(self, routes: Mapping[str, str], tokens: Path) -> None:
        self._routes, self._tokens = routes, tokens
        # Shorter than the services keep an idle connection, so that none is used that they close.
        limits = httpx.Limits(max_connections=None, keepalive_expiry=2)
        timeout = httpx.Timeout(60, connect=2, pool=5)
        self._client = httpx.AsyncClient(
            limits=limits, timeout=timeout, trust_env=False, cookies=no_cookies()
        )
        self._client.headers.clear()

    def app(self) -> Starlette:
        """The web application."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with self._client:
                yield

        routes = [
            Route("/", self.landing),
            Route("/livez", self.livez),
            STATIC,
            Route("/{path:path}", self.forward, methods=METHODS),
        ]
        return Starlette(routes=routes, lifespan=lifespan)

    async def livez(self, _: Request) -> Response:
        return JSONResponse({"service": "proxy"})

    async def landing(self, request: Request) -> Response:
        """Where everything is, and whom one can be."""
        return page(
            "landing.html",
            parts=PLACES,
            roles=by_role(self._people()),
            signed_in=HERE in request.cookies,
        )

    async def forward(self, request: Request) -> Response:
        """Pass a request on, or say in Vietnamese why that is not possible."""
        path: str = request.scope["path"]
        _, name, *rest = path.split("/")
        if name not in self._routes or (rest and rest[0] in INTERNAL):
            return _problem(request, 404, "Không tìm thấy trang", "Địa chỉ này không có trang nào.")
        if not rest:
            return RedirectResponse(f"/{name}/", 308)
        try:
            return await _pass_on(self._client, self._routes[name], request)
        except httpx.TimeoutException:
            return _unavailable(request, 504, name)
        except httpx.TransportError:
            return _unavailable(request, 502, name)

    def _people(self) -> dict[str, Any]:
        people: dict[str, Any] = json.loads(self._tokens.read_text("utf-8"))
        return people


async def _pass_on(client: httpx.AsyncClient, target: str, request: Request) -> Response:
    raw_path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    url = httpx.URL(target).copy_with(raw_path=raw_path + (b"?" + query if query else b""))
    has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
    outgoing = client.build_request(
        request.method,
        url,
        headers=_headers_for(request),
        content=request.stream() if has_body else None,
    )
    incoming = await client.send(outgoing, stream=True)

    async def body() -> AsyncIterator[bytes]:
        try:
            async for chunk in incoming.aiter_raw():
                yield chunk
        finally:
            await incoming.aclose()

    answer = StreamingResponse(body(), incoming.status_code)
    answer.raw_headers = [
        (name.lower(), value)
        for name, value in incoming.headers.raw
        if name.lower().decode("latin-1") not in NOT_PASSED_ON
    ]
    return answer


def _headers_for(request: Request) -> list[tuple[bytes, bytes]]:
    named = {part.strip().lower() for part in request.headers.get("connection", "").split(",")}
    passed = [
        (name, value)
        for name, value in request.headers.raw
        if name.decode("latin-1") not in NOT_PASSED_ON | named
    ]
    client = request.client.host if request.client else "unknown"
    host = request.headers.get("host", "")
    return [
        *passed,
        (b"x-forwarded-for", client.encode()),
        (b"x-forwarded-host", host.encode("latin-1")),
        (b"x-forwarded-proto", request.url.scheme.encode()),
    ]


def _unavailable(request: Request, status: int, name: str) -> Response:
    part = NAMES.get(name, name)
    detail = (
        f"Phần “{part}” đang không hoạt động hoặc đang khởi động lại. Việc đã làm ở các phần khác "
        "vẫn được giữ; xin thử lại sau ít phút."
    )
    return _problem(request, status, f"Phần “{part}” tạm thời chưa trả lời", detail)


def _problem(request: Request, status: int, title: str, detail: str) -> Response:
    if "text/html" in request.headers.get("accept", ""):
        return page("problem.html", status, title=title, detail=detail)
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(body, status, media_type="application/problem+json")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.proxy")
    parser.add_argument("--listen", required=True, help="host:port of the one origin")
    parser.add_argument("--route", action="append", default=[], help="first path part=address")
    parser.add_argument("--tokens", required=True, type=Path, help="sample people and tokens")
    parser.add_argument("--certificate", type=Path, help="PEM with its key: the origin has HTTPS")
    chosen = parser.parse_args()
    routes = dict(route.split("=", 1) for route in chosen.route)
    server(Origin(routes, chosen.tokens).app(), chosen.listen, chosen.certificate).run()


if __name__ == "__main__":
    main()
