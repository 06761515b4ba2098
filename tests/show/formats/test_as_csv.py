"""CSV: the layers, and the problems beside."""

import csv
import io

from helpers.formats import BAD, check, report
from helpers.paths import ALEXNET, RESNET50


def test_csv_is_a_row_a_layer():
    result = check("csv", ALEXNET)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    (alexnet,) = report(ALEXNET)
    assert [row["name"] for row in rows] == [layer["name"] for layer in alexnet["layers"]]
    assert sum(int(row["parameters"]) for row in rows) == 62_378_344
    assert sum(int(row["macs"]) for row in rows) == 1_135_256_096
    first = rows[0]
    assert (first["inputs"], first["output"]) == ("227x227x3", "55x55x96")  # as the file writes shapes
    assert (first["type"], first["dropped"], first["torch"]) == ("conv", "0x0", "")
    assert [int(row["line"]) for row in rows] == [layer["line"] for layer in alexnet["layers"]]
    assert result.stderr == ""


def test_csv_of_several_files_names_them(file):
    bad = file(BAD)
    result = check("csv", bad, RESNET50)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["file"] for row in rows] == [str(bad)] * 5 + [str(RESNET50)] * 175
    inner = next(row for row in rows if row["name"] == "b.inner")
    assert (inner["output"], inner["macs"]) == ("?", "")
    assert result.exit_code == 1
    assert {line.partition(": ")[2].partition("[")[0] for line in result.stderr.splitlines()} == {"error", "warning"}
    assert f"{bad}:11:" in result.stderr
