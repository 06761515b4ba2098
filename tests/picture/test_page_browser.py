"""The page in a real browser, chromium by selenium: its sliders, its words, its keys, and no error on the console."""

import json
import shutil

import pytest

pytest.importorskip("selenium", reason="there is no selenium, which drives a browser")

from helpers.nets import net, zoo
from helpers.pages import expected, named
from helpers.paths import FILES
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from cnnshape.assemble.network import assemble
from cnnshape.file.reader import read
from cnnshape.picture.draw import draw

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser():
    program, driver = next(filter(None, map(shutil.which, BROWSERS)), None), shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("there is no chromium, or no chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1400,1000",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    running = webdriver.Chrome(options=options, service=Service(driver))
    yield running
    running.quit()


class Page:
    """A page that is open: what a person does on it, and what stands there."""

    def __init__(self, browser, path):
        self.browser = browser
        browser.get(path.as_uri())

    def run(self, script, *args):
        return self.browser.execute_script(script, *args)

    def set(self, sizes):
        return self.run("return window.cnnshape.set(arguments[0])", sizes)

    def state(self):
        return json.loads(self.run("return JSON.stringify(window.cnnshape.state())"))

    def slide(self, place, size):
        """Move a slider as the pointer does."""
        move = "const s = document.querySelectorAll('input[type=range]')[arguments[0]]; s.value = arguments[1];"
        self.run(f"{move} s.dispatchEvent(new Event('input', {{ bubbles: true }}))", place, size)

    def text(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector).text

    def texts(self, selector):
        return [element.text for element in self.browser.find_elements(By.CSS_SELECTOR, selector)]

    def press(self, words):
        self.run("[...document.querySelectorAll('button')].find(b => b.textContent === arguments[0]).click()", words)

    def errors(self):
        return [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.fixture
def opened(browser, tmp_path):
    pages = []

    def open_page(net, **how):
        path = tmp_path / f"net{len(pages)}.html"
        path.write_text(draw(net, format="html", **how), encoding="utf-8")
        pages.append(Page(browser, path))
        return pages[-1]

    yield open_page
    assert [page.errors() for page in pages] == [[]] * len(pages)


TEN = ["alexnet", "vgg16", "resnet18", "googlenet", "unet", "fpn_resnet50", "dcgan_generator", "wavenet", "c3d", "crnn"]
SIZES = {
    1: [[64], [7], [1]],
    2: [[227, 227], [96, 130], [20, 20], [1, 9]],
    3: [[16, 112, 112], [9, 60, 64], [2, 30, 30]],
}


@pytest.mark.parametrize("name", TEN)
def test_a_page_shows_what_the_engine_says(opened, name):
    net = zoo(name)
    page = opened(net)
    for sizes in SIZES[len(net.inputs["input"]) - 1]:
        assert page.set(named(net, sizes)) is True
        truth, state = expected(net, sizes), page.state()
        del truth["lost"]
        assert state == truth
        shown = page.text("#verdict strong")
        assert shown.startswith("Accepted" if truth["valid"] else "Refused")
        assert f"{truth['parameters']:,}" in page.text("#totals") if truth["parameters"] is not None else True


def test_the_slider_moves_both_sides_until_they_are_unlinked(opened):
    page = opened(zoo("alexnet"))
    page.slide(0, 227)
    assert page.state()["shapes"]["conv1"] == [96, 55, 55]
    page.slide(0, 224)
    assert page.state()["refused_by"] == ["fc6"]
    assert "fc6: in_features is 9216, but 6400 arrives" in page.text("#verdict")
    assert "fails" in page.run("return document.querySelector('g[aria-label^=\"fc6\"]').getAttribute('class')")
    page.run("document.getElementById('square-input').click()")
    page.slide(1, 227)
    assert page.state()["shapes"]["conv1"] == [96, 54, 55]
    assert len(page.texts(".slider")) == 2


def test_a_size_by_script_unlinks_sides_that_differ(opened):
    page = opened(zoo("resnet18"))
    assert page.set({"h": 256, "w": 192}) is True
    assert page.run("return [...document.querySelectorAll('input[type=range]')].map(s => +s.value)") == [256, 192]
    assert page.set({"h": 0}) is False
    assert page.set({"depth": 3}) is False
    assert next(iter(page.state()["shapes"].values())) == [64, 128, 96]


def test_every_size_in_the_picture_follows(opened):
    page = opened(zoo("unet"))
    assert page.texts("svg.cnnshape text").count("64x512x512") > 2  # on a skip, too
    page.slide(0, 256)
    words = page.texts("svg.cnnshape text")
    assert words.count("64x256x256") > 2
    assert not [word for word in words if "512x512" in word]


LABELS = """
const rect = (element) => { const { x, y, width, height } = element.getBBox(); return [x, y, x + width, y + height]; };
return [[...document.querySelectorAll("svg.cnnshape text.size, svg.cnnshape text.name")].map((text) => [text.textContent, ...rect(text)]),
  [...document.querySelectorAll("svg.cnnshape g.solid .edge")].map(rect)];
"""


@pytest.mark.parametrize(
    ("name", "sides"), [("unet", (512, 128, 16)), ("resnet50", (224, 64, 700)), ("googlenet", (96, 15))]
)
def test_labels_stay_with_their_boxes_and_apart(opened, name, sides):
    page = opened(zoo(name))
    for side in sides:
        page.set({"h": side, "w": side})
        labels, boxes = page.run(LABELS)
        for place, (words, left, top, right, bottom) in enumerate(labels):
            for other, x0, y0, x1, y1 in labels[:place]:
                apart = (
                    left > x1 - 1 or x0 > right - 1 or top > y1 - 3 or y0 > bottom - 3
                )  # a letter's box is higher than it
                assert apart, (side, words, other)
        first = boxes[0]
        words, left, top, right, bottom = next(label for label in labels if label[0].endswith(f"{side}x{side}"))
        assert 0 <= top - first[3] + 3 < 12, "the size of the input is just below its box"
        assert (left + right) / 2 == pytest.approx((first[0] + first[2]) / 2, abs=2)


def test_the_buttons_find_the_next_sizes(opened):
    page = opened(zoo("alexnet"))
    page.slide(0, 224)
    page.press("valid ▸")
    assert page.run("return document.querySelector('input[type=range]').value") == "227"
    page.press("valid ▸")
    page.press("◂ exact")
    assert page.run("return document.querySelector('input[type=range]').value") == "227"
    page.press("exact ▸")
    assert page.text("#said").startswith("No exact size")


def test_the_track_is_painted_with_the_set(opened):
    page = opened(zoo("alexnet"))
    look = """
        const track = document.getElementById('track-0'), c = track.getContext('2d');
        const most = +document.getElementById('range-0').max;
        const at = (size) => [...c.getImageData(Math.floor((size - 0.5) * track.width / most), 1, 1, 1).data].slice(0, 3);
        const done = arguments[1], wait = () => track.dataset.done ? done(arguments[0].map(at)) : setTimeout(wait, 20);
        wait();
    """
    page.browser.set_script_timeout(20)
    red, green, *others = page.browser.execute_async_script(look, [100, 227, 226, 8, 240, 300])
    assert red != green
    assert others[0] == others[1] == others[3] == red
    assert others[2] not in (red, green)  # hatched


def test_the_arithmetic_of_a_layer_and_its_field(opened):
    page = opened(zoo("alexnet"))
    page.run("document.querySelector('g[data-solid=\"1\"]').dispatchEvent(new MouseEvent('click', { bubbles: true }))")
    words = page.text("#detail")
    assert "(227 - 11 + 2*0)/4 + 1 = 55" in words
    assert "11, every 4" in words
    assert "sees cells 108 to 118 of 227" in page.text("#plane")
    assert page.run("return document.querySelectorAll('#overlay .field').length") == 1
    page.slide(0, 226)
    assert "floor((226 - 11 + 2*0)/4) + 1 = 54" in page.text("#detail")
    assert "the last 3 rows and the last 3 columns" in page.text("#detail")


def test_keys_go_from_box_to_box_and_unfold_a_block(opened):
    page = opened(zoo("resnet50"), depth=1)
    boxes = len(page.texts("g.solid"))
    first = page.browser.find_element(By.CSS_SELECTOR, "g.solid")
    page.run("arguments[0].focus()", first)
    for _ in range(3):
        page.browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert page.run("return document.activeElement.dataset.solid") == "3"
    page.browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert len(page.texts("g.solid")) > boxes
    page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert "Point at a box" in page.text("#detail")


def test_the_table_sorts_and_folds(opened):
    page = opened(zoo("unet"))
    page.run("document.querySelector('#head-parameters button').click()")
    assert page.run("return document.getElementById('head-parameters').ariaSort") == "descending"
    assert page.texts("#rows tr th")[0] == "bottom.conv2"
    page.run("document.querySelector('#head-order button').click()")
    rows = len(page.texts("#rows tr"))
    page.run("document.querySelector('.fold').click()")
    assert len(page.texts("#rows tr")) == rows - 4


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "unet"])
def test_the_table_has_what_is_kept_at_the_declared_size(opened, name):
    built = zoo(name)
    page, nine, eight = opened(built), built.memory(batch=9), built.memory(batch=8)
    sizes = [(n - eight.layers[row]) / 2**20 for row, n in nine.layers.items()]
    page.run("if (document.querySelector('.fold[aria-expanded=false]')) document.getElementById('unfold').click()")
    assert mebibytes(page.texts("#rows tr:not(.block) td.kept")) == pytest.approx(sizes, abs=0.0006)
    total = page.texts("#totals dd")[-1]
    assert total.endswith(" MiB a sample")
    assert mebibytes([total.split()[0]]) == pytest.approx([(nine.saved - eight.saved) / 2**20], abs=0.0006)
    side = built.inputs["input"][1]
    page.slide(0, side + 16)
    assert {*page.texts("td.kept"), page.texts("#totals dd")[-1]} == {"\N{EN DASH}"}
    titles = page.run(
        "return [...document.querySelectorAll('td.kept, #totals div:last-child')].map((one) => one.title)"
    )
    assert {*titles} == {f"computed for the declared size alone: {page_size(built)}"}
    page.slide(0, side)
    assert page.texts("#totals dd")[-1] == total
    page.run("document.querySelector('#head-kept button').click()")
    assert page.run("return document.getElementById('head-kept').ariaSort") == "descending"
    shown = mebibytes(page.texts("td.kept"))
    assert shown == pytest.approx(sorted(sizes, reverse=True), abs=0.0006)
    bars = page.run(
        "return [...document.querySelectorAll('td.kept')].map((one) => +one.style.getPropertyValue('--share'))"
    )
    assert bars == pytest.approx([size / max(sizes) for size in sorted(sizes, reverse=True)])


def mebibytes(texts):
    return [0.0 if text == "<0.001" else float(text.replace(",", "")) for text in texts]


def page_size(net):
    channels, *sides = net.inputs["input"]
    return "x".join(map(str, [*sides, channels] if net.layout == "channels_last" else [channels, *sides]))


def test_a_block_keeps_what_its_layers_do_and_has_their_bar_when_it_is_folded(opened):
    built = zoo("unet")
    page, nine, eight = opened(built), built.memory(batch=9).layers, built.memory(batch=8).layers
    block = sum(nine[row] - eight[row] for row in nine if row.startswith("bottom.")) / 2**20
    look = "const cell = document.querySelector('.fold[data-front=bottom]').closest('tr').querySelector('td.kept');"
    look += "return [cell.textContent, +cell.style.getPropertyValue('--share') > 0]"
    text, bar = page.run(look)
    assert (mebibytes([text]), bar) == (pytest.approx([block], abs=0.0006), False)
    page.run("document.querySelector('.fold[data-front=bottom]').click()")
    assert page.run(look) == [text, True]


def test_there_is_no_such_column_where_nothing_is_stated(opened):
    page = opened(zoo("crnn"))
    assert "training keeps" not in page.text("#totals")
    assert page.texts("#head-kept, td.kept") == []
    assert "not stated behind rnn0.rnn" in page.run("return document.querySelector('.layers h2').title")


def test_the_file_is_copied_with_the_sizes_that_are_set(opened):
    page = opened(zoo("unet"))
    page.set({"h": 256, "w": 128})
    page.run("window.taken = ''; navigator.clipboard.writeText = async (text) => { window.taken = text; }")
    page.run("document.getElementById('copy').click()")
    text = page.run("return window.taken")
    assert "input  = [1, 256, 128]" in text
    assert "claims" not in text


def test_inputs_that_are_alike_move_together_and_apart(opened):
    built = assemble(read(FILES / "good" / "siamese.toml"))
    page = opened(built)
    page.slide(0, 70)
    assert page.state()["shapes"] == expected(built, [70] * 4)["shapes"]
    assert page.run("return [...document.querySelectorAll('input[type=range]')].length") == 1
    assert page.set({"left_h": 64, "left_w": 64, "right_h": 60, "right_w": 64}) is True
    assert page.run("return [...document.querySelectorAll('input[type=range]')].length") == 4


def test_a_page_without_a_closed_form_has_its_sizes(opened):
    page = opened(net('input = [4, 32, 32]\nlayers = [{ type = "upsample", scale_factor = 1.3 }]'))
    assert page.text("#said").startswith("There is no closed form (upsample1: ")
    assert page.set({"h": 16, "w": 16}) is True
    assert page.state()["shapes"]["upsample1"] == [4, 20, 20]
    assert page.set({"h": 17, "w": 17}) is False
    assert page.state()["shapes"]["upsample1"] == [4, 20, 20]
    assert page.set({"h": 128, "w": 128}) is True
    page.press("valid ▸")
    assert page.text("#said").startswith("No other valid size that way among those that were computed: 32, ")


def test_a_net_that_fails_says_why_and_is_mended_by_the_slider(opened):
    page = opened(
        net('input = [1, 9, 9]\nlayers = [{ name = "a", type = "conv", out_channels = 1, kernel_size = 11 }, "relu"]')
    )
    assert "a window of 11 does not fit a side of 9 with padding 0" in page.text("#verdict")
    assert "a window of 11 does not fit a side of 9 with padding 0" in page.text("#detail .bad")
    assert "1x?x?" in page.texts("svg text.size")
    page.press("valid ▸")
    assert page.state()["shapes"]["a"] == [1, 1, 1]


def test_a_page_starts_where_it_is_told(opened):
    page = opened(zoo("resnet18"), input=(3, 96, 128))
    assert next(iter(page.state()["shapes"].values())) == [64, 48, 64]


@pytest.mark.parametrize("file", sorted((FILES / "broken").glob("*.toml"))[::6], ids=lambda file: file.stem)
def test_pages_of_wrong_files_open(opened, file):
    page = opened(assemble(read(file)))
    assert page.state()["valid"] is False or page.text("#verdict strong").startswith("Accepted")
