"""The generators of candidates, each with the least rank that its candidates have: it is not asked before this is due.

To add one, write it in a file of its own, and put it here. The ranks, by their whole numbers:

0  a word that was meant
1  the order of axes
2  one change that explains all numbers at once: an option, a flatten, another entry of a join, a line less
3  one number, at the cause first
4  a declared number as what arrives makes it, the sizes of a reshape, a number next to the one that is written
5  an input that nothing points at, a target for a resize, a layer taken out
6  a crop, a pad or an upsample between
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cnnshape.diagnosis.channels import channels_of_source, groups, numbers, options, repeats, swapped
from cnnshape.diagnosis.declared import arriving
from cnnshape.diagnosis.figures import figures, squared
from cnnshape.diagnosis.nearby import nearby, other_axes, other_entries, out_of_range
from cnnshape.diagnosis.of_claims import biases, unseen
from cnnshape.diagnosis.of_inputs import channels, lossless, sides
from cnnshape.diagnosis.of_joins import broadcast, fitted, one_less, other_axis, projected, rewired, targets
from cnnshape.diagnosis.of_lines import missing, twice
from cnnshape.diagnosis.of_order import reordered
from cnnshape.diagnosis.of_space import (
    fitting,
    flattened,
    joined_flat,
    of_flat_input,
    pooled,
    reshaped,
    spread,
    too_large,
    unflattened,
)
from cnnshape.diagnosis.of_words import elsewhere, meant
from cnnshape.diagnosis.parameters import filling, for_same, solved, together, worded
from cnnshape.problems.shapes import DroppedRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cnnshape.diagnosis.candidate import Candidate, Case
    from cnnshape.problems.base import Problem

    Generator = Callable[[Case], Iterator[Candidate]]

GENERATORS: Final[tuple[tuple[float, Generator], ...]] = (
    (0, meant),
    (0, elsewhere),
    (1, reordered),
    (2, options),
    (2, solved),
    (2, flattened),
    (2, unflattened),
    (2, spread),
    (2, joined_flat),
    (1.9, of_flat_input),
    (2, other_axis),
    (2.1, together),
    (2, for_same),
    (2.2, pooled),
    (2.2, worded),
    (2.3, twice),
    (2.4, biases),
    (2.5, sides),
    (2.6, rewired),
    (2.6, projected),
    (3, targets),
    (3, filling),
    (3, broadcast),
    (3, fitting),
    (3, channels_of_source),
    (3, groups),
    (3, swapped),
    (3, too_large),
    (3, numbers),
    (3, squared),
    (3.1, missing),
    (3, unseen),
    (3, out_of_range),
    (3, other_axes),
    (3, other_entries),
    (3, arriving),
    (3.2, figures),
    (3.3, repeats),
    (2.5, reshaped),
    (3.4, nearby),
    (3.2, channels),
    (5.5, one_less),
    (6, fitted),
)


def generators(problem: Problem) -> tuple[tuple[float, Generator], ...]:
    """Return the generators for a problem: where a net is sound and drops rows, another setting is no remedy."""
    return ((0, lossless),) if isinstance(problem, DroppedRows) else GENERATORS
