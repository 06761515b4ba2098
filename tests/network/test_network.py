"""The public door: a file that is wrong is an error with all its problems; a net is a record, and goes to others."""

import os
import pickle
import subprocess
import sys

import pytest
from helpers.nets import BROKEN, FAN, net
from helpers.paths import ROOT
from helpers.texts import HERE

import cnnshape
from cnnshape import ArchitectureError
from cnnshape.layers import TYPES
from cnnshape.problems.place import Place


def test_an_error_of_the_file_has_all_problems_and_those_of_the_check():
    with pytest.raises(ArchitectureError) as error:
        cnnshape.loads(HERE + 'layers = [{ type = "max_pool", kernel_size = 40 }, "rleu"]')
    assert [problem.code for problem in error.value.problems] == ["unknown-type", "window-too-large"]
    assert (
        str(error.value).splitlines()[0].startswith("<string>:2:52: error[unknown-type]: there is no layer type rleu")
    )


def test_a_net_with_shape_problems_loads():
    report = cnnshape.loads(HERE + 'layers = [{ type = "max_pool", kernel_size = 40 }]').check()
    assert not report.ok
    assert report.outputs == {"max_pool1": None}
    assert report.output is None


def test_a_net_with_another_field_is_a_net():
    built = net(FAN)
    other = built._replace(name="fan")
    assert isinstance(other, cnnshape.Network)
    assert other != built
    assert repr(other) == "<Network fan: {'input': (3, 32, 20)}, 5 layers>"
    assert other._replace(name=built.name) == built


def test_layers_of_another_process_are_found_among_equal_ones():
    code = (
        "import pickle, sys; from cnnshape.layers import TYPES; one = TYPES['conv'](out_channels=8, kernel_size=3)\n"
        "sys.stdout.buffer.write(pickle.dumps((one, hash(one))))"  # it has been hashed, where words hash otherwise
    )
    root = str(ROOT)
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        stdout=subprocess.PIPE,
        check=True,
    )
    other, hashed = pickle.loads(found.stdout)
    own = TYPES["conv"](out_channels=8, kernel_size=3)
    assert hash(own) != hashed  # or this test shows nothing
    assert len({own, other}) == 1


def test_errors_and_places_pickle():
    with pytest.raises(ArchitectureError) as error:
        cnnshape.loads(BROKEN)
    again = pickle.loads(pickle.dumps(error.value))
    assert str(again) == str(error.value)
    assert [p.code for p in again.problems] == [p.code for p in error.value.problems]
    place = error.value.problems[0].place
    assert isinstance(place, Place)
    assert pickle.loads(pickle.dumps(place)).start == place.start


def test_a_net_keeps_its_report():
    net = cnnshape.load(ROOT / "architectures/alexnet.toml")
    assert net.check() is net.check()
    assert net.check(strict=True) is not net.check()
    again = pickle.loads(pickle.dumps(net))
    assert again == net
    assert not vars(again), "the report is not sent along"
