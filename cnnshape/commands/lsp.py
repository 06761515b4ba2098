"""`cnnshape lsp`: the server of editors."""

from __future__ import annotations

import sys

import click


@click.command()
@click.option("--stdio", is_flag=True, help="Speak on standard input and output, as it does without.")
def lsp(*, stdio: bool) -> None:  # noqa: ARG001 -- editors give it
    """Serve an editor, which starts this itself: problems and shapes as you type, by the Language Server Protocol.

    The exit status is 0 where the editor had the server shut down, 1 where it left without, 2 where the extra is not
    installed: pip install 'cnnshape[lsp]'.
    """
    try:
        from cnnshape.editor.server import start  # with pygls, which takes half a second
    except ModuleNotFoundError as error:
        click.echo(f"cnnshape lsp needs {str(error.name).partition('.')[0]}: pip install 'cnnshape[lsp]'", err=True)
        sys.exit(2)
    sys.exit(start())
