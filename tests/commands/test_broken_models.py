"""Broken models: all independent faults in one run, each at its line, no echo; and nothing to say of the models mended."""

import sys
import traceback
from collections import Counter

import pytest

pytest.importorskip("torch")

import torch
from helpers.broken_models import broken_models, with_fix

from cnnshape.commands.live import network
from cnnshape.commands.shared import shapes_of_model
from cnnshape.file.targets import live
from cnnshape.problems.base import errors

MODELS = {model.name: model for model in broken_models()}
BATCH = 3  # samples: a view that mixes them raises, or gives another number


def lines_wrong(own_folder, model, code):
    """The lines of the errors that are found in a model."""
    (own_folder / "nets.py").write_text(code)
    sys.modules.pop("nets", None)
    problems = errors(network(live("nets.py:Net"), shapes_of_model((model.input,)))[0].check().problems)
    assert all(problem.file.endswith("nets.py") for problem in problems)
    return sorted(problem.line for problem in problems)


# Faults behind another one that leaves nothing known of what arrives at them: what is unknown is no fault.
BEHIND = {"residual-without-projection": {2}}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_all_faults_are_found_in_one_run_each_at_its_line(own_folder, model):
    found = lines_wrong(own_folder, model, model.code)
    sure = [line for fault, line in model.faults.items() if fault not in BEHIND.get(model.name, ())]
    assert found in (sorted(sure), sorted(model.faults.values()))


def test_nine_of_ten_faults_are_found():
    faults = sum(len(model.faults) for model in MODELS.values())
    assert 10 * sum(map(len, BEHIND.values())) <= faults


def test_the_fixes_are_lines_of_code_that_mend(own_folder):
    model = MODELS["lenet"]
    (own_folder / "nets.py").write_text(model.code)
    [problem] = network(live("nets.py:Net"), shapes_of_model((model.input,)))[0].check().problems
    fix = problem.fixes[0]
    assert fix.summary == "nets.py:11: nn.Linear(16 * 5 * 5, 120) -> nn.Linear(256, 120)"
    assert problem.cause is not None
    assert fix.apply(model.code) == model.code.replace("nn.Linear(16 * 5 * 5, 120)", "nn.Linear(256, 120)", 1)
    assert lines_wrong(own_folder, model, fix.apply(model.code)) == []


def test_all_fixes_that_are_shown_mend_their_problem_and_make_no_other(own_folder):
    """Of every second model."""
    tried = 0
    for model in [*MODELS.values()][::2]:
        (own_folder / "nets.py").write_text(model.code)
        sys.modules.pop("nets", None)
        net, _ = network(live("nets.py:Net"), shapes_of_model((model.input,)))
        problems = errors(net.check().problems)
        lines = Counter(problem.line for problem in problems)
        for problem in problems:
            for fix in problem.fixes:
                tried += 1
                code, size = with_fix(fix, model.code, model.input)
                found = Counter(lines_wrong(own_folder, model._replace(input=size), code))
                assert found <= lines - Counter([problem.line]), fix.summary
    assert tried > 30


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_of_the_mended_model_there_is_nothing_to_say(own_folder, model):
    assert lines_wrong(own_folder, model, model.mended()) == []


# The models themselves: torch says what their comments say


def raising_line(model, code):
    """The line of the model's code at which torch raises in training, None where it does not."""
    space = {}
    exec(compile(code, "<model>", "exec"), space)
    try:
        y = space["Net"]()(torch.rand(BATCH, *model.shape()))
    except (RuntimeError, ValueError, AssertionError, TypeError, IndexError) as error:
        return [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<model>"][-1]
    y = y[0] if isinstance(y, tuple) else y
    return None if len(y) == BATCH else model.faults[1]


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_each_fault_alone_makes_torch_raise_at_its_line_and_mended_it_runs(model):
    assert raising_line(model, model.mended()) is None
    for fault, line in model.faults.items():
        assert raising_line(model, model.mended(fault)) == line


def test_there_are_forty_and_a_third_have_two_faults():
    assert len(MODELS) >= 40
    assert 3 * sum(len(model.faults) == 2 for model in MODELS.values()) >= len(MODELS)
