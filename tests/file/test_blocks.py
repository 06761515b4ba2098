"""Circles of blocks: by brute force, and where they are told. (tests/assemble has what blocks come to.)"""

from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cnnshape.file.blocks import circles
from cnnshape.file.reader import read_text

BLOCKS = "abcd"
graphs = st.dictionaries(st.sampled_from(BLOCKS), st.lists(st.sampled_from(BLOCKS), max_size=3), min_size=4)


def text(graph):
    blocks = "\n".join(
        f"[blocks.{name}]\nlayers = [{', '.join(f'{{ block = {other!r} }}' for other in others)}]"
        for name, others in graph.items()
    )
    return f"input = [3, 32, 32]\nlayers = ['relu']\n{blocks}\n"


@given(graphs)
def test_a_circle_is_found_where_there_is_one(graph):
    architecture = read_text(text(graph))
    found = [circle for _, circle in circles(architecture.file)]
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        assert found
    else:
        assert not found
    for circle in found:
        assert circle[0] == circle[-1]
        assert all(there in graph[here] for here, there in pairwise(circle))
    assert [problem.code for problem in architecture.problems] == ["block-circle"] * len(found)


def test_it_is_told_at_the_use_that_closes_it():
    graph = {"a": ["b"], "b": ["c", "a"], "c": [], "d": []}
    (problem,) = read_text(text(graph)).problems
    assert problem.facts == {"circle": "a -> b -> a"}
    assert text(graph).split("\n")[problem.line - 1][problem.column - 1 :].startswith("'a'")
