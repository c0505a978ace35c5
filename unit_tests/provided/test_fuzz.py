"""Random bytes in place of images and checkpoints: no crash, no hang, bounded memory."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# In a process of its own, so that a crash is a failed test and memory can be measured.
FUZZ = """
import importlib, json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
module = importlib.import_module("test_fuzz")
print(json.dumps(module.fuzz(sys.argv[2], float(sys.argv[3]), Path(sys.argv[4]))))
"""
MEMORY = {
    "images": 900,
    "checkpoints": 300,
}  # MiB beyond what the same process needs for good files


def fuzz(kind: str, seconds: float, folder: Path) -> dict[str, float]:
    """Read changed files for a while; any error but ValueError ends it."""
    import resource

    from scene_recog.runs.scoring import load_run

    rng = random.Random(0)
    if kind == "images":
        from scene_recog.datasets.images import read_grayscale as read

        originals = [path.read_bytes() for path in sorted(folder.iterdir())]
        change: Callable[[random.Random, bytes], bytes] = changed
        path = folder / "changed.jpg"
    else:
        read = load_run  # type: ignore[assignment]
        path = folder / "checkpoint.pt"
        originals = [path.read_bytes()]
        change = changed_checkpoint
    for original in originals:
        path.write_bytes(original)
        read(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tries = refused = lines = 0
    slowest = 0.0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        path.write_bytes(change(rng, rng.choice(originals)))
        start = time.monotonic()
        try:
            read(path)
        except ValueError as error:
            refused += 1
            lines = max(lines, len(str(error).splitlines()))
        slowest = max(slowest, time.monotonic() - start)
        tries += 1
    unit = 1024 if sys.platform == "linux" else 1024 * 1024
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / unit
    return {"tries": tries, "refused": refused, "lines": lines, "slowest": slowest, "mib": more}


def changed(rng: random.Random, data: bytes) -> bytes:
    """A few changes like those from accidents and from attackers."""
    new = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        position = rng.randrange(len(new) + 1) if rng.random() < 0.5 else rng.randrange(64)
        kind = rng.randrange(5)
        if kind == 0 and position < len(new):
            new[position] ^= 1 << rng.randrange(8)
        elif kind == 1:
            new[position : position + 4] = rng.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"))
        elif kind == 2:
            del new[position : position + rng.randrange(1, 200)]
        elif kind == 3:
            new[position:position] = rng.randbytes(rng.randrange(1, 50))
        elif new:
            start = rng.randrange(len(new))
            new[position:position] = new[start : start + rng.randrange(1, 200)]
    return bytes(new) or b"\0"


def changed_checkpoint(rng: random.Random, data: bytes) -> bytes:
    """The changed file; or one with a changed pickle, zipped again with correct checksums."""
    if rng.random() < 0.3:
        return changed(rng, data)
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(result, "w") as new:
        for entry in old.infolist():
            contents = old.read(entry)
            if entry.filename.endswith(".pkl") or rng.random() < 0.02:
                contents = changed(rng, contents)
            new.writestr(entry.filename, contents)
    return result.getvalue()


def run(kind: str, seconds: float, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-W", "ignore", "-c", FUZZ, str(Path(__file__).parent), kind]
    result = subprocess.run(
        [*command, str(seconds), str(folder)], capture_output=True, text=True, timeout=150
    )
    assert result.returncode == 0, result.stderr[-3000:]
    found: dict[str, float] = json.loads(result.stdout.splitlines()[-1])
    print(kind, found)
    return found


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell the memory")
SECONDS = [4, pytest.param(100, marks=pytest.mark.slow)]


@pytest.mark.parametrize("seconds", SECONDS)
def test_changed_images(tmp_path: Path, seconds: float) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    for suffix in ("jpg", "png", "bmp", "gif", "tif", "webp"):
        image.save(folder / f"colour.{suffix}")
    image.convert("L").save(folder / "grey.jpg", progressive=True)
    image.convert("CMYK").save(folder / "cmyk.jpg")
    image.convert("P").save(folder / "palette.png", transparency=3)
    Image.fromarray(noise[..., 0].astype(np.uint16) * 257).save(folder / "sixteen.png")
    found = run("images", seconds, folder)
    assert found["tries"] > 50 * seconds
    assert 0.1 < found["refused"] / found["tries"] < 0.95
    assert found["lines"] == 1
    assert found["slowest"] < 10
    assert found["mib"] < MEMORY["images"]


@pytest.mark.parametrize("seconds", SECONDS)
def test_changed_checkpoints(
    sketches: Path, tmp_path: Path, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scene_recog.recipes import RECIPES

    recipe = RECIPES["part1"].override(["val_fraction=0"])
    trainer = recipe.make_trainer(sketches, tmp_path / "run", device="cpu")
    trainer.run_training_loop(1)
    found = run("checkpoints", seconds, tmp_path / "run")
    assert found["tries"] > 10 * seconds
    assert found["refused"] / found["tries"] > 0.5
    assert found["lines"] == 1
    assert found["slowest"] < 10
    assert found["mib"] < MEMORY["checkpoints"]
