"""The OpenAPI document, complete: who may, what is refused and how, examples, stable names."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from shared.web.access import EVERYBODY, Route
from shared.web.identity import token_cookie
from shared.web.problems import MEDIA_TYPE

VERSION = "1"
Json = dict[str, Any]


class WrongField(BaseModel):
    """A field of the body; `pointer` is a JSON pointer (RFC 6901), "" for all of it."""

    pointer: str
    detail: str


class WrongParameter(BaseModel):
    """A parameter outside of the body."""

    place: Literal["query", "path", "header", "cookie"] = Field(alias="in")
    parameter: str
    detail: str


class ProblemDetails(BaseModel):
    """RFC 9457. `type` is stable; `title` and `detail` are for people, in Vietnamese."""

    type: str = Field(pattern="^urn:thidua:problem:")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str | None = None
    instance: str | None = Field(default=None, description="The request, as the logs name it.")
    errors: list[WrongField | WrongParameter] | None = None


_EXAMPLE = {
    "type": "urn:thidua:problem:invalid-request",
    "title": "Không thực hiện được",
    "status": 422,
    "detail": "Có trường chưa đúng.",
    "instance": "urn:thidua:request:4bf92f3577b34da6a3ce929d0e0e4736",
    "errors": [{"pointer": "/due", "detail": "Phải là thời điểm có múi giờ."}],
}
_ERRORS = {
    400: "The address or the body cannot be read.",
    401: "Nobody is signed in, or the token is not valid any more.",
    403: "This role may not, or the request comes from another site.",
    404: "There is no such thing, or not for the one who asks.",
    409: "It goes against the state that things are in.",
    412: "Somebody else has changed it meanwhile.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "A field or parameter is wrong, or a rule forbids it.",
    428: "If-Match is missing.",
    429: "Too many requests; Retry-After says when to come back.",
    500: "A fault of ours; nothing was done.",
    503: "Out of order for the moment; nothing was done.",
}
FASTAPIS_OWN = 422
"""It describes this answer by itself, and not as ours is."""
_ALWAYS = (400, 422, 429, 500, 503)
_RETRY = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}


def describe(
    app: FastAPI, service: str, origin: str, table: Mapping[tuple[str, str], Route]
) -> None:
    """Let an app describe itself; `table` is its gate's, by method and path."""

    def document() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, service, origin, table)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(
    app: FastAPI, service: str, origin: str, table: Mapping[tuple[str, str], Route]
) -> Json:
    made = get_openapi(
        title=app.title,
        version=VERSION,
        summary=f"HTTP of the service {service}",
        description="Times have a zone, decimal numbers are strings. Every refusal is a problem"
        " document (RFC 9457) with a stable `type`. The events are in `asyncapi.json`.",
        routes=app.routes,
        servers=[{"url": origin}],
    )
    _add_components(made, origin)
    names = {(m.lower(), path): name for m, path, name in _served(app)}
    for path, method, operation in _operations(made):
        operation["operationId"] = names[method, path]
        key = (method.upper(), path.removeprefix(f"/{service}"))
        _complete(operation, method, path, table.get(key))
        _give_examples(operation, made["components"]["schemas"])
    return made


def _served(app: FastAPI) -> Iterator[tuple[str, str, str]]:
    for route in iter_route_contexts(app.routes):
        for method in route.methods or ():
            yield method, str(route.path_format or route.path), str(route.name)


def _operations(made: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _add_components(made: Json, origin: str) -> None:
    components = made.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    template = "#/components/schemas/{model}"
    _, own = models_json_schema([(ProblemDetails, "serialization")], ref_template=template)
    schemas |= own["$defs"]
    schemas["ProblemDetails"]["examples"] = [_EXAMPLE]
    components["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token; programs get one with their client credentials.",
        },
        "cookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": token_cookie(origin),
            "description": "The same token in a browser; unsafe methods then only from our pages.",
        },
    }


def _complete(operation: Json, method: str, path: str, route: Route | None) -> None:
    responses = operation.setdefault("responses", {})
    for status in _refusals(operation, method, path, route):
        told = _refusal(status)
        if status != FASTAPIS_OWN:
            told["content"] |= responses.get(str(status), {}).get("content", {})
        responses[str(status)] = told
    if route is None or route.who == EVERYBODY:
        operation["security"] = []
    else:
        operation["security"] = [{"bearer": []}, {"cookie": []}]
        operation["x-who"] = route.who if isinstance(route.who, str) else list(route.who)
        if route.condition:
            operation["x-condition"] = route.condition
        if route.scope:
            operation["x-scope"] = route.scope
    headers = {p["name"].lower() for p in operation.get("parameters", ()) if p["in"] == "header"}
    if "if-none-match" in headers:
        responses["304"] = {"description": "The caller has it already."}


def _refusals(operation: Json, method: str, path: str, route: Route | None) -> Iterable[int]:
    """The statuses of all that can be refused of an operation."""
    headers = {p["name"].lower() for p in operation.get("parameters", ()) if p["in"] == "header"}
    found = {*_ALWAYS, 404}
    if route is not None and route.who != EVERYBODY:
        found |= {401, 403}
    if method not in {"get", "head"}:
        found |= {403, 409, 413}
    if "requestBody" in operation:
        found |= {415}
    if "if-match" in headers:
        found |= {412, 428}
    return sorted(found)


def _give_examples(operation: Json, schemas: Json) -> None:
    """A whole body for each form, put together from the examples of its fields."""
    for media in operation.get("requestBody", {}).get("content", {}).values():
        media.setdefault("example", example_of(media["schema"], schemas))


def example_of(schema: Json, schemas: Json, name: str = "") -> Any:
    """What may stand there. A field says so itself, or its name, its choices or its format do."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas, name)
    for choices in ("anyOf", "oneOf", "allOf"):
        if choices in schema:
            return example_of(schema[choices][0], schemas, name)
    if "properties" in schema and not schema.get("examples"):
        wanted = set(schema.get("required", ()))
        fields = schema["properties"].items()
        return {key: example_of(one, schemas, key) for key, one in fields if key in wanted}
    if schema.get("type") == "array" and not schema.get("examples"):
        return [example_of(schema["items"], schemas, name)]
    return _simple_example(schema, name)


def _simple_example(schema: Json, name: str) -> Any:
    for given in ("examples", "enum"):
        if schema.get(given):
            return schema[given][0]
    for usual in (schema.get("const"), schema.get("default")):
        if usual is not None:
            return usual
    if schema.get("type") == "integer":
        return _BY_NAME.get(name, int(schema.get("minimum", 1)))
    if "pattern" in schema:
        fitting = (text for text in (_BY_NAME.get(name, ""), *_TEXTS) if text)
        return next((text for text in fitting if re.search(schema["pattern"], text)), None)
    return _BY_NAME.get(name) or _BY_FORMAT.get(str(schema.get("format", schema.get("type"))))


_BY_NAME: Json = {
    "year": 2025,
    "ward": "tu-minh",
    "movement": "cds-2025-2030",
    "period": "2025-annual",
    "participant": "thcs-1",
    "group": "a",
    "block": "truong-hoc",
    "kind": "school",
    "criterion": "a1",
    "form": "giay-khen",
    "session": "phien-1",
    "dossier": "2025-annual-thcs-1",
    "dossiers": "2025-annual-thcs-1",
    "person": "thcs-1.reporter",
    "members": "hoi-dong.uy-vien-1",
    "present": "hoi-dong.uy-vien-1",
    "email": "thcs-1@tu-minh.example",
    "code": "a1",
}
"""Codes of the ward that everything is tried out with."""
_BY_FORMAT: Json = {
    "date": "2025-12-05",
    "date-time": "2025-12-05T09:30:00+07:00",
    "uuid": "0190a5c2-7d34-7b51-9a53-2f0d1c7e11aa",
    "integer": 1,
    "boolean": True,
    "string": "Nội dung bằng lời",
}
_TEXTS = (
    "Nội dung bằng lời",
    "38.5",
    "thcs-1",
    "thcs-1.reporter",
    "/items/0/narrative",
    "reports:write",
)


def _refusal(status: int) -> Json:
    body = {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
    told: Json = {"description": _ERRORS[status], "content": {MEDIA_TYPE: body}}
    if status in {429, 503}:
        told["headers"] = _RETRY
    return told
