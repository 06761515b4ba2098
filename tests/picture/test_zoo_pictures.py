"""Every network of the zoo as a picture: nothing overlaps, all can be read on A4, every shape is there."""

import pytest
from helpers.drawn import SVG, Picture, inside
from helpers.nets import zoo

from cnnshape import draw
from cnnshape.file.zoo import files

NAMES = sorted(name for name in files() if "/" not in name)
POINT = 25.4 / 72  # millimetres


@pytest.fixture(scope="module", params=NAMES)
def picture(request):
    return Picture(draw(zoo(request.param)))


def test_no_label_overlaps_another(picture):
    texts = picture.texts
    pairs = ((one, other) for place, one in enumerate(texts) for other in texts[:place])
    assert [(one.text, other.text) for one, other in pairs if one.overlaps(other)] == []


def test_no_label_lies_on_a_solid(picture):
    def points(text):
        for x in range(9):
            for y in (text.top, (text.top + text.bottom) / 2, text.bottom):
                yield text.left + (text.right - text.left) * x / 8, y

    hidden = [t.text for t in picture.texts for o in picture.outlines() if any(inside(p, o) for p in points(t))]
    assert hidden == []


def test_it_can_be_read_on_a4_landscape(picture):
    scale = min(277 / picture.width, 190 / picture.height)
    assert min(text.size for text in picture.texts) * scale >= 4 * POINT


def test_all_words_are_within_the_picture(picture):
    out = [
        t.text for t in picture.texts if t.left < 0 or t.top < 0 or t.right > picture.width or t.bottom > picture.height
    ]
    assert out == []


def test_every_solid_has_its_size(picture):
    assert len(picture.of("size")) == len(picture.solids)


def test_no_label_lies_on_the_sign_of_a_join(picture):
    circles = [tuple(float(c.get(key)) for key in ("cx", "cy", "r")) for c in picture.root.iter(f"{SVG}circle")]
    hidden = [
        text.text
        for text in picture.texts
        for x, y, r in circles
        if text.left < x + r and x - r < text.right and text.top < y + r and y - r < text.bottom
    ]
    assert hidden == []


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("name", ["unet_original", "googlenet", "wavenet", "hrnet_w18", "densenet121"])
def test_no_label_overlaps_another_at_any_depth(name, depth):
    texts = Picture(draw(zoo(name), depth=depth)).texts
    pairs = ((one, other) for place, one in enumerate(texts) for other in texts[:place])
    assert [(one.text, other.text) for one, other in pairs if one.overlaps(other)] == []
