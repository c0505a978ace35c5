"""The explorer's page in a browser: its numbers are torch's, and everything on it can be used."""

from __future__ import annotations

import base64
import html
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from browsers import find_browser
from PIL import Image

from scene_recog.datasets.images import read_grayscale
from scene_recog.datasets.sketch15 import write_sketch15
from scene_recog.recipes import RECIPES
from scene_recog.runs.scoring import load_run
from scene_recog.visualize.explorer import write_explorer

HOSTILE = "<img src=x onerror=document.title='hacked'>"  # a class, and so a file's folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LOGITS = """async ([pixels, width, height, network]) => {
  const data = Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0));
  const answer = await run({width, height, data}, UNTOUCHED, [network]);
  return Array.from(answer.results[0].outputs.at(-1));
}"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """`part1` and `part2`, trained for two epochs on a few sketches."""
    root = tmp_path_factory.mktemp("explorer")
    write_sketch15(root / "data", train_per_class=8, test_per_class=14)
    for split in ("train", "test"):
        (root / "data" / split / "coast").rename(root / "data" / split / HOSTILE)
    folders = []
    for name in ("part1", "part2"):
        recipe = RECIPES[name].override(["epochs=2", "val_fraction=0.2"])
        trainer = recipe.make_trainer(root / "data", root / name)
        trainer.run_training_loop(recipe.epochs)
        folders.append(root / name)
    return folders


@pytest.fixture(scope="module")
def page_file(runs: list[Path]) -> Path:
    """The page of both runs."""
    return write_explorer(runs)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless browser."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    browser = find_browser()
    with playwright.sync_playwright() as started:
        yield started.chromium.launch(
            executable_path=browser,
            args=[
                "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
            ],
        )  # fmt: skip


@pytest.fixture
def page(chromium: Any, page_file: Path) -> Iterator[Any]:
    """The page, opened from disk and ready; no error may appear on its console."""
    messages: list[str] = []
    page = chromium.new_page(viewport={"width": 1400, "height": 1000})
    page.on("console", lambda m: messages.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto(page_file.as_uri())
    settle(page)
    yield page
    assert messages == []
    page.close()


def until(page: Any, expression: str, seconds: float = 60) -> None:
    """Wait until an expression is true; playwright's own way needs eval, which the page forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"not within {seconds} s: {expression}"
        time.sleep(0.02)


def settle(page: Any) -> None:
    """Wait until what was asked for is computed and drawn."""
    until(page, "isSettled()")


def frames(page: Any) -> int:
    """How often the network has run, when all that was asked for before is done."""
    settle(page)
    return int(page.evaluate("state.frames"))


def after(page: Any, count: int) -> None:
    """Wait until it has run again."""
    until(page, f"state.frames > {count} && isSettled()")


def test_page_is_one_small_file_that_asks_for_nothing(page_file: Path) -> None:
    text = page_file.read_text(encoding="utf-8")
    assert page_file.stat().st_size < 3_000_000
    assert "default-src 'none'" in html.unescape(text)
    assert "http://" not in text
    assert "https://" not in text
    assert HOSTILE not in text  # only in JSON, with < written as \\u003c


def test_logits_are_those_of_torch_for_200_images(page: Any, runs: list[Path]) -> None:
    for number, folder in enumerate(runs):
        run = load_run(folder, device="cpu")
        root = Path(run.config["data"]["folder"])
        paths = sorted((root / "test").rglob("*.jpg"))[:200]
        assert len(paths) == 200
        network = int(
            page.evaluate("(name) => nets.findIndex((net) => net.name === name)", folder.name)
        )
        assert network == 2 * number
        worst = 0.0
        for path in paths:
            image = read_grayscale(path)
            pixels = base64.b64encode(np.asarray(image).tobytes()).decode("ascii")
            found = page.evaluate(LOGITS, [pixels, image.width, image.height, network])
            with torch.inference_mode():
                expected = run.model(run.transform(image)[None])[0].numpy()
            worst = max(worst, float(np.abs(np.array(found) - expected).max()))
        assert worst < 1e-4


def test_pictures_are_decoded_as_pillow_does(page: Any, page_file: Path) -> None:
    text = page_file.read_text(encoding="utf-8")
    data = json.loads(text.split('id="data">')[1].split("</script>")[0])
    assert len(data["images"]) == 30
    assert len({image["group"] for image in data["images"]}) == 3
    for image in data["images"][::6]:
        found = page.evaluate(
            "async (jpeg) => { const {data, ...rest} = await greyOfFile(blobOf(jpeg));"
            " return {...rest, data: Array.from(data)}; }",
            image["jpeg"],
        )
        path = page_file.with_name("decoded.jpg")
        path.write_bytes(base64.b64decode(image["jpeg"]))
        with Image.open(path) as opened:
            expected = np.asarray(opened.convert("L"))
        assert (found["height"], found["width"]) == expected.shape
        difference = np.abs(np.array(found["data"]) - expected.flatten().astype(int))
        assert difference.max() <= 1


def test_the_network_before_training_has_the_weights_of_its_seed(
    page: Any, runs: list[Path]
) -> None:
    names = page.evaluate("nets.map(({name}) => name)")
    assert names == ["part1", "part1 before training", "part2", "part2 before training"]
    recipe = RECIPES["part2"].override(["epochs=2", "val_fraction=0.2"])
    fresh = recipe.make_model().eval()
    run = load_run(runs[1], device="cpu")
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 120), dtype=np.uint8))
    pixels = base64.b64encode(np.asarray(image).tobytes()).decode("ascii")
    found = page.evaluate(LOGITS, [pixels, 120, 90, 3])
    with torch.inference_mode():
        expected = fresh(run.transform(image)[None])[0].numpy()
    assert np.allclose(found, expected, atol=1e-4)


def test_everything_can_be_done_with_the_picture(page: Any, tmp_path: Path) -> None:
    for group in ("wrong answers", "most confident mistakes", "right answers"):
        page.select_option("#group", group)
        settle(page)
        assert page.evaluate("imagesShown()[0].name") in page.inner_text("#caption")
    page.click("#gallery button:nth-child(3)")
    settle(page)
    caption = page.inner_text("#caption")
    page.click("#next")
    settle(page)
    assert page.inner_text("#caption") != caption

    before = page.evaluate("Array.from(state.results[0].small.data)")
    for name, value in (("brightness", "0.4"), ("right", "20"), ("down", "-15")):
        count = frames(page)
        page.fill(f"#{name}", value)
        after(page, count)
    count = frames(page)
    page.check("#mirrored")
    after(page, count)
    assert page.evaluate("Array.from(state.results[0].small.data)") != before

    box = page.locator("#picture").bounding_box()
    for tool in ("cover", "black", "white", "erase"):
        page.check(f"[name=tool][value={tool}]")
        count = frames(page)
        page.mouse.move(box["x"] + 40, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + 90, box["y"] + 70, steps=4)
        page.mouse.up()
        after(page, count)
    page.focus("#picture")
    page.check("[name=tool][value=white]")
    page.focus("#picture")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    count = frames(page)
    page.keyboard.press("Space")
    after(page, count)
    assert 255 in page.evaluate("Array.from(state.edits.paint)")
    count = frames(page)
    page.click("#reset")
    after(page, count)
    assert page.evaluate("Array.from(state.results[0].small.data)") == before

    page.click("#blank")
    until(page, "state.picture.width === 256 && state.changed?.data[0] === 255")
    photograph = tmp_path / f"{HOSTILE[:4]}.png"
    Image.new("RGB", (1500, 900), (200, 30, 60)).save(photograph)
    page.set_input_files("#file", photograph)
    until(page, "state.picture.width === 512")
    (tmp_path / "no-picture.jpg").write_text("no picture")
    page.set_input_files("#file", tmp_path / "no-picture.jpg")
    until(page, "find('status').textContent.includes('no-picture.jpg')")
    count = frames(page)
    page.click("#webcam")
    until(page, "find('caption').textContent === 'webcam'")
    until(page, f"state.frames > {count + 3}")
    page.click("#webcam")
    assert page.get_attribute("#webcam", "aria-pressed") == "false"
    assert page.title().startswith("See part1 and part2")  # no name became markup


def test_every_value_tells_where_it_comes_from(page: Any) -> None:
    for network in (0, 2):
        page.select_option("#network", str(network))
        settle(page)
        layers = page.locator(".layer canvas")
        kinds = page.evaluate("strips[0].layers.map(({step}) => step.kind)")
        assert layers.count() == len(kinds)
        for number, kind in enumerate(kinds):
            layers.nth(number).hover(position={"x": 5, "y": 5})
            until(page, f"state.hovered?.number === strips[0].layers[{number}].number")
            assert len(page.inner_text("#detail")) > 80, kind
        layers.nth(2).click(position={"x": 8, "y": 8})
        before = page.evaluate("state.selected.index")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("PageDown")
        assert page.evaluate("state.selected.index") > before
    page.click(".answer:nth-child(4)")
    page.click("#detail ol button")  # the largest contribution
    page.click(".answer:nth-child(4)")
    page.click("text=Follow the largest contribution")
    assert page.evaluate("state.trail.at(-1).number") == 0
    until(page, "find('detail').textContent.includes('pixel in row')")


def test_networks_are_compared(page: Any) -> None:
    page.click("#swap")
    settle(page)
    assert "part1 before training:" in page.inner_text("#verdict")
    page.click("#swap")
    page.select_option("#other", "2")
    settle(page)
    assert page.locator(".strip").count() == 2
    assert "part2:" in page.inner_text("#verdict")
    page.locator(".strip").nth(1).locator("canvas").nth(3).click(position={"x": 5, "y": 5})
    assert page.evaluate("state.selected.side") == 1
    page.select_option("#other", "")
    settle(page)
    assert page.locator(".strip").count() == 1


def test_evidence_and_smallest_changes(page: Any) -> None:
    for name in ("gradCam", "occlusion"):
        page.check(f"[name=evidence][value={name}]")
        until(page, f"state.evidenceMap?.kind === '{name}'")
    page.select_option("#evidence-label", "5")
    for name in ("brightness", "shift", "cover", "adversarial"):
        page.click(f"[data-study={name}]")
        until(page, "!/^Looking|^$/.test(find('found').textContent)")
        told = page.inner_text("#found")
        if page.locator("#shown button").count():
            count = frames(page)
            page.click("#shown button")
            after(page, count)
        assert page.inner_text("#found") in (told, "")
    assert "255 grey levels is enough" in told


def test_questions_lead_to_their_place(page: Any) -> None:
    buttons = page.locator("#questions button")
    assert buttons.count() >= 6
    for number in range(buttons.count()):
        buttons.nth(number).click()
        settle(page)


def test_page_fits_a_phone_and_the_dark(chromium: Any, page_file: Path) -> None:
    context = chromium.new_context(
        viewport={"width": 390, "height": 800}, color_scheme="dark", has_touch=True
    )
    page = context.new_page()
    page.goto(page_file.as_uri())
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
