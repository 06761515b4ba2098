"""Where things are in this repository."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
ARCHITECTURES = ROOT / "architectures"
FILES = ROOT / "tests" / "files"
ALEXNET = ARCHITECTURES / "alexnet.toml"
RESNET50 = ARCHITECTURES / "resnet50.toml"
UNET = ARCHITECTURES / "unet.toml"
