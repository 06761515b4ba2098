"""Run the command line: python -m cnnshape."""

from cnnshape.cli import main

main()
