"""Two processes on one machine train one model, lose one process, and continue."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from scene_recog.data_transforms import get_fundamental_transforms
from scene_recog.image_loader import ImageLoader
from scene_recog.loading.loaders import BatchSampler
from scene_recog.runner import Trainer
from scene_recog.runs.checkpoint import read_checkpoint
from scene_recog.runs.history import read_history
from scene_recog.simple_net import SimpleNet
from scene_recog.system import processes

MakeTrainer = Callable[..., Trainer]

# One step on each batch with its gradients; over both processes, and what each one has seen.
WORKER = """
import sys
from pathlib import Path
import torch
from scene_recog.data_transforms import get_fundamental_transforms
from scene_recog.system import processes
from scene_recog.optimizer import get_optimizer
from scene_recog.runner import Trainer
from scene_recog.simple_net import SimpleNet

data_dir, out = sys.argv[1:]
with processes.process_group("cpu"):
    rank = processes.rank()
    torch.manual_seed(rank)  # DistributedDataParallel gives all the weights of process 0
    model = SimpleNet()
    optimizer = get_optimizer(model, {"optimizer_type": "sgd", "lr": 0.05, "weight_decay": 0.0})
    transforms = get_fundamental_transforms((64, 64))
    trainer = Trainer(
        data_dir, model, optimizer, f"{out}/run", transforms, transforms, batch_size=41,
        device="cpu", seed=0,
    )
    seen, gradients, weights = [], [], []
    loader = trainer.train_loader

    def watched():
        for x, y in loader:
            seen.append((x, y))
            yield x, y

    class Watched:
        def __len__(self):
            return len(loader)

        __iter__ = lambda self: watched()

    trainer.train_loader = Watched()
    step = optimizer.step

    def watched_step():
        weights.append([p.detach().clone() for p in model.parameters()])
        gradients.append([p.grad.clone() for p in model.parameters()])
        step()

    optimizer.step = watched_step
    train = trainer.train_epoch()
    validation = trainer.validate()
    trainer.save_model()
    torch.save(
        {"seen": seen, "gradients": gradients, "weights": weights, "train": train,
         "validation": validation},
        f"{out}/rank{rank}.pt",
    )
"""


def torchrun(*arguments: str, cwd: Path, processes: int = 2) -> subprocess.Popen[str]:
    """Start processes with PyTorch's own launcher."""
    cwd.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={processes}"]
    command += arguments
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",  # needed where a machine is replaced
    }
    return subprocess.Popen(
        command, cwd=cwd, env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def finish(launcher: subprocess.Popen[str]) -> str:
    """Wait for the launcher; returns everything that it and its processes printed."""
    try:
        return launcher.communicate(timeout=120)[0]
    finally:
        if launcher.poll() is None:
            os.killpg(launcher.pid, signal.SIGKILL)


pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="torchrun is tested on Linux and macOS"),
    pytest.mark.skipif(
        not torch.distributed.is_available(), reason="this PyTorch has no torch.distributed"
    ),
]


@pytest.fixture(scope="module")
def ranks(sketches: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, list]]:
    """What each of two processes sees and does in an epoch of 41 + 41 + 8 images."""
    out = tmp_path_factory.mktemp("ranks")
    (out / "worker.py").write_text(WORKER)
    text = finish(torchrun("worker.py", str(sketches), str(out), cwd=out))
    assert (out / "rank1.pt").exists(), text
    return [torch.load(out / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)]


def test_shards_do_not_overlap_and_miss_nothing(ranks: list[dict], sketches: Path) -> None:
    assert [[len(y) for _, y in rank["seen"]] for rank in ranks] == [[21, 21, 4], [20, 20, 4]]
    dataset = ImageLoader(sketches, "train", get_fundamental_transforms((64, 64)))
    ours = torch.cat([x for rank in ranks for x, _ in rank["seen"]]).flatten(1)
    everything = torch.stack([dataset[i][0] for i in range(len(dataset))]).flatten(1)
    nearest = torch.cdist(ours, everything).argmin(1)
    assert sorted(nearest.tolist()) == list(range(90))


def test_average_gradient_is_that_of_the_joint_batch(ranks: list[dict]) -> None:
    """Also for batches that cannot be divided evenly."""
    model = SimpleNet()
    for step in range(3):
        parameters = ranks[0]["weights"][step]
        for ours, theirs in zip(parameters, ranks[1]["weights"][step], strict=True):
            assert torch.equal(ours, theirs)
        with torch.no_grad():
            for parameter, value in zip(model.parameters(), parameters, strict=True):
                parameter.copy_(value)
        x = torch.cat([rank["seen"][step][0] for rank in ranks])
        y = torch.cat([rank["seen"][step][1] for rank in ranks])
        model.zero_grad()
        F.cross_entropy(model(x), y).backward()
        for index, parameter in enumerate(model.parameters()):
            assert torch.equal(
                ranks[0]["gradients"][step][index], ranks[1]["gradients"][step][index]
            )
            torch.testing.assert_close(
                ranks[0]["gradients"][step][index], parameter.grad, rtol=1e-4, atol=1e-6
            )


def test_figures_are_those_of_one_process(
    ranks: list[dict], make_trainer: MakeTrainer, tmp_path: Path
) -> None:
    """Train with the same batches, validate on every image once."""
    trainer = make_trainer(batch_size=41, model_dir=tmp_path / "alone")
    with torch.no_grad():
        for parameter, value in zip(
            trainer.model.parameters(), ranks[0]["weights"][0], strict=True
        ):
            parameter.copy_(value)
    trainer.train_loader = [
        (
            torch.cat([rank["seen"][step][0] for rank in ranks]),
            torch.cat([rank["seen"][step][1] for rank in ranks]),
        )
        for step in range(3)
    ]
    assert ranks[0]["train"] == ranks[1]["train"]
    assert ranks[0]["validation"] == ranks[1]["validation"]
    assert ranks[0]["train"] == pytest.approx(trainer.train_epoch(), rel=1e-4)
    assert ranks[0]["validation"] == pytest.approx(trainer.validate(), rel=1e-4)


def test_every_process_takes_the_same_number_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for world_size in (1, 2, 3):
        monkeypatch.setattr(processes, "world_size", lambda size=world_size: size)
        for n in range(1, 30):
            for shuffle in (True, False):
                batches = BatchSampler(n, 4, shuffle=shuffle)
                parts = []
                for rank in range(world_size):
                    monkeypatch.setattr(processes, "rank", lambda rank=rank: rank)
                    torch.manual_seed(5)
                    parts.append(list(batches))
                dealt = sorted(index for part in parts for batch in part for index in batch)
                left_out = n % 4 if shuffle and n % 4 < world_size else 0
                assert len(dealt) == len(set(dealt)) == n - left_out
                if shuffle:
                    assert {len(part) for part in parts} == {len(batches)}
                    assert all(batch for part in parts for batch in part)


TRAIN = [
    "-m", "scene_recog", "train", "--recipe", "part2", "--epochs", "4", "--device", "cpu",
    "--set", "val_fraction=0.34", "--data",
]  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(sketches: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The last checkpoint of a run by two processes that nothing happened to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    launcher = torchrun("--standalone", *TRAIN, str(sketches), cwd=folder)
    text = finish(launcher)
    assert launcher.returncode == 0, text
    assert text.count("4 epochs on drawn sketches") == 1  # only one process prints
    return read_checkpoint(folder / "model_checkpoints" / "part2-001" / "checkpoint.pt")


def test_training_survives_a_killed_process(
    undisturbed: dict[str, Any], sketches: Path, tmp_path: Path
) -> None:
    """The others notice, torchrun restarts all, and the result is that of an undisturbed run."""
    launcher = torchrun("--standalone", "--max-restarts=2", *TRAIN, str(sketches), cwd=tmp_path)
    run = tmp_path / "model_checkpoints" / "part2-001"
    wait_for_an_epoch(run, launcher)
    os.kill(max(children_of(launcher.pid)), signal.SIGKILL)
    text = finish(launcher)
    assert launcher.returncode == 0, text
    if not ("closing signal SIGTERM" in text and torch.__version__.startswith("2.4.")):
        # there the launcher was seen to end the other one before it could speak
        assert "process 0 of 2 lost contact with another" in text
    check_that_it_was_resumed(run, text, undisturbed)
    assert json.loads((run / "config.json").read_text())["processes"] == 2


def test_training_survives_a_machine_that_is_replaced(
    undisturbed: dict[str, Any], sketches: Path, tmp_path: Path
) -> None:
    """Two launchers, each in a folder of its own, of which one is killed with its process.

    Another takes its place, and the result is that of an undisturbed run.
    """
    with socket.socket() as any_free:
        any_free.bind(("localhost", 0))
        address = any_free.getsockname()

    def machine(name: str) -> subprocess.Popen[str]:
        return torchrun(
            "--nnodes=2", "--rdzv-backend=c10d", f"--rdzv-endpoint=localhost:{address[1]}",
            "--rdzv-id=scenes", "--max-restarts=3", *TRAIN, str(sketches),
            cwd=tmp_path / name, processes=1,
        )  # fmt: skip

    first = machine("first")
    deadline = time.monotonic() + 60
    while not is_listening(address):  # both meet there, so the first must not be the one to go
        assert time.monotonic() < deadline
        time.sleep(0.1)
    second = machine("second")
    run = tmp_path / "first" / "model_checkpoints" / "part2-001"
    wait_for_an_epoch(run, first)
    for process in (second.pid, *children_of(second.pid)):
        os.kill(process, signal.SIGKILL)
    finish(second)
    second = machine("second")
    text = finish(first)
    assert first.returncode == 0, text
    assert "drawn sketches" not in finish(second)  # only process 0 prints; torchrun may, too
    assert second.returncode == 0
    check_that_it_was_resumed(run, text, undisturbed)
    assert not (tmp_path / "second" / "model_checkpoints").exists()


def is_listening(address: tuple[str, int]) -> bool:
    """Whether a process accepts connections there."""
    with socket.socket() as visitor:
        return visitor.connect_ex(address) == 0


def wait_for_an_epoch(run: Path, launcher: subprocess.Popen[str]) -> None:
    """Wait until an epoch of the run is saved."""
    deadline = time.monotonic() + 60
    while not (run / "history.csv").exists() or len(read_history(run)) < 1:
        assert time.monotonic() < deadline
        assert launcher.poll() is None, finish(launcher)
        time.sleep(0.01)


def check_that_it_was_resumed(run: Path, text: str, undisturbed: dict[str, Any]) -> None:
    """It has the same weights as a run that nothing happened to, in one folder."""
    assert "Resuming the run in" in text
    assert "4 epochs on drawn sketches" in text
    assert len(list(run.parent.iterdir())) == 1
    assert [row["epoch"] for row in read_history(run)] == [1, 2, 3, 4]
    weights = read_checkpoint(run / "checkpoint.pt")["model_state_dict"]
    expected = undisturbed["model_state_dict"]
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def children_of(launcher: int) -> list[int]:
    """The process ids of a launcher's processes."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True)
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    return [pid for pid, parent in pairs if parent == launcher]


def test_one_process_needs_none_of_it() -> None:
    assert (processes.rank(), processes.world_size()) == (0, 1)
    assert processes.launch_id() is None
    assert processes.from_rank_zero(lambda: 7) == 7
    assert processes.from_each(7) == [7]
    with processes.process_group("cpu"), processes.one_first():
        assert not torch.distributed.is_initialized()
    assert processes.total(torch.ones(2)).tolist() == [1, 1]


def test_sync_batch_norm_needs_gpus(make_trainer: MakeTrainer) -> None:
    with pytest.raises(ValueError, match="sync_batch_norm needs several processes with one GPU"):
        make_trainer(sync_batch_norm=True)


def test_batch_too_small_to_share(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "world_size", lambda: 8)
    monkeypatch.setattr(processes, "launched", lambda: True)
    with pytest.raises(ValueError, match="batch_size is 4: it must be at least 1 for each process"):
        make_trainer(batch_size=4)
