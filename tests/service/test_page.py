"""The page in a real browser: what a person does with it, and what it says when something fails."""

import base64
import codecs
import csv
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from helpers.scripts import lacking
from helpers.serving import NAMES, Server
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("service")]  # they share an exported model


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        lacking("no chromium on the PATH")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page of the service; nothing may then come from elsewhere or break a rule."""
    pages, said = [], []

    def opened(url: str, width: int = 1280, scheme: str = "light") -> Page:
        page = browser.new_page(
            viewport={"width": width, "height": 800}, color_scheme=scheme, service_workers="block"
        )
        page.add_init_script("localStorage.setItem('where', 'server')")
        pages.append(page)
        page.set_default_timeout(60_000)
        page.on("request", lambda request: said.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("filechooser", lambda chooser: None)  # from now on, not only once it is awaited
        page.goto(url)
        return page

    yield opened
    for text in said:
        assert "Content Security Policy" not in text
        assert not text.startswith("error: ")
        assert not text.startswith("http") or text.startswith("http://127.0.0.1:"), text
    for page in pages:
        page.close()


def cards(page: Page, state: str, count: int):
    """The cards in a state, once there are so many."""
    cards_in_state = page.locator(f".card.{state}")
    expect(cards_in_state).to_have_count(count, timeout=60_000)
    return cards_in_state


def give(page: Page, *files: Path) -> None:
    page.set_input_files("#files", files)


def bars(card) -> dict[str, str]:
    return {
        line.locator(".class").inner_text(): line.locator(".percent").inner_text()
        for line in card.locator(".bars li").all()
    }


def check_accessible(page: Page) -> None:
    violations = Axe().run(page).response["violations"]
    assert not violations, json.dumps(violations, indent=2)[:3000]


@pytest.fixture
def not_a_photo(tmp_path: Path) -> Path:
    file = tmp_path / "letter.jpg"
    file.write_text("Dear reader")
    return file


def test_photos_get_what_the_api_answers(server, photos, visit, tmp_path):
    page = visit(server.url)
    expect(page.locator("#model")).to_contain_text("Right for 45 of 90 test photos")
    expect(page.locator("#classes")).to_contain_text("negative, neutral, or positive")
    give(page, *photos[:6])
    done = cards(page, "done", 6)
    expected = {}
    for card, file in zip(done.all(), photos, strict=False):
        (photo,) = server.post("/v1/predict", file.read_bytes()).json()["photos"]
        expected[file.name] = photo
        assert card.locator(".name").inner_text() == file.name
        assert card.locator(".state").inner_text().lower() == photo["label"]
        shown = {k: float(v.removesuffix(" %")) for k, v in bars(card).items()}
        assert shown == pytest.approx(
            {k: 100 * v for k, v in photo["probabilities"].items()}, abs=0.06
        )
        facts = card.locator(".facts").inner_text()
        assert f"{photo['width']} \u00d7 {photo['height']} px" in facts
        assert re.search(r"decoded in [\d.]+ ms, inferred in [\d.]+ ms", facts)
        assert card.locator("img").evaluate("image => image.naturalWidth") == photo["width"]
    assert page.locator("#summary").inner_text() == "6 photos"

    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    with Path(download.value.path()).open(newline="", encoding="utf-8-sig") as lines:
        rows = {row["file"]: row for row in csv.DictReader(lines)}
    assert list(rows) == list(expected)
    for name, photo in expected.items():
        assert rows[name]["label"] == photo["label"]
        assert float(rows[name]["positive"]) == pytest.approx(
            photo["probabilities"]["positive"], abs=1e-6
        )
        assert int(rows[name]["width"]) == photo["width"]

    page.get_by_role("button", name="Remove all").click()
    cards(page, "done", 0)
    expect(page.locator("#results")).to_be_hidden()


def test_the_heat_map_lies_on_the_picture_and_goes_again(server, photos, visit):
    page = visit(server.url)
    give(page, photos[0])
    card = cards(page, "done", 1)
    button = card.get_by_role("button", name="Heat map")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    canvas, picture = card.locator("canvas"), card.locator("img")
    assert canvas.bounding_box() == pytest.approx(picture.bounding_box(), abs=1)
    colours = canvas.evaluate(
        "canvas => new Set(new Uint32Array(canvas.getContext('2d')"
        ".getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"
    )
    assert colours > 100
    label = card.locator(".state").inner_text().lower()
    expect(card.locator(".legend")).to_contain_text(f"for {label}, +")
    expect(page.locator("#said")).to_contain_text(re.compile("speaks (most )?for"))
    check_accessible(page)
    button.click()
    expect(canvas).to_be_hidden()
    assert button.get_attribute("aria-pressed") == "false"


def test_photos_are_dropped_and_pasted(server, photos, visit):
    page = visit(server.url)
    content = base64.b64encode(photos[0].read_bytes()).decode()
    for number, kind in enumerate(("drop", "paste"), 1):
        page.evaluate(
            """([kind, content]) => {
                const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
                const data = new DataTransfer();
                data.items.add(new File([bytes], "given.jpg", { type: "image/jpeg" }));
                document.dispatchEvent(kind === "drop"
                    ? new DragEvent("drop", { dataTransfer: data, cancelable: true })
                    : new ClipboardEvent("paste", { clipboardData: data }));
            }""",
            [kind, content],
        )
        cards(page, "done", number)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Take a photo").click()
    assert chooser.value.element.get_attribute("capture") == "environment"
    chooser.value.set_files(photos[1])
    cards(page, "done", 3)


def test_everything_goes_by_keyboard(server, photos, visit):
    page = visit(server.url)
    expect(page.locator("#model")).not_to_be_empty()

    def focused() -> str:
        return page.evaluate(
            "document.activeElement.ariaLabel || document.activeElement.textContent.trim()"
        )

    def tab_to(name: str) -> None:
        for _ in range(30):
            if focused() == name:
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"never came to {name}")

    tab_to("Choose photos")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(photos[:2])
    cards(page, "done", 2)
    first, second = (file.name for file in photos[:2])
    tab_to(f"Heat map: {second}")
    page.keyboard.press("Space")
    expect(page.locator(".heat[aria-pressed=true]")).to_have_count(1, timeout=60_000)
    tab_to(f"Remove: {second}")
    page.keyboard.press("Enter")
    cards(page, "done", 1)
    assert focused() == f"Remove: {first}"
    page.keyboard.press("Enter")
    assert focused() == "Choose photos"


def test_what_is_no_photo_is_said_to_be_none(server, photos, not_a_photo, visit, tmp_path):
    cut, empty, vast = (tmp_path / f"{name}.png" for name in ("cut", "empty", "vast"))
    cut.write_bytes(photos[0].read_bytes()[:3000])
    empty.touch()
    Image.new("1", (8000, 8000)).save(vast)
    page = visit(server.url)
    give(page, not_a_photo, cut, empty, vast, photos[0])
    failed = cards(page, "failed", 4)
    said = [card.locator(".state").inner_text() for card in failed.all()]
    assert said[0].startswith("Not an image that can be read. JPEG, PNG, WebP")
    assert said[1] == "This image is damaged and cannot be read."
    assert said[2] == "This file is empty."
    assert said[3] == "This image is beyond the server's limits: more than 50,000,000 pixels."
    cards(page, "done", 1)
    assert page.locator("#summary").inner_text() == "5 photos, 1 answered, 4 failed"


def test_a_photo_too_large_is_said_to_be_before_it_is_sent(serve, photos, visit):
    large = max(photos, key=lambda file: file.stat().st_size)
    page = visit(serve("--max-bytes", large.stat().st_size - 1).url)
    expect(page.locator("#model")).not_to_be_empty()
    give(page, large)
    expect(cards(page, "failed", 1).locator(".state")).to_contain_text(
        re.compile(r"Too large: [\d.]+ MB\. This server takes at most [\d.]+ MB a photo\.")
    )


BUSY = {
    "status": 503,
    "content_type": "application/problem+json",
    "headers": {"Retry-After": "1"},
    "body": json.dumps({"type": "/docs#busy", "title": "", "status": 503, "detail": "Busy."}),
}


def test_a_busy_server_is_asked_again_when_it_says(server, photos, visit):
    page = visit(server.url)
    asked = []

    def answer(route):
        asked.append(route)
        route.fulfill(**BUSY) if len(asked) < 3 else route.continue_()

    page.route("**/v1/predict", answer)
    give(page, photos[0])
    expect(page.locator(".state")).to_contain_text("The server is busy. Trying again in 2 s")
    cards(page, "done", 1)
    assert len(asked) == 3


def test_without_a_connection_it_says_so_and_can_try_again(server, photos, visit):
    page = visit(server.url)
    expect(page.locator("#model")).not_to_be_empty()
    page.context.set_offline(True)
    give(page, photos[0])
    expect(cards(page, "failed", 1).locator(".state")).to_contain_text("No connection")
    expect(page.locator("#said")).to_contain_text("No connection")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    cards(page, "done", 1)


def test_what_a_proxy_or_the_disk_refuses_is_said(server, photos, visit, tmp_path):
    page = visit(server.url)
    for status, words in {413: "Too large for this server.", 502: "The server has a fault"}.items():
        refused = {"status": status, "content_type": "text/html", "body": "<h1>nginx</h1>"}
        page.route("**/v1/predict", lambda route: route.fulfill(**refused))  # noqa: B023
        give(page, photos[0])
        expect(cards(page, "failed", 1).locator(".state")).to_contain_text(words)
        page.get_by_role("button", name="Remove all").click()
    moved = tmp_path / "moved.jpg"
    moved.write_bytes(photos[0].read_bytes())
    give(page, moved)
    cards(page, "failed", 1)
    page.unroute_all()
    moved.unlink()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".state")).to_contain_text("This file cannot be read. Was it moved")


def test_a_server_with_a_key_is_given_it(serve, photos, visit):
    key = "sixteen-letters-or-more"
    page = visit(serve(SENTIMENT_API_KEY=key).url)
    for attempt in ("wrong-key-wrong-key", key):
        page.get_by_label("This server asks for an API key.").fill(attempt)
        page.keyboard.press("Enter")
        if attempt != key:
            expect(page.get_by_text("The server does not take this key.")).to_be_visible()
            check_accessible(page)
    expect(page.locator("#key-form")).to_be_hidden()
    give(page, photos[0])
    cards(page, "done", 1)


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_it_is_accessible_and_fits(server, photos, not_a_photo, visit, width, scheme):
    page = visit(server.url, width, scheme)
    expect(page.locator("#model")).not_to_be_empty()
    check_accessible(page)
    give(page, *photos[:2], not_a_photo)
    cards(page, "done", 2)
    cards(page, "failed", 1)
    page.get_by_text("What the answers mean").click()
    page.wait_for_timeout(600)  # colours in transition have too little contrast
    check_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") == width


CUT = """[...document.querySelectorAll("body *")]
    .filter((e) => e.clientWidth && e.scrollWidth > e.clientWidth && !e.closest(".unseen"))
    .map((e) => `${e.className}: ${e.textContent.trim().slice(0, 60)}`)"""
"""What has more to show than fits into it."""


@pytest.mark.parametrize("count", NAMES)  # three classes: test_it_is_accessible_and_fits
def test_classes_of_any_number_and_name_fit(named, photos, visit, tmp_path_factory, count):
    names, folder = NAMES[count], tmp_path_factory.mktemp("server")
    server = Server(named / f"of_{count}.tflite", folder)
    page = visit(server.url, 360)
    expect(page.locator("#model")).not_to_be_empty()
    first = page.locator("#classes bdi").all_inner_texts()
    assert first == (names if count < 9 else [*names[:5], "128 more"])
    assert page.evaluate(CUT) == []
    give(page, *photos[:2])
    card = cards(page, "done", 2).first
    (photo,) = server.post("/v1/predict", photos[0].read_bytes()).json()["photos"]
    likely = sorted(names, key=lambda name: -photo["probabilities"][name])
    assert list(bars(card)) == (names if count < 9 else likely[:5])
    assert card.locator(".state").inner_text() == likely[0]
    if count > 8:
        rest = 100 * sum(photo["probabilities"][name] for name in likely[5:])
        card.get_by_text(f"128 others: {rest:.1f} % together").click()
        assert card.locator(".others .class").all_inner_texts() == likely[5:]
    card.get_by_role("button", name="Heat map").click()
    expect(card.locator(".legend-for bdi")).to_have_text(likely[0])
    for width, scheme in ((360, "light"), (390, "dark"), (1280, "dark"), (1280, "light")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(CUT) == []
    check_accessible(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    table = Path(download.value.path()).read_bytes()
    assert table.startswith(codecs.BOM_UTF8)  # or Excel garbles the names
    rows = list(csv.DictReader(table.decode("utf-8-sig").splitlines()))
    assert rows[0]["label"] == likely[0]
    assert list(rows[0])[2 : 2 + count] == names
    server.stop()


def test_it_lives_under_a_path_of_another_site(proxy, photos, visit):
    page = visit(f"{proxy()}/sentiment/")
    give(page, photos[0])
    cards(page, "done", 1)
    page.get_by_role("link", name="API").click()
    block = page.locator("#operations-state-healthz")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    expect(block.locator(".request-url")).to_contain_text("/sentiment/healthz")


def test_the_description_of_the_api_works_without_outside_resources(server, visit):
    page = visit(f"{server.url}/docs")
    block = page.locator("#operations-state-healthz")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    expect(page.get_by_text("Errors", exact=True)).to_have_count(0)
    assert httpx.get(f"{server.url}/openapi.json").json()["openapi"].startswith("3.1")
