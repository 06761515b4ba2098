"""The table that `cnnshape check` prints, taken apart, and nets in a few words."""

import re

from cnnshape.cli import main
from helpers.cli import PLAIN, CliRunner

WIDTHS = [80, 100, 200]


def shown(*args, width=None, **env):
    """The lines that `cnnshape check --no-torch` prints."""
    env = PLAIN | ({"COLUMNS": str(width)} if width else {}) | env
    result = CliRunner(env=env).invoke(main, ["check", "--no-torch", *map(str, args)])
    assert result.exit_code in (0, 1), result.output
    return result.stdout.splitlines()


def table_of(lines):
    """Title, rows, total: what stands around and between the two rules."""
    first, last = (place for place, line in enumerate(lines) if line.startswith("─"))
    return lines[first - 1], lines[first + 1 : last], lines[last + 1]


def row(lines, name):
    """The row of a layer."""
    (found,) = (line for line in table_of(lines)[1] if line.removeprefix("✗ ").removeprefix("! ").split()[0] == name)
    return found


def layers(*tables, shape="[1, 32, 32]"):
    entries = "".join(f"  {{ {table} }},\n" for table in tables)
    return f"input = {shape}\nlayers = [\n{entries}]\n"


def facts(lines):
    """The facts below the table, by their labels."""
    found, label = {}, ""
    for line in lines[lines.index(table_of(lines)[2]) + 2 :]:
        if not line:
            return found
        label, text = line[:10].strip() or label, line[10:]
        found[label] = " ".join(filter(None, [found.get(label), text]))
    return found


def codes(lines):
    return {code for line in lines for match in re.findall(r"\x1b\[([\d;]*)m", line) for code in match.split(";")}


FAILING = layers(
    'name = "good", type = "conv", out_channels = 2, kernel_size = 3',
    'name = "bad", type = "conv", out_channels = 2, kernel_size = [3, 99]',
    'name = "behind", type = "conv", out_channels = 4, kernel_size = 3',
    'type = "flatten"',
    'name = "last", type = "linear", out_features = 10',
)
