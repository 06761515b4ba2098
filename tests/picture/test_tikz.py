"""The LaTeX file: it compiles where there is a LaTeX, and elsewhere its braces, environments and colours are in order."""

import re
import shutil
import subprocess

import pytest
from helpers.drawn import Picture
from helpers.nets import net, zoo

from cnnshape import draw, loads
from cnnshape.picture.tikz import escaped

BROKEN = 'input = [1, 4]\nlayers = [{ name = "a", type = "conv", out_channels = 1, kernel_size = 9 }, { name = "b", type = "flatten" }, { name = "s", type = "add", from = ["a", "input"] }]'


@pytest.fixture(scope="module", params=["alexnet", "unet_original", "fpn_resnet50", "segnet", "broken"])
def text(request):
    return draw(net(BROKEN) if request.param == "broken" else zoo(request.param), format="tex")


def test_braces_and_environments_are_closed(text):
    bare = re.sub(r"\\[{}%]", "", text)
    assert bare.count("{") == bare.count("}")
    assert re.findall(r"\\(begin|end)\{(\w+)\}", text) == [("begin", "document"), ("begin", "tikzpicture"), ("end", "tikzpicture"), ("end", "document")]  # fmt: skip


def test_every_command_ends(text):
    body = text.partition("\\begin{tikzpicture}")[2].partition("\n")[2].partition("\\end{tikzpicture}")[0]
    assert all(line.endswith(";") or line.startswith("% ") for line in body.splitlines())


def test_every_colour_is_defined(text):
    defined = {*re.findall(r"\\definecolor\{(\w+)\}", text)}
    used = {*re.findall(r"(?:draw|fill|text)=(\w+)", text)}
    assert {"input", "edge", "ink"} <= used <= defined


def test_the_words_are_those_of_the_svg():
    name = "resnet18"
    words = [*re.findall(r"\{([^{}]*)\};$", draw(zoo(name), format="tex"), re.MULTILINE)]
    assert [word.replace("\\_", "_") for word in words] == [text.text for text in Picture(draw(zoo(name))).texts]


def test_signs_of_latex_are_escaped():
    assert (
        escaped("50% a_b {x} ~ \\ #1 $ & ^")
        == r"50\% a\_b \{x\} \textasciitilde{} \textbackslash{} \#1 \$ \& \textasciicircum{}"
    )


def test_a_large_picture_is_scaled_to_the_page():
    width, height = re.search(
        r"paperwidth=([\d.]+)pt,paperheight=([\d.]+)pt", draw(zoo("yolov8n"), format="tex")
    ).groups()
    assert float(width) <= 787.1
    assert float(height) <= 541


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="there is no pdflatex")
def test_it_compiles(text, tmp_path):
    (tmp_path / "net.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "net.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=120)
    if b"not found" in done.stdout:
        pytest.skip("this LaTeX has no TikZ")
    assert done.returncode == 0, done.stdout[-2000:]
    assert b"(1 page" in done.stdout


def test_a_name_that_latex_reads_as_a_comment_ends_no_line():
    assert "% input: 1x8" in draw(loads('input = [1, 8]\nlayers = ["relu"]'), format="tex")
