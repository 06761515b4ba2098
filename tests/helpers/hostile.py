"""Files that are small and ask for as much work as they can, by name: for the test of what is counted, and a benchmark."""

MANY = 735_134_400  # the number below 10**9 with the most divisors: 1,344


def lines(*some):
    return "layers = [\n" + ",\n".join(some) + "\n]\n"


def conv(name, stride, **more):
    given = {"out_channels": 1, "kernel_size": 1, "stride": stride} | more
    return f'{{ name = "{name}", type = "conv", {", ".join(f"{key} = {value}" for key, value in given.items())} }}'


def source(name="input"):
    return f'"{name}"'


def linear(count=MANY):
    return f'{{ type = "linear", in_features = {count}, out_features = 1 }}'


def branches(count, joined="[]"):
    return (
        f'{{ name = "joined", type = "concat", dim = 2, from = [{", ".join(source(f"c{i}") for i in range(count))}] }}'
    )


def sums_of_strides(count, shape="[1, 1000000]"):
    """As many floors as there are branches, in one sum that is to be a number."""
    strides = [
        conv(f"c{i}", i + 3 if shape.count(",") == 1 else [i + 3, 1], **{"from": source()}) for i in range(count)
    ]
    return f"input = {shape}\n" + lines(*strides, branches(count), '"flatten"', linear())


def many_products(count):
    """Heads that each ask for a product of sides, in many ways."""
    heads = []
    for i in range(count):
        heads.append(conv(f"c{i}", [1, 1], padding=i % 40, **{"from": source()}))
        heads.append(f'{{ name = "f{i}", type = "flatten" }}')
        heads.append(linear(MANY // (1 + i % 7)))
    return 'input = [1, 64, 64]\nallow = ["unused-result"]\n' + lines(*heads)


def primes_that_cross(count):
    """Conditions of coprime periods, each of which leaves most remainders."""
    rows = []
    for i, p in enumerate(p for p in range(2, 10_000) if all(p % d for d in range(2, int(p**0.5) + 1))):
        if i == count:
            break
        rows += [
            f'{{ name = "pool{p}", type = "max_pool", kernel_size = {p}, from = "input" }}',
            f'{{ name = "up{p}", type = "upsample", scale_factor = {p} }}',
            f'{{ name = "more{p}", type = "pad", padding = [[0, {p - 2}]] }}',
            '{ type = "crop", like = "input" }',
        ]
    return 'input = [1, 10000]\nallow = ["unused-result"]\n' + lines(*rows)


def nested(depth, uses):
    """Floors of sums of floors, as deep as they go, and many layers behind them."""
    rows = [conv("c0", 3)]
    for i in range(depth):
        rows += [
            conv(f"a{i}", 2, **{"from": source(f"c{i}")}),
            f'{{ name = "b{i}", type = "concat", dim = 2, from = ["a{i}", "c{i}"] }}',
            conv(f"c{i + 1}", 3),
        ]
    more = f'{{ name = "r", type = "conv", out_channels = 1, kernel_size = 3, padding = 1, repeat = {uses} }}'
    shrinking = f'{{ name = "s", type = "conv", out_channels = 1, kernel_size = 2, repeat = {uses} }}'
    return 'input = [1, 1000000]\nallow = ["unused-result"]\n' + lines(*rows, more, shrinking)


def one_of_many(count):
    """Conditions of which one of two must hold, on both axes."""
    rows = []
    for i in range(count):
        rows.append(conv(f"c{i}", [1 + i % 9, 1 + i % 7], kernel_size=[1 + i % 11, 1 + i % 13], **{"from": source()}))
        rows.append('{ type = "instance_norm" }')
    return 'input = [1, 300, 300]\nallow = ["unused-result"]\n' + lines(*rows)


def gates(count):
    """Products that broadcast: equal, or one of both 1."""
    rows = []
    for i in range(count):
        rows.append(conv(f"c{i}", [2 + i % 90, 3 + i % 70], **{"from": source()}))
        rows.append(f'{{ type = "mul", from = ["c{i}", "c{(7 * i) // 9}"] }}')
    return 'input = [1, 300, 300]\nallow = ["unused-result"]\n' + lines(*rows)


def many_axes(count):
    return f"input = {[1] + [2] * count}\n" + lines('"flatten"', linear(2**29 * 3))


def repeated_sums(count, uses):
    """A sum of as many floors as are allowed, which then goes through many layers, each of which has a condition."""
    strides = [conv(f"c{i}", i + 3, **{"from": source()}) for i in range(count)]
    more = f'{{ name = "r", type = "conv", out_channels = 1, kernel_size = 2, repeat = {uses} }}'
    return "input = [1, 1000000]\n" + lines(*strides, branches(count), more)


def large_strides(count):
    """Floors by large primes: periods of thousands of digits."""
    strides = [conv(f"c{i}", 2**31 - 1 - 2 * i, **{"from": source()}) for i in range(count)]
    doubled = '{ name = "d", type = "conv_transpose", out_channels = 1, kernel_size = 1, stride = 3 }'
    return f"input = [1, {2**40}]\n" + lines(
        *strides,
        branches(count),
        doubled,
        conv("e", 2),
        '{ type = "crop", like = "d", from = "e" }',
        '{ type = "add", from = ["d", "e"] }',
    )


def irregular_fields(count):
    """Paths that move at different speeds, over many positions."""
    rows = ['{ name = "x0", type = "relu" }']
    for i in range(count):
        rows.append(f'{{ name = "a{i}", type = "conv", out_channels = 1, kernel_size = 1, stride = 2, from = "x0" }}')
        rows.append(f'{{ name = "b{i}", type = "slice", dim = 2, stop = 50000, from = "x0" }}')
        rows.append(f'{{ name = "x{i + 1}", type = "add", from = ["a{i}", "b{i}"] }}')
    return 'input = [1, 100000]\nallow = ["unused-result"]\n' + lines(*rows)


def wide_fields(count):
    """Long periods, and windows of many cells at each position."""
    rows = ['{ type = "conv_transpose", out_channels = 1, kernel_size = 4096, stride = 4096 }']
    rows += ['{ type = "conv", out_channels = 1, kernel_size = 4001, padding = 2000 }'] * count
    return "input = [1, 100]\n" + lines(*rows)


def joined_heads(count):
    """A sum of many products of sides."""
    rows = []
    for i in range(count):
        rows.append(conv(f"c{i}", 1 + i % 13, kernel_size=1 + i % 7, **{"from": source()}))
        rows.append(f'{{ name = "f{i}", type = "flatten" }}')
    rows.append(f'{{ type = "concat", from = [{", ".join(source(f"f{i}") for i in range(count))}] }}')
    return 'input = [1, 64, 64]\nallow = ["unused-result"]\n' + lines(*rows, linear())


HOSTILE = {
    "heads": joined_heads(500),
    "sums": sums_of_strides(1000),
    "sums-2d": sums_of_strides(1000, "[1, 1000000, 16]"),
    "sums-200": sums_of_strides(200, "[1, 1000000, 16]"),
    "sums-40": sums_of_strides(40, "[1, 1000000, 16]"),
    "products": many_products(600),
    "primes": primes_that_cross(9),
    "more-primes": primes_that_cross(300),
    "nested": nested(6, 100),
    "nested-deep": nested(8, 20_000),
    "either": one_of_many(700),
    "gates": gates(700),
    "axes": many_axes(30),
    "more-axes": many_axes(60),
    "repeated-sums": repeated_sums(290, 40_000),
    "large-strides": large_strides(280),
    "irregular": irregular_fields(300),
    "wide": wide_fields(300),
}
