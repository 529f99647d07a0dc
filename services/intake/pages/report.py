"""A version of a report: to read, and for the office to accept or send back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake.access import JUDGES, UNIT
from services.intake.commands import judging
from services.intake.commands.desk import speaks_for
from services.intake.domain.deadline import check_correction_date
from services.intake.domain.difference import SentBack
from services.intake.domain.evidence import file_in
from services.intake.domain.form import form_of, section_titles
from services.intake.domain.report import Command, transition
from services.intake.forms.desk import AcceptanceForm, ReturnForm
from services.intake.forms.report import REACHED, TITLES
from services.intake.pages import file as files
from services.intake.pages.posted import DAY_WORDS, Wrong, end_of, typed
from services.intake.store import desk as store
from services.intake.store import duty as duties
from shared.contracts.base import Code
from shared.fields import field_problems
from shared.messaging import Works
from shared.refusal import Refusal
from shared.web.identity import Person, SignedIn
from shared.web.pages import Pages
from shared.web.problems import Problem, conflict, forbidden, not_found

R = TypeVar("R", bound=ReturnForm)
router = APIRouter(prefix="/reports/{participant}/{period}/{revision}", include_in_schema=False)
_pages = Pages("intake", Path(__file__).parents[1] / "templates")

Name = Annotated[Code, InPath()]
Revision = Annotated[int, InPath(ge=1, le=1000)]
_PARTS = {
    "self_score": "điểm tự chấm",
    "narrative": "thuyết minh",
    "evidence": "minh chứng",
    "text": "nội dung",
    "reason": "lý do",
    "summary": "tóm tắt",
    "form": "hình thức",
    "value": "giá trị",
    "title": "tên chỉ tiêu",
    "unit": "đơn vị tính",
    "criterion": "thuộc tiêu chí",
    "reached": "mức đạt",
    "result": "kết quả cụ thể",
    "not_applicable": "không áp dụng",
    "nothing_arose": "không phát sinh",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a report that can be sent back by itself; `pointer` leads to it."""

    pointer: str
    title: str
    text: str = ""
    about: Mapping[str, str] = field(default_factory=dict)
    evidence: Sequence[Mapping[str, Any]] = ()
    rule: str = ""


def places_of(body: Mapping[str, Any], movement: Mapping[str, Any]) -> list[Place]:
    """The parts of a report in their order, with what the movement's version says of each."""
    return list(_places(body, movement))


def _places(body: Mapping[str, Any], movement: Mapping[str, Any]) -> Iterator[Place]:
    contents = {part["number"]: part["text"] for part in movement.get("contents", ())}
    criteria = {
        criterion["code"]: criterion["text"]
        for group in movement.get("groups", ())
        for criterion in group["criteria"]
    }
    forms = {form["code"]: form["title"] for form in movement.get("forms", ())}
    titles = section_titles(form_of(body))
    yield from _texts(body, titles, "situation")
    for at, one in enumerate(body.get("aims", ())):
        about = {"Mức đạt": REACHED[one["reached"]]}
        yield Place(f"/aims/{at}", f"Mục tiêu: {one['aim']}", one["result"], about)
    for at, part in enumerate(body["contents"]):
        title, rule = f"Nội dung {part['content']}", contents.get(part["content"], "")
        yield Place(f"/contents/{at}", title, part["text"], rule=rule)
    for at, item in enumerate(body["items"]):
        yield Place(
            f"/items/{at}",
            f"Tiêu chí {item['criterion']}",
            item["narrative"],
            _result(item) | _why_unscored(item),
            [_linked(one) for one in item["evidence"]],
            criteria.get(item["criterion"], ""),
        )
    for at, one in enumerate(body["indicators"]):
        yield _indicator(f"/indicators/{at}", one)
    for at, one in enumerate(body["role_models"]):
        yield Place(f"/role_models/{at}", f"Điển hình: {one['name']}", one["summary"])
    yield from _texts(body, titles, "digital_literacy")
    for at, one in enumerate(body["nominations"]):
        form = forms.get(one["form"], one["form"])
        title = f"Đề nghị khen thưởng: {one['subject']}"
        yield Place(f"/nominations/{at}", title, one["reason"], {"Hình thức": form})
    yield from _texts(body, titles, "difficulties", "lessons", "directions")


def _texts(body: Mapping[str, Any], titles: Mapping[str, str], *names: str) -> Iterator[Place]:
    for name in names:
        if body.get(name):
            yield Place(f"/{name}", titles.get(name, TITLES[name]), body[name])


def _indicator(pointer: str, one: Mapping[str, Any]) -> Place:
    """Of a number that another system has sent without a name, its code."""
    number = " ".join(filter(None, (_decimal(one["value"]), one.get("unit"))))
    about = {"Giá trị": number}
    if one.get("criterion"):
        about["Thuộc tiêu chí"] = one["criterion"]
    title = f"Chỉ tiêu: {one['title']}" if one.get("title") else f"Chỉ tiêu {one['code']}"
    evidence = [_linked(proof) for proof in one.get("evidence", ())]
    return Place(pointer, title, about=about, evidence=evidence)


def _result(item: Mapping[str, Any]) -> dict[str, str]:
    """Of a criterion that a review tells of there is no score."""
    scored = _points(item)
    return {"Điểm tự chấm": scored} if scored else {}


def _points(item: Mapping[str, Any]) -> str:
    if item["not_applicable"]:
        return "không áp dụng"
    if item.get("nothing_arose"):
        return "không phát sinh trong kỳ"
    return _decimal(item["self_score"])


def _why_unscored(item: Mapping[str, Any]) -> dict[str, str]:
    return {"Lý do không chấm": item["reason"]} if item.get("reason") else {}


def _decimal(text: str | None) -> str:
    return "" if text is None else f"{Decimal(text).normalize():f}".replace(".", ",")


def _linked(evidence: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where it leads is shown beside it; only web addresses are links, and files brought here."""
    if (file := file_in(evidence["url"])) is not None:
        return {**evidence, "host": "", "href": f"/intake/evidence/{file}"}
    address = urlsplit(evidence["url"])
    web = address.scheme in {"http", "https"}
    return {**evidence, "host": address.hostname or "", "href": evidence["url"] if web else ""}


def reasons_of(version: Any) -> list[tuple[str, str]]:
    """Why a version went back: (place in words, reason)."""
    places = {place.pointer: place.title for place in places_of(version.body, {})}
    return [(place_words(r["pointer"], places), r["text"]) for r in version.reasons]


def place_words(pointer: str, places: Mapping[str, str]) -> str:
    """ "/items/0/narrative" -> "Tiêu chí a1, thuyết minh"."""
    known = max((p for p in places if f"{pointer}/".startswith(f"{p}/")), key=len, default="")
    if not known:
        return "Toàn bộ báo cáo"
    rest = pointer.removeprefix(known).strip("/").partition("/")[0]
    return ", ".join(filter(None, (places[known], _PARTS.get(rest, ""))))


def reasons_at(before: SentBack | None) -> list[tuple[str, str]]:
    """Why the version that is to be corrected went back: (place in words, reason)."""
    if before is None:
        return []
    titles = {place.pointer: place.title for place in places_of(before.body, {})}
    told = zip(before.pointers, before.texts, strict=True)
    return [(place_words(pointer, titles), text) for pointer, text in told]


def spot_words(place: str) -> str:
    """ "items/a1/narrative" -> "Kết quả theo tiêu chí, a1, thuyết minh"."""
    section, *rest = place.split("/")
    names = [_PARTS.get(one, one) for one in rest]
    if len(rest) > 2 and rest[-2] == "evidence":
        names = [*names[:-2], f"minh chứng {rest[-1]}"]
    return ", ".join((TITLES[section], *names))


def text_words(place: str, text: str | None) -> str | None:
    """What stands at such a place, as people read it."""
    return REACHED.get(text, text) if text and place.endswith("/reached") else text


@dataclass(frozen=True, slots=True)
class Case:
    """One version with its file, as somebody may see it."""

    file: Any
    version: Any
    places: Sequence[Place]
    sender: str
    revisions: Sequence[int]

    @property
    def path(self) -> str:
        return f"/intake/reports/{self.file.participant}/{self.file.period}/{self.version.revision}"

    @property
    def back(self) -> str:
        return files.href_of(self.file.participant, self.file.period, self.file.obligation)

    def may_be_judged_by(self, person: Person) -> bool:
        newest = self.version.revision == self.file.revision
        waits = newest and self.version.outcome is None
        return waits and person.has(*JUDGES) and not files.is_own(person, self.file)

    def may_be_withdrawn_by(self, person: Person) -> bool:
        newest = self.version.revision == self.file.revision
        own = files.subject_of(self.file).belongs_to(speaks_for(person))
        return newest and self.file.outcome is None and own and person.has(*UNIT)

    def may_be_reopened_by(self, person: Person) -> bool:
        accepted = self.version.revision == self.file.revision and self.file.outcome == "accepted"
        return accepted and person.has(*JUDGES) and not files.is_own(person, self.file)


async def case_of(
    connection: AsyncConnection, person: Person, key: store.Key, revision: int
) -> Case:
    """Raises Problem (404) outside the person's scope, as where there is nothing."""
    file = await duties.of_period(connection, person, key)
    version = await store.judged_version(connection, person.ward, key, revision) if file else None
    if file is None or version is None:
        raise not_found("báo cáo này, hoặc báo cáo này không thuộc về bạn")
    movement = await store.movement_version(
        connection, person.ward, version.movement, version.movement_version
    )
    if version.door == "kafka":
        sender = f"Hệ thống {version.publisher}"
    else:
        people = [version.submitted_by, version.acting_for]
        names = await files.names_of(connection, person.ward, people)
        sender = files.who_acted(names, version.submitted_by, version.acting_for)
    versions = [row.revision for row in await duties.versions(connection, person.ward, key)]
    return Case(file, version, places_of(version.body, movement or {}), sender, versions)


async def _to_judge(
    request: Request, person: Person, key: store.Key, revision: int, command: Command
) -> Case:
    """Raises Problem when there is nothing here for the person to judge."""
    works: Works = request.app.state.parts.works
    async with works.read() as connection:
        case = await case_of(connection, person, key, revision)
    if files.is_own(person, case.file):
        raise forbidden("Không ai tự xét hồ sơ của đơn vị mình; người thay thế sẽ xét.")
    if case.file.revision != revision:
        raise conflict(
            "newer-revision", f"Bản mới nhất của báo cáo là bản số {case.file.revision}."
        )
    if case.version.outcome is not None:
        try:
            transition(case.version.outcome, command)
        except Refusal as error:
            raise conflict(error.name, error.detail) from None
    return case


@router.get("/acceptance", response_class=HTMLResponse)
async def ask_acceptance(
    participant: Name, period: Name, revision: Revision, request: Request, person: SignedIn
) -> HTMLResponse:
    case = await _to_judge(request, person, (participant, period), revision, "accept")
    return _pages.render(request, "report-accept.html", {"case": case})


@router.post("/acceptance", response_class=HTMLResponse)
async def accept_report(
    participant: Name, period: Name, revision: Revision, request: Request, person: SignedIn
) -> Response:
    given = await typed(request)
    if given.get("confirmed") != "yes":
        case = await _to_judge(request, person, (participant, period), revision, "accept")
        return _pages.render(request, "report-accept.html", {"case": case}, 422)
    works: Works = request.app.state.parts.works
    form = AcceptanceForm(participant=participant, period=period, revision=revision)
    async with works.begin(f"{person.ward}/{participant}") as work:
        await judging.accept_report(work, form, person)
        case = await case_of(work.connection, person, (participant, period), revision)
    return RedirectResponse(f"{case.back}?done=accepted", HTTPStatus.SEE_OTHER)


@router.get("/return", response_class=HTMLResponse)
async def ask_return(
    participant: Name, period: Name, revision: Revision, request: Request, person: SignedIn
) -> HTMLResponse:
    case = await _to_judge(request, person, (participant, period), revision, "return")
    return _show_return(request, case, {}, Wrong(return_labels(case)))


@router.post("/return", response_class=HTMLResponse)
async def return_report(
    participant: Name, period: Name, revision: Revision, request: Request, person: SignedIn
) -> Response:
    """Takes reasons by places and a day; asks once more before it goes back."""
    given = await typed(request)
    works: Works = request.app.state.parts.works
    key = (participant, period)
    async with works.read() as connection:
        case = await case_of(connection, person, key, revision)
    if files.is_own(person, case.file):
        raise forbidden("Không ai tự xét hồ sơ của đơn vị mình; người thay thế sẽ xét.")
    wrong = Wrong(return_labels(case))
    form = None if "edit" in given else read_return(ReturnForm, case, given, wrong)
    if form is None:
        return _show_return(request, case, given, wrong)
    try:
        if given.get("confirmed") != "yes":
            check_correction_date(form.correct_by, works.business.now())
            kept = {name: given[name] for name in wrong.labels if given.get(name)}
            values = {"case": case, "form": form, "given": kept, "reasons": told(case, form)}
            return _pages.render(request, "report-return-confirm.html", values)
        async with works.begin(f"{person.ward}/{participant}") as work:
            await judging.return_report(work, form, person)
    except (Refusal, Problem) as error:
        wrong.add_refused(error)
        return _show_return(request, case, given, wrong)
    return RedirectResponse(f"{case.back}?done=returned", HTTPStatus.SEE_OTHER)


def return_labels(case: Case) -> dict[str, str]:
    """Fields of the form for returning, by name; `reason-0` is for the whole report."""
    titles = ["Toàn bộ báo cáo", *(place.title for place in case.places)]
    return {f"reason-{at}": title for at, title in enumerate(titles)} | {
        "correct_by": "Hạn chỉnh sửa"
    }


def read_return(model: type[R], case: Case, given: Mapping[str, str], wrong: Wrong) -> R | None:
    """The form that was typed, or None, with what is wrong with it."""
    pointers = ["", *(place.pointer for place in case.places)]
    filled = [at for at in range(len(pointers)) if given.get(f"reason-{at}", "").strip()]
    fields = {
        "participant": case.file.participant,
        "period": case.file.period,
        "revision": case.version.revision,
        "reasons": [{"pointer": pointers[at], "text": given[f"reason-{at}"]} for at in filled],
        "correct_by": end_of(given.get("correct_by", "")),
    }
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        for problem in field_problems(error.errors()):
            parts = problem.pointer.split("/")
            if parts[1] == "correct_by":
                wrong.add("correct_by", DAY_WORDS)
            elif len(parts) > 2:
                wrong.add(f"reason-{filled[int(parts[2])]}", problem.detail)
            else:
                wrong.add("reason-0", "Ghi lý do ở ít nhất một chỗ.")
    return None


def told(case: Case, form: ReturnForm) -> list[tuple[str, str]]:
    titles = {place.pointer: place.title for place in case.places}
    return [(place_words(reason.pointer, titles), reason.text) for reason in form.reasons]


def _show_return(
    request: Request, case: Case, given: Mapping[str, str], wrong: Wrong
) -> HTMLResponse:
    values = {"case": case, "given": given, "wrong": wrong}
    status = int(wrong.status) if wrong else 200
    return _pages.render(request, "report-return.html", values, status)
