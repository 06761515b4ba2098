"""What can be wrong with the claims of a file: expected shapes and published figures."""

from __future__ import annotations

from cnnshape.problems.base import Problem


class ExpectDiffers(Problem, code="expect-differs"):
    sentence = "expected {expected}, but it is {actual}"


class ClaimDiffers(Problem, code="claim-differs"):
    sentence = "{claim} is claimed to be {claimed}, but it is {actual}"


class NoSizes(Problem, code="no-closed-form"):
    sentence = "valid_sizes cannot be checked, since the set has no closed form: {why}"
