"""A run's folder: its name, history and config; one process at a time; full disks."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from scene_recog import cli
from scene_recog.runner import Trainer
from scene_recog.runs import run_folder
from scene_recog.runs.checkpoint import read_checkpoint, write_checkpoint
from scene_recog.runs.config import read_config, write_config
from scene_recog.runs.history import EpochRecord, append_history, read_history, write_history
from scene_recog.system.locks import locked

MakeTrainer = Callable[..., Trainer]

HOLD = """
import sys
from pathlib import Path
from scene_recog.system.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process locks the folder while the block runs."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield other
        other.kill()


def weights(trainer: Trainer) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in trainer.model.parameters()])


# ---------------------------------------------------------------- one process at a time


def test_the_second_process_is_told_who_is_there(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    make_trainer().run_training_loop(1)
    trainer = make_trainer()
    with held_by_another(tmp_path / "run") as other:
        for work in (lambda: trainer.run_training_loop(1), trainer.save_model):
            with pytest.raises(ValueError, match=rf"run is in use by process {other.pid} on"):
                work()
    # the other one was killed, and has left its lock file behind
    assert (tmp_path / "run" / ".lock").exists()
    trainer.run_training_loop(1)
    assert trainer.epochs_done == 2


def test_lock_is_free_after_an_error(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(KeyError), locked(tmp_path):
            raise KeyError
    with locked(tmp_path), pytest.raises(ValueError, match=f"process {os.getpid()} on"):
        locked(tmp_path).__enter__()


def test_a_run_that_went_on_elsewhere_is_not_overwritten(make_trainer: MakeTrainer) -> None:
    first = make_trainer()
    first.run_training_loop(1)
    second = make_trainer()
    second.run_training_loop(2)
    before = read_checkpoint(second.model_dir / "checkpoint.pt")["epoch"]
    with pytest.raises(ValueError, match="another process has continued"):
        first.run_training_loop(1)
    assert read_checkpoint(second.model_dir / "checkpoint.pt")["epoch"] == before == 3


def test_resume_on_the_command_line_is_refused_too(
    make_trainer: MakeTrainer,
    sketches: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["train", "--recipe", "part1", "--data", str(sketches), "--device", "cpu"]
    assert cli.main([*command, "--epochs", "1", "--set", "val_fraction=0"]) == 0
    run = tmp_path / "model_checkpoints" / "part1-001"
    capsys.readouterr()
    with held_by_another(run) as other:
        assert cli.main(["train", "--resume", "part1-001", "--epochs", "2"]) == 2
        assert f"is in use by process {other.pid}" in capsys.readouterr().err


# ---------------------------------------------------------------- full disks


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes while the block runs, as on a full disk."""
    resource = pytest.importorskip("resource", reason="this system has no file-size limit")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_full_disk_stops_no_training_and_harms_no_file(
    make_trainer: MakeTrainer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    undisturbed = make_trainer(model_dir=tmp_path / "undisturbed", val_fraction=0.3)
    undisturbed.run_training_loop(1)
    undisturbed.run_training_loop(2)
    undisturbed.run_training_loop(1)

    trainer = make_trainer(val_fraction=0.3)
    trainer.run_training_loop(1)
    run = tmp_path / "run"
    names = ("checkpoint.pt", "best.pt", "history.csv")
    before = {name: (run / name).read_bytes() for name in names}
    with files_of_at_most(60_000):
        with pytest.raises(OSError, match=r"too large: the run is saved only up to epoch 1"):
            trainer.run_training_loop(2)
        message = capsys.readouterr().err
        assert "Epoch 2 is not saved (File too large). Training continues" in message
        assert {name: (run / name).read_bytes() for name in names} == before
        with pytest.raises(OSError, match="File too large"):
            trainer.save_model()
        assert trainer.epochs_done == 3  # what is in memory survives
    assert {name: (run / name).read_bytes() for name in names} == before
    assert not list(run.glob(".*.part"))

    trainer.save_model()
    assert read_checkpoint(run / "checkpoint.pt")["epoch"] == 3
    assert [row["epoch"] for row in read_history(run)] == [1, 2, 3]
    assert read_checkpoint(run / "best.pt")["epoch"] == trainer.best_record.epoch
    trainer.run_training_loop(1)
    assert torch.equal(weights(trainer), weights(undisturbed))


def test_disk_that_gets_room_again_is_caught_up_with(
    make_trainer: MakeTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(val_fraction=0.3)
    script = iter([(2.0, 0.2), (1.0, 0.9), (1.5, 0.3), (1.5, 0.4)])
    limits = iter([10**9, 60_000, 60_000, 10**9])
    resource = pytest.importorskip("resource", reason="this system has no file-size limit")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def validate() -> tuple[float, float]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (next(limits), hard))
        return next(script)

    monkeypatch.setattr(trainer, "validate", validate)
    try:
        trainer.run_training_loop(4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_checkpoint(tmp_path / "run" / "checkpoint.pt")["epoch"] == 4
    assert [row["epoch"] for row in read_history(tmp_path / "run")] == [1, 2, 3, 4]
    best = read_checkpoint(tmp_path / "run" / "best.pt")  # of an epoch when the disk was full
    assert best["epoch"] == 2
    assert len(best["history"]) == 2


def test_full_disk_on_the_command_line(
    sketches: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with files_of_at_most(60_000):
        code = cli.main(
            ["train", "--recipe", "part1", "--data", str(sketches), "--epochs", "2",
             "--device", "cpu", "--cache", "memory", "--set", "val_fraction=0"]
        )  # fmt: skip
    captured = capsys.readouterr()
    assert code == 2
    assert "saved only up to epoch 0" in captured.err.splitlines()[-1]
    assert "Traceback" not in captured.err


# ---------------------------------------------------------------- folders that are read only


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody can write to the folder while the block runs, not even root."""
    if getattr(os, "geteuid", lambda: 1)() == 0:
        yield from _immutable(folder)
        return
    folder.chmod(0o500)
    try:
        yield
    finally:
        folder.chmod(0o700)


def _immutable(folder: Path) -> Iterator[None]:
    """Permissions do not stop root, but this does."""
    try:
        subprocess.run(["chattr", "+i", str(folder)], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("root may write anywhere here")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", str(folder)], check=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has its own locks")
def test_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    with locked(tmp_path):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_read_only_folder_is_said_before_training(
    make_trainer: MakeTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer()
    monkeypatch.setattr(trainer, "train_epoch", lambda: pytest.fail("trained for nothing"))
    with read_only(tmp_path), pytest.raises(PermissionError, match="run"):
        trainer.run_training_loop(1)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_folder_that_becomes_read_only_keeps_its_files(
    make_trainer: MakeTrainer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer = make_trainer()
    trainer.run_training_loop(1)
    before = (tmp_path / "run" / "checkpoint.pt").read_bytes()
    with read_only(tmp_path / "run"), pytest.raises(OSError, match="saved only up to epoch 1"):
        trainer.run_training_loop(1)
    assert "Epoch 2 is not saved" in capsys.readouterr().err
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() == before
    trainer.save_model()
    assert read_checkpoint(tmp_path / "run" / "checkpoint.pt")["epoch"] == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_read_only_runs_folder_on_the_command_line(
    sketches: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with read_only(tmp_path):
        assert cli.main(["train", "--recipe", "part1", "--data", str(sketches)]) == 2
    message = capsys.readouterr().err
    assert message.startswith("scene-recog: model_checkpoints")
    assert message.count("\n") == 1


def record(epoch: int) -> EpochRecord:
    return EpochRecord(epoch, 2.0 / epoch, 0.5, 1.0, 0.25, 0.1, 3.0)


def test_new_runs_get_numbers_of_their_own(tmp_path: Path) -> None:
    names = [run_folder.new_run_folder(tmp_path / "runs", "part2").name for _ in range(3)]
    assert names == ["part2-001", "part2-002", "part2-003"]


def test_history_survives_a_row_cut_short(tmp_path: Path) -> None:
    for epoch in (1, 2, 3):
        append_history(tmp_path, record(epoch))
    path = tmp_path / "history.csv"
    path.write_text(path.read_text()[:-12])
    rows = read_history(tmp_path)
    assert [row["epoch"] for row in rows] == [1, 2]
    write_history(tmp_path, [record(1)])
    append_history(tmp_path, record(2))
    rows = read_history(tmp_path)
    assert [row["epoch"] for row in rows] == [1, 2]
    assert rows[1]["train_loss"] == 1.0


def test_find_run_by_path_name_and_file(tmp_path: Path) -> None:
    folder = run_folder.new_run_folder(tmp_path, "part1")
    write_config(folder, {"seed": 1})
    write_checkpoint(folder / "checkpoint.pt", {"model_state_dict": {}})
    assert run_folder.find_run(folder) == folder
    assert run_folder.find_run("part1-001", tmp_path) == folder
    assert run_folder.find_run(folder / "checkpoint.pt") == folder
    assert run_folder.list_runs(tmp_path) == [folder]
    with pytest.raises(FileNotFoundError, match=r"no run part9.*part1-001"):
        run_folder.find_run("part9", tmp_path)
    (folder / "config.json").write_text("{broken")
    with pytest.raises(ValueError, match=r"config.json is damaged"):
        read_config(folder)
