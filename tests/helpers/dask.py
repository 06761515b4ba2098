"""Code on dask with two local workers, in a process of its own: its loops and threads end with it."""

import subprocess
import sys
import textwrap

import pytest

from helpers.paths import ROOT

CODE = """
import cnnshape
from dask.distributed import Client, LocalCluster

def main(client):
{code}

if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        main(client)
"""


def on_dask(code):
    """Run code that has a `client`; return the lines that it prints."""
    pytest.importorskip("distributed")
    text = CODE.format(code=textwrap.indent(textwrap.dedent(code), "    "))
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
