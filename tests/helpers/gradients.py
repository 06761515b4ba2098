"""Which rows of an image a result depends on, as the gradient of a real forward in torch has it: an oracle."""

import json

from cnnshape import loads


def net_of(*layers, shape=(2, 40), top="", inputs=""):
    """A net of layers, each a type with its settings."""
    lines = ""
    for number, (kind, given) in enumerate(layers, start=1):
        settings = {"name": f"l{number}", "type": kind} | {key.rstrip("_"): value for key, value in given.items()}
        lines += f"{{ {', '.join(f'{key} = {json.dumps(value)}' for key, value in settings.items())} }},\n"
    return loads(f"{top}\n{inputs or f'input = {list(shape)}'}\nlayers = [\n{lines}]")


def forward(net, *images):
    """The values of a real forward, with positive weights, so that nothing cancels; max pools look at all they see."""
    import torch

    values = [None, *images]
    for row in net.check().layers:
        layer, entering = row.node.layer, [values[value] for value in row.node.inputs]
        if layer.type == "max_pool":
            result = summed(layer, entering[0], row.output)
        else:
            module = layer.module(torch, *row.inputs)
            if module is not None:
                module = module.double().eval()
                for weights in module.parameters():
                    torch.nn.init.uniform_(weights, 0.5, 1.5)
            result = layer.call(torch, module, *entering)
        assert tuple(result.shape[1:]) == row.output
        values.append(result)
    return values[1 + len(images) :]


def summed(layer, x, shape):
    """A max pool as a sum over each of its windows."""
    import torch

    rank, channels = x.dim() - 2, x.shape[1]
    axes = layer.axes(rank)
    ends = [(axis["padding"], axis["padding"] + 9 * layer.ceil_mode) for axis in axes]
    x = torch.nn.functional.pad(x, [cells for pair in reversed(ends) for cells in pair])
    weights = torch.ones(channels, 1, *(axis["kernel_size"] for axis in axes), dtype=x.dtype)
    settings = {name: [axis[name] for axis in axes] for name in ("stride", "dilation")}
    y = getattr(torch.nn.functional, f"conv{rank}d")(x, weights, groups=channels, **settings)
    return y[(..., *(slice(side) for side in shape[1:]))]


def image_of(shape):
    import torch

    return (torch.rand(1, *shape, dtype=torch.float64) + 0.5).requires_grad_()


def rows_behind(result, image, axis, position):
    """The rows of the image, along one axis, that one row of the result (all of it, if it has no axes) depends on."""
    import torch

    part = result.select(2 + axis, position) if result.dim() == image.dim() else result
    weights = torch.rand_like(part)
    (gradient,) = torch.autograd.grad((part * weights).sum(), image, retain_graph=True, allow_unused=True)
    if gradient is None:
        return set()
    others = [other for other in range(image.dim()) if other != 2 + axis]
    strength = gradient.abs().amax(others)
    return {row for row, size in enumerate(strength.tolist()) if size > 1e-12 * strength.max()}


def rows_of(field, position, side):
    cells = field.at(position)
    return {row for row in range(side) if row in cells}
