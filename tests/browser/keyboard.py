"""Work as somebody without a mouse does it: the Tab key, Enter, space bar, arrows, letters."""

from playwright.sync_api import Locator, Page

FAR = 300
"""How many presses of the Tab key lead round the longest page."""


def tab_to(page: Page, target: Locator) -> None:
    """Goes on with the Tab key alone until the thing has the focus, which must be seen."""
    for _ in range(FAR):
        if target.evaluate("e => e === document.activeElement"):
            ring = target.evaluate("e => getComputedStyle(e).outlineStyle")
            assert ring != "none"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key never reaches {target}")


def press(page: Page, target: Locator) -> None:
    tab_to(page, target)
    page.keyboard.press("Enter")


def follow(page: Page, target: Locator) -> None:
    """Press what leads to another page, and be there."""
    tab_to(page, target)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def write(page: Page, label: str, text: str) -> None:
    tab_to(page, page.get_by_label(label))
    write_here(page, text)


def write_here(page: Page, text: str) -> None:
    """In the field that has the focus, in place of what it holds."""
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def submit(page: Page) -> None:
    """The form of the field that has the focus."""
    with page.expect_navigation():
        page.keyboard.press("Enter")


def choose(page: Page, label: str, words: str) -> None:
    """One of a list, by the arrow down."""
    field = page.get_by_label(label)
    tab_to(page, field)
    chosen = "e => e.selectedOptions[0].textContent.trim()"
    for _ in range(field.locator("option").count()):
        if field.evaluate(chosen) == words:
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"the arrow down never reaches {words} of {label}")


def confirm(page: Page) -> None:
    """Tick the box of an act that cannot be undone."""
    tab_to(page, page.get_by_role("checkbox", name="Tôi đã kiểm tra và vẫn muốn làm"))
    page.keyboard.press("Space")


def go_to_place(page: Page, name: str) -> None:
    """By the navigation of the header."""
    follow(page, page.get_by_role("navigation", name="Các phần").get_by_role("link", name=name))


def mend(page: Page, text: str) -> None:
    """From the summary of errors, which has the focus, to the first field that it names."""
    page.locator("#loi:focus").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    write_here(page, text)
