"""The page on the device itself: its model, the live camera, and a server that has gone."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from helpers import icc_profiles
from helpers.dogs import BREED, photos_of
from helpers.frame_rates import measurement
from helpers.scripts import lacking
from helpers.serving import Server, problem
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from sentiment.base.errors import UserError
from sentiment.data.decode import decode_file
from sentiment.inference.litert import LitertModel
from sentiment.runs import frame_rate
from sentiment.service import device

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("service")]  # they share one browser


def chromium() -> str:
    """The browser's program."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        lacking("no chromium on the PATH")
    return found


@pytest.fixture(scope="module")
def browser(dogs_video: Path) -> Iterator[Browser]:
    """A browser whose camera sees dogs."""
    if not device.PACKAGES.exists():
        lacking(f"no LiteRT.js: {device.SETUP}")
    flags = [
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={dogs_video}",
    ]
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium(), args=flags)


@pytest.fixture(scope="module")
def dogs_server(dogs_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(dogs_model, tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A person's browser; nothing may leave it but to the service, nor break a rule."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    said: list[str] = []
    context.on("request", lambda request: said.append(f"{request.method} {request.url}"))
    context.on("console", lambda message: said.append(message.text))
    context.on("weberror", lambda error: said.append(f"error: {error.error}"))
    context.said = said
    yield context
    context.close()
    for text in said:
        assert "Content Security Policy" not in text
        assert not text.startswith("error: "), text
        assert "://" not in text or re.search(r"(blob:)?https?://127\.0\.0\.1:", text), text


def visit(context: BrowserContext, url: str, state: str = "the model runs here") -> Page:
    """Open the page, and wait until it says so of the device."""
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(url)
    expect(page.locator("#where")).to_contain_text(state, timeout=60_000)
    return page


def sent(context: BrowserContext) -> list[str]:
    """What the page sent, not what it asked for."""
    return [text for text in context.said if text.startswith(("POST ", "PUT "))]


ASK = """async () => {
    const { Device } = await import("./page/device.js");
    const card = await (await fetch("v1/model")).json();
    const device = new Device();
    await device.load(card, await (await fetch("v1/model.tflite")).arrayBuffer());
    const answers = [];
    for (const picture of document.getElementById("files").files) {
        answers.push((await device.ask("look", { picture })).probabilities);
    }
    return answers;
}"""
"""Gives the device's probabilities of the photos that were chosen, without cards."""


def device_answers_as(model: Path, page: Page, files: list[Path]) -> None:
    """Check the device's probabilities of photos against those of the server's model."""
    page.set_input_files("#files", [])
    page.evaluate(
        "document.getElementById('files').replaceWith(document.getElementById('files').cloneNode())"
    )  # so that no cards are made
    page.set_input_files("#files", files)
    given = np.array(page.evaluate(ASK))
    litert = LitertModel(model)
    expected = np.concatenate(
        [litert.predict(decode_file(file, litert.side)[None]) for file in files]
    )
    differences = np.abs(given - expected).max(axis=1)
    worst = files[int(differences.argmax())].name
    assert differences.max() < 0.002, (worst, differences.max())
    assert np.median(differences) < 1e-6


def odd_photos(folder: Path) -> Iterator[Path]:
    """Photos that a browser could see otherwise: turned, transparent, tall, vast, of one colour, of
    other colours than sRGB's, in inks."""
    photo = Image.open(photos_of("test")[0]).convert("RGB")
    turned = Image.Exif()
    turned[0x0112] = 6
    p3 = icc_profiles.display(icc_profiles.DISPLAY_P3, icc_profiles.SRGB_CURVE)
    clear = photo.copy()
    clear.putalpha(Image.radial_gradient("L").resize(photo.size))
    for image, name, options in (
        (photo.resize((1200, 900)), "turned.jpg", {"exif": turned}),
        (clear, "clear.png", {}),
        (photo.resize((300, 900)), "tall.png", {}),
        (photo.resize((3001, 2003)), "vast.jpg", {"quality": 90, "progressive": True}),
        (photo.convert("L"), "grey.jpg", {}),
        (photo, "p3.jpg", {"icc_profile": p3}),
        (photo.resize((1300, 900)), "vast_p3.jpg", {"icc_profile": p3}),
        (photo, "p3.png", {"icc_profile": p3}),
        (photo.convert("CMYK"), "inks.jpg", {}),
        (photo.quantize(16), "few.gif", {}),
        (photo.resize((40, 30)), "small.webp", {"lossless": True}),
    ):
        image.save(folder / name, **options)
        yield folder / name


def test_the_device_answers_as_the_server_and_sends_nothing(
    dogs_server, dogs_model, context, photos, tmp_path
):
    page = visit(context, dogs_server.url)
    page.set_input_files("#files", photos[:3])
    expect(page.locator(".card.done")).to_have_count(3, timeout=60_000)
    for card, file in zip(page.locator(".card").all(), photos, strict=False):
        expect(card.locator(".facts")).to_contain_text("on this device")
        (photo,) = dogs_server.post("/v1/predict", file.read_bytes()).json()["photos"]
        assert card.locator(".state").inner_text() == photo["label"]
        assert (
            f"{photo['width']} \u00d7 {photo['height']} px" in card.locator(".facts").inner_text()
        )
    page.locator(".heat").first.click()
    expect(page.locator(".heat").first).to_have_attribute("aria-pressed", "true", timeout=60_000)
    answer = dogs_server.post("/v1/explain", photos[0].read_bytes()).json()
    strongest = 100 * max(abs(v) for row in answer["importance"] for v in row)
    expect(page.locator(".legend-for").first).to_contain_text(f"+{strongest:.1f} pts")

    tweets = Path(photos_of("test")[0].parents[3] / "tweets").rglob("*.jpg")
    files = [*photos_of("test")[::5], *sorted(tweets)[::40], *odd_photos(tmp_path)]
    device_answers_as(dogs_model, page, files)
    assert sent(context) == []

    page.get_by_role("switch", name="On this device").uncheck()
    expect(page.locator("#where")).to_contain_text("Photos go to this server, 127.0.0.1:")
    page.reload()  # the choice is remembered
    expect(page.locator("#where")).to_contain_text("Photos go to this server")
    page.set_input_files("#files", photos[0])
    expect(page.locator(".card.done .facts")).not_to_contain_text("on this device")
    assert [text.split(":")[0] for text in sent(context)] == ["POST http"]


def test_the_camera_is_looked_at_live(dogs_server, context):
    page = visit(context, dogs_server.url)
    page.get_by_role("button", name="Live camera").click()
    label, rate = page.locator("#live-label"), page.locator("#live-rate")
    expect(rate).to_contain_text(
        re.compile(r"[\d.]+ results/s over \d s · \d+ ms median, \d+ ms p95 · "
                   r"camera [\d.]+ frames/s, [\d.]+ dropped")
    )  # fmt: skip
    labels = []
    for _ in range(30):
        labels.append(label.inner_text())
        page.wait_for_timeout(60)
    assert labels.count(BREED) > 0.8 * len(labels), labels
    assert page.locator("#view").evaluate("view => view.classList.contains('mirrored')")
    assert Axe().run(page).response["violations"] == []

    page.get_by_role("button", name="Pause").click()
    assert page.locator("#video").evaluate("video => video.paused")
    page.locator("#live-heat").click()
    expect(page.locator("#heat")).to_be_visible()
    expect(page.locator("#live-legend")).to_contain_text(f"Orange speaks for {BREED}")
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#heat")).to_be_hidden()
    assert not page.locator("#video").evaluate("video => video.paused")
    page.get_by_role("button", name="Take photo").click()

    hide = """hidden => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    page.wait_for_function("() => document.getElementById('video').srcObject === null")
    page.evaluate(hide, False)
    expect(rate).to_contain_text("results/s")
    page.get_by_role("button", name="Pause").click()
    page.evaluate(hide, True)
    page.evaluate(hide, False)
    expect(page.locator("#still")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(label).to_have_text(BREED)
    page.get_by_role("button", name="Close").click()
    page.wait_for_function("() => document.getElementById('video').srcObject === null")
    expect(page.locator(".card.done .state")).to_have_text(BREED)
    assert sent(context) == []


def test_of_several_cameras_the_next_is_taken_in_turn(dogs_server, browser):
    two = [
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream=device-count=2",
    ]
    with browser.browser_type.launch(executable_path=chromium(), args=two) as other:
        page = visit(other.new_context(), dogs_server.url)
        page.get_by_role("button", name="Live camera").click()
        used = []
        for _ in range(3):
            expect(page.locator("#live-rate")).to_contain_text("results/s")
            camera = "video => video.srcObject.getVideoTracks()[0].getSettings().deviceId"
            used.append(page.locator("#video").evaluate(camera))
            page.get_by_role("button", name="Switch camera").click()
            page.wait_for_function(
                "before => document.getElementById('video').srcObject?.getVideoTracks()[0]"
                ".getSettings().deviceId !== before", arg=used[-1],
            )  # fmt: skip
        assert used[0] != used[1]
        assert used[2] == used[0]


def test_a_camera_that_does_not_come_is_explained(dogs_server, context):
    page = visit(context, dogs_server.url)
    refuse = "name => { navigator.mediaDevices.getUserMedia = " \
             "async () => { throw new DOMException('', name); }; }"  # fmt: skip
    page.evaluate(refuse, "NotAllowedError")
    page.get_by_role("button", name="Live camera").click()
    notice = page.locator("#live-notice")
    for name, words in {
        "NotAllowedError": "The camera may not be used. Allow it",
        "NotFoundError": "This device has no camera.",
        "NotReadableError": "in use by another program",
        "OverconstrainedError": "is not there any more",
    }.items():
        page.evaluate(refuse, name)
        page.get_by_role("button", name="Try again").click()
        expect(notice).to_contain_text(words)
    page.evaluate("delete navigator.mediaDevices.getUserMedia")  # the real one lies under it
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#live-rate")).to_contain_text("results/s")
    page.locator("#video").evaluate(
        "video => video.srcObject.getTracks()[0].dispatchEvent(new Event('ended'))"
    )
    expect(notice).to_contain_text("The camera was taken away.")


def test_a_device_measures_itself_and_the_server_keeps_it(
    dogs_model, context, tmp_path, tmp_path_factory
):
    """Also: the page sends the key that the service wants."""
    key, kept = tmp_path / "key", tmp_path / "kept"
    key.write_text("0123456789abcdef")
    flags = ("--api-key-file", key, "--keep-measurements", kept)
    server = Server(dogs_model, tmp_path_factory.mktemp("server"), *flags, may_write=True)
    problem(httpx.post(f"{server.url}/v1/measurements", json=measurement()), 401, "no-key")
    page = visit(context, f"{server.url}/#measure", "Photos go to this server")
    page.evaluate("""async () => {
        (await import("./page/frame_rate.js")).Measurement.FRAMES = 40;  // in the place of 200
    }""")
    page.locator("#key").fill("0123456789abcdef")
    page.locator("#key").press("Enter")
    expect(page.locator("#measure-state")).to_have_text("The server keeps it.", timeout=60_000)
    expect(page.locator("#measured-lines")).to_contain_text("40 in")
    (file,) = kept.glob("*.json")
    measured = frame_rate.read(file)
    assert measured.model.dataset == "dogs"
    assert (measured.warm_up, measured.frames, measured.picture) == (10, 40, "640 x 480")
    assert measured.browser.isolated
    assert "Chrome" in measured.browser.user_agent
    stages = (measured.capture, measured.squish, measured.inference, measured.drawing)
    assert all(0 <= stage.median <= stage.p95 <= measured.whole.p95 for stage in stages)
    assert sum(stage.median for stage in stages) <= 1.1 * measured.whole.median
    assert measured.delivered == measured.frames + measured.dropped or measured.dropped == 0
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as JSON").click()
    assert json.loads(Path(download.value.path()).read_text())["frames"] == 40
    server.stop()


def test_without_the_server_it_works_and_takes_its_newer_model(
    dogs_model, named, context, photos, tmp_path_factory
):
    first = Server(dogs_model, tmp_path_factory.mktemp("server"))
    page = visit(context, first.url, "It works without the server too.")
    first.stop()
    page.reload()
    expect(page.locator("#where")).to_contain_text("the model runs here", timeout=60_000)
    page.set_input_files("#files", photos[0])
    expect(page.locator(".card.done")).to_have_count(1)
    page.get_by_role("button", name="Live camera").click()
    expect(page.locator("#live-label")).to_have_text(BREED)
    page.close()

    newer = named / "of_96_pixels.tflite"
    second = Server(newer, tmp_path_factory.mktemp("server"), "--port", first.port)
    page = visit(context, second.url)
    expect(page.locator("#classes")).to_contain_text("negative, neutral, or positive")
    expect(page.locator("#where")).to_contain_text("It works without the server too.")
    kept = page.evaluate(
        """async () => {
            const names = (await caches.keys()).filter((name) => name.endsWith(" model"));
            const cache = await caches.open(names[0]);
            return [names.length, (await cache.keys()).map((request) => request.url)];
        }"""
    )
    version = page.locator("#model").inner_text()
    assert kept[0] == 1
    assert len(kept[1]) == 2
    assert any(url.split("?")[-1] in version for url in kept[1])

    page.set_input_files("#files", photos[0])
    page.locator(".heat").click()
    answer = second.post("/v1/explain", photos[0].read_bytes()).json()
    strongest = 100 * max(abs(v) for row in answer["importance"] for v in row)
    expect(page.locator(".legend-for")).to_contain_text(f"+{strongest:.1f} pts")
    device_answers_as(newer, page, [*photos, *odd_photos(tmp_path_factory.mktemp("odd"))])
    second.stop()


def test_under_a_path_of_another_site_it_is_an_app_too(proxy, context):
    page = visit(context, f"{proxy()}/sentiment/", "It works without the server too.")
    context.set_offline(True)
    page.reload()
    expect(page.locator("#where")).to_contain_text("the model runs here", timeout=60_000)
    asked = [text for text in context.said if text.startswith("GET http")]
    assert asked
    assert all("/sentiment/" in text for text in asked), asked
    fetched = page.evaluate("document.querySelector('link[rel=manifest]').href")
    context.set_offline(False)
    manifest = context.request.get(fetched).json()
    for path in (manifest["start_url"], *(icon["src"] for icon in manifest["icons"])):
        assert context.request.get(urljoin(fetched, path)).ok
    assert urljoin(fetched, manifest["scope"]).endswith("/sentiment/")


def test_a_browser_that_keeps_not_all_or_computes_wrongly_is_told_of(dogs_server, context, photos):
    cannot = "This browser cannot keep it all: without the server it does not work."
    page = context.new_page()
    full = {
        "origin": dogs_server.url,
        "quotaSize": 1_000_000,
    }  # the page has room, LiteRT.js has none
    context.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", full)
    page.goto(dogs_server.url)
    expect(page.locator("#where")).to_contain_text(cannot, timeout=60_000)
    page.set_input_files("#files", photos[0])
    expect(page.locator(".card.done .facts")).to_contain_text("on this device")
    assert page.evaluate("navigator.serviceWorker.controller !== null")
    page.close()

    page = context.new_page()
    page.add_init_script(
        "CacheStorage.prototype.open = () => Promise.reject(new DOMException('', 'SecurityError'));"
        "Object.defineProperty(navigator, 'serviceWorker', { value: undefined })"
    )
    page.goto(dogs_server.url)
    expect(page.locator("#where")).to_contain_text(cannot, timeout=60_000)

    page = context.new_page()
    page.add_init_script(
        """const json = Response.prototype.json;
        Response.prototype.json = async function () {
            const answer = await json.call(this);
            if (answer.device) answer.device.expected = [1, 0, 0];
            return answer;
        }"""
    )
    page.goto(dogs_server.url)
    notice = page.locator("#notice")
    expect(notice).to_contain_text("The model does not run on this device.", timeout=60_000)
    expect(notice).to_contain_text("wrong answers")
    expect(page.locator("#where")).to_contain_text("Photos go to this server")
    page.set_input_files("#files", photos[0])
    expect(page.locator(".card.done")).to_have_count(1)


def test_what_a_browser_lacks_is_said_with_the_command(monkeypatch, dogs_model, tmp_path):
    monkeypatch.setattr(device, "PACKAGES", tmp_path)
    with pytest.raises(UserError, match=f"jpeg-turbo 0.* is not installed; run {device.SETUP}"):
        device.device_model(dogs_model)
    monkeypatch.undo()
    monkeypatch.setattr(device, "MOST_BYTES", 1000)
    with pytest.raises(UserError, match="9 MB are too many for a browser"):
        device.device_model(dogs_model)
