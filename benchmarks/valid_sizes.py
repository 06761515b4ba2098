"""What the exact set of valid sizes costs, as ratios in one run: python benchmarks/valid_sizes.py.

set / pass      against one pass of the int engine, which has measured nothing before: of the zoo's median network at
                most 4, of any at most 12
isl / set       islpy's way to the same set, of one axis, against ours of all: more than 1, on U-Net depth 4, ResNet-50,
                a chain of 1,000 layers and a U-Net of depth 64, whose modulus is 2**64
sweep / set     checking AlexNet at every side from 1 to 1,024: at least 100
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medians import seconds

import cnnshape
from cnnshape.network.flow import measured

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnnshape import Network

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))


def load(name: str) -> Network:
    """A network of the zoo, without claims, of which one is this set."""
    return cnnshape.load(ROOT / "architectures" / f"{name}.toml")._replace(claims=())


def pass_of(net: Network, shape: tuple[int, ...] | None = None) -> Callable[[], Any]:
    """A pass of the int engine over the net, that has measured nothing before."""

    def run() -> None:
        measured.cache_clear()
        net._replace().check(shape)  # a copy has no report of its own yet

    return run


def zoo() -> list[tuple[float, str]]:
    """The ratio of set to pass for each network."""
    found = []
    for file in sorted((ROOT / "architectures").glob("*.toml")):
        net = load(file.stem)
        set_, pass_ = seconds(net.valid_sizes, pass_of(net))
        found.append((set_ / pass_, f"{file.stem}: {set_ * 1e3:.2f} ms / {pass_ * 1e3:.2f} ms"))
    return sorted(found)


def unet(depth: int) -> Network:
    """A padded U-Net of one channel and one axis, with strict concatenation."""
    conv = 'type = "conv", out_channels = 1, kernel_size = 3, padding = 1'
    lines = []
    for level in range(depth):
        lines += [conv, f'name = "down{level}", {conv}', 'type = "max_pool", kernel_size = 2']
    for level in reversed(range(depth)):
        lines += [f'name = "up{level}", type = "conv_transpose", out_channels = 1, kernel_size = 2, stride = 2']
        lines += [f'type = "concat", from = ["up{level}", "down{level}"]', f"{conv}, in_channels = 2", conv]
    return net_of(lines, 2 ** min(depth, 16))


def chain(length: int) -> Network:
    return net_of(['type = "conv", out_channels = 1, kernel_size = 3'] * length, 3 * length)


def net_of(lines: list[str], side: int) -> Network:
    return cnnshape.loads(f"input = [1, {side}]\nlayers = [{', '.join(f'{{ {line} }}' for line in lines)}]")


def against_isl(name: str, net: Network) -> None:
    import islpy
    from helpers.isl_oracle import Oracle

    sizes = net.valid_sizes().square
    oracle = Oracle(islpy)
    assert oracle.of(net).is_equal(oracle.set(sizes))
    ours, isls = seconds(net.valid_sizes, lambda: Oracle(islpy).of(net), rounds=5)
    print(f"  {name}: isl {isls * 1e3:.1f} ms / {ours * 1e3:.2f} ms = {isls / ours:.1f}  (more than 1)")


def main() -> None:
    ratios = zoo()
    print(f"set / pass, {len(ratios)} networks of the zoo")
    print(f"  median  {ratios[len(ratios) // 2][0]:.2f}  (at most 4)")
    print(f"  largest {ratios[-1][0]:.2f}  (at most 12; {ratios[-1][1]})")

    print("isl / set")
    against_isl("U-Net of the zoo", load("unet"))
    resnet = load("resnet50")
    against_isl("ResNet-50 of the zoo, up to its pool", resnet._replace(nodes=resnet.nodes[:-2], outputs={}))
    against_isl("1,000 layers", chain(1000))
    against_isl("U-Net of depth 64", unet(64))

    alexnet = load("alexnet")
    sweep = [pass_of(alexnet, (3, side, side)) for side in range(1, 1025)]
    ours, swept = seconds(alexnet.valid_sizes, lambda: [run() for run in sweep], rounds=5)
    print(
        f"sweep / set, AlexNet at 1..1,024: {swept * 1e3:.0f} ms / {ours * 1e3:.2f} ms = {swept / ours:.0f}  (at least 100)"
    )


if __name__ == "__main__":
    main()
