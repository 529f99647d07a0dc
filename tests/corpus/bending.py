"""Bends valid events; each bend says what is to become of the record.

It knows nothing of the kernel. The same seed gives the same corpus. What still says the same must
be applied as if it had not been bent; everything else must not be applied.
"""

import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import Any, Literal

from shared.contracts.base import Event
from shared.contracts.inbound import ReportSubmitted
from tests.corpus.wire import RawHeaders, WireRecord

Expected = Literal["applied", "refused", "skipped"]
LIMIT = 1_040_000
"""Bytes of a body that the broker takes, with room for headers."""
_DEEPEST = 3_000


@dataclass(frozen=True)
class Bent:
    """A record, what it was before, and what is to become of it; `code`: how intake refuses it."""

    record: WireRecord
    straight: WireRecord
    topic: str
    bend: str
    expected: Expected
    code: str = ""


@dataclass(frozen=True)
class Case:
    """What a bend has before it."""

    random: Random
    record: WireRecord
    event: type[Event]

    @property
    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.record.value or b"{}")
        return found

    def says(self, body: Any, **options: Any) -> WireRecord:
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, **options)
        return replace(self.record, value=text.encode("utf-8", "surrogatepass"))

    def headed(
        self, *more: tuple[bytes, bytes | None], without: Sequence[bytes] = ()
    ) -> WireRecord:
        kept = tuple(pair for pair in self.record.headers if pair[0] not in without)
        return replace(self.record, headers=kept + more)

    @property
    def noise(self) -> bytes:
        return self.random.randbytes(self.random.randrange(1, 40))

    def name(self, *kinds: str) -> str | None:
        """A required field of one of these kinds in the JSON Schema, or None."""
        schema = _schema(self.event)
        fields = schema.get("properties", {})
        found = [n for n in schema.get("required", ()) if fields[n].get("type") in kinds]
        return self.random.choice(found) if found else None


@cache
def _schema(event: type[Event]) -> dict[str, Any]:
    return event.model_json_schema()


Made = WireRecord | None


@dataclass(frozen=True)
class Bend:
    name: str
    expected: Expected
    code: str
    weight: int
    bodily: bool
    late: bool
    make: Callable[[Case], Made]


_BENDS: list[Bend] = []


def bend(
    expected: Expected, code: str = "", weight: int = 20, *, bodily: bool = True, late: bool = False
) -> Callable[[Callable[[Case], Made]], Callable[[Case], Made]]:
    """`bodily`: it bends the body, which a tombstone has not. `weight`: how often, relatively.
    `late`: only the database refuses it, and the whole batch is gone through one by one.
    """

    def add(make: Callable[[Case], Made]) -> Callable[[Case], Made]:
        name = make.__name__.replace("_", " ")
        _BENDS.append(Bend(name, expected, code, weight, bodily, late, make))
        return make

    return add


def names() -> set[str]:
    return {one.name for one in _BENDS}


def corpus(seed: int, straight: Iterable[tuple[type[Event], str, WireRecord]]) -> Iterator[Bent]:
    """These (type, topic, record), bent; late bends come in one batch of ten."""
    random = Random(seed)
    for number, (event, topic, record) in enumerate(straight):
        able = [one for one in _BENDS if not (event.ERASES and one.bodily)]
        if number // 500 % 10:
            able = [one for one in able if not one.late]
        yield _bent(random, able, event, topic, record)


def _bent(
    random: Random, able: Sequence[Bend], event: type[Event], topic: str, record: WireRecord
) -> Bent:
    while True:
        [one] = random.choices(able, [one.weight for one in able])
        made = one.make(Case(random, record, event))
        if made is not None:
            return Bent(made, record, topic, one.name, one.expected, one.code)


@bend("applied", bodily=False, weight=40)
def nothing(case: Case) -> Made:
    return case.record


@bend("applied", bodily=False)
def foreign_headers(case: Case) -> Made:
    return case.headed((b"x-" + case.noise.hex().encode(), case.noise), (b"y", None))


@bend("applied", bodily=False)
def headers_in_capitals(case: Case) -> Made:
    headers = tuple((name.upper(), value) for name, value in case.record.headers)
    return replace(case.record, headers=headers)


@bend("applied", bodily=False)
def headers_in_another_order(case: Case) -> Made:
    headers = list(case.record.headers)
    case.random.shuffle(headers)
    return replace(case.record, headers=tuple(headers))


@bend("applied", bodily=False)
def headers_given_twice(case: Case) -> Made:
    first: RawHeaders = ((b"ce_id", b"another"), (b"ce_type", b"another"))
    return replace(case.record, headers=first + case.record.headers)


@bend("applied", bodily=False)
def a_lying_subject(case: Case) -> Made:
    return case.headed((b"ce_subject", b"somebody"), without=[b"ce_subject"])


@bend("applied", bodily=False)
def a_ce_time_at_the_limits(case: Case) -> Made:
    time = case.random.choice([b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-12:00"])
    return case.headed((b"ce_time", time), without=[b"ce_time"])


@bend("applied")
def another_order_of_fields(case: Case) -> Made:
    items = list(case.body.items())
    case.random.shuffle(items)
    return case.says(dict(items), indent=case.random.choice([None, 1, "\t"]))


@bend("applied")
def text_in_nfd(case: Case) -> Made:
    return case.says(unicodedata.normalize("NFD", (case.record.value or b"").decode()))


@bend("applied")
def text_in_escapes(case: Case) -> Made:
    return case.says(json.dumps(case.body, ensure_ascii=True))


@bend("applied")
def fields_of_the_future(case: Case) -> Made:
    strange: list[Any] = [
        1e308,
        -(10**18),
        None,
        True,
        "\U0001f600",
        [[], {}],
        {"a": {"b": [None]}},
    ]
    return case.says(case.body | {case.noise.hex(): case.random.choice(strange)})


@bend("applied")
def numbers_beyond_all_limits_elsewhere(case: Case) -> Made:
    number = case.random.choice(["1e400", "-1e400", "9" * 4000, "0." + "1" * 4000])
    return case.says(json.dumps(case.body)[:-1] + f', "zz": {number}}}')


@bend("applied")
def a_field_given_twice(case: Case) -> Made:
    return case.says('{"ward": "nowhere", ' + json.dumps(case.body)[1:])


@bend("applied", weight=1)
def a_body_at_the_limit(case: Case) -> Made:
    return case.says(case.body | {"zz": "x" * (LIMIT - len(case.record.value or b""))})


@bend("applied")
def spaces_around(case: Case) -> Made:
    return case.says(" \n\t" + (case.record.value or b"").decode() + "\r\n ")


@bend("refused", "unreadable", bodily=False)
def a_header_missing(case: Case) -> Made:
    needed = [b"ce_id", b"ce_source", b"ce_type", b"ce_specversion"]
    if case.event.ERASES:
        needed.remove(b"ce_id")
    return case.headed(without=[case.random.choice(needed)])


@bend("refused", "unreadable", bodily=False)
def a_header_of_bytes(case: Case) -> Made:
    name = case.random.choice([b"ce_id", b"ce_type", b"ce_ward", b"traceparent", b"content-type"])
    return case.headed((name, case.noise + b"\xff"), without=[name])


@bend("refused", "unreadable", bodily=False)
def a_header_with_a_nul(case: Case) -> Made:
    name = case.random.choice([b"ce_id", b"ce_correlationid", b"ce_source"])
    return case.headed((name, b"a\x00b"), without=[name])


@bend("refused", "unreadable", bodily=False)
def a_header_with_a_name_of_bytes(case: Case) -> Made:
    return case.headed((case.noise + b"\xff", case.noise))


@bend("refused", "unreadable", bodily=False)
def another_specversion(case: Case) -> Made:
    version = case.random.choice([b"2.0", b"1", b"0.3", b"", b"1.0 "])
    return case.headed((b"ce_specversion", version), without=[b"ce_specversion"])


@bend("refused", "unreadable", bodily=False)
def an_id_too_long(case: Case) -> Made:
    long = b"i" * case.random.choice([256, 1_000, 100_000])
    return case.headed((b"ce_id", long), without=[b"ce_id"])


@bend("refused", "unreadable", bodily=False)
def a_ce_time_that_is_none(case: Case) -> Made:
    time = case.random.choice([b"yesterday", b"2025-13-01T00:00:00Z", b"2025-12-01T09:00:00", b""])
    return case.headed((b"ce_time", time), without=[b"ce_time"])


@bend("skipped", "unknown-type", bodily=False)
def a_type_of_the_future(case: Case) -> Made:
    kind = case.random.choice(
        [case.event.TYPE[:-1] + "2", case.event.TYPE + "0", "x", case.event.TYPE.upper()]
    )
    return case.headed((b"ce_type", kind.encode()), without=[b"ce_type"])


@bend("refused", "unreadable")
def no_value(case: Case) -> Made:
    return replace(case.record, value=case.random.choice([None, b""]))


@bend("refused", "unreadable")
def cut_short(case: Case) -> Made:
    value = case.record.value or b""
    return replace(case.record, value=value[: case.random.randrange(1, len(value))])


@bend("refused", "unreadable")
def a_byte_that_is_none_of_json(case: Case) -> Made:
    value = bytearray(case.record.value or b"")
    value[case.random.randrange(len(value))] = case.random.choice([0x00, 0xC0, 0xFE, 0xFF])
    return replace(case.record, value=bytes(value))


@bend("refused", "unreadable")
def said_twice(case: Case) -> Made:
    return replace(case.record, value=(case.record.value or b"") * 2)


@bend("refused", "unreadable")
def halves_exchanged(case: Case) -> Made:
    value = case.record.value or b""
    middle = case.random.randrange(1, len(value))
    return replace(case.record, value=value[middle:] + value[:middle])


@bend("refused", "unreadable")
def too_deep(case: Case) -> Made:
    depth = case.random.choice([300, _DEEPEST])
    return case.says(json.dumps(case.body)[:-1] + ', "zz": ' + "[" * depth + "]" * depth + "}")


@bend("refused", "unreadable")
def a_lone_surrogate(case: Case) -> Made:
    name = case.name("string")
    return case.says(json.dumps(case.body | {name: "\ud800"})) if name else None


@bend("refused", "unreadable")
def another_encoding(case: Case) -> Made:
    text = (case.record.value or b"").decode()
    return replace(case.record, value=text.encode(case.random.choice(["utf-16", "utf-32"])))


@bend("refused", "invalid-field")
def a_field_missing(case: Case) -> Made:
    required = _schema(case.event).get("required", ())
    body = case.body
    del body[case.random.choice(list(required))]
    return case.says(body)


@bend("refused", "invalid-field")
def a_field_of_another_kind(case: Case) -> Made:
    name = case.name("string", "integer", "boolean")
    return case.says(case.body | {name: case.random.choice([{}, [], None, [1]])}) if name else None


@bend("refused", "invalid-field")
def a_list_that_is_none(case: Case) -> Made:
    name = case.name("array")
    return (
        case.says(case.body | {name: case.random.choice(["x", 1, None, {"a": 1}])})
        if name
        else None
    )


@bend("refused", "invalid-field")
def a_number_that_is_none(case: Case) -> Made:
    name = case.name("integer")
    number = case.random.choice(["1e400", "1.5", '"a"', "1e-3", "[]"])
    return (
        case.says(json.dumps(case.body | {name: 77})[:-1] + f', "{name}": {number}}}')
        if name
        else None
    )


@bend("refused", "invalid-field")
def a_number_of_many_digits(case: Case) -> Made:
    """Whole numbers of our own have no limit by contract; where none is stored, none is refused."""
    if case.event is not ReportSubmitted:
        return None
    return case.says(case.body | {"revision": 10 ** case.random.choice([3, 10, 19, 400]) + 1})


@bend("refused", "invalid-field", weight=10, late=True)
def a_nul_in_text(case: Case) -> Made:
    name = case.name("string")
    return case.says(case.body | {name: "a\x00b"}) if name else None


@bend("refused", "invalid-field")
def no_object(case: Case) -> Made:
    return case.says(case.random.choice(["[]", "null", "1", '"x"', "true", "[{}]"]))


@bend("refused", "key-mismatch")
def another_key(case: Case) -> Made:
    key = case.record.key or b""
    other = [
        None,
        b"",
        key.upper(),
        key + b" ",
        b" " + key,
        key[:-1],
        case.noise + b"\xff",
        key * 9,
    ]
    return replace(case.record, key=case.random.choice(other))


@bend("refused", "key-mismatch")
def another_ward(case: Case) -> Made:
    return case.says(case.body | {"ward": "another-ward"})
