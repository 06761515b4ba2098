"""Layers that look numbers up in a table: whole numbers enter, as classes or places, and learned vectors come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnshape.layers.base import ANY_SHAPE, Layer
from cnnshape.layers.parameters import Count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnnshape.layers.in_torch import Called
    from cnnshape.numbers.rules import N, Require
    from cnnshape.numbers.shape import Shape

INDEX = 8  # bytes of a whole number


class Embedding(Layer, type="embedding", torch="Embedding"):
    """Looks each whole number up in a table of learned vectors.

    Shape   (x1, x2, ...) -> (x1, x2, ..., embedding_dim); [] -> [embedding_dim]
    Counts  parameters: num_embeddings * embedding_dim; MACs: none, nothing is multiplied
    Source  torch.nn.Embedding
    """

    family = "Layers that look numbers up"
    paint = "linear"
    num_embeddings = Count()
    embedding_dim = Count(sides=True)
    ranks = ANY_SHAPE
    keeps_rank = False

    @classmethod
    def told(cls, given: Mapping[str, Any], call: Called) -> dict[str, Any]:
        count, size = call.tensors[1].shape
        return {"num_embeddings": count, "embedding_dim": size}

    def output(self, require: Require, *inputs: Shape) -> Shape:
        return (*inputs[0], self.embedding_dim)

    def weights(self, x: Shape) -> N:
        return self.num_embeddings * self.embedding_dim

    def state(self, x: Shape) -> dict[str, Shape]:
        return {"weight": (self.num_embeddings, self.embedding_dim)}

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return module(tensors[0].long() % self.num_embeddings)

    def apply(self, torch: Any, parts: Any, module: Any, *tensors: Any) -> Any:
        return module(tensors[0].long())

    def on_tape(self, torch: Any, module: Any, *tensors: Any) -> Any:
        """Keep the whole numbers, which hand no gradient on: what leads to them is not kept."""
        x = tensors[0]
        if x.grad:
            torch.not_stated("a backward pass ends at whole numbers")
        y = torch.plain(x, (x.shape[0], *module.result))
        y.grad = torch.training and module.trained
        if y.grad:
            torch.keep_new(x.numel(), INDEX)
        return y
