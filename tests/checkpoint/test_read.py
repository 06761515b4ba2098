"""Checkpoints as torch and safetensors write them, and hostile files: read by shapes, or refused with a line."""

import argparse
import io
import json
import os
import pickle
import random
import struct
import time
import warnings
import zipfile
from collections import OrderedDict, deque
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import PurePosixPath
from uuid import UUID

import pytest

from cnnshape.checkpoint import pickled
from cnnshape.checkpoint.read import read
from cnnshape.checkpoint.record import LARGEST_TEXT, CheckpointError

ONE = {"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}


def safetensors(header, numbers=24, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + bytes(numbers)


def written(tmp_path, content, name="a.pt"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def refusal(path):
    """The line that a file is refused with, in seconds."""
    began = time.monotonic()
    with pytest.raises(CheckpointError) as error:
        read(path)
    assert time.monotonic() - began < 30
    assert "\n" not in str(error.value)
    return str(error.value)


def zipped(pickle_bytes, folder="a", **others):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr(f"{folder}/data.pkl", pickle_bytes)
        for name, content in others.items():
            archive.writestr(f"{folder}/{name}", content)
    return raw.getvalue()


# What torch and safetensors write


def test_a_safetensors_header_has_the_shapes(tmp_path):
    header = {"__metadata__": {"format": "pt"}, **ONE, "n": {"dtype": "I64", "shape": [], "data_offsets": [24, 32]}}
    assert read(written(tmp_path, safetensors(header, 32))) == {"w": (2, 3), "n": ()}


def test_a_header_may_have_a_length_that_begins_as_json_does(tmp_path):
    header = json.dumps(ONE).encode()
    spaces = b" " * (ord("{") - len(header))
    assert read(written(tmp_path, safetensors(header + spaces), "a.safetensors")) == {"w": (2, 3)}


@pytest.mark.parametrize("older", [False, True])
def test_every_kind_of_tensor_that_torch_saves(torch, tmp_path, older):
    kinds = {
        "plain": torch.zeros(2, 3),
        "parameter": torch.nn.Parameter(torch.zeros(4)),
        "half": torch.zeros(5).half(),
        "turned": torch.zeros(2, 3).t(),
        "expanded": torch.zeros(1, 3).expand(4, 3),
        "part": torch.zeros(10)[2:4],
        "number": torch.tensor(3),
        "none": torch.zeros(0, 3),
        "sparse": torch.eye(3).to_sparse(),
        "complex": torch.zeros(2, dtype=torch.complex64),
    }
    content = {
        "epoch": 3,
        "args": argparse.Namespace(lr=0.1),
        "model": OrderedDict(kinds),
        "seen": {1, 2},
        "list": [1.5],
    }
    torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=not older)
    assert read(tmp_path / "a.pt") == {"model": {name: tuple(tensor.shape) for name, tensor in kinds.items()}}


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_records_that_stand_beside_tensors_are_read_over(torch, tmp_path, protocol):
    beside = {
        "path": PurePosixPath("runs/1"),
        "seen": deque([1, 2], maxlen=3),
        "loss": Decimal("0.25"),
        "run": UUID(int=7),
        "at": datetime(2026, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=1))),
        "mean": pytest.importorskip("numpy").zeros((3, 4)),
    }
    torch.save({"beside": beside, "model": {"w": torch.zeros(2)}}, tmp_path / "a.pt", pickle_protocol=protocol)
    assert read(tmp_path / "a.pt") == {"beside": {}, "model": {"w": (2,)}}


@pytest.mark.parametrize("older", [False, True])
def test_an_optimizer_beside_is_read_over(torch, tmp_path, older):
    model = torch.nn.Linear(2, 3)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.zeros(1, 2)).sum().backward()
    optimizer.step()
    content = {"state_dict": model.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=not older)
    assert read(tmp_path / "a.pt")["state_dict"] == {"weight": (3, 2), "bias": (3,)}


def test_tensors_that_share_a_storage_and_tables_that_share_a_table(torch, tmp_path):
    weight = torch.zeros(3, 2)
    table = {"a": weight, "b": weight}
    torch.save({"one": table, "two": table}, tmp_path / "a.pt")
    assert read(tmp_path / "a.pt") == {"one": {"a": (3, 2), "b": (3, 2)}, "two": {"a": (3, 2), "b": (3, 2)}}


def test_a_single_tensor_has_no_name(torch, tmp_path):
    torch.save(torch.zeros(3), tmp_path / "a.pt")
    assert read(tmp_path / "a.pt") == {"": (3,)}


def test_an_index_has_the_tensors_of_its_files(tmp_path):
    written(tmp_path, safetensors(ONE), "1.safetensors")
    (tmp_path / "below").mkdir()
    written(tmp_path / "below", safetensors({"v": ONE["w"]}), "2.safetensors")
    index = {"metadata": {}, "weight_map": {"w": "1.safetensors", "v": "below/2.safetensors"}}
    path = written(tmp_path, json.dumps(index).encode(), "model.safetensors.index.json")
    assert read(path) == {"w": (2, 3), "v": (2, 3)}


def test_a_cache_keeps_links_to_files_beside_the_index(tmp_path):
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir(), snapshot.mkdir()
    (snapshot / "1.safetensors").symlink_to(written(blobs, safetensors(ONE), "abc"))
    index = written(blobs, json.dumps({"weight_map": {"w": "1.safetensors"}}).encode(), "def")
    (snapshot / "model.index.json").symlink_to(index)
    assert read(snapshot / "model.index.json") == {"w": (2, 3)}


@pytest.mark.parametrize(
    ("opcodes", "found"),
    [
        (b"(K\x01l0", {}),  # a list
        (b"(X\x01\x00\x00\x00aK\x01d0", {}),  # a table, and the mark of values
        (b"(K\x01(K\x02K\x0311", {}),  # what stands behind marks, taken away
        (b"\x8f(K\x01\x900", {}),  # a set
        (b"(K\x01\x910", {}),
        (b"}K\x01K\x02s0", {}),
        (b"]K\x01a0", {}),
        (b"K\x01200", {}),
        (b"ctorch\nTensor\n0", {}),
        (b"ccollections\ndefaultdict\n)R0", {}),
        (b"ccollections\nOrderedDict\n]X\x01\x00\x00\x00aK\x01\x86a\x85R0", {}),
    ],
    ids=range(11),
)
def test_the_plain_opcodes_leave_the_stack_as_pickles_do(tmp_path, opcodes, found):
    """Each makes something and drops it; what stands behind is a tensor without numbers, of 7."""
    tensor = b"ctorch._utils\n_rebuild_meta_tensor_no_storage\n(NK\x07\x85N\x89tR"
    assert read(written(tmp_path, b"\x80\x04}X\x01\x00\x00\x00w" + opcodes + tensor + b"s.")) == {"w": (7,)} | found


def test_quantized_tensors_and_classes_of_tensors(torch, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer torch: they are to go
        quantized = torch.quantize_per_tensor(torch.zeros(2, 3), 0.1, 0, torch.qint8)
    kinds = {
        "quantized": quantized,
        "meta": torch.empty(3, 4, device="meta"),
        "size": torch.zeros(2, 3).size(),
    }
    kinds["more"] = torch.nn.Parameter(torch.zeros(5))
    kinds["more"].note = "an attribute"
    kinds["noted"] = torch.zeros(6)
    kinds["noted"].note = "an attribute"
    torch.save(kinds, tmp_path / "a.pt")
    assert read(tmp_path / "a.pt") == {"quantized": (2, 3), "meta": (3, 4), "more": (5,), "noted": (6,)}


# Payloads


class Payload:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "function", [os.system, eval, exec, open, print, getattr, __import__], ids=lambda f: f.__name__
)
def test_a_payload_is_named_and_not_run(torch, tmp_path, function):
    trace = tmp_path / "ran"
    command = f"open({str(trace)!r}, 'w')" if function is not os.system else f"touch {trace}"
    for protocol in range(2, 6):
        raw = pickle.dumps({"w": 1, "x": Payload(function, command)}, protocol=protocol)
        for content in (raw, zipped(raw)):
            line = refusal(written(tmp_path, content))
            assert f"would run {function.__module__}.{function.__name__}" in line.replace("__builtin__", "builtins")
    assert not trace.exists()


@pytest.mark.parametrize("older", [False, True])
def test_a_whole_model_is_refused(torch, tmp_path, older):
    torch.save(torch.nn.Linear(2, 3), tmp_path / "a.pt", _use_new_zipfile_serialization=not older)
    assert "torch.nn.modules.linear.Linear" in refusal(tmp_path / "a.pt")
    assert "state_dict()" in refusal(tmp_path / "a.pt")


def test_a_program_is_refused(torch, tmp_path):
    raw = zipped(pickle.dumps({}), **{"code/__torch__.py": "x"})
    assert "TorchScript" in refusal(written(tmp_path, raw))


@pytest.mark.parametrize(
    "raw",
    [
        b"\x80\x02c__builtin__\neval\n.",  # named alone
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
        b"\x80\x02(ios\nsystem\n.",
        b"\x80\x02(cos\nsystem\nX\x01\x00\x00\x00ao.",
        b"\x80\x02X\x01\x00\x00\x00a)R.",  # a text is called
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nN(K\x01tR.",
        b"\x80\x02\x82\x01.",  # the registry of extensions
        b"\x80\x02Phello\n.",
        b"\x80\x02K\x01Q.",
        b"\x80\x05\x97.",
        b"\x80\x02ctorch._utils\n_rebuild_meta_tensor_no_storage\nNNNN\x85R.",  # no size
        b"\x80\x02ctorch._utils\n_rebuild_meta_tensor_no_storage\n(NK\x01tR.",
        b"\x80\x02(K\x01d.",  # a table with a name, and no value
    ],
)
def test_names_and_calls_by_every_opcode(tmp_path, raw):
    assert refusal(written(tmp_path, raw))


# Bombs, lies and damage


def test_a_pickle_of_many_steps(tmp_path):
    assert "steps" in refusal(written(tmp_path, b"\x80\x02" + b"N0" * (pickled.MOST_STEPS // 2 + 1) + b"N."))


def test_tables_within_tables_that_double(torch, tmp_path):
    table = {"w": torch.zeros(1)}
    for _ in range(60):
        table = {f"{number}": table for number in range(12)}
    torch.save(table, tmp_path / "a.pt")
    assert "entries" in refusal(tmp_path / "a.pt")


def test_a_table_in_itself(torch, tmp_path):
    table = {"w": torch.zeros(1)}
    table["again"] = table
    torch.save(table, tmp_path / "a.pt")
    assert read(tmp_path / "a.pt")["w"] == (1,)


def test_keys_that_would_take_for_ever_to_hash(tmp_path):
    tuples = b")" + b"q\x00h\x00h\x00\x86" * 64
    assert refusal(written(tmp_path, b"\x80\x02}" + tuples + b"K\x01s.")).startswith("it is a list")


@pytest.mark.parametrize("size", [2**40, -1, 1.5, None, "3", True])
def test_sizes_that_no_tensor_has(tmp_path, size):
    header = {"w": {"dtype": "F32", "shape": [size, 2**40], "data_offsets": [0, 0]}}
    assert "w " in refusal(written(tmp_path, safetensors(header), "a.safetensors"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (safetensors(ONE, length=2**62), "cut off"),
        (safetensors(ONE)[:-1], "cut off"),
        (safetensors(ONE)[:20], "cut off"),
        (safetensors(b"{" + b" " * LARGEST_TEXT + b"}"), "may have"),
        (safetensors(b'{"a":' + b"[" * 100_000), "JSON"),
        (safetensors(b'{"a": 1' + b"0" * 10_000 + b"}"), "JSON"),
        (safetensors(b'{"w": 1, "w": 2}'), "twice"),
        (safetensors({"w": [1]}), "no tensor"),
        (safetensors({"w": {**ONE["w"], "data_offsets": [0]}}), "no tensor"),
        (safetensors({"w": {**ONE["w"], "data_offsets": [24, 0]}}), "would end"),
        (safetensors({"w": {**ONE["w"], "shape": [2, 4]}}), "has 24 bytes"),
        (safetensors({"w": {**ONE["w"], "shape": [1] * 65}}), "65 axes"),
        (safetensors({"__metadata__": {}}), "no tensors"),
        (safetensors({**ONE, "v": ONE["w"]}), "v begins at byte 0, and not at 24"),
        (safetensors({"w": {**ONE["w"], "data_offsets": [4, 28]}}, 28), "w begins at byte 4, and not at 0"),
        (safetensors(ONE, 25), "1 bytes behind its last tensor are of none"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"", "empty"),
        (b"PK\x03\x04" + bytes(100), "zip"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"hello, world, this is a text", "none of them"),
        (b"\x80\x02}q\x00.", "no tensors"),
        (b"\x80\x02]q\x00.", "it is a list, and no table of tensors"),
        (b"\x80\x02).", "it is a list, and no table of tensors"),
        (b"\x80\x02}q\x00", "pickle"),
        (b"\x80\x02tttt", "pickle"),
        (b"\x80\x02h\x05.", "pickle"),
        (b"\x80\x02(1.", "pickle"),
        (b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f", "pickle"),
        (b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc", "pickle"),
    ],
    ids=range(31),
)
def test_damage_is_refused(tmp_path, content, reason):
    assert reason in refusal(written(tmp_path, content))


def test_zips_that_are_none_of_torch(tmp_path):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("a.txt", "x")
    assert "none of torch.save" in refusal(written(tmp_path, raw.getvalue()))
    assert "pickle" in refusal(written(tmp_path, zipped(zipped(b""))))


def test_a_bomb_in_a_zip(tmp_path):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(2**27))
    assert "may have" in refusal(written(tmp_path, raw.getvalue()))


def test_a_zip_that_lies_about_a_bomb(tmp_path):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\x80\x02" + b"N0" * 2**23)
    lie = raw.getvalue().replace(struct.pack("<I", 2**24 + 2), struct.pack("<I", 100))
    assert refusal(written(tmp_path, lie))


def test_a_zip_with_a_list_beyond_its_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("cnnshape.checkpoint.torch_file.LARGEST_LIST", 50)
    assert "list of files" in refusal(written(tmp_path, zipped(b"")))
    end = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, 2**40, 0)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, 0, 1)
    classic = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, 10, 0, 0)
    assert "list of files" in refusal(written(tmp_path, b"PK\x03\x04" + end + locator + classic))


def test_a_zip_with_a_name_twice_or_encrypted(tmp_path):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("a/data.pkl", b"")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a/data.pkl", b"")
    assert "twice" in refusal(written(tmp_path, raw.getvalue()))
    plain = bytearray(zipped(b""))
    at = plain.index(b"PK\x01\x02")
    plain[at + 8] |= 1
    assert "encrypted" in refusal(written(tmp_path, bytes(plain)))


@pytest.mark.parametrize("older", [False, True])
def test_numbers_that_are_not_there(torch, tmp_path, older):
    torch.save({"w": torch.zeros(1000)}, tmp_path / "a.pt", _use_new_zipfile_serialization=not older)
    raw = (tmp_path / "a.pt").read_bytes()
    if older:
        assert "cut off" in refusal(written(tmp_path, raw[:-1]))
    else:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            head = archive.read("a/data.pkl")
        assert "not all there" in refusal(written(tmp_path, zipped(head)))
        assert "not all there" in refusal(written(tmp_path, zipped(head, **{"data/0": bytes(3999)})))
        assert read(written(tmp_path, zipped(head, **{"data/0": bytes(4000)}))) == {"w": (1000,)}


def test_a_tensor_beyond_its_storage(torch, tmp_path):
    torch.save({"w": torch.zeros(100)}, tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "a.pt") as archive:
        head = archive.read("a/data.pkl")
    assert head.count(b"Kd") == 2, "the storage's length, then the tensor's"
    first, second, third = head.split(b"Kd")
    larger = first + b"Kd" + second + b"Ke" + third
    assert "beyond its storage" in refusal(written(tmp_path, zipped(larger, **{"data/0": bytes(400)})))


@pytest.mark.parametrize(
    "name",
    ["../out.safetensors", "/etc/passwd", "below/../../out.safetensors", "", "link.safetensors", "a\0b", "folder"],
)
def test_an_index_that_leads_out_of_its_folder(tmp_path, name):
    written(tmp_path, safetensors(ONE), "out.safetensors")
    folder = tmp_path / "in"
    (folder / "folder").mkdir(parents=True)
    (folder / "link.safetensors").symlink_to(tmp_path / "out.safetensors")
    index = written(folder, json.dumps({"weight_map": {"w": name}}).encode(), "model.index.json")
    line = refusal(index)
    assert "leads out of its folder" in line or name == "folder"


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        ({"weight_map": {"w": "1.safetensors", "v": "1.safetensors"}}, "v is not in 1.safetensors"),
        ({"weight_map": {"w": "1.safetensors", "v": "copy.safetensors"}}, "and in another file"),
        ({"weight_map": {"w": "none.safetensors"}}, "no such file"),
        ({"weight_map": {"w": "model.index.json"}}, "model.index.json: "),
        ({"weight_map": {"w": 3}}, "no index"),
        ({"weight_map": [1]}, "no index"),
        ({"weight_map": {str(n): str(n) for n in range(2_000)}}, "names 2,000 files"),
        ([1], "no JSON object"),
    ],
    ids=range(8),
)
def test_an_index_that_is_wrong(tmp_path, index, reason):
    for name in ("1", "copy"):
        written(tmp_path, safetensors(ONE), f"{name}.safetensors")
    assert reason in refusal(written(tmp_path, json.dumps(index).encode(), "model.index.json"))


def test_an_index_beyond_its_limit(tmp_path):
    assert "may have" in refusal(written(tmp_path, b"{" + b" " * LARGEST_TEXT, "model.index.json"))


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "folder" in refusal(tmp_path)
    assert "no ordinary file" in refusal(tmp_path / "pipe")
    assert "no such file" in refusal(tmp_path / "none.pt")
    assert refusal("a\0b")


# Cut and changed files: an answer or a line, never anything else


def seeds(torch):
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    for older in (False, True):
        raw = io.BytesIO()
        torch.save({"model": model.state_dict(), "n": 1}, raw, _use_new_zipfile_serialization=not older)
        yield raw.getvalue()
    yield safetensors({**ONE, "v": {"dtype": "F32", "shape": [1], "data_offsets": [24, 28]}}, 28)


@pytest.mark.parametrize("seed", range(3))
def test_cut_and_changed_files_are_read_or_refused(torch, tmp_path, seed):
    raw, chance = [*seeds(torch)][seed], random.Random(seed)
    began = time.monotonic()
    for _ in range(700):
        changed = bytearray(raw)
        for _ in range(chance.choice((1, 1, 2, 8))):
            match chance.randrange(4):
                case 0:
                    del changed[chance.randrange(len(changed)) :]
                case 1:
                    changed[chance.randrange(len(changed))] = chance.randrange(256)
                case 2:
                    at = chance.randrange(len(changed))
                    changed[at:at] = changed[at : at + chance.randrange(64)]
                case 3:
                    at = chance.randrange(len(changed))
                    del changed[at : at + chance.randrange(16)]
            changed = changed or bytearray(b"\x80")
        path = written(tmp_path, bytes(changed))
        try:
            assert isinstance(read(path), dict)
        except CheckpointError as error:
            assert str(error)  # noqa: PT017 -- either is well
    assert time.monotonic() - began < 60
