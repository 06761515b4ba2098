"""The pytest plugin: architecture files as tests, one for each file and each layer; marks and a fixture for test code.

pytest imports this module wherever cnnshape is installed, so nothing of ours is imported until there are files to test.
"""

from __future__ import annotations

import operator
import os
from functools import cached_property
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cnnshape.network.graph import Node
    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.problems.base import Problem
    from cnnshape.pytorch.crosscheck import Verification
    from cnnshape.show.testcases import Case

CHOICES: Final = {  # options with their help and values; the first value is the default
    "device": ("where torch runs", ("auto", "cuda", "mps", "cpu", "meta")),
    "granularity": ("one test a layer, or a file", ("layer", "file")),
}
ZOO: Final = "zoo:"  # as cnnshape.file.zoo has it
FILES: Final[pytest.StashKey[_Files]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cnnshape", "architecture files as tests")
    for name, (help_, choices) in CHOICES.items():
        about = f"{help_}; left out: {choices[0]}"
        group.addoption(f"--cnnshape-{name}", choices=choices, help=about)
        parser.addini(f"cnnshape_{name}", about, type="string", default=choices[0])
    for name, about in (
        ("strict", "make warnings errors, and dropped rows and columns a warning"),
        ("no-torch", "do not ask torch about the layers"),
    ):
        group.addoption(f"--cnnshape-{name}", action="store_true", default=None, help=about)
        parser.addini(f"cnnshape_{name.replace('-', '_')}", about, type="bool")
    parser.addini("cnnshape_files", "the architecture files to test: globs, from the root directory", type="args")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "cnnshape(*globs): run the test with each architecture file as `net`")
    sizes = "run the test with n inputs that the net of an architecture file accepts, each as `shape`"
    config.addinivalue_line("markers", f"cnnshape_sizes(file, n=8): {sizes}")
    for name, (_, choices) in CHOICES.items():
        if config.getini(f"cnnshape_{name}") not in choices:
            said = config.getini(f"cnnshape_{name}")
            raise pytest.UsageError(f"cnnshape_{name} is one of {', '.join(choices)}, not {said!r}")
    if of_zoo := [pattern for pattern in config.getini("cnnshape_files") if pattern.startswith(ZOO)]:
        raise pytest.UsageError(f"cnnshape_files has paths of this repository, not {of_zoo[0]}: use the mark cnnshape")
    globs = _files(config).globs if config.getini("cnnshape_files") else {}
    for pattern in (pattern for pattern, found in globs.items() if not found):
        nothing = f"no file matches {pattern!r} of cnnshape_files, from {config.rootpath}"
        config.issue_config_time_warning(ArchitectureWarning(nothing), stacklevel=2)
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:  # where the ini's files need not be
        roots = [config.rootpath / argument for argument in config.args]
        beside = [file for file in _files(config).named if not any(map(file.is_relative_to, roots))]
        config.args += sorted(str(file) for file in beside if _files(config).is_net(file, named=True))


def _option(config: pytest.Config, name: str) -> Any:
    """Return an option's value: that of the command line, or else that of the ini."""
    given = config.getoption(f"cnnshape_{name}")
    return config.getini(f"cnnshape_{name}") if given is None else given


def pytest_report_header(config: pytest.Config) -> str | None:
    if not config.getini("cnnshape_files"):
        return None
    count = len(_files(config).named)
    files = f"{count} {'file matches' if count == 1 else 'files match'} cnnshape_files"
    if _asks_torch(config):
        return f"cnnshape: {files}, cross-check with torch on {_option(config, 'device')}"
    return f"cnnshape: {files}, no cross-check" + ("" if _option(config, "no_torch") else ": torch is not installed")


def _asks_torch(config: pytest.Config) -> bool:
    return not _option(config, "no_torch") and find_spec("torch") is not None


class _Files:
    """The architecture files of one run, with their nets, each built once."""

    def __init__(self, config: pytest.Config):
        self.root = config.rootpath
        self.globs = {pattern: self.matching(pattern) for pattern in config.getini("cnnshape_files")}
        self.named = frozenset(chain.from_iterable(self.globs.values()))
        self.are_nets: dict[Path, bool] = {}
        self.nets: dict[Path, Network] = {}

    def matching(self, pattern: str) -> list[Path]:
        """Return the files that a glob from the root directory matches, or zoo:GLOB in the zoo."""
        from cnnshape.file.targets import globbed

        found = globbed(pattern, self.root) or [pattern] * pattern.startswith(
            ZOO
        )  # which is read, and says what is wrong
        return sorted(map(self.path, found))

    def path(self, file: str | os.PathLike[str]) -> Path:
        """Return the path of a file given from the root directory; zoo:NAME stays as it is."""
        return Path(file if str(file).startswith(ZOO) else os.path.normpath(self.root / file))

    def is_net(self, file: Path, *, named: bool) -> bool:
        """Return whether a file is tested: one with layers; named by the ini or a mark, also one that lacks them."""
        from cnnshape.file.targets import is_net

        if file not in self.are_nets:
            self.are_nets[file] = is_net(file, named=named)
        return self.are_nets[file]

    def net(self, file: Path) -> Network:
        """Return the net of a file; its problems are the net's."""
        from cnnshape.diagnosis.door import examine_file

        if file not in self.nets:
            below = file.is_relative_to(Path.cwd())  # then its problems read as on the command line
            self.nets[file] = examine_file(os.path.relpath(file) if below else file).net
        return self.nets[file]


def _files(config: pytest.Config) -> _Files:
    if FILES not in config.stash:
        config.stash[FILES] = _Files(config)
    return config.stash[FILES]


# Files and layers as tests


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ArchitectureFile | None:
    if file_path.suffix != ".toml":
        return None
    files = _files(parent.config)
    named = file_path in files.named
    if (named or parent.session.isinitpath(file_path)) and files.is_net(file_path, named=named):
        return ArchitectureFile.from_parent(parent, path=file_path)
    return None


class ArchitectureFile(pytest.File):
    """An architecture file; its net is built when it is collected, and checked when its first test runs."""

    def collect(self) -> Iterator[pytest.Item]:
        self.net = _files(self.config).net(self.path)
        self.folder = Path.cwd()  # from which its places are given
        yield ArchitectureItem.from_parent(self, name=self.path.name, node=None)
        from cnnshape.problems.wording import printable

        for node in self.net.nodes if self.per_layer else ():
            yield ArchitectureItem.from_parent(self, name=printable(node.name), node=node)

    @property
    def per_layer(self) -> bool:
        return _option(self.config, "granularity") != "file"

    @cached_property
    def cases(self) -> dict[str, Case]:
        """The case of each test by its name, "" for the file; with the cross-check by torch, if it is asked."""
        from cnnshape.show.checked import Checked
        from cnnshape.show.testcases import Case, cases

        report = self.net.check(strict=_option(self.config, "strict"))
        asks = report.layers and _asks_torch(self.config)
        checked = Checked(self.net, report, self.verified(report) if asks else None)
        if not self.per_layer:
            return {"": Case(None, checked.problems)}
        return {case.node.name if case.node else "": case for case in cases(checked)}

    def verified(self, report: Report) -> Verification:
        try:
            from cnnshape.pytorch.crosscheck import verify

            return verify(self.net, _option(self.config, "device"), report=report)
        except (ValueError, ImportError, OSError) as error:
            raise pytest.fail.Exception(f"torch cannot be asked: {error}", pytrace=False) from None


class ArchitectureItem(pytest.Item):
    """A layer, or the file as a whole."""

    parent: ArchitectureFile

    def __init__(self, *, node: Node | None, **of_item: Any):
        super().__init__(**of_item)
        self.layer = node

    def runtest(self) -> None:
        from cnnshape.problems.wording import printable

        case = self.parent.cases[self.layer.name if self.layer else ""]
        for problem in case.warnings:
            try:
                self.warn(ArchitectureWarning(printable(repr(problem))))
            except ArchitectureWarning:  # pytest makes warnings errors
                raise ArchitectureFailure((problem,)) from None
        if case.errors:
            raise ArchitectureFailure(case.errors)
        if case.skipped:
            raise pytest.skip.Exception(case.skipped, _use_item_location=True)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show what the command line would, instead of a traceback."""
        if not isinstance(excinfo.value, ArchitectureFailure):
            return super().repr_failure(excinfo, style)
        shown = excinfo.getrepr(style="value")
        first, crash = excinfo.value.problems[0], shown.reprcrash
        if crash:
            crash.path, crash.lineno = first.file or self.path.name, first.line or 1
            crash.message = f"{first.severity}[{first.code}]: {first.message}"
        return shown

    def reportinfo(self) -> tuple[Path, int | None, str]:
        if self.layer is None:
            return self.path, 0, f"{self.name} as a whole"
        place, title = self.layer.place, f"{self.name} of {self.path.name}"
        return self.parent.folder / place.source.file, place.start[0] - 1, title


class ArchitectureFailure(Exception):  # noqa: N818 -- the file has errors, the test has failed
    """The errors of a test; its text is their lines as on the command line."""

    def __init__(self, problems: tuple[Problem, ...]):
        from cnnshape.show.problem_lines import told

        super().__init__("\n".join(line for problem in problems for line in told(problem)))
        self.problems = problems


class ArchitectureWarning(pytest.PytestWarning):
    """A doubt about an architecture file; with `strict` it is an error."""


# Marks and a fixture for test code


class _Unusable:
    """A parameter in place of a net or a shape; its test fails before it runs."""

    def __init__(self, why: str):
        self.why = why


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for mark in metafunc.definition.iter_markers("cnnshape"):
        files, globs = _files(metafunc.config), _arguments(cnnshape, mark)
        found = {glob: [file for file in files.matching(glob) if files.is_net(file, named=True)] for glob in globs}
        if nothing := [glob for glob in globs if not found[glob]] or ([] if globs else [""]):
            where = metafunc.config.rootpath
            pytest.fail(
                f"no architecture file matches {nothing[0]!r} of the mark cnnshape, from {where}", pytrace=False
            )
        every = dict.fromkeys(chain.from_iterable(found.values()))
        _parametrize(metafunc, "net", [_loaded(metafunc.config, file) for file in every])
    for mark in metafunc.definition.iter_markers("cnnshape_sizes"):
        file, n = _arguments(cnnshape_sizes, mark)
        title, net = _loaded(metafunc.config, _files(metafunc.config).path(file))
        if "net" in metafunc.fixturenames:
            _parametrize(metafunc, "net", [(title, net)])
        _parametrize(metafunc, "shape", net if isinstance(net, _Unusable) else _samples(net, n))


def _arguments(of: Callable[..., Any], mark: pytest.Mark) -> Any:
    """Return the arguments of a mark; `of` is the function of its name."""
    try:
        return of(*mark.args, **mark.kwargs)
    except (TypeError, ValueError) as error:
        raise pytest.fail.Exception(f"the mark cannot be read: {error}", pytrace=False) from None


def cnnshape(*globs: str) -> tuple[str, ...]:
    """Return the arguments of the mark of this name."""
    return tuple(map(os.fspath, globs))


def cnnshape_sizes(file: str, n: int = 8) -> tuple[str, int]:
    """Return the arguments of the mark of this name."""
    if n < 1:
        raise ValueError(f"cnnshape_sizes() needs n of at least 1, not {n}")
    return os.fspath(file), operator.index(n)


def _parametrize(metafunc: pytest.Metafunc, name: str, values: list[tuple[str, Any]] | _Unusable) -> None:
    """Run a test with each value as its argument `name`; each comes with a title for the test's name."""
    if name not in metafunc.fixturenames:
        pytest.fail(f"{metafunc.function.__name__} must take the argument {name}, for its mark", pytrace=False)
    pairs = [("unusable", values)] if isinstance(values, _Unusable) else values
    metafunc.parametrize(name, [value for _, value in pairs], ids=[title for title, _ in pairs])


def _loaded(config: pytest.Config, file: Path) -> tuple[str, Network | _Unusable]:
    """Return a file's name within the name of a test, and its net."""
    from cnnshape.problems.base import ArchitectureError

    title = Path(os.path.relpath(file, config.rootpath)).as_posix() if file.is_absolute() else str(file)
    net = _files(config).net(file)
    try:
        return title, net.raise_for_errors()
    except ArchitectureError as error:
        return title, _Unusable(str(ArchitectureFailure(error.problems)))


def _samples(net: Network, n: int) -> list[tuple[str, Any]] | _Unusable:
    """Return n inputs that a net accepts, each with its title."""
    from cnnshape.network.requirements import NoClosedForm
    from cnnshape.testing import sample_inputs

    try:
        inputs = sample_inputs(net, n)
    except (NoClosedForm, ValueError) as error:
        return _Unusable(f"the valid sizes of {net.file} are not known: {error}")
    if not inputs:
        return _Unusable(f"{net.file} accepts no size")
    return [(_title(shape), shape) for shape in inputs]


def _title(shape: Any) -> str:
    from cnnshape.numbers.shape import text

    return ",".join(f"{name}={text(of)}" for name, of in shape.items()) if isinstance(shape, dict) else text(shape)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if FILES in item.config.stash and (call := getattr(item, "callspec", None)):
        for value in call.params.values():
            if isinstance(value, _Unusable):
                pytest.fail(value.why, pytrace=False)


@pytest.fixture(scope="session")
def assert_shapes(pytestconfig: pytest.Config) -> Callable[..., None]:
    """Assert that a model is what an architecture file says, on the ini's device; the file from the root directory."""

    def check(model: Any, file: Any, **how: Any) -> None:
        from cnnshape.testing import assert_shapes

        __tracebackhide__ = True
        files = _files(pytestconfig)
        net = files.net(files.path(file)) if isinstance(file, str | os.PathLike) else file
        how.setdefault("device", _option(pytestconfig, "device"))
        assert_shapes(model, net, **how)

    return check
