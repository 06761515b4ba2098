"""GitHub's annotations."""

from click.testing import CliRunner
from helpers.cli import verify

from cnnshape.cli import main


def test_github_annotations(project):
    result = verify("net.toml", "--model", "nets.models:wide", "--format", "github")
    annotation, verdict = result.stdout.splitlines()
    assert annotation.startswith(
        "::error file=net.toml,line=3,col=50,endLine=3,endColumn=51,title=conv%3A model-differs::out_channels 2, "
    )
    assert "in layer" not in annotation, "the line of the file names it"
    assert verdict == "net.toml: 1 error"
    (project / "100%,net:.toml").write_text('input = [1, 8, 8]\nlayers = ["rule"]\n')
    checked = CliRunner().invoke(main, ["check", "--no-torch", "--format", "github", "100%,net:.toml"])
    assert checked.stdout.startswith("::error file=100%25%2Cnet%3A.toml,line=2,col=11,endLine=2,endColumn=17,title=")
    assert checked.exit_code == 1


def test_github_annotations_are_told_from_the_root_of_the_repository(project, monkeypatch):
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project))
    monkeypatch.chdir(project / "nets")
    monkeypatch.syspath_prepend(project)
    result = verify("../net.toml", "--model", "nets.models:wide", "--format", "github")
    assert result.stdout.startswith("::error file=net.toml,line=3,")
    zoo = verify("zoo:lenet5", "--model", "nets.models:wide", "--format", "github")
    assert zoo.stdout.startswith("::error file=zoo%3Alenet5,line=")
