"""The SVG: well-formed, with its words as text, its colours for light, dark and paper, and the arithmetic as tooltips."""

import re
from itertools import pairwise

import pytest
from helpers.drawn import Picture
from helpers.nets import conv, layer, net, net_of, zoo

from cnnshape import draw, loads


def drawn(net, **how):
    return Picture(draw(net, **how))


def boxes(picture):
    """The width and the height of each front face's outline, and of the whole solid's."""
    for outline in picture.outlines():
        xs, ys = zip(*outline, strict=True)
        yield max(xs) - min(xs), max(ys) - min(ys)


def test_the_arithmetic_is_in_the_tooltip():
    tooltips = drawn(zoo("alexnet")).tooltips
    conv1 = next(text for text in tooltips if text.startswith("conv1"))
    assert "(227 - 11 + 2*0)/4 + 1 = 55" in conv1
    assert "96*3*11*11 + 96 = 34,944" in conv1
    assert conv1.endswith("relu1: relu")


def test_the_tooltip_of_a_block_has_its_parts():
    tooltips = drawn(zoo("resnet50")).tooltips
    layer1 = next(text for text in tooltips if text.startswith("layer1"))
    assert "bottleneck, 12 layers, 64x56x56 -> 256x56x56" in layer1


def test_the_tooltip_of_joined_neighbours_names_them():
    picture = drawn(net_of(conv(3, 1, 1, "a"), conv(3, 1, 1, "b"), conv(3, 1, 1, "c"), shape="[2, 8]"))
    assert picture.tooltips[1].startswith("a, b, c\nc: conv")


def test_a_long_tooltip_is_shortened():
    assert max(len(text.split("\n")) for text in drawn(zoo("wavenet")).tooltips) <= 17


def test_names_are_escaped():
    text = drawn(loads('name = "A & <B>"\ninput = [1, 8]\nsource = "\\"x\\""\nlayers = ["relu"]')).root
    assert text[0].text == "A & <B>"
    assert text[1].text == '"x"'


def test_dark_and_print_are_there():
    style = draw(zoo("lenet5"))
    assert "@media (prefers-color-scheme:dark)" in style
    assert "@media print" in style


def test_every_class_has_its_colour():
    for name in ("alexnet", "crnn", "yolov8n", "deeplabv3_resnet50"):
        picture = drawn(zoo(name))
        style = picture.root.find("{http://www.w3.org/2000/svg}style").text
        missing = {name for name in picture.classes() if f".{name}" not in style}
        assert missing <= {"solid", "ok", "front", "size", "mark", "skip"}


def test_sides_are_to_scale():
    picture = drawn(net_of(conv(1, 2, 0, "a"), conv(1, 4, 0, "b"), layer("sigmoid"), shape="[1, 128, 128]"))
    (_, whole), (_, half), (_, eighth) = boxes(picture)
    assert half / whole == pytest.approx(1 / 2, abs=0.02)
    assert eighth / whole == pytest.approx(1 / 8, abs=0.02)


def test_logarithms_are_closer():
    net = net_of(conv(1, 16, 0, "a"), shape="[1, 128, 128]")
    true, log = ([height for _, height in boxes(drawn(net, scale=scale))] for scale in ("true", "log"))
    assert true[1] / true[0] < 0.1
    assert log[1] / log[0] > 0.4


def test_dropped_rows_are_hatched_to_scale():
    picture = drawn(net_of(layer("max_pool", "p", kernel_size=4), shape="[1, 43, 40]"))  # 3 of 43 rows
    (lost,) = re.findall(
        r'class="lost" d="M([^"]+)Z"', draw(net_of(layer("max_pool", "p", kernel_size=4), shape="[1, 43, 40]"))
    )
    ys = [float(point.split()[1]) for point in lost.split("L")]
    front = [
        float(path.get("d").split("L")[i].split()[1].rstrip("Z"))
        for path in picture.solids[0]
        if path.get("class") == "input front"
        for i in (1, 2)
    ]
    assert (max(ys) - min(ys)) / abs(front[1] - front[0]) == pytest.approx(3 / 43, abs=0.01)


def test_a_strip_has_no_depth_and_a_cube_has_three_sides():
    strip = drawn(net_of(conv(3, name="c"), shape="[4, 32]"))
    assert {face.get("class").split()[-1] for face in strip.solids[0] if face.get("class")} == {"front", "edge"}
    cube = drawn(net_of(conv(3, name="c"), shape="[4, 8, 32, 32]"))
    assert {"top", "side"} <= cube.classes()


def test_a_result_without_axes_is_drawn():
    assert drawn(net_of(layer("reduce", "r", how="sum", dim=[1, 2]), shape="[4, 32]")).of("size") == ["4x32", "[]"]


def test_the_columns_are_in_the_order_of_running():
    lefts = [min(x for x, _ in outline) for outline in drawn(zoo("googlenet")).outlines()]
    assert all(one < other for one, other in pairwise(lefts))


def test_skips_of_a_unet_are_level_lines():
    paths = re.findall(r'class="arrow skip" d="M([^"]+)"', draw(zoo("unet")))
    assert len(paths) == 4
    for path in paths:
        (x0, y0), (x1, y1) = (map(float, point.split()) for point in path.split("L"))
        assert y0 == y1
        assert x0 < x1


def test_arrows_lead_past_solids_and_not_through_them():
    for name, depth in (("unet", 2), ("lenet5_1998", 1), ("googlenet_aux", 1), ("resnet18", 3)):
        text = draw(zoo(name), depth=depth)
        outlines = [*Picture(text).outlines()]
        for path in re.findall(r'class="arrow[^"]*" d="M([^"]+)"', text):
            points = [tuple(map(float, point.split())) for point in path.split("L")]
            for (x0, y0), (x1, y1) in pairwise(points):
                for outline in outlines:
                    left, right = min(x for x, _ in outline), max(x for x, _ in outline)
                    crossing = y0 == y1 and min(x0, x1) < left and right < max(x0, x1)
                    top, bottom = min(y for _, y in outline), max(y for _, y in outline)
                    assert not (crossing and top < y0 < bottom), (name, path)


def test_several_outputs_have_an_arrow_each():
    plain = draw(zoo("fpn_resnet50")).count('class="arrow"')
    one = draw(zoo("resnet50")).count('class="arrow"')
    assert plain - one > 5


def test_a_broken_net_is_red_where_it_fails_and_unknown_behind():
    text = 'input = [1, 4, 4]\nlayers = [{ name = "a", type = "conv", out_channels = 1, kernel_size = 9 }, { name = "b", type = "flatten" }]'
    picture = drawn(net(text))
    assert [group.get("class") for group in picture.solids] == ["solid ok", "solid fails", "solid unknown"]
    assert picture.of("mark") == ["?"]
    assert "fails" in picture.of("legend")


@pytest.mark.parametrize("wrong", [{"format": "png"}, {"scale": "cubic"}, {"depth": 0}])
def test_a_wrong_argument_is_an_error(wrong):
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        draw(zoo("lenet5"), **wrong)


def test_the_shape_of_a_skip_stands_on_it():
    found = drawn(zoo("unet")).of("window")
    assert {"64x512x512", "128x256x256", "256x128x128", "512x64x64"} <= {*found}


def test_what_enters_many_times_says_so():
    assert "x 50" in drawn(zoo("wavenet")).of("window")


def test_a_name_that_is_too_long_is_cut():
    name = "a_very_long_name_" * 5
    picture = drawn(net_of(conv(3, name=name), conv(1, name=f"{name}2", out_channels=5), shape="[2, 8]"))
    assert picture.of("name") == ["input", f"…{name[-28:]}", f"…{name[-27:]}2"]
    equal = [conv(3, 1, 1, f"{name}{number}") for number in range(3)]
    assert drawn(net_of(*equal, shape="[2, 8]")).of("name") == ["input", f"…{name[-27:]}0 x 3"]


def test_a_picture_of_more_tensors_than_anyone_reads_is_refused():
    text = "".join(f"{{ {conv(3, 1, 1, f'c{number}', out_channels=2 + number % 2)} }},\n" for number in range(2001))
    with pytest.raises(ValueError, match=r"a picture of 2,002 tensors is too large: fold more blocks"):
        draw(loads(f"input = [3, 8]\nlayers = [\n{text}]"))


def test_a_legend_that_is_wider_than_the_picture_has_several_rows():
    picture = drawn(
        net_of(conv(1, name="c"), *map(layer, ["relu", "dropout", "batch_norm", "tanh", "gelu"]), shape="[3, 8]")
    )
    legend = [text for text in picture.texts if text.role == "legend"]
    assert len({text.top for text in legend}) > 1
    assert max(text.right for text in legend) <= picture.width


def test_a_side_that_is_not_known_beside_one_that_loses_rows():
    text = """input = [1, 43, 40]
layers = [{ name = "c", type = "conv", out_channels = 2, kernel_size = [1, 99] }, { name = "p", type = "max_pool", kernel_size = 4 }]"""
    assert drawn(net(text)).of("size") == ["1x43x40", "2x43x?", "2x10x?"]


def test_letters_that_xml_does_not_take_are_left_out():
    assert drawn(loads('name = "a\\uFFFFb\\u0001"\ninput = [1, 8]\nlayers = ["relu"]')).root[0].text == "ab"
