"""A net in torch, made of parts of which one may be another, missing, or too much."""

from collections import OrderedDict

from torch import nn

NET = """
input = [3, 32, 32]
layers = [
  { name = "conv1", type = "conv", out_channels = 16, kernel_size = 3, padding = 1, bias = false },
  { name = "bn1", type = "batch_norm" },
  { name = "act1", type = "relu" },
  { name = "pool1", type = "max_pool", kernel_size = 2 },
  { name = "conv2", type = "conv", out_channels = 32, kernel_size = 3, padding = 1, groups = 2 },
  { name = "act2", type = "relu" },
  { name = "conv3", type = "conv", out_channels = 32, kernel_size = 3, padding = 1 },
  { name = "act3", type = "relu" },
  { name = "conv4", type = "conv", out_channels = 32, kernel_size = 3, padding = 1 },
  { name = "act4", type = "relu" },
  { name = "pool2", type = "max_pool", kernel_size = 2 },
  "flatten",
  { name = "fc1", type = "linear", out_features = 64 },
  { name = "act5", type = "relu" },
  { name = "drop", type = "dropout", p = 0.5 },
  { name = "fc2", type = "linear", out_features = 10 },
]
"""


def parts():
    """The net in torch; what follows a planted difference fits itself to it."""
    return {
        "conv1": nn.Conv2d(3, 16, 3, padding=1, bias=False), "bn1": nn.BatchNorm2d(16), "act1": nn.ReLU(),
        "pool1": nn.MaxPool2d(2), "conv2": nn.Conv2d(16, 32, 3, padding=1, groups=2), "act2": nn.ReLU(),
        "conv3": nn.Conv2d(32, 32, 3, padding=1), "act3": nn.ReLU(), "conv4": nn.Conv2d(32, 32, 3, padding=1),
        "act4": nn.ReLU(), "pool2": nn.MaxPool2d(2), "flat": nn.Flatten(), "fc1": nn.LazyLinear(64),
        "act5": nn.ReLU(), "drop": nn.Dropout(), "fc2": nn.Linear(64, 10),
    }  # fmt: skip


def put(**modules):
    return lambda parts: parts | modules


def without(name):
    return lambda parts: {key: module for key, module in parts.items() if key != name}


def behind(name, **more):
    def plant(parts):
        keys = [key for part in parts for key in ([part, *more] if part == name else [part])]
        return {key: (parts | more)[key] for key in keys}

    return plant


def swapped(one, other):
    return lambda parts: {name: parts[name] for name in ({one: other, other: one}.get(key, key) for key in parts)}


def reused(name, instead_of):
    return lambda parts: parts | {instead_of: parts[name]}


STYLES = {
    "named": lambda modules: nn.Sequential(OrderedDict(modules)),
    "numbered": lambda modules: nn.Sequential(*modules.values()),
}
