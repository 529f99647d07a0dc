"""YAML with the line of every node kept, and problems that say where and what was expected."""

import json
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
NodePath = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with a ward's files; ``line`` counts from 1, ``message`` is Vietnamese."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}"
        return (
            f"{where}: {self.field}: {self.message}" if self.field else f"{where}: {self.message}"
        )


class WardFileError(Exception):
    """A ward's files cannot be used; ``problems`` says all that was found, in reading order."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass
class Source:
    """A file's plain data and where each part of it stands."""

    file: str
    data: Plain = None
    problems: list[Problem] = field(default_factory=list)
    key_lines: dict[NodePath, int] = field(default_factory=dict)
    value_lines: dict[NodePath, int] = field(default_factory=dict)

    def report(self, path: NodePath, message: str, *, at_key: bool = False) -> None:
        """Note a problem at a node, or at the nearest node around it that exists."""
        self.problems.append(Problem(self.file, self.line(path, at_key), dotted(path), message))

    def line(self, path: NodePath, at_key: bool = False) -> int:
        if at_key and path in self.key_lines:
            return self.key_lines[path]
        while path and path not in self.value_lines:
            path = path[:-1]
        return self.value_lines.get(path, 1)


def dotted(path: NodePath) -> str:
    """``("participants", 3, "code")`` as ``participants[3].code``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def shown(value: Plain) -> str:
    """A value as a person reads it in a message, cut short."""
    if isinstance(value, dict):
        return "một nhóm trường"
    if isinstance(value, list):
        return "một danh sách"
    if value is None:
        return "để trống"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"


def read(path: Path) -> Source:
    """Read one file. What cannot be read as YAML is a problem of the source, not an exception."""
    source = Source(path.name)
    text = _text(path, source)
    if text is None:
        return source
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else int(mark.line) + 1
        source.problems.append(_unreadable(source.file, line, str(error.problem)))
    except YAMLError as error:
        position = getattr(error, "position", 0)
        line = text.count("\n", 0, position) + 1
        source.problems.append(_unreadable(source.file, line, "có ký tự không được phép"))
    else:
        if root is not None:
            source.data = _plain(root, (), source)
    return source


def _unreadable(file: str, line: int, reason: str) -> Problem:
    expected = "cần thụt lề bằng dấu cách, đóng đủ ngoặc và dấu nháy"
    return Problem(file, line, "", f"không đọc được YAML; {expected} (bộ đọc báo: {reason})")


def _text(path: Path, source: Source) -> str | None:
    try:
        raw = path.read_bytes()
    except OSError:
        source.report((), "không mở được tệp; cần có tệp này trong thư mục của phường")
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = "có ký tự sai bảng mã; cần tệp lưu bằng UTF-8"
        source.problems.append(Problem(source.file, line, "", message))
        return None


def _plain(node: Node, path: NodePath, source: Source) -> Plain:
    source.value_lines[path] = int(node.start_mark.line) + 1
    if node.anchor is not None:
        source.report(path, "có neo hoặc tham chiếu (&, *); cần viết đủ giá trị tại chỗ")
        return None
    if isinstance(node, MappingNode):
        return _mapping(node, path, source)
    if isinstance(node, SequenceNode):
        return [_plain(item, (*path, index), source) for index, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: MappingNode, path: NodePath, source: Source) -> Plain:
    plain: dict[str, Plain] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value) if isinstance(key_node, ScalarNode) else "?"
        here = (*path, key)
        line = int(key_node.start_mark.line) + 1
        if key in plain:
            message = f"trường viết hai lần; cần một lần, đã có ở dòng {source.key_lines[here]}"
            source.problems.append(Problem(source.file, line, dotted(here), message))
            continue
        source.key_lines[here] = line
        plain[key] = _plain(value_node, here, source)
        if value_node.start_mark.index == value_node.end_mark.index:
            source.value_lines[here] = line
    return plain


def _scalar(node: Node) -> Plain:
    text = unicodedata.normalize("NFC", str(node.value))
    tag = str(node.tag).removeprefix(_TAG)
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() == "true"
    try:
        if tag == "int":
            return int(text)
        if tag == "float":
            return float(text)
    except ValueError:
        return text
    return text
