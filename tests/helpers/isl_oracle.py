"""The set of valid sizes by islpy, a library for sets of whole numbers that shares nothing with cnnshape.

The rules stand here once more, as the papers and torch's documentation have them; piecewise quasi-affine functions of
x do the rest. Of one axis; a net of several is read along its first.
"""

POINTWISE = ("relu", "batch_norm", "dropout", "identity")


class Oracle:
    """The set of a net of one axis, in piecewise quasi-affine functions of x, rule by rule as the papers have them."""

    def __init__(self, isl):
        self.isl, self.x = isl, isl.PwAff("{ [x] -> [(x)] }")
        self.valid = isl.Set("{ [x] : x >= 1 }")

    def number(self, n):
        return self.isl.PwAff(f"{{ [x] -> [({n})] }}")

    def divided(self, a, n):
        return a.scale_down_val(self.isl.Val(n)).floor()

    def times(self, a, n):
        return a.scale_val(self.isl.Val(n))

    def need(self, a, sign, b):
        a, b = (self.number(n) if isinstance(n, int) else n for n in (a, b))
        self.valid &= {">=": a.ge_set, ">": a.gt_set, "=": a.eq_set}[sign](b)

    def of(self, net):
        values = [None, self.x]
        for node in net.nodes:
            values.append(self.layer(node.layer, *(values[value] for value in node.inputs)))
        return self.valid.coalesce()

    def layer(self, layer, w, *others):
        """The side that comes out of a layer; its conditions go into `valid`."""
        if layer.type in POINTWISE:
            return w
        y = getattr(self, layer.type)(w, *others, **self.settings(layer))
        self.need(y, ">=", 1)
        return y

    def settings(self, layer):
        """The settings of a layer, along its first axis."""
        given = {name: getattr(layer, name) for name in layer.parameters if name != "like"}
        return {name: value[0] if isinstance(value, tuple) else value for name, value in given.items()}

    def windows(self, w, kernel_size, stride, padding, dilation=1):
        free = w + self.number(2 * padding - (kernel_size - 1) * dilation - 1)
        self.need(free, ">=", 0)
        return self.divided(free, stride) + self.number(1)

    def rounded_up(self, w, n):
        return self.divided(w + self.number(n - 1), n)

    def conv(self, w, *, kernel_size, stride, padding, dilation, padding_mode, **_):  # noqa: PLR0913
        if not isinstance(padding, str):
            return self.windows(w, kernel_size, stride, padding, dilation)
        y = self.rounded_up(w, stride)
        added = (self.times(y - self.number(1), stride) + self.number((kernel_size - 1) * dilation + 1) - w).max(
            self.number(0)
        )
        self.repeats(w, self.rounded_up(added, 2), padding_mode)
        return y

    def repeats(self, w, added, mode):
        """The cells to be repeated are there; a mirror repeats all but the last one."""
        if mode in ("reflect", "circular"):
            self.need(w, ">" if mode == "reflect" else ">=", added)

    def max_pool(self, w, *, kernel_size, stride, padding, ceil_mode, dilation=1, **_):  # noqa: PLR0913
        if isinstance(padding, str):
            return self.rounded_up(w, stride)
        if not ceil_mode:
            return self.windows(w, kernel_size, stride, padding, dilation)
        # as many windows as cover it all, but none that starts in the padding behind
        free = w + self.number(2 * padding - (kernel_size - 1) * dilation - 1)
        all_of_it = self.divided(free + self.number(stride - 1), stride) + self.number(1)
        return all_of_it.min(self.divided(w + self.number(padding + stride - 1), stride))

    avg_pool = lp_pool = max_pool

    def global_avg_pool(self, w):
        return self.number(1)

    def adaptive_avg_pool(self, w, *, output_size, at_least, at_most):
        y = w if output_size in (None, "keep") else self.number(output_size)
        y = y if at_least is None else y.max(self.number(at_least))
        return y if at_most is None else y.min(self.number(at_most))

    adaptive_max_pool = adaptive_avg_pool

    def mul(self, w, other):
        one = self.number(1)
        self.valid &= w.eq_set(other) | w.eq_set(one) | other.eq_set(one)
        return w.max(other)

    def conv_transpose(self, w, like=None, *, kernel_size, stride, padding, output_padding, **_):  # noqa: PLR0913
        if isinstance(padding, str):
            return self.times(w, stride)
        y = self.times(w - self.number(1), stride) + self.number(kernel_size - 2 * padding + output_padding)
        if like is None:
            return y
        self.need(like, ">=", y)
        self.need(y + self.number(stride - 1), ">=", like)
        return like

    def upsample(self, w, like=None, *, scale_factor, **_):
        if scale_factor is None:
            return like
        top, bottom = float(scale_factor).as_integer_ratio()
        return self.divided(self.times(w if like is None else like, top), bottom)

    def concat(self, w, *others, **_):
        for other in others:
            self.need(w, "=", other)
        return w

    add = concat

    def crop(self, w, like=None, *, size, amount, exact, **_):
        y = like if like is not None else self.number(size) if size else w - self.number(2 * amount)
        self.need(w, ">=", y)
        if exact:
            self.need(self.times(self.divided(w - y, 2), 2), "=", w - y)
        return y

    def pad(self, w, like=None, *, padding, mode, multiple, where, **_):  # noqa: PLR0913
        if like is not None or multiple is not None:
            y = like if like is not None else self.times(self.rounded_up(w, multiple), multiple)
            both = where == "both" or (where is None and like is not None)
            self.repeats(w, self.rounded_up(y - w, 2 if both else 1), mode)
            return y
        before, after = padding if isinstance(padding, tuple) else (padding, padding)
        self.need(w + self.number(min(before, 0) + min(after, 0)), ">=", 0)
        if mode != "constant":
            self.need(w, ">" if mode == "reflect" else ">=", max(before, after))
        return w + self.number(before + after)

    def slice(self, w, *, start, step, **_):
        first = self.number(start) if start >= 0 else w + self.number(start)
        self.need(first, ">=", 0)
        self.need(w, ">=", first)
        return self.divided(w - first + self.number(step - 1), step)

    def glu(self, w, **_):
        half = self.divided(w, 2)
        self.need(self.times(half, 2), "=", w)
        return half

    def instance_norm(self, w, **_):
        self.need(w, ">=", 2)
        return w

    def set(self, sizes):
        """The same as a set of isl's."""
        spans = [f"{a} <= x <= {b}" for a, b in sizes.finite]
        spans += [f"x >= {sizes.start} and {a} <= x mod {sizes.period} <= {b}" for a, b in sizes.residues]
        return self.isl.Set(f"{{ [x] : x >= 1 and ({' or '.join(f'({span})' for span in spans) or '1 = 0'}) }}")
