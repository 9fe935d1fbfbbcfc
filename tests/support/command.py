"""Where the real objects are, and the command line as a user runs it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "assets"
SMALL = ["--set", "render.size_px=64", "--set", "render.samples=1", "--set", "gates.min_decidability=0.02"]


def viewpoint100k(*arguments, timeout=600, **more):
    """Run the command line as a user does."""
    command = [sys.executable, "-m", "viewpoint100k", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, **more)
