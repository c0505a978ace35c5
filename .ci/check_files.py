"""No tracked file may be a dataset image or larger than 1 MB."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from scene_recog.datasets.scene15 import load_manifest

known = {entry.sha256 for entry in load_manifest()}
tracked = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True).stdout
problems = []
for name in tracked.decode().split("\0"):
    path = Path(name)
    if not name or not path.is_file():
        continue
    if path.stat().st_size > 1_000_000:
        problems.append(f"{name} is {path.stat().st_size:,} bytes: larger than 1 MB")
    if hashlib.sha256(path.read_bytes()).hexdigest() in known:
        problems.append(f"{name} is an image of the 15-scene dataset")
print("\n".join(problems) or "tracked files: none is a dataset image or larger than 1 MB")
raise SystemExit(1 if problems else 0)
