"""Random faults of sound nets, and what the fixes shown are worth: python benchmarks/random_faults.py [COUNT] [KIND...] [-v] [--torch].

For each kind of fault the shares, in hundredths, of faults with a fix shown, with the original among those shown, and
first. "number" is one changed number, "bare" the same in nets without expectations and claims. -v shows each fault that
has no fix; --torch runs each fix in torch on the meta device.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

KINDS = ("number", "bare", "constant", "argument", "deleted", "doubled")


def main(*words: str) -> None:
    """Judge so many faults of each kind."""
    from helpers.broken_nets import net_of
    from helpers.random_faults import bare, faults, figures, sound_nets, worth

    count = next((int(word) for word in words if word.isdigit()), 5000)
    seed = next((word for word in words if word.startswith("seed")), "0")
    nets = [*sound_nets()]
    for kind in [kind for kind in KINDS if kind in words] or KINDS:
        own = [(name, bare(text), folder) for name, text, folder in nets] if kind == "bare" else nets
        start, judged = perf_counter(), []
        for fault in faults(seed, count, "number" if kind == "bare" else kind, own):
            judged.append(one := worth(fault, torch="--torch" in words))
            if one.flaws or ("-v" in words and not one.rank):
                print(f"--- {fault.name}: {one.code}, {one.shown} shown, {'; '.join(one.flaws)}")
                print(
                    *changed(fault),
                    *(fix.summary for fix in first(net_of(fault.text, fault.folder), fault.folder)),
                    sep="\n    ",
                )
        seconds = perf_counter() - start
        shown, among, first_ = figures(judged)
        flaws, codes = sum(len(one.flaws) for one in judged), Counter(one.code for one in judged if not one.rank)
        print(
            f"{kind:10} {len(judged):5} faults: shown {shown}, original {among}, first {first_}, flaws {flaws}, {seconds:.0f} s"
        )
        print("    without the original:", *(f"{code} {number}" for code, number in codes.most_common(6)), sep="  ")


def changed(fault):
    """The change that made a fault: the path of a number with both values, or the lines."""
    import difflib
    import tomllib

    from helpers.broken_nets import at
    from helpers.random_faults import difference

    sound, data = tomllib.loads(fault.sound), tomllib.loads(fault.text)
    path = difference(sound, data)
    if path and fault.kind not in {"deleted", "doubled"}:
        return [
            f"{'.'.join(map(str, path))}: {at(sound, path)} became {at(data, path)}, in {at(sound, path[:-1])}"[:230]
        ]
    lines = difflib.unified_diff(fault.sound.splitlines(), fault.text.splitlines(), lineterm="", n=0)
    return [line[:160] for line in [*lines][3:]]


def first(net, folder):
    """The fixes of a net's first error."""
    import contextlib

    from helpers.broken_nets import root

    from cnnshape.problems.base import errors

    with contextlib.chdir(folder), contextlib.suppress(Exception):
        return root(errors(net.check().problems)[0]).fixes
    return ()


if __name__ == "__main__":
    main(*sys.argv[1:])
