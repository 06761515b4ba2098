"""The page without a browser: what it weighs, what is in it, and its picture against the SVG."""

import json
import re

import pytest
from helpers.nets import net, zoo
from helpers.pages import code, node
from helpers.paths import ARCHITECTURES, FILES

import cnnshape
from cnnshape.assemble.network import assemble
from cnnshape.convert.written import dumps
from cnnshape.file.reader import read, read_text
from cnnshape.picture.draw import draw
from cnnshape.picture.placing import place
from cnnshape.picture.scene import make

MOST = 200_000  # bytes of a page
EVERY = sorted(ARCHITECTURES.glob("*.toml"))
PICTURE = """
const model = makeModel(data, rules), result = model.result(), picture = data.pictures[0];
const bodies = bodiesOf(picture, result, model.lost(), data);
console.log(JSON.stringify(bodies.map(({ body, state }) => ({ ...body, state }))));
"""
SETTLED = """
const model = makeModel(data, rules);
model.set(%s);
console.log(JSON.stringify(bodiesOf(data.pictures[0], model.result(), model.lost(), data).map(({ body, shape }) => [shape, body.height])));
"""


def drawn(net):
    return json.loads(node(code(net) + PICTURE))


@pytest.mark.parametrize("file", EVERY, ids=lambda file: file.stem)
def test_a_page_is_small_and_asks_nobody(file):
    text = draw(cnnshape.load(file), format="html")
    assert len(text.encode()) < MOST
    assert not re.findall(r"""(?:src|href)=["'](?!data:,)|@import|url\((?!#)|fetch\(|XMLHttpRequest""", text)
    assert text.count("</script>") == 1


@pytest.mark.parametrize(
    "name", ["alexnet", "unet_original", "resnet18", "fpn_resnet50", "wavenet", "c3d", "densenet121", "dcgan_generator"]
)
def test_the_picture_is_that_of_the_svg(name):
    net = zoo(name)
    placed = place(make(net, net.check()))
    same(placed, drawn(net))


@pytest.mark.parametrize(
    "name", ["siamese", "fpn", "unet_cropped", "video", "two_heads", "vision_transformer", "pyramid"]
)
def test_so_are_those_of_other_nets(name):
    net = assemble(read(FILES / "good" / f"{name}.toml"))
    same(place(make(net, net.check())), drawn(net))


def same(placed, bodies):
    for body, ours, solid in zip(placed.bodies, bodies, placed.scene.solids, strict=True):
        for side in ("left", "top", "width", "height", "dx", "dy"):
            assert ours[side] == pytest.approx(getattr(body, side), abs=0.11), (solid.name, side)
        assert ours["slices"] == [[*map(approx, part)] for part in body.slices]
        assert ours["ticks"] == pytest.approx([*body.ticks])
        assert ours["lost"] == pytest.approx([*body.lost])
        assert ours["state"] == solid.state


def approx(part):
    return part if isinstance(part, str) else pytest.approx(part)


def test_boxes_shrink_with_the_image_and_never_outgrow_the_paper():
    built = zoo("vgg16")
    declared, half, large = (
        json.loads(node(code(built) + SETTLED % json.dumps({"h": side, "w": side}))) for side in (224, 112, 448)
    )
    assert half[0][1] == pytest.approx(declared[0][1] / 2)
    assert large[0][1] == pytest.approx(declared[0][1])
    assert large[0][0] == [3, 448, 448]


BROKEN = 'name = "</script>"\ninput = [1, 4]\nlayers = [{ name = "a", type = "conv", out_channels = 1, kernel_size = 9 }, "relu"]\n'


def test_a_layer_that_fails_is_red():
    net = assemble(read_text(BROKEN))
    assert [body["state"] for body in drawn(net)] == ["ok", "fails"]
    text = draw(net, format="html")
    assert "<title>&lt;/script&gt;</title>" in text
    assert text.count("</script>") == 1


@pytest.mark.parametrize("file", sorted((FILES / "broken").glob("*.toml")), ids=lambda file: file.stem)
def test_a_wrong_file_has_a_page(file):
    net = assemble(read(file))
    assert draw(net, format="html").startswith("<!DOCTYPE html>")


def test_a_page_starts_at_the_input_that_is_given():
    built = zoo("resnet18")
    text = draw(built, input=(3, 96, 128), format="html")
    assert '"start":[96,128]' in text
    assert '"start":[224,224]' in draw(built, format="html")
    assert '"start":[224,224]' in draw(built, input=(3, 96), format="html")


def test_the_file_on_a_page_is_the_net():
    built = zoo("alexnet")
    text = json.loads(re.search(r'"toml":("(?:[^"\\]|\\.)*")', draw(built, format="html"))[1])
    assert assemble(read_text(text)).check().parameters == built.check().parameters
    assert text == dumps(built._replace(claims=(), expectations=()))
    wrong = net('input = [1, 4]\nlayers = [{ type = "conv", out_channels = "x" }]')
    assert '"toml":""' in draw(wrong, format="html")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unet", "Sizes that the net takes: multiples of 16, from 16"),
        ("alexnet", "Equal sides that the net takes: 227 to 258"),
        ("resnet50", "Sizes that the net takes: every size"),
    ],
)
def test_a_page_says_which_sizes_are_taken(name, words):
    assert words in draw(zoo(name), format="html")
