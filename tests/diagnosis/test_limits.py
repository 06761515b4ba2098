"""A diagnosis ends: its work is counted in steps, and what was found by their end stands."""

import pytest
from helpers.broken_nets import FOLDER
from helpers.hostile import HOSTILE

import cnnshape
from cnnshape.diagnosis import trails, trials
from cnnshape.diagnosis.diagnose import diagnose
from cnnshape.diagnosis.limits import MOST_STEPS
from cnnshape.file.files import Files
from cnnshape.file.source import Source

BROKEN = sorted(file.name for file in FOLDER.glob("*.toml"))

LENET = """
input = [1, 32, 32]
layers = [
  { name = "conv", type = "conv", out_channels = 6, kernel_size = 5 },
  { name = "pool", type = "max_pool", kernel_size = 2 },
  "flatten",
  { name = "head", type = "linear", in_features = 100, out_features = 10 },
]
"""

UNET = """
input = [1, 33, 33]
layers = [
  { name = "down", type = "conv", out_channels = 16, kernel_size = 3, padding = 1 },
  { name = "pool", type = "max_pool", kernel_size = 2 },
  { name = "up", type = "conv_transpose", out_channels = 16, kernel_size = 2, stride = 2 },
  { name = "concat", type = "concat", from = ["down", "up"] },
]
"""


def problem():
    (found,) = cnnshape.loads(LENET).check().problems
    return found


@pytest.mark.parametrize("name", HOSTILE)
def test_of_the_worst_files_it_takes_no_more_than_its_steps(name):
    spent = MOST_STEPS - diagnose(Source.from_text(HOSTILE[name]), None, None, strict=False).trials.effort.left
    assert spent < 1.2 * MOST_STEPS, "the step that went beyond was the last one"


@pytest.mark.parametrize("name", BROKEN)
def test_of_a_net_that_people_write_it_takes_few_trials(name):
    trials = diagnose(
        Source.from_text((FOLDER / name).read_text(), name), Files(FOLDER / name), None, strict=False
    ).trials
    assert trials.count + trials.probes <= 10


def test_without_steps_there_are_no_fixes_and_the_cause_stands(monkeypatch):
    assert problem().fixes
    monkeypatch.setattr(trials, "MOST_STEPS", 0)
    assert not problem().fixes
    assert problem().cause is not None


def test_fixes_that_were_found_before_the_end_stand(monkeypatch):
    def fixes(steps):
        monkeypatch.setattr(trials, "MOST_STEPS", steps)
        return [fix.summary for fix in cnnshape.loads(UNET).check().problems[0].fixes]

    every = fixes(MOST_STEPS)
    fewer = [found for found in map(fixes, range(0, 4000, 100)) if 0 < len(found) < len(every)]
    assert fewer
    assert all({*found} < {*every} for found in fewer)


def test_a_cause_that_is_too_far_away_is_none(monkeypatch):
    assert problem().cause is not None
    monkeypatch.setattr(trails, "MOST_LEGS", 1)
    assert problem().cause is None
    assert problem().fixes
