"""Random nets, mostly shaped like a U, the sizes that they are asked about, and sizes to try."""

import random

from cnnshape import NoClosedForm, loads
from helpers.nets import layer

OTHERS = ["pad", "reflect", "slice", "crop", "glu", "instance_norm", "conv", "window", "gate", "fit", "unshuffle"]


class RandomNet:
    """The text of a random net, with branches that meet again; mostly shaped like a U, so that its set has residues."""

    def __init__(self, seed, rank):
        self.rng, self.rank = random.Random(seed), rank
        self.layers = []
        self.names = ["input"]
        self.chain() if seed % 4 == 0 else self.decoder()
        self.body = len(self.layers)
        if self.rng.random() < 0.3:
            self.tail()

    def text(self, side):
        shape, lines = [2, *[side] * self.rank], "".join(f"{{ {line} }},\n" for line in self.layers)
        return f"input = {shape}\nlayers = [\n{lines}]"

    def add(self, kind, **given):
        name = f"l{len(self.layers)}"
        self.layers.append(layer(kind, name, **given))
        self.names.append(name)
        return name

    def sides(self, value):
        """A number, or now and then a list with another one for each axis."""
        return (
            [value, *(value + self.rng.randint(0, 1) for _ in range(self.rank - 1))]
            if self.rng.random() < 0.15
            else value
        )

    def decoder(self):
        levels = []
        for _ in range(self.rng.randint(1, 4)):
            if self.rng.random() < 0.6:
                self.add("conv", out_channels=2, kernel_size=self.sides(3), padding=self.rng.choice([0, 1, 1, 1]))
            levels.append(self.names[-1])
            self.down() if self.rng.random() < 0.3 else self.halve()
        for level in reversed(levels):
            self.up() if self.rng.random() < 0.2 else self.double()
            if self.rng.random() < 0.8:
                self.join(level)
            if self.rng.random() < 0.4:
                self.add(
                    "conv", out_channels=2, kernel_size=self.rng.choice([1, 3]), padding=self.rng.choice([0, 1, 1])
                )

    def chain(self):
        for _ in range(self.rng.randint(2, 8)):
            self.rng.choice([self.down, self.down, self.other, self.other, self.up])()
            if len(self.names) > 1 and self.rng.random() < 0.15:
                self.join(self.rng.choice(self.names[:-1]))

    def halve(self):
        """To x/2, or rounded up, or a little less."""
        kernel, padding = self.rng.choice([(2, 0), (2, 0), (3, 1), (3, 1), (4, 1), (1, 0), (3, 0)])
        if self.rng.random() < 0.5:
            self.add("conv", out_channels=2, kernel_size=kernel, stride=2, padding=padding)
        else:
            self.add(
                "max_pool",
                kernel_size=kernel,
                stride=2,
                padding=min(padding, kernel // 2),
                ceil_mode=self.rng.random() < 0.3,
            )

    def double(self):
        if self.rng.random() < 0.5:
            self.add("upsample", scale_factor=2)
        else:
            kernel, padding, more = self.rng.choice([(2, 0, 0), (2, 0, 0), (4, 1, 0), (3, 1, 1)])
            self.add(
                "conv_transpose", out_channels=2, kernel_size=kernel, stride=2, padding=padding, output_padding=more
            )

    def down(self):
        kernel, stride, padding = self.rng.choice(
            [(2, 2, 0), (2, 2, 0), (3, 2, 1), (3, 2, 0), (4, 2, 1), (1, 2, 0), (3, 3, 0), (5, 3, 2), (7, 4, 3)]
        )
        if self.rng.random() < 0.5:
            given = {"dilation": self.rng.choice([1, 1, 1, 2])}
            self.add("conv", out_channels=2, kernel_size=self.sides(kernel), stride=stride, padding=padding, **given)
        else:
            kind = self.rng.choice(["max_pool", "avg_pool"])
            padding = min(padding, kernel // 2)
            self.add(kind, kernel_size=kernel, stride=stride, padding=padding, ceil_mode=self.rng.random() < 0.4)

    def up(self):
        if self.rng.random() < 0.5:
            kernel, padding, more = self.rng.choice([(3, 1, 0), (3, 1, 1), (5, 1, 0), (3, 0, 0)])
            self.add(
                "conv_transpose", out_channels=2, kernel_size=kernel, stride=2, padding=padding, output_padding=more
            )
        else:
            self.add("upsample", scale_factor=self.rng.choice([2, 3, 1.5, 0.5]))

    def join(self, other):
        way, here = self.rng.random(), self.names[-1]
        if way < 0.2:
            other = self.add("crop", like=here, exact=self.rng.random() < 0.5, from_=other)
        elif way < 0.3:
            here = self.add("upsample", like=other, from_=here)
        if self.rng.random() < 0.5:
            self.add("concat", from_=[here, other])
        else:  # adding wants the same channels
            one = self.add("conv", out_channels=2, kernel_size=1, from_=here)
            two = self.add("conv", out_channels=2, kernel_size=1, from_=other)
            self.add("add", from_=[one, two])

    def other(self):
        rng = self.rng
        kind = rng.choice(OTHERS)
        if kind == "pad":
            self.add("pad", padding=[[rng.randint(-2, 3), rng.randint(-2, 3)]] * self.rank)
        elif kind == "reflect":
            self.add("pad", padding=rng.randint(1, 4), mode=rng.choice(["reflect", "circular"]))
        elif kind == "slice":
            self.add("slice", dim=rng.choice([2, -1]), start=rng.randint(-9, 5), step=rng.randint(1, 3))
        elif kind == "crop":
            self.add(
                "crop",
                **rng.choice([{"amount": rng.randint(0, 3)}, {"size": rng.randint(1, 9), "exact": rng.random() < 0.5}]),
            )
        elif kind == "glu":
            self.add("glu", dim=2)
        elif kind == "instance_norm":
            self.add("instance_norm")
        elif kind == "conv":
            self.add(
                "conv",
                out_channels=2,
                kernel_size=rng.randint(1, 5),
                padding=rng.randint(0, 2),
                dilation=rng.randint(1, 3),
            )
        elif kind == "window":
            self.add("max_pool", kernel_size=rng.randint(1, 4), stride=rng.randint(1, 5), ceil_mode=rng.random() < 0.5)
        elif kind == "gate":
            here = self.names[-1]
            self.add("mul", from_=[here, self.add("global_avg_pool")])
        elif kind == "fit":
            given = rng.choice(
                [
                    {"output_size": 7},
                    {"output_size": 1},
                    {"at_least": 7},
                    {"at_most": 12},
                    {"at_least": 3, "at_most": 9},
                ]
            )
            self.add(rng.choice(["adaptive_avg_pool", "adaptive_max_pool"]), **given)
        elif self.rank == 2:
            self.add("pixel_unshuffle", downscale_factor=2)

    def tail(self):
        kind = self.rng.choice(["linear", "linear", "layer_norm", "global", "last"])
        if kind == "linear":
            if self.rng.random() < 0.5:
                self.down()
            self.add("flatten")
            self.add("linear", out_features=3)
        elif kind == "layer_norm":
            self.add("layer_norm", over="all")
        elif kind == "global":
            self.add("global_avg_pool")
            self.add("flatten")
            self.add("linear", out_features=3)
        else:
            self.add("linear", out_features=3)


class FittedNet(RandomNet):
    """A random net with padding that follows the side, and with sides that another layer or a multiple decides."""

    def halve(self):
        rng = self.rng
        given = {"kernel_size": rng.randint(1, 5), "stride": rng.choice([2, 2, 3])}
        given["padding"] = rng.choice(["same_upper", "same_lower"])
        kind = rng.choice(["conv", "conv", "max_pool", "avg_pool", "lp_pool"])
        if kind == "conv":
            mode = rng.choice(["zeros", "zeros", "reflect", "circular"])
            given |= {"out_channels": 2, "dilation": rng.randint(1, 3), "padding_mode": mode}
        elif kind == "lp_pool":
            given["norm_type"] = 2
        self.add(kind, **given)

    def double(self):
        rng = self.rng
        padding = rng.choice(["same_upper", "same_lower"])
        self.add("conv_transpose", out_channels=2, kernel_size=rng.randint(2, 5), stride=2, padding=padding)

    def join(self, other):
        way, here, rng = self.rng.random(), self.names[-1], self.rng
        if way < 0.5:
            mode = rng.choice(["constant", "constant", "replicate", "reflect", "circular"])
            here = self.add("pad", like=other, mode=mode, from_=here, **rng.choice([{}, {}, {"where": "after"}]))
        elif way < 0.7:
            given = rng.choice(
                [{"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}, {"kernel_size": 4, "stride": 3}]
            )
            here = self.add("conv_transpose", out_channels=2, like=other, from_=here, **given)
        elif way < 0.85:
            factor = rng.choice([0.5, 2, 1.5])
            here = self.add("upsample", like=other, scale_factor=factor, from_=here)
            other = self.add("upsample", scale_factor=factor, from_=other)
        else:
            multiple, where = rng.choice([4, 8, 12]), rng.choice([{}, {"where": "both"}])
            here, other = (self.add("pad", multiple=multiple, from_=name, **where) for name in (here, other))
        self.add("concat", from_=[here, other])


def built(made):
    """Build the net at an input that it takes, which settles its linear layers; layers go until there is such an input."""
    for side in (*made.rng.sample(range(1, 150), 8), 96):
        net = loads(made.text(side))
        if net.check().ok:
            return net
    made.layers = made.layers[: made.body]
    while not (net := loads(made.text(side))).check().ok and len(made.layers) > 1 and made.rng.random() < 0.9:
        made.layers.pop()
    return net


def sides_of(made, count):
    """Sizes to try: every one from 1 up; of a plane equal sides, and pairs near valid ones and anywhere."""
    if made.rank == 1:
        return [(side,) for side in range(1, count + 1)]
    pairs = [tuple(made.rng.randint(1, 100) for _ in range(2)) for _ in range(count // 3)]
    return [(side, side) for side in range(1, count - count // 3 + 1)] + pairs


def asked(seed, rank, *, exact=False, of=RandomNet):
    """The random net of a seed, and its sizes; no sizes where it has no closed form."""
    made = of(seed, rank)
    net = built(made)
    try:
        return made, net, net.valid_sizes(exact=exact)
    except NoClosedForm:
        return made, net, None
