"""The shell's components, before any service uses them."""

import pytest
from playwright.sync_api import Page, expect

from shared.web.catalogue import vietnamese_order
from tests.browser.conftest import Visitor
from tests.browser.gallery import ERRORS, UNITS

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1280, 640, 360])
def test_axe_finds_nothing_in_any_component(visit: Visitor, gallery: str, width: int) -> None:
    one = visit(gallery, width=width)
    one.go("/gallery/?sort=-points&q=s%E1%BB%91")
    one.page.locator("details").first.evaluate("e => e.open = true")
    assert one.faults() == []
    assert one.overflow() <= 0
    assert one.cut_off() == []


@pytest.mark.parametrize("status", ERRORS)
def test_every_error_page_says_what_to_do_next(visit: Visitor, gallery: str, status: int) -> None:
    one = visit(gallery, width=360)
    page = one.go(f"/gallery/errors/{status}", status)
    assert one.faults() == []
    expect(page.get_by_role("heading", name="Việc cần làm tiếp")).to_be_visible()
    expect(page.get_by_text("0195f2d0-7e2c")).to_be_visible()
    assert page.locator("main .buttons a").count() >= 1


def test_the_summary_of_errors_has_the_focus_and_leads_to_the_fields(
    visit: Visitor, gallery: str
) -> None:
    page = visit(gallery).go("/gallery/")
    expect(page.locator("#loi")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#o-ten")).to_be_focused()
    described = page.locator("#o-ten").get_attribute("aria-describedby") or ""
    assert [page.locator(f"#{name}").text_content() for name in described.split()] == [
        "Như trong quyết định thành lập.",
        "Lỗi: Tên chưa điền.",
    ]


def test_a_table_is_sorted_narrowed_and_turned_without_script(visit: Visitor, gallery: str) -> None:
    page = visit(gallery, javascript=False).go("/gallery/")
    page.get_by_role("link", name="Điểm", exact=True).click()
    page.get_by_role("link", name="Điểm", exact=True).click()
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Điểm")
    page.get_by_label("Khối", exact=True).first.select_option("Khối B")
    page.get_by_role("button", name="Lọc").click()
    page.get_by_role("link", name="Trang sau").click()
    expect(page.locator("tbody").first.locator("tr")).to_have_count(10)
    expect(page.get_by_text("trong 31 dòng")).to_be_visible()
    assert page.locator("tbody th").first.inner_text() == "Tổ dân phố số 41"


def test_an_export_holds_every_page_of_what_is_shown(page: Page, gallery: str) -> None:
    page.goto(f"{gallery}/gallery/?q=khối a")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV").click()
    text = waiting.value.path().read_text("utf-8-sig")
    assert waiting.value.suggested_filename == "don-vi.csv"
    assert len(text.splitlines()) == 1 + sum(unit[1] == "Khối A" for unit in UNITS)


def test_the_skip_link_is_first_and_leads_past_the_header(page: Page, gallery: str) -> None:
    page.goto(f"{gallery}/gallery/errors/404")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_persons_menu_opens_with_the_keyboard(page: Page, gallery: str) -> None:
    page.goto(f"{gallery}/gallery/errors/404")
    page.locator(".who summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Thông tin của tôi")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Phiên đăng nhập, làm thay")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Đăng xuất")).to_be_focused()


def test_words_are_set_in_the_house_face(page: Page, gallery: str) -> None:
    page.goto(f"{gallery}/gallery/")
    page.evaluate("document.fonts.ready.then(() => 1)")
    faces = page.evaluate("[...document.fonts].filter(f => f.status == 'loaded').length")
    assert faces >= 4
    assert page.evaluate("document.fonts.check('16px \"Be Vietnam Pro\"', 'ẫợưĐ')")


def test_what_can_be_pressed_is_large_enough(page: Page, gallery: str) -> None:
    page.goto(f"{gallery}/gallery/")
    small = page.evaluate(
        """[...document.querySelectorAll("button, input, select, summary, nav a, .under a, .tick")]
        .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
        .filter(([, box]) => box.height > 0 && (box.height < 22 || box.width < 22))
        .map(([name, box]) => [name, box.width, box.height])"""
    )
    assert small == []


def test_printed_it_is_the_content_alone(page: Page, gallery: str) -> None:
    page.goto(f"{gallery}/gallery/")
    page.emulate_media(media="print")
    expect(page.locator(".places")).to_be_hidden()
    expect(page.locator("h1")).to_be_visible()


def test_words_are_in_the_order_that_icu_has_for_vietnamese(page: Page) -> None:
    """Chromium's own ICU is the reference."""
    words = (
        "an ăn ân ba bà bả bã bá bạ bách băng bâng dân đân đoàn Đảng e ê ên hội ong ô ông ơ quân "
        "tổ tờ từ tử ung ưng y ỷ 10 2"
    )
    given = [*words.split(), "bà a", "Hội Nông dân", "tổ 10", "tổ 2", "tổ a"]
    by_icu = page.evaluate("words => words.sort(new Intl.Collator('vi').compare)", given)
    assert sorted(given, key=vietnamese_order) == by_icu


def test_what_is_hidden_in_a_wide_table_does_not_widen_the_page(
    visit: Visitor, gallery: str
) -> None:
    one = visit(gallery, width=360)
    one.go("/gallery/errors/404", 404)
    one.page.evaluate(
        """() => document.querySelector("main").insertAdjacentHTML("beforeend",
        '<div class="scroll" tabindex="0"><div class="wide">.</div></div>')"""
    )
    one.page.evaluate(
        """() => {const wide = document.querySelector(".wide"); wide.style.width = "900px";
        wide.style.textAlign = "right"; wide.innerHTML = '<span class="hidden">words</span>'}"""
    )
    assert one.overflow() <= 0
