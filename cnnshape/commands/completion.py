"""Shell completion, imported when a shell asks: files and zoo names for FILE, the names in the file for LAYER.

A file that is not there, or is wrong, completes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.shell_completion import BashComplete, CompletionItem, add_completion_class

from cnnshape.assemble.network import assemble
from cnnshape.file import targets, zoo
from cnnshape.file.reader import read

if TYPE_CHECKING:
    import click

    from cnnshape.network.network import Network


@add_completion_class
class _Bash(BashComplete):
    """Bash's completion, to which zoo:alexnet is three words: they are put together, and the last one is completed."""

    def get_completion_args(self) -> tuple[list[str], str]:
        args, incomplete = super().get_completion_args()
        words: list[str] = []
        for word in [*args, incomplete]:
            if words and (word == ":" or words[-1].endswith(":")):
                words[-1] += word
            else:
                words.append(word)
        self.front = words[-1][: words[-1].rfind(":") + 1]
        return words[:-1], words[-1]

    def format_completion(self, item: CompletionItem) -> str:
        return f"{item.type},{item.value.removeprefix(self.front)}"


def files(_: click.Context, incomplete: str) -> list[CompletionItem]:
    """Complete FILE: names of the zoo behind its first letters, else the shell's own completion of files."""
    names = sorted(zoo.PREFIX + name for name in zoo.files() if "/" not in name)
    found = [name for name in names if incomplete and name.startswith(incomplete)]
    return [CompletionItem(name) for name in found] or [CompletionItem(incomplete, type="file")]


def networks(_: click.Context, incomplete: str) -> list[CompletionItem]:
    """Complete a name of the zoo."""
    return [CompletionItem(name) for name in sorted(zoo.files()) if name.startswith(incomplete)]


def layers(context: click.Context, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a layer of FILE, or of a block or a repeat in it."""
    net = _net(context)
    names = [node.name for node in net.nodes] if net else []
    parts = {".".join(name.split(".")[:n]) for name in names for n in range(1, name.count(".") + 2)}
    return [CompletionItem(name) for name in sorted(parts) if name.startswith(incomplete)]


def inputs(context: click.Context, incomplete: str) -> list[CompletionItem]:
    """Complete the name of an input of FILE."""
    net = _net(context)
    return [CompletionItem(name) for name in (net.inputs if net else ()) if name.startswith(incomplete)]


def _net(context: click.Context) -> Network | None:
    target = context.params.get("file") or next(iter(context.args), "-")  # args: before an option without its value
    if target == "-":  # standard input is the shell's
        return None
    try:
        file, *others = targets.files(target)
    except ValueError:
        return None
    return None if others else assemble(read(file))
