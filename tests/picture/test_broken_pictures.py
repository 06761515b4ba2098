"""Nets that fail in every way that there is: each is drawn, with its failing layers, and nothing overlaps."""

import pytest
from helpers.drawn import Picture
from helpers.paths import FILES

from cnnshape import draw
from cnnshape.assemble.network import assemble
from cnnshape.file.reader import read
from cnnshape.problems.base import errors

NETS = sorted(path.name for path in (FILES / "broken").glob("*.toml"))


def fronts(name):
    """The blocks around a layer, by its dotted name."""
    parts = name.split(".")
    return {".".join(parts[:count]) for count in range(1, len(parts))}


@pytest.mark.parametrize("name", NETS)
def test_a_broken_file_is_drawn(name, monkeypatch):
    monkeypatch.chdir(FILES / "broken")
    net = assemble(read(name))
    if not net.nodes:
        return
    report = net.check()
    picture = Picture(draw(net))
    assert len(picture.of("size")) == len(picture.solids)
    named = {node.name for node in net.nodes} | {part for node in net.nodes for part in fronts(node.name)}
    misread = any(node.layer is None for node in net.nodes)
    assert ("fails" in picture.of("legend")) == (misread or any(p.layer in named for p in errors(report.problems)))
    texts = [text for text in picture.texts if text.role != "mark"]
    pairs = ((one, other) for place, one in enumerate(texts) for other in texts[:place])
    assert [(one.text, other.text) for one, other in pairs if one.overlaps(other)] == []
    assert draw(net, format="tex").endswith("\\end{document}\n")
