"""Whatever a model's code raises, or ends the program by, is a problem with words, and never a traceback."""

import os
import re
from functools import partial

import pytest

pytest.importorskip("torch")

import torch
from helpers.cli import process
from helpers.comparing import Code, compare, found
from torch import nn

RELU = 'input = [3, 8, 8]\nlayers = ["relu"]'


class Speechless(Exception):  # noqa: N818 -- it is a name in a message
    def __str__(self):
        raise ValueError


class Base(BaseException):
    pass


def raises(error, _):
    raise error


def exits(x):
    try:
        os._exit(0)
    except SystemExit:
        return x.relu()


class Nameless(nn.Module):
    """Modules are asked for in a way of the user's."""

    def named_modules(self, *_, **__):
        raise KeyError("modules")

    def forward(self, x):
        return x.relu()


class Numberless(nn.Module):
    def named_parameters(self, *_, **__):
        raise KeyError("numbers")

    def forward(self, x):
        return x.relu()


RAISING = {
    "no words": (Code(partial(raises, Speechless())), "Speechless: its message cannot be written, which raises ValueError"),
    "no Exception": (Code(partial(raises, Base("b"))), "Base: b"),
    "an exit": (Code(partial(raises, SystemExit(0))), "SystemExit: 0"),
    "the end of the process": (Code(lambda _: os._exit(0)), "SystemExit: os._exit would end the program"),
    "another program": (Code(lambda _: os.execv("/bin/true", ["true"])), "SystemExit: os.execv would end the program"),
    "a caught end": (Code(exits), "os._exit would end the program"),
    "modules": (Nameless(), "KeyError: 'modules'"),
    "parameters": (Numberless(), "KeyError: 'numbers'"),
}  # fmt: skip


@pytest.mark.parametrize("what", RAISING)
def test_whatever_a_model_raises_is_a_line(what):
    model, said = RAISING[what]
    (problem,) = compare(RELU, model, "cpu").problems
    assert problem.code == "model-fails"
    assert problem.message.startswith(f"the model raises in {type(model).__name__}(): {said}")
    assert what == "a caught end" or re.search(r" \(test_their_code.py:\d+\)$", problem.message)
    assert (os._exit.__name__, os.execv.__name__) == ("_exit", "execv"), "put back"


def test_an_interrupt_from_the_keyboard_is_the_users():
    with pytest.raises(KeyboardInterrupt):
        compare(RELU, Code(partial(raises, KeyboardInterrupt())))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_processes_that_a_model_starts_may_end():
    def starts(x):
        child = os.fork()
        if not child:
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        return x.relu()

    assert compare(RELU, Code(starts)).problems == ()


def test_a_list_that_holds_itself_ends():
    def gives(x):
        result = [x.relu()]
        result.append(result)
        return result

    assert compare(RELU, Code(gives)).problems == ()
    assert compare(RELU, Code(lambda x: {"x": {"x": [torch.relu(x)]}, "kind": Speechless})).problems == ()


MODELS = """
import os
from torch import nn

class Ends(nn.Module):
    def forward(self, x):
        os._exit(0)

def factory():
    os._exit(0)

class Base(BaseException):
    pass

def base():
    raise Base("no model")

class Speechless(Exception):
    def __repr__(self):
        raise ValueError

speechless = Speechless
"""


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("Ends", 1, "SystemExit: os._exit would end the program (ending.py:7)"),
        ("factory", 2, "SystemExit: os._exit would end the program (ending.py:10)"),
        ("base", 2, "Base: no model (ending.py:16)"),
        ("speechless", 2, "ValueError (ending.py:20)"),
    ],
)
def test_a_process_never_ends_well_by_the_models_code(tmp_path, name, status, said):
    (tmp_path / "ending.py").write_text(MODELS)
    (tmp_path / "net.toml").write_text(RELU)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from cnnshape.cli import main; main()"
    arguments = ("verify", tmp_path / "net.toml", "--model", f"ending:{name}")
    with process(*arguments, code=code, stdout=-1) as command:
        printed = " ".join("".join(command.communicate()).split())
    assert command.returncode == status
    assert said in printed
    assert "Traceback" not in printed


def test_nothing_is_left_of_the_watch_where_a_model_raises():
    compare(RELU, Code(partial(raises, Base())))
    assert not torch.overrides._get_current_function_mode_stack()
    assert found(compare(RELU, Code(torch.relu))) == []
