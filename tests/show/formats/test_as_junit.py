"""JUnit: a suite for each file, a case for each layer."""

from xml.etree import ElementTree as ET

from click.testing import CliRunner
from helpers.cli import verify

from cnnshape.cli import main


def test_junit_report(project):
    result = verify("net.toml", "--model", "nets.models:wide", "--format", "junit")
    suite = ET.fromstring(result.stdout)[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    whole, conv, relu = suite
    assert [case.get("name") for case in suite] == ["net.toml", "conv", "relu1"]
    assert conv.get("line") == "3"
    assert conv[0].get("message").startswith("model-differs: out_channels 2")
    assert "net.toml:3:50: error[model-differs]" in conv[0].text
    assert (relu[0].tag, relu[0].get("message")) == ("skipped", "what enters differs")
    assert len(whole) == 0


def test_junit_of_a_check(project):
    (project / "bad.toml").write_text(
        'input = [1, 8, 8]\nlayers = [\n  { name = "conv", type = "conv", out_channels = 2, kernel_size = 9 },\n'
        '  "relu",\n  { name = "side", type = "relu", from = "input", allow = ["unused-result"] },\n]\nclaims.parameters = 3\n'
    )
    result = CliRunner().invoke(main, ["check", "--no-torch", "--format", "junit", "bad.toml", "net.toml"])
    bad, good = ET.fromstring(result.stdout)
    assert (bad.get("tests"), bad.get("failures"), bad.get("skipped")) == ("4", "2", "1")
    outcomes = {case.get("name"): [part.tag for part in case] for case in bad}
    assert outcomes == {"bad.toml": ["failure"], "conv": ["failure"], "relu1": ["skipped"], "side": []}
    assert bad[2][0].get("message") == "what enters is not known: conv fails"
    assert (good.get("failures"), good.get("tests")) == ("0", "3")
    assert result.exit_code == 1
