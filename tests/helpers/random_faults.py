"""Random faults of sound nets: one number of a text changed, a layer deleted or doubled; and what their fixes are worth.

The fault is made in the text alone, found again by parsing both texts, and is no fault unless the net then has an error.
"""

from __future__ import annotations

import contextlib
import random
import re
import tomllib
import traceback
import warnings
from typing import NamedTuple

from cnnshape.problems.base import errors
from helpers.broken_nets import FOLDER, flaw, net_of, root, text_of
from helpers.paths import ARCHITECTURES, ROOT

GOOD = ROOT / "tests" / "files" / "good"
NUMBER = re.compile(r"(?<![\w.\"'-])\d+(?![\w.])")
NOT_MEANT = {"expect", "claims", "training", "name", "source", "allow"}  # keys whose numbers say nothing of the net
MOST_TURNS = 200  # until a fault is one


class Fault(NamedTuple):
    """A text with a fault, the text that it was made of, and the folder of the files that both include."""

    name: str
    kind: str
    text: str
    sound: str
    folder: object


class Worth(NamedTuple):
    """What the fixes of a fault are worth: how many the first error has, the rank of the original (0: none), flaws."""

    fault: Fault
    code: str
    shown: int
    rank: int
    flaws: tuple[str, ...]


def sound_nets():
    """The zoo and other sound nets: names, texts, folders."""
    for folder in (ARCHITECTURES, GOOD):
        for path in sorted(folder.glob("*.toml")):
            yield path.stem, path.read_bytes().decode(), folder
    for path in sorted(FOLDER.glob("fine-*.toml")):
        yield path.stem, path.read_bytes().decode(), FOLDER


def bare(text):
    """A text without comments, expectations and claims."""
    return text_of(_without(tomllib.loads(text)))


def _without(value):
    if isinstance(value, dict):
        return {key: _without(item) for key, item in value.items() if key not in {"expect", "claims", "allow"}}
    return [_without(item) for item in value] if isinstance(value, list) else value


def fault(rng, nets, kind):
    """A fault of a kind in one of the nets: "number", "deleted", "doubled", "constant" or "argument"; None for no luck."""
    for _ in range(MOST_TURNS):
        name, text, folder = rng.choice(nets)
        changed = OF_LINES[kind](rng, text) if kind in OF_LINES else number(rng, text, kind)
        if changed is None or changed == text:
            continue
        with contextlib.suppress(tomllib.TOMLDecodeError):
            if errors(net_of(changed, folder).check().problems):
                return Fault(name, kind, changed, text, folder)
    return None


def number(rng, text, kind):
    """The text with one number of the net changed; of a constant or of a block's argument, if these are meant."""
    found = [match for match in NUMBER.finditer(text) if not _commented(text, match.start())]
    match = rng.choice(found) if found else None
    if match is None:
        return None
    old = int(match[0])
    new = rng.choice([old + 1, old - 1, 2 * old, old // 2, old + 2, 4 * old])
    if new < 0 or new == old:
        return None
    changed = text[: match.start()] + str(new) + text[match.end() :]
    path = difference(tomllib.loads(text), _loaded(changed))
    if path is None or NOT_MEANT & {*map(str, path)}:
        return None
    at = _table(tomllib.loads(text), path)
    of = "constant" if path[0] == "constants" else "argument" if isinstance(at, dict) and "block" in at else "number"
    return changed if kind in {"number", of} else None


def _loaded(text):
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _commented(text, place):
    return "#" in text[text.rfind("\n", 0, place) + 1 : place]


def difference(one, other, path=()):
    """The path of the one value in which two data differ, None for none or several."""
    if type(one) is not type(other):
        return path or None
    if isinstance(one, dict) and one.keys() == other.keys():
        pairs = [(key, one[key], other[key]) for key in one]
    elif isinstance(one, list) and len(one) == len(other):
        pairs = [(index, *pair) for index, pair in enumerate(zip(one, other, strict=True))]
    else:
        return path if one != other else None
    found = [(key, a, b) for key, a, b in pairs if a != b]
    if len(found) == 1:
        key, a, b = found[0]
        return difference(a, b, (*path, key))
    return path if found or path else None


def _table(data, path):
    """The table of a layer that a path goes through, or the net's."""
    table = data
    for part in path[:-1]:
        data = data[part]
        table = data if isinstance(data, dict) else table
    return table


def lines(text):
    """The lines of a text that hold a layer each."""
    return [line for line in text.splitlines(keepends=True) if re.match(r"\s*(\{.*\}|\".*\"),\s*(#.*)?$", line)]


def deleted(rng, text):
    """The text without one line of a layer."""
    line = rng.choice(lines(text) or [""])
    return text.replace(line, "", 1)


def doubled(rng, text):
    """The text with one line of a layer twice; the second has no name."""
    line = rng.choice(lines(text) or [""])
    again = re.sub(r"name = \"[^\"]*\", ", "", line)
    return text.replace(line, line + again, 1)


OF_LINES = {"deleted": deleted, "doubled": doubled}


def worth(one, *, torch=False):
    """Judge the fixes that the first error of a faulty net gets; each must work, and leave all else of the text."""
    net = net_of(one.text, one.folder)
    with contextlib.chdir(one.folder):
        problem = errors(net.check().problems)[0]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # a diagnosis that crashes says so in a warning
                problem = root(problem)
                fixes = problem.fixes
        except Exception as error:  # noqa: BLE001 -- a crash is what is looked for
            error = error.__context__ or error
            where = traceback.extract_tb(error.__traceback__)[-1]
            crash = f"CRASH {type(error).__name__}: {error} at {where.filename.rpartition('/')[2]}:{where.lineno}"
            return Worth(one, problem.code, 0, 0, (crash,))
    meant, rank, flaws = tomllib.loads(one.sound), 0, []
    for place, fix in enumerate(fixes, 1):
        applied = fix.apply(one.text)
        if not rank and tomllib.loads(applied) == meant:
            rank = place
            if one.kind not in OF_LINES and applied != one.sound:
                flaws.append(f"{fix.summary}: not byte for byte")
        if comments(applied) != comments(one.text) and not any(e.parameter == "remove" for e in fix.edits):
            flaws.append(f"{fix.summary}: a comment is lost")
        if ("\r" in one.text) != ("\r" in applied) or applied.count("\r\n") != applied.count("\r"):
            flaws.append(f"{fix.summary}: line ends")
        wrong = flaw(net, one.text, problem, fix, one.folder, torch=torch)
        flaws += [f"{fix.summary}: {wrong}"] if wrong else []
    return Worth(one, problem.code, len(fixes), rank, tuple(flaws))


def comments(text):
    return re.findall(r"(?m)(?:^|\s)#.*$", text)


def faults(seed, count, kind, nets):
    """So many faults of a kind, the same for the same seed."""
    rng = random.Random(f"{seed} {kind}")
    found = (fault(rng, nets, kind) for _ in range(count))
    return [one for one in found if one is not None]


def figures(judged):
    """The shares of faults with a fix, with the original among them, and first, in hundredths."""
    count = max(len(judged), 1)
    shown = sum(one.shown > 0 for one in judged)
    among, first = sum(one.rank > 0 for one in judged), sum(one.rank == 1 for one in judged)
    return tuple(round(100 * part / count) for part in (shown, among, first))
