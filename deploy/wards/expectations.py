"""What a place in a ward's file should hold, in Vietnamese, read off the models themselves."""

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from deploy.wards.source import NodePath

_NULLABLE = "; để null khi chưa có"


def expected_at(model: type[BaseModel], path: NodePath) -> str:
    """The expectation for ``path`` inside a file of this model, or for the nearest place above."""
    annotation: Any = model
    description: str | None = None
    for part in path:
        step = _step(annotation, part)
        if step is None:
            break
        annotation, description = step
    return description or _of_type(annotation)


def _step(annotation: Any, part: str | int) -> tuple[Any, str | None] | None:
    annotation, _ = _bare(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields
        if "root" in fields:
            return _step(fields["root"].annotation, part)
        return _described(fields[part]) if isinstance(part, str) and part in fields else None
    if get_origin(annotation) is tuple and isinstance(part, int):
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) is dict and isinstance(part, str):
        return _bare(get_args(annotation)[1])
    return None


def _described(info: FieldInfo) -> tuple[Any, str | None]:
    annotation, description = _bare(info.annotation)
    return annotation, info.description or description


def _bare(annotation: Any) -> tuple[Any, str | None]:
    """The type without ``Annotated`` and ``| None``, and what its metadata says was expected."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        said = [m.description for m in metadata if isinstance(m, FieldInfo) and m.description]
        return inner, said[-1] if said else None
    if get_origin(annotation) in (Union, types.UnionType):
        arms = [arm for arm in get_args(annotation) if arm is not type(None)]
        if len(arms) == 1:
            inner, description = _bare(arms[0])
            return inner, (description or _of_type(inner)) + _NULLABLE
    return annotation, None


def _of_type(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Literal:
        choices = [str(choice) for choice in get_args(annotation)]
        return choices[0] if len(choices) == 1 else "một trong: " + ", ".join(choices)
    if origin is tuple:
        return "một danh sách không để trống"
    if origin is dict:
        keys = _of_type(get_args(annotation)[0]).removeprefix("một trong: ")
        return f"một nhóm trường: {keys}"
    if annotation is bool:
        return "true hoặc false"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields
        return "một danh sách" if "root" in fields else "một nhóm trường: " + ", ".join(fields)
    return "một giá trị đúng kiểu"
