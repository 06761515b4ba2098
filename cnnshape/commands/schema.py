"""`cnnshape schema`: the JSON Schema of architecture files, and the references that docs/ has."""

from __future__ import annotations

import click


@click.command()
@click.option("--reference", is_flag=True, help="Print the reference of the layer types instead, as Markdown.")
@click.option("--problems", is_flag=True, help="Print the reference of the problems instead, as Markdown.")
def schema(reference: bool, problems: bool) -> None:
    """Print the JSON Schema of architecture files, for editors that complete and check them."""
    if problems:
        click.echo(_problems(), nl=False)
        return
    if reference:
        from cnnshape.show.layer_types import page

        click.echo(page())
        return
    import json

    from cnnshape.file.schema import schema as json_schema

    click.echo(json.dumps(json_schema(), indent=2))


def _problems() -> str:
    from cnnshape.show.codes import page

    try:
        return page()
    except ImportError as error:
        raise click.UsageError(f"some problems are those of a torch model: {error}") from None
