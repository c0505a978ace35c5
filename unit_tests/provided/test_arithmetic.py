"""How a run computes: what is measured, what is kept, and what stays as it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from scene_recog.runner import Trainer
from scene_recog.runs.scoring import load_run
from scene_recog.simple_net import SimpleNet
from scene_recog.training import arithmetic
from scene_recog.training.arithmetic import Arithmetic, share_of_processors, use_fused
from scene_recog.visualize.explorer.network import describe_network

MakeTrainer = Callable[..., Trainer]
LONG = {"batch_size": 4}  # of 90 images


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user's cache folder, and a user who has set no threads."""
    monkeypatch.setattr(arithmetic, "user_cache_dir", lambda: tmp_path / "user")
    monkeypatch.setattr(arithmetic, "_are_set", lambda _own: False)
    monkeypatch.setattr(arithmetic, "share_of_processors", lambda: 1.0)
    return tmp_path / "user"


@pytest.fixture
def two_threads() -> Iterator[None]:
    """As on a machine with two cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def set_times(monkeypatch: pytest.MonkeyPatch, time_of: Callable[..., float]) -> list[str]:
    """Let `time_of(model, bfloat16)` be the time of each step; returns the list of steps taken."""
    steps: list[str] = []

    def step(self: Any, model: nn.Module, *, bfloat16: bool | None = None) -> float:
        steps.append("step")
        return time_of(model, bfloat16)

    monkeypatch.setattr(arithmetic._Trial, "step", step)
    return steps


def is_channels_last(model: nn.Module) -> bool:
    """Whether the kernels of the second convolution lie so in memory."""
    kernels = [m.weight for m in model.modules() if isinstance(m, nn.Conv2d)][1]
    return not kernels.is_contiguous()


def faster_in(channels_last: bool) -> Callable[..., float]:
    """Times that are shorter in one format."""
    return lambda model, _half: 1.0 if is_channels_last(model) == channels_last else 2.0


# ------------------------------------------------------------------------ precision


def test_amp_auto_needs_hardware_and_a_gain(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arithmetic, "has_bfloat16", lambda _device: False)
    assert make_trainer(amp="auto").arithmetic.bfloat16 is False
    monkeypatch.setattr(arithmetic, "has_bfloat16", lambda _device: True)
    for seconds, expected in (((1.0, 0.5), True), ((1.0, 0.95), False), ((1.0, 2.0), False)):
        set_times(monkeypatch, lambda _model, half, s=seconds: s[bool(half)])
        assert make_trainer(amp="auto").arithmetic.bfloat16 is expected
    with pytest.raises(ValueError, match="amp is 'fast'"):
        make_trainer(amp="fast")
    with pytest.raises(ValueError, match="memory_format is 'fast'"):
        make_trainer(memory_format="fast")
    with pytest.raises(ValueError, match="threads is 0"):
        make_trainer(threads=0)
    with pytest.raises(ValueError, match="cache is 'cloud'"):
        make_trainer(cache="cloud")


def test_choices_are_made_once_in_a_run(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch, cache_folder: Path
) -> None:
    monkeypatch.setattr(arithmetic, "has_bfloat16", lambda _device: True)
    set_times(monkeypatch, lambda model, half: 1.0 if half or is_channels_last(model) else 2.0)
    first = make_trainer(amp="auto", threads=1, **LONG)
    first.run_training_loop(1)
    assert first.arithmetic == Arithmetic(bfloat16=True, channels_last=True, threads=1)
    assert first.arithmetic == Arithmetic(
        **{key: first.config[key] for key in ("bfloat16", "channels_last", "threads")}  # type: ignore[literal-required]
    )
    (cache_folder / arithmetic.KEPT).unlink()
    steps = set_times(monkeypatch, faster_in(channels_last=False))
    assert make_trainer(amp="auto", **LONG).arithmetic == first.arithmetic
    assert not steps
    pinned = make_trainer(amp="off", memory_format="contiguous", threads=2, **LONG)
    assert pinned.arithmetic == Arithmetic(bfloat16=False, channels_last=False, threads=2)


def test_a_run_from_before_the_choice_stays_as_it_was(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_trainer(memory_format="contiguous", **LONG)
    for key in ("channels_last", "threads", "memory_format"):
        del first.config[key]  # type: ignore[misc]
    first.run_training_loop(1)
    set_times(monkeypatch, faster_in(channels_last=True))
    assert make_trainer(**LONG).arithmetic.channels_last is False


# ------------------------------------------------------------------------ memory format


def test_the_format_is_measured_once_on_a_machine(
    make_trainer: MakeTrainer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    cache_folder: Path,
) -> None:
    set_times(monkeypatch, faster_in(channels_last=True))
    assert make_trainer(model_dir=tmp_path / "1", **LONG).arithmetic.channels_last
    steps = set_times(monkeypatch, faster_in(channels_last=False))
    assert make_trainer(model_dir=tmp_path / "2", **LONG).arithmetic.channels_last
    assert not steps
    assert not make_trainer(model_dir=tmp_path / "3", batch_size=3).arithmetic.channels_last
    assert steps  # another batch is other work
    kept = json.loads((cache_folder / arithmetic.KEPT).read_text())
    assert sorted(kept.values()) == [False, True]
    assert all(key.startswith("SimpleNet ") for key in kept)


def test_a_network_that_cannot_be_copied_is_trained_without_measurements(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = set_times(monkeypatch, faster_in(channels_last=True))
    monkeypatch.setattr(arithmetic, "has_bfloat16", lambda _device: True)
    model = SimpleNet()
    model.seen = (image for image in [])  # a generator
    trainer = make_trainer(model, amp="auto", **LONG)
    trainer.train_epoch()
    assert steps == []
    assert not trainer.arithmetic.channels_last
    with pytest.raises(ValueError, match=r"SimpleNet cannot be copied .*generator"):
        make_trainer(model, ema_decay=0.9)
    with pytest.raises(ValueError, match=r"SimpleNet cannot be copied .*generator"):
        describe_network(model, (1, 64, 64))


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1', '{"x": "yes"}', "\x00"])
def test_a_damaged_file_of_measurements_is_measured_again(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch, cache_folder: Path, content: str
) -> None:
    cache_folder.mkdir()
    (cache_folder / arithmetic.KEPT).write_text(content)
    set_times(monkeypatch, faster_in(channels_last=True))
    assert make_trainer(**LONG).arithmetic.channels_last
    assert True in json.loads((cache_folder / arithmetic.KEPT).read_text()).values()


@pytest.mark.parametrize("folder", [None, "a file"])
def test_without_a_folder_nothing_is_kept(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: str | None
) -> None:
    if folder:
        (tmp_path / folder).touch()
    path = tmp_path / folder if folder else None
    monkeypatch.setattr(arithmetic, "user_cache_dir", lambda: path)
    set_times(monkeypatch, faster_in(channels_last=True))
    assert make_trainer(**LONG).arithmetic.channels_last


def test_short_runs_measure_nothing(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = set_times(monkeypatch, faster_in(channels_last=True))
    assert not make_trainer(batch_size=30).arithmetic.channels_last
    assert not steps


class WithView(SimpleNet):
    """A network as students write them: `view` needs contiguous maps."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, 1, 64, 64] -> [N, 15]."""
        maps = self.conv_layers(x)
        logits: torch.Tensor = self.fc_layers(maps.view(len(maps), -1))
        return logits


class OnStorage(SimpleNet):
    """A network that computes something else when its maps lie otherwise in memory."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, 1, 64, 64] -> [N, 15]."""
        maps = self.conv_layers(x)
        flat = torch.as_strided(maps, (maps.numel(),), (1,))
        logits: torch.Tensor = self.fc_layers(flat.reshape(len(maps), -1))
        return logits


@pytest.mark.parametrize("network", [WithView, OnStorage])
def test_a_network_that_needs_contiguous_maps_keeps_them(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch, network: type[SimpleNet]
) -> None:
    set_times(monkeypatch, faster_in(channels_last=True))
    trainer = make_trainer(network(), **LONG)
    assert not trainer.arithmetic.channels_last
    trainer.run_training_loop(1)


def test_a_run_repeats_whether_or_not_it_measured(
    make_trainer: MakeTrainer, tmp_path: Path
) -> None:
    runs = []
    for number in range(2):  # the second finds the measurement
        trainer = make_trainer(model_dir=tmp_path / str(number), seed=3, **LONG)
        trainer.run_training_loop(1)
        runs.append(trainer)
    assert runs[0].train_loss_history == runs[1].train_loss_history
    for name, weight in runs[0].model.state_dict().items():
        assert torch.equal(weight, runs[1].model.state_dict()[name])


def test_the_model_is_contiguous_again_after_training(
    make_trainer: MakeTrainer, tmp_path: Path
) -> None:
    trainer = make_trainer(memory_format="channels_last", ema_decay=0.9, **LONG)
    formats = []
    trainer.run_training_loop(
        1,
        on_epoch=lambda _: formats.extend(
            map(is_channels_last, (trainer.model, trainer.averaged_model))
        ),
    )
    assert formats == [True, True]
    assert not is_channels_last(trainer.model)
    assert not is_channels_last(trainer.averaged_model)
    maps = trainer.model.conv_layers(torch.rand(2, 1, 64, 64))
    assert maps.view(2, -1).shape[0] == 2
    assert is_channels_last(load_run(trainer.model_dir, device="cpu").model)


def test_both_formats_train_alike(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    losses = []
    for memory_format in ("contiguous", "channels_last"):
        trainer = make_trainer(
            model_dir=tmp_path / memory_format, memory_format=memory_format, seed=1, **LONG
        )
        trainer.run_training_loop(1)
        losses += trainer.train_loss_history
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


# ------------------------------------------------------------------------ threads


@pytest.mark.usefixtures("two_threads")
def test_a_busy_machine_gets_as_many_threads_as_are_fast(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def time_of(_model: nn.Module, _half: bool | None) -> float:
        return 3.0 if torch.get_num_threads() == 2 else 2.0

    set_times(monkeypatch, time_of)
    assert make_trainer(model_dir=tmp_path / "1", **LONG).arithmetic.threads == 2  # quiet
    assert not capsys.readouterr().err
    monkeypatch.setattr(arithmetic, "share_of_processors", lambda: 0.6)
    busy = make_trainer(model_dir=tmp_path / "2", **LONG)
    assert busy.arithmetic.threads == 1
    assert "training on 1 of 2 threads" in capsys.readouterr().err
    assert torch.get_num_threads() == 2
    numbers = []
    busy.run_training_loop(1, on_epoch=lambda _: numbers.append(torch.get_num_threads()))
    assert numbers == [1]
    assert torch.get_num_threads() == 2
    monkeypatch.setattr(arithmetic, "share_of_processors", lambda: 1.0)
    assert make_trainer(model_dir=tmp_path / "2", **LONG).arithmetic.threads == 1  # resumed
    assert make_trainer(model_dir=tmp_path / "2", threads=2, **LONG).arithmetic.threads == 2
    assert "threads 1 -> 2" in capsys.readouterr().err


@pytest.mark.usefixtures("two_threads")
def test_the_user_s_number_of_threads_wins(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arithmetic, "share_of_processors", lambda: 0.1)
    monkeypatch.setattr(arithmetic, "_are_set", lambda _own: True)
    steps = set_times(monkeypatch, lambda *_: 1.0)
    assert make_trainer(memory_format="contiguous", **LONG).arithmetic.threads == 2
    assert not steps


def test_what_the_user_has_set_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the fixture's
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(
        arithmetic.os, "sched_getaffinity", lambda _pid: set(range(8)), raising=False
    )
    unset = []
    for number in range(1, 17):
        monkeypatch.setattr(arithmetic, "_AT_FIRST", number)
        unset += [] if arithmetic._are_set(number) else [number]
        assert arithmetic._are_set(number + 1)
    assert unset == [4, 8]
    monkeypatch.setattr(arithmetic, "_AT_FIRST", 8)
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert arithmetic._are_set(8)


def test_share_of_processors_is_a_share() -> None:
    assert 0 < share_of_processors(0.02) < 1.2


# ------------------------------------------------------------------------ optimizer


def test_fused_leaves_choices_alone() -> None:
    weights, cpu = [nn.Parameter(torch.zeros(2))], torch.device("cpu")
    optimizer = torch.optim.SGD(weights, lr=0.1)
    use_fused(optimizer, cpu)
    assert optimizer.param_groups[0]["fused"] is optimizer.defaults["fused"] is True
    for chosen in (torch.optim.SGD(weights, lr=0.1, foreach=True), torch.optim.RMSprop(weights)):
        use_fused(chosen, cpu)
        assert not chosen.param_groups[0].get("fused")


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW])
def test_fused_is_the_same(kind: Any) -> None:
    results = []
    for fused in (None, True):
        generator = torch.Generator().manual_seed(1)
        weight = nn.Parameter(torch.randn(4, 3, 5, 5, generator=generator))
        options = {"momentum": 0.9, "nesterov": True} if kind is torch.optim.SGD else {}
        optimizer = kind([weight], lr=0.01, weight_decay=0.01, fused=fused, **options)
        for _ in range(20):
            weight.grad = torch.randn(4, 3, 5, 5, generator=generator)
            optimizer.step()
        results.append(weight.detach())
    assert torch.allclose(results[0], results[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_momentum_follows_the_weights_from_one_format_to_the_other(
    make_trainer: MakeTrainer, tmp_path: Path, kind: str
) -> None:
    losses = {}
    for formats in (("contiguous",) * 3, ("channels_last", "contiguous", "channels_last")):
        torch.manual_seed(0)
        model = SimpleNet()
        config = {"lr": 0.01, "momentum": 0.9} if kind == "sgd" else {"lr": 0.001}
        optimizer = getattr(torch.optim, kind.upper() if kind == "sgd" else "Adam")
        for memory_format in formats:  # the second and third resume the run
            trainer = make_trainer(
                model, optimizer=optimizer(model.parameters(), **config), seed=1,
                model_dir=tmp_path / formats[0], memory_format=memory_format, **LONG,
            )  # fmt: skip
            trainer.run_training_loop(1)
            for weight, state in trainer.optimizer.state.items():
                moments = [v for v in state.values() if v.shape == weight.shape]
                assert all(v.stride() == weight.stride() for v in moments)
        losses[formats] = trainer.train_loss_history
    first, second = losses.values()
    assert len(first) == 3
    assert first == pytest.approx(second, rel=2e-3)
