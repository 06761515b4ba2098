"""Chains of arithmetic, as a net makes of a side, which run on a number as on an unknown."""

from hypothesis import strategies as st

from cnnshape.numbers.rules import at_least, at_most

step = st.one_of(
    st.tuples(st.just("//"), st.sampled_from([2, 2, 2, 3, 4, 6])),
    st.tuples(st.just("+"), st.integers(-6, 6)),
    st.tuples(st.just("*"), st.sampled_from([2, 2, 3, -1])),
    st.tuples(st.just("%"), st.sampled_from([2, 3, 4])),
    st.tuples(st.sampled_from(["max", "min"]), st.integers(-3, 12)),
    st.tuples(st.just("+x"), st.sampled_from([-1, 1, 2])),  # what has flowed by another way
)


chains = st.lists(step, max_size=7)


def run(chain, x):
    """Run a chain on a side, which is 1 or more."""
    y = x
    for sign, n in chain:
        match sign:
            case "//":
                y = y // n
            case "+":
                y = y + n
            case "*":
                y = y * n
            case "%":
                y = y % n
            case "max":
                y = at_least(y, n)
            case "min":
                y = at_most(y, n)
            case "+x":
                y = y + n * x
    return y
