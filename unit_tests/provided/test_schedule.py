"""Learning-rate schedules have the shapes that their names promise."""

from __future__ import annotations

import pytest
import torch

from scene_recog.training.schedule import Schedule


def rates(name: str, steps: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    schedule = Schedule(name, optimizer)
    schedule.start(0, 1, steps)
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen


def test_schedules_have_their_shapes() -> None:
    assert rates("none", 30) == [0.5] * 30
    one_cycle = rates("one-cycle", 100)
    assert one_cycle[0] == pytest.approx(0.5 / 25)
    assert max(one_cycle) == pytest.approx(0.5)
    assert 25 <= one_cycle.index(max(one_cycle)) <= 32
    assert one_cycle[-1] < 1e-4
    cosine = rates("cosine", 100)
    assert cosine[0] == 0.5
    assert cosine[50] == pytest.approx(0.25)
    assert cosine == sorted(cosine, reverse=True)
    step = rates("step", 30)
    assert step == pytest.approx([0.5] * 10 + [0.05] * 10 + [0.005] * 10)
    for name in ("one-cycle", "cosine", "step"):
        assert len(rates(name, 1)) == 1
    with pytest.raises(ValueError, match="cosin"):
        rates("cosin", 3)


@pytest.mark.parametrize("name", ["one-cycle", "cosine", "step"])
@pytest.mark.parametrize("same", [True, False])
def test_a_schedule_goes_on_where_it_stopped(name: str, same: bool) -> None:
    def optimizer(lr: float = 0.5) -> torch.optim.Optimizer:
        return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)

    def run(schedule: Schedule, steps: int) -> list[float]:
        seen = []
        for _ in range(steps):
            seen.append(schedule.optimizer.param_groups[0]["lr"])
            schedule.optimizer.step()
            schedule.step()
        return seen

    whole, first = Schedule(name, optimizer()), Schedule(name, optimizer())
    whole.start(0, 4, 10)
    first.start(0, 4, 10)
    expected, seen = run(whole, 40), run(first, 17)
    second = first
    if not same:
        second = Schedule(name, optimizer())
        second.load_state_dict(first.state_dict())
    second.start(1, 3, 10)  # stopped within the second epoch
    assert seen + run(second, 23) == expected
    assert second.optimizer.param_groups[0]["lr"] == whole.optimizer.param_groups[0]["lr"]


def test_another_rate_goes_on_at_the_same_place(capsys: pytest.CaptureFixture[str]) -> None:
    weights = [torch.nn.Parameter(torch.zeros(1))]
    first = Schedule("cosine", torch.optim.SGD(weights, lr=0.5))
    first.start(0, 4, 10)
    for _ in range(20):
        first.optimizer.step()
        first.step()
    second = Schedule("cosine", torch.optim.SGD(weights, lr=0.1))
    second.load_state_dict(first.state_dict())
    second.start(2, 2, 10)
    assert second.optimizer.param_groups[0]["lr"] == pytest.approx(0.05)
    assert not capsys.readouterr().err
    second.start(2, 5, 10)
    assert second.optimizer.param_groups[0]["lr"] == 0.1
    assert capsys.readouterr().err == (
        "Starting a new cosine schedule over 5 epochs: the old one had 2 left. "
        "The learning rate starts again at 0.1.\n"
    )


def test_a_schedule_after_the_first_says_where_the_rate_starts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    schedule = Schedule("one-cycle", torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5))
    schedule.start(0, 1, 10)
    for _ in range(10):
        schedule.optimizer.step()
        schedule.step()
    assert capsys.readouterr().err == ""
    schedule.start(1, 1, 10)
    assert schedule.optimizer.param_groups[0]["lr"] == pytest.approx(0.02)
    assert capsys.readouterr().err == (
        "Starting a new one-cycle schedule over 1 epoch. "
        "The learning rate starts again at 0.02 and rises to 0.5.\n"
    )


def test_a_rate_set_by_hand_is_the_new_peak() -> None:
    schedule = Schedule("cosine", torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5))
    schedule.start(0, 1, 2)
    for _ in range(2):
        schedule.optimizer.step()
        schedule.step()
    schedule.optimizer.param_groups[0]["lr"] = 0.2
    schedule.start(1, 1, 2)
    assert schedule.peaks == [0.2]
    assert schedule.optimizer.param_groups[0]["lr"] == 0.2
