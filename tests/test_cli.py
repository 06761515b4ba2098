"""The command line as a process: pipes, interrupts, imports; version and help."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.cli import PLAIN, SMALL, CliRunner, process, write
from helpers.paths import ALEXNET, ROOT

import cnnshape
from cnnshape import problems
from cnnshape.cli import main


def test_a_broken_pipe_is_silent(tmp_path):
    layers = ",\n".join(['{ type = "relu" }'] * 3000)
    file = write(tmp_path, f"input = [1, 8, 8]\nlayers = [\n{layers}\n]\n")
    with process("check", "--no-torch", file, stdout=subprocess.PIPE) as running:
        assert running.stdout.readline()
        running.stdout.close()  # as head does
        assert running.stderr.read() == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full here")
@pytest.mark.parametrize(
    "command",
    [
        ["check", "--no-torch", ALEXNET],
        ["sizes", ALEXNET, "--format", "json"],
        ["zoo"],
        ["--help"],
        ["check", "--help"],
        ["--version"],
    ],
)
def test_output_that_cannot_be_written(command):
    with open("/dev/full", "w") as full, process(*command, stdout=full) as running:  # noqa: PTH123
        assert running.stderr.read() == "Error: standard output: No space left on device\n"
    assert running.returncode == 2


def test_a_closed_output():
    code = "import sys; sys.stdout = None\nfrom cnnshape.cli import main; main()"
    with process("zoo", code=code, stdout=subprocess.DEVNULL) as running:
        assert running.stderr.read() == "Error: standard output is closed\n"
    assert running.returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full here")
@pytest.mark.parametrize("output", ["/dev/full", "/dev/null"])
def test_an_error_of_usage_that_cannot_be_told(output):
    """Standard error is full; the exit status is the usual one."""
    code = "import os; os.dup2(os.open('/dev/full', os.O_WRONLY), 2)\nfrom cnnshape.cli import main; main()"
    with open(output, "w") as full, process("nope", code=code, stdout=full) as running:  # noqa: PTH123
        running.communicate()
    assert running.returncode == 2


@pytest.mark.parametrize(("command", "status"), [(["check", ALEXNET], 0), (["nope"], 2)])
def test_a_closed_standard_error(command, status):
    pytest.importorskip("torch")
    code = "import sys; sys.stderr = None\nfrom cnnshape.cli import main; main()"
    with process(*command, code=code, stdout=subprocess.PIPE) as running:
        running.communicate()
    assert running.returncode == status


def test_interrupting_gives_no_traceback():
    code = (
        "import signal, cnnshape.file.reader\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a parent in the background may ignore it
        "cnnshape.file.reader.read = lambda file: signal.raise_signal(signal.SIGINT)\n"
        "from cnnshape.cli import main; main()"
    )
    with process("check", ALEXNET, code=code, stdout=subprocess.PIPE) as running:
        assert "Traceback" not in running.stderr.read()
    assert running.returncode not in (0, -signal.SIGABRT)


def imported(*args):
    """The modules that a process of ours has imported when it ends."""
    code = "import sys, atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
    code += "from cnnshape.cli import main; main()"
    unmeasured = {*PLAIN, "COVERAGE_PROCESS_CONFIG"}  # coverage has imports of its own
    with process(*args, code=code, without=unmeasured, stdout=subprocess.DEVNULL) as running:
        return set(running.stderr.read().split())


def test_the_start_is_not_looked_through():
    code = "import gc; before = gc.get_stats()[0]['collections']; import {}; print(gc.get_stats()[0]['collections'] - before)"
    ours, others = (
        int(
            subprocess.run([sys.executable, "-c", code.format(name)], capture_output=True, text=True, check=True).stdout
        )
        for name in ("cnnshape.cli", "click")
    )
    assert ours < others, "click is a part of it"


def test_what_is_left_at_the_end_is_not_looked_through():
    code = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 10_000))\n"  # runs last
    code += "from cnnshape.cli import main; main()"
    with process("zoo", code=code, stdout=subprocess.PIPE) as running:
        assert running.stdout.read().endswith("\nTrue\n")


def test_nothing_is_imported_before_it_is_needed(tmp_path):
    table = imported("check", "--no-torch", ALEXNET)
    assert not table & {"torch", "numpy", "tree_sitter", "tree_sitter_toml", "json", "csv", "rich", "pathlib", "glob"}
    assert not table & {"cnnshape.show.problem_lines", "cnnshape.show.diagnosis_lines", "cnnshape.diagnosis.diagnose"}
    assert not [name for name in table if name.startswith(("cnnshape.show.formats.as_", "cnnshape.compare"))]
    assert not {"cnnshape.layers.recurrent", "cnnshape.layers.elementwise", "cnnshape.numbers.traced"} & table
    assert not {f"cnnshape.problems.{stage}" for stage in problems.__all__} & table
    for form in ("json", "csv", "markdown"):
        modules = imported("check", "--no-torch", "--format", form, ALEXNET)
        assert not modules & {"torch", "rich", "cnnshape.show.table"}
        assert [name for name in modules if name.startswith("cnnshape.show.formats.as_")] == [
            f"cnnshape.show.formats.as_{form}"
        ]


def test_those_would_be_seen(tmp_path, monkeypatch, torch):
    """The test above can fail: what a run does need, it sees."""
    small = write(tmp_path, SMALL)
    assert {"pathlib", "glob"} <= imported("check", "--no-torch", str(tmp_path), str(tmp_path / "*.toml"))
    assert "torch" in imported("check", small)
    negative = imported("check", "--no-torch", write(tmp_path, SMALL.replace("= 3 }", "= -3 }"), "negative.toml"))
    assert {name for name in negative if name.startswith("cnnshape.problems.")} >= {"cnnshape.problems.values"}
    assert "tree_sitter" in imported("check", "--no-torch", write(tmp_path, SMALL.replace("3 }", "9 }"), "bad.toml"))
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert "rich.console" in imported("check", "--no-torch", small)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("unknown-tpye", "; did you mean unknown-type?"),
        ("conv1", "is no code of a problem, and there is no LAYER"),
    ],
)
def test_explaining_what_is_no_code_is_2(code, said):
    result = CliRunner().invoke(main, ["explain", code])
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


def test_explaining_a_code():
    result = CliRunner().invoke(main, ["explain", "unknown-type"])
    assert result.exit_code == 0
    assert result.stdout.strip()


def test_version_and_help():
    runner = CliRunner()
    assert cnnshape.__version__ in runner.invoke(main, ["--version"]).stdout
    for args in (["-h"], ["check", "-h"], ["check", "--help"]):
        result = runner.invoke(main, args)
        assert result.exit_code == 0
        assert "Usage:" in result.stdout


@pytest.mark.parametrize("width", [60, 80])
def test_help_has_a_line_for_each_command_and_cuts_none(width):
    lines = CliRunner(env=PLAIN | {"COLUMNS": str(width)}).invoke(main, ["--help"]).stdout.splitlines()
    lines = lines[lines.index("Commands:") + 1 :]
    assert {*main.list_commands(None)} <= {line.split()[0] for line in lines if line.strip()}
    assert not any("..." in line for line in lines)
    assert all(len(line) <= 80 for line in lines)


def test_a_check_without_such_a_claim_imports_nothing_of_it(tmp_path):
    plain = write(tmp_path, 'input = [1, 8]\nlayers = [{ type = "max_pool", kernel_size = 2 }]\n')
    code = """
import sys, cnnshape
names = ("numbers.sizeset", "numbers.symbolic", "numbers.solve", "network.valid_sizes", "network.receptive", "show.sizes.answer")
late = ["cnnshape." + name for name in names] + ["fractions"]
assert cnnshape.load(sys.argv[1]).check().ok
assert not set(late) & set(sys.modules), set(late) & set(sys.modules)
cnnshape.load(sys.argv[1]).valid_sizes()
assert {"cnnshape.network.valid_sizes", "cnnshape.numbers.solve"} <= set(sys.modules)  # so that the line above can fail
assert "fractions" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code, plain], cwd=ROOT, check=True)
