"""`cnnshape schema`: the JSON Schema of architecture files, and the reference of the layer types."""

from __future__ import annotations

import click


@click.command()
@click.option("--reference", is_flag=True, help="Print the reference of the layer types instead, as Markdown.")
def schema(reference: bool) -> None:
    """Print the JSON Schema of architecture files, for editors that complete and check them."""
    import json

    from cnnshape.file import schema

    click.echo(schema.reference() if reference else json.dumps(schema.schema(), indent=2))
