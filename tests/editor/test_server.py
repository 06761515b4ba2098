"""The server as an editor sees it: its life, the texts that it answers for, what it publishes, and when."""

import asyncio
import subprocess
import sys
import threading
from contextlib import suppress

import pytest
from helpers.editor import Editor, codes

import cnnshape

GOOD = """
input = [3, 32, 32]
layers = [
  { name = "conv", type = "conv", out_channels = 8, kernel_size = 3 },
  "flatten",
  { name = "fc", type = "linear", in_features = 7200, out_features = 10 },
]
"""
BAD = GOOD.replace("7200", "7000")
BLOCK = '[blocks.b]\nlayers = [{ type = "conv", out_channels = 8, kernel_size = %d }]\n'
NET = 'include = "b.toml"\ninput = [3, 32, 32]\nlayers = [{ name = "x", block = "b" }]\n'
UNTITLED = "untitled:Untitled-1"


def test_an_untitled_text_is_answered(editor):
    version = editor.open(UNTITLED, BAD)
    (found,) = editor.diagnostics(UNTITLED, version)
    assert found["range"] == {"start": {"line": 5, "character": 48}, "end": {"line": 5, "character": 52}}
    assert (found["code"], found["severity"], found["source"]) == ("declared-differs", 1, "cnnshape")
    assert found["message"].startswith("in_features is 7000, but 7200 arrives")
    assert "codeDescription" not in found  # nowhere is there a page to link to
    assert editor.hints(UNTITLED) == {3: "→ 8x30x30", 4: "→ 7200", 5: "→ 10"}
    version = editor.change(UNTITLED, GOOD)
    assert editor.diagnostics(UNTITLED, version) == []
    editor.change(UNTITLED, BAD)
    editor.close(UNTITLED)
    editor.until(lambda: editor.published[-1] == {"uri": UNTITLED, "diagnostics": []})
    assert editor.hints(UNTITLED) == {}
    assert editor.end() == 0


@pytest.mark.parametrize("text", ["[tool.ruff]\nline-length = 120\n", "[tool.x]\nlayers = [", "x = ", "", "[[hello]]"])
def test_other_texts_are_answered_with_nothing(editor, text):
    other, mine = "untitled:other", "untitled:mine"
    editor.open(other, text)
    version = editor.open(mine, GOOD)
    assert editor.diagnostics(mine, version) == []
    assert editor.hints(other) == {}
    assert {one["uri"] for one in editor.published} == {mine}


def test_of_a_text_that_is_no_toml_there_is_that_error_alone(editor):
    editor.open(UNTITLED, GOOD)
    version = editor.change(UNTITLED, BAD.replace('"linear"', "linear"))
    (found,) = editor.diagnostics(UNTITLED, version)
    assert (found["code"], found["range"]["start"]) == ("not-toml", {"line": 5, "character": 24})
    assert editor.hints(UNTITLED) == {}
    version = editor.change(UNTITLED, "x = 1")  # no architecture any more: what was published is cleared
    assert editor.diagnostics(UNTITLED, version, lambda found: not found) == []


def test_a_file_of_blocks_alone_is_well(editor):
    version = editor.open(UNTITLED, BLOCK % 3)
    assert editor.diagnostics(UNTITLED, version) == []
    version = editor.change(UNTITLED, BLOCK.replace("conv", "cnov") % 3)
    assert codes(editor.diagnostics(UNTITLED, version)) == ["unknown-type"]


def test_problems_that_follow_are_related_to_their_cause(editor):
    text = BAD + "[claims]\nparameters = 72234\n"
    first, second = cnnshape.examine(text).problems
    assert second.follows == first
    editor.open(UNTITLED, text)
    (found,) = editor.diagnostics(UNTITLED, holds=lambda found: len(found) == 1)
    assert found["message"] == f"in_features is 7000, but 7200 arrives\ncause: {first.cause.message}"
    (related,) = (one for one in found["relatedInformation"] if one["location"]["range"]["start"]["line"] == 8)
    assert related["message"] == f"follows: {second.message}"


def test_the_other_path_of_a_join_is_related_to_it(editor):
    text = """input = [3, 32, 32]
layers = [
  { name = "c", type = "conv", out_channels = 3, kernel_size = 3 },
  { name = "d", type = "add", from = ["c", "input"] },
]
"""
    editor.open(UNTITLED, text)
    (found,) = editor.diagnostics(UNTITLED, holds=lambda found: found and found[0]["relatedInformation"])
    said = {one["location"]["range"]["start"]["character"]: one["message"] for one in found["relatedInformation"]}
    assert said.items() >= {38: "3x30x30", 43: "3x32x32"}.items()


def test_nothing_is_published_of_a_text_that_was_closed_meanwhile(editor):
    editor.open(UNTITLED, BAD)
    editor.close(UNTITLED)
    editor.open("untitled:other", BAD)
    editor.diagnostics("untitled:other", holds=lambda found: found and "cause" in found[0]["message"])
    assert [one["diagnostics"] for one in editor.published if one["uri"] == UNTITLED][-1:] in ([], [[]])


# Included files


def test_problems_in_an_included_file_are_published_there(editor, tmp_path):
    block, net = tmp_path / "b.toml", tmp_path / "net.toml"
    block.write_text(BLOCK % 50)
    net.write_text(NET)
    version = editor.open(net.as_uri(), NET)
    assert editor.diagnostics(net.as_uri(), version) == []
    (found,) = editor.diagnostics(block.as_uri())
    assert (found["code"], found["range"]["start"]["line"]) == ("window-too-large", 1)
    used = found["relatedInformation"][0]
    assert (used["location"]["uri"], used["location"]["range"]["start"]["line"]) == (net.as_uri(), 2)
    editor.close(net.as_uri())
    assert editor.diagnostics(block.as_uri(), holds=lambda found: not found) == []


def test_an_unsaved_block_is_taken_for_its_file(editor, tmp_path):
    block, net = tmp_path / "b.toml", tmp_path / "net.toml"
    block.write_text(BLOCK % 3)
    net.write_text(NET)
    editor.open(net.as_uri(), NET)
    assert editor.hints(net.as_uri()) == {2: "→ 8x30x30"}
    version = editor.open(block.as_uri(), BLOCK % 5)
    assert editor.diagnostics(block.as_uri(), version) == []
    assert editor.hints(net.as_uri()) == {2: "→ 8x28x28"}
    assert editor.hints(block.as_uri()) == {1: "→ 8x28x28"}
    version = editor.change(block.as_uri(), BLOCK % 50)
    assert codes(editor.diagnostics(block.as_uri(), version)) == ["window-too-large"]
    assert editor.hints(net.as_uri()) == {2: "→ ?"}
    assert ("workspace/inlayHint/refresh", None) in editor.asked
    editor.close(block.as_uri())  # without saving
    assert editor.hints(net.as_uri()) == {2: "→ 8x30x30"}
    assert editor.diagnostics(block.as_uri(), holds=lambda found: not found) == []


def test_changes_on_the_disk_are_seen(editor, tmp_path):
    block, net = tmp_path / "b.toml", tmp_path / "net.toml"
    editor.open(net.as_uri(), NET)
    assert codes(editor.diagnostics(net.as_uri(), holds=bool)) == ["include-not-found"]
    assert any(method == "client/registerCapability" for method, _ in editor.asked)
    block.write_text(BLOCK % 3)
    editor.saved(block.as_uri())
    assert editor.diagnostics(net.as_uri(), holds=lambda found: not found) == []
    assert editor.hints(net.as_uri()) == {2: "→ 8x30x30"}
    block.write_text(BLOCK % 7)
    editor.saved(block.as_uri(), net.as_uri())
    editor.until(lambda: ("workspace/inlayHint/refresh", None) in editor.asked)
    assert editor.hints(net.as_uri()) == {2: "→ 8x26x26"}


def test_a_broken_block_that_is_open_as_well_is_said_once(editor, tmp_path):
    block, net = tmp_path / "b.toml", tmp_path / "net.toml"
    version = editor.open(net.as_uri(), NET)
    editor.diagnostics(net.as_uri(), version)
    version = editor.open(block.as_uri(), f"{BLOCK % 3}x = ")
    (found,) = editor.diagnostics(block.as_uri(), version, bool)
    assert found["code"] == "not-toml"
    assert [one["location"]["uri"] for one in found["relatedInformation"]] == [net.as_uri()]


def test_two_nets_with_one_block_say_a_problem_once(editor, tmp_path):
    block = tmp_path / "b.toml"
    block.write_text(BLOCK.replace("conv", "cnov") % 3)
    for name in ("one.toml", "two.toml"):
        version = editor.open((tmp_path / name).as_uri(), NET)
        editor.diagnostics((tmp_path / name).as_uri(), version)
    assert codes(editor.diagnostics(block.as_uri())) == ["unknown-type"]
    editor.close((tmp_path / "one.toml").as_uri())
    editor.hints((tmp_path / "two.toml").as_uri())
    assert codes(editor.diagnostics(block.as_uri())) == ["unknown-type"]


# When


def test_the_first_change_is_answered_at_once_and_a_burst_together(editor):
    editor.open(UNTITLED, GOOD)
    editor.diagnostics(UNTITLED)
    first = editor.change(UNTITLED, BAD)
    for _ in range(40):
        last = editor.change(UNTITLED, BAD)
    editor.diagnostics(UNTITLED, last)
    versions = [one["version"] for one in editor.published]
    assert versions == sorted(versions)
    assert versions[1] < first + 20, "the first change was not waited on"
    assert len(versions) < 20, "the burst was not merged"


# Settings


@pytest.mark.parametrize("options", [{"inlayHints": False}, {"cnnshape": {"inlayHints": False}}])
def test_hints_are_a_setting(tmp_path, options):
    with Editor(tmp_path, options=options) as editor:
        editor.open(UNTITLED, GOOD)
        assert editor.hints(UNTITLED) == {}
        editor.tell("workspace/didChangeConfiguration", settings={"cnnshape": {"inlayHints": True}})
        assert editor.hints(UNTITLED) == {3: "→ 8x30x30", 4: "→ 7200", 5: "→ 10"}
    with Editor(tmp_path, settings={"inlayHints": False}) as editor:
        editor.open(UNTITLED, GOOD)
        editor.until(lambda: any(method == "workspace/configuration" for method, _ in editor.asked))
        assert editor.hints(UNTITLED) == {}
        editor.settings = {"inlayHints": True}
        editor.tell("workspace/didChangeConfiguration", settings=None)
        editor.until(lambda: editor.asked.count(("workspace/inlayHint/refresh", None)) == 2)
        assert 3 in editor.hints(UNTITLED)


def test_a_client_that_can_do_little(tmp_path):
    with Editor(tmp_path, encoding=None, capabilities={}) as editor:
        assert editor.capabilities["positionEncoding"] == "utf-16"
        assert editor.capabilities["textDocumentSync"]["change"] == 1  # the whole text
        editor.open(UNTITLED, GOOD)
        assert editor.diagnostics(UNTITLED) == []
        editor.tell("workspace/didChangeConfiguration", settings={"inlayHints": False})
        assert editor.hints(UNTITLED) == {}
        assert editor.asked == []


# Its end


def test_an_exit_without_shutdown_is_none(tmp_path):
    with Editor(tmp_path) as editor:
        assert editor.exit() == 1
    with Editor(tmp_path) as editor:
        editor.process.stdin.close()
        assert editor.process.wait(60) == 1


def test_the_end_waits_for_no_diagnosis(tmp_path, capfd):
    layer = '{ type = "conv", out_channels = 8, kernel_size = 3, padding = 1 },\n'
    text = f'input = [3, 32, 32]\nlayers = [\n{layer * 700}{{ type = "linear", in_features = 9, out_features = 1 }}]\n'
    with Editor(tmp_path) as editor:
        editor.open(UNTITLED, text)
        editor.diagnostics(UNTITLED, holds=bool)
        assert editor.end() == 0
    assert not capfd.readouterr().err


def test_without_the_extra_a_line_says_how_to_get_it():
    code = "import sys; sys.modules['pygls'] = None; from cnnshape.cli import main; main(['lsp', '--stdio'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "cnnshape lsp needs pygls: pip install 'cnnshape[lsp]'\n"


def test_no_other_command_pays_for_it():
    code = "from cnnshape.cli import main; main(['check', '--no-torch', 'zoo:alexnet'], standalone_mode=False)"
    end = "atexit.register(lambda: print({'pygls', 'lsprotocol'} & {*sys.modules}))"
    command = [sys.executable, "-c", f"import atexit, sys; {end}; {code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("set()\n")


def test_work_that_a_client_cancels_ends_quietly_in_its_thread(monkeypatch):
    pytest.importorskip("pygls")
    from cnnshape.editor.server import in_thread

    failed, begun, go, threads = [], threading.Event(), threading.Event(), []
    monkeypatch.setattr(threading, "excepthook", failed.append)

    def work():
        threads.append(threading.current_thread())
        begun.set()
        go.wait(10)

    async def cancelled():
        task = asyncio.create_task(in_thread(work))
        await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    go.set()
    threads[0].join(10)
    assert not failed
