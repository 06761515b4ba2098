"""`cnnshape check --fix` and `--diff`: what is in the files and on the screen afterwards, and the exit status."""

import json
import stat
from pathlib import Path

import pytest
from helpers.cli import PLAIN, CliRunner, check

from cnnshape.cli import main
from cnnshape.commands import mending
from cnnshape.commands.mending import diff, overwrite

GOOD = 'input = [3, 8, 8]  # é\nlayers = ["flatten", { name = "fc", type = "linear", in_features = 192, out_features = 2 }]\n'
BROKEN = GOOD.replace("192", "5")
TWO = BROKEN.replace(" }]", ' },\n  { name = "last", type = "linear", in_features = 7, out_features = 1 }]')
HOPELESS = 'input = [3, 8, 8]\nlayers = ["relu"]\nnonsense_of_mine = 3\n'


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "net.toml"
    path.write_bytes(BROKEN.encode())
    return path


def test_a_fix_is_written_and_the_file_is_well(net):
    done = check("--fix", net)
    assert (done.exit_code, net.read_bytes()) == (0, GOOD.encode())
    assert done.stderr == f"{net}: fixed: fc: in_features = 192\n"
    assert "no problems" in done.stdout


@pytest.mark.parametrize("arguments", [["--fix=1"], ["--fix", "1"], ["--no-torch", "--fix"], ["--fix", "--no-torch"]])
def test_the_number_may_be_said(net, arguments):
    assert check(*arguments, net).exit_code == 0
    assert net.read_bytes() == GOOD.encode()


def test_fix_may_stand_last(net):
    assert check(net, "--fix").exit_code == 0
    assert net.read_bytes() == GOOD.encode()


def test_a_number_that_is_a_file_is_that_file(net, monkeypatch):
    monkeypatch.chdir(net.parent)
    net.rename("2")
    assert check("--fix", "2").exit_code == 0
    assert Path("2").read_bytes() == GOOD.encode()


def test_behind_two_dashes_all_is_a_file(net, monkeypatch):
    monkeypatch.chdir(net.parent)
    done = check("--diff", torch=True, *["--no-torch", "--", "--fix"])  # noqa: B026 -- in this order
    assert "--fix" in done.stderr
    assert done.exit_code == 2


def test_there_is_no_fix_0(net):
    assert check("--fix=0", net).exit_code == 2


def test_a_fix_that_there_is_not_is_not_written(net):
    assert check("--fix=9", net).exit_code == 1
    assert net.read_bytes() == BROKEN.encode()


def test_nothing_to_fix_is_nothing_written(net):
    net.write_bytes(HOPELESS.encode())
    before = net.stat()
    assert check("--fix", net).exit_code == 1
    assert net.stat().st_mtime_ns == before.st_mtime_ns
    assert net.stat().st_ino == before.st_ino


def test_independent_problems_are_all_fixed(net):
    net.write_bytes(TWO.encode())
    done = check("--fix", net)
    assert done.exit_code == 0
    assert b"in_features = 192" in net.read_bytes()
    assert done.stderr.count("fixed: ") == 2


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_the_mark_stay(net, mark):
    net.write_bytes(mark + BROKEN.replace("\n", "\r\n").encode())
    assert check("--fix", net).exit_code == 0
    assert net.read_bytes() == mark + GOOD.replace("\n", "\r\n").encode()


def test_a_diff_writes_nothing(net, monkeypatch):
    monkeypatch.chdir(net.parent)
    for arguments in (["--diff"], ["--diff", "--fix"], ["--fix=1", "--diff", "--format", "json"]):
        done = check("net.toml", *arguments)
        assert done.exit_code == 1, "the file is still wrong"
        assert done.stdout.splitlines()[:3] == ["--- net.toml", "+++ net.toml", "@@ -1,2 +1,2 @@"]
        assert [line[:1] for line in done.stdout.splitlines()[3:]] == [" ", "-", "+"]
        assert net.read_bytes() == BROKEN.encode()


def test_a_diff_of_a_file_without_fixes_is_empty(net):
    net.write_bytes(GOOD.encode())
    done = check("--diff", net)
    assert (done.exit_code, done.stdout) == (0, "")


def test_a_diff_marks_a_missing_line_end():
    assert [*diff("a\r\nb", "a\r\nc\n", "f")][-3:] == [" a\r\n", "-b\n\\ No newline at end of file\n", "+c\n"]


@pytest.mark.parametrize(("text", "status"), [(BROKEN, 0), (GOOD, 0), (HOPELESS, 1), ("input = [", 2)])
def test_of_standard_input_the_mended_text_is_printed(text, status):
    raw = b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()
    done = CliRunner(env=PLAIN).invoke(main, ["check", "--no-torch", "--fix", "-"], input=raw)
    assert done.exit_code == status
    assert done.stdout_bytes == raw.replace(b"= 5,", b"= 192,")
    assert bool(done.stderr) == bool(status)


def test_standard_input_is_read_once():
    assert "read once" in check("--fix", "-", "-").stderr


@pytest.mark.parametrize("target", ["zoo:vgg16", "zoo:vgg*", "nets:Net"])
def test_the_zoo_and_models_stay_as_they_are(target):
    done = check("--fix", target)
    assert done.exit_code == 2
    assert "zoo, which stays as it is" in done.stderr or "is a model" in done.stderr


def test_several_files_are_mended_one_by_one(net):
    other, hopeless = net.with_name("other.toml"), net.with_name("hopeless.toml")
    other.write_bytes(TWO.encode())
    hopeless.write_bytes(HOPELESS.encode())
    done = check("--fix", net.parent)
    assert done.exit_code == 1
    assert net.read_bytes() == GOOD.encode()
    assert b"= 192" in other.read_bytes()
    assert hopeless.read_bytes() == HOPELESS.encode()
    assert "3 files: 1 with errors" in done.stdout


def test_permissions_and_symbolic_links_stay(net):
    net.chmod(0o640)
    link = net.with_name("link.toml")
    link.symlink_to(net.name)
    assert check("--fix", link).exit_code == 0
    assert link.is_symlink()
    assert stat.S_IMODE(net.stat().st_mode) == 0o640
    assert net.read_bytes() == GOOD.encode()
    assert {path.name for path in net.parent.iterdir()} == {"link.toml", "net.toml"}


def test_a_file_of_two_names_keeps_both(net):
    other = net.with_name("other.toml")
    other.hardlink_to(net)
    assert check("--fix", net).exit_code == 0
    assert other.read_bytes() == net.read_bytes() == GOOD.encode()
    assert other.samefile(net)


def test_a_file_that_changed_meanwhile_is_left_alone(net, monkeypatch):
    def meanwhile(*arguments):
        net.write_bytes(HOPELESS.encode())
        return overwrite(*arguments)

    monkeypatch.setattr(mending, "overwrite", meanwhile)
    done = check("--fix", net)
    assert done.exit_code == 1
    assert net.read_bytes() == HOPELESS.encode()
    assert done.stderr == f"{net}: it was changed meanwhile, and is left as it is\n"


def test_a_file_that_changes_at_the_last_moment_is_left_alone(net, monkeypatch):
    monkeypatch.setattr(mending.shutil, "copymode", lambda *_: net.write_bytes(HOPELESS.encode()))
    assert not overwrite(str(net), BROKEN, GOOD)
    assert net.read_bytes() == HOPELESS.encode()
    assert [*net.parent.iterdir()] == [net]


def test_a_file_that_may_not_be_written_is_said(net, monkeypatch):
    monkeypatch.setattr(mending.os, "access", lambda *_: False)
    done = check("--fix", net)
    assert done.exit_code == 2
    assert done.stderr == f"{net}: it cannot be written: it is write-protected\n"
    assert net.read_bytes() == BROKEN.encode()


def test_a_pipe_is_read_and_not_written(net):
    with pytest.raises(OSError, match="no regular file"):
        overwrite(str(net.parent), BROKEN, GOOD)


def test_json_is_all_that_stands_on_standard_output(net):
    done = check("--fix", net, "--format", "json")
    assert json.loads(done.stdout)["files"][0]["problems"] == []
    assert "fixed: fc" in done.stderr
