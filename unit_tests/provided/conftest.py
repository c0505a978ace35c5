"""Shared by the tests of the provided code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import pytest
import torch

from scene_recog.assignment import STEPS
from scene_recog.datasets.sketch15 import write_sketch15

if TYPE_CHECKING:
    from scene_recog.runner import Trainer

# A warning is an error, unless a student's file raises it.
ASSIGNMENT_MODULES = rf"scene_recog\.({'|'.join(STEPS)})"
WARNINGS = [  # the last match decides
    "error",
    # we fix deprecations in our own code, not inside libraries
    "ignore::DeprecationWarning",
    "ignore::PendingDeprecationWarning",
    "error::DeprecationWarning:(scene_recog|test_|conftest)",
    "error::PendingDeprecationWarning:(scene_recog|test_|conftest)",
    # an image that a student does not close must not fail the test in which it is garbage-collected
    "ignore::ResourceWarning",
    f"default:::{ASSIGNMENT_MODULES}",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Make warnings fail the tests in this folder."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.filterwarnings(*WARNINGS), append=False)


@pytest.fixture(scope="session")
def sketches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sketch15 dataset: 15 x (6 train + 2 test) images. Read-only."""
    return write_sketch15(
        tmp_path_factory.mktemp("data") / "sketch15", train_per_class=6, test_per_class=2
    )


@pytest.fixture
def make_trainer(sketches: Path, tmp_path: Path) -> Callable[..., Trainer]:
    """A function that makes a Trainer for SimpleNet on the sketches; keywords override."""
    # Here and not above: a file that cannot be imported must not keep other tests from running.
    from scene_recog.data_transforms import get_fundamental_transforms
    from scene_recog.optimizer import get_optimizer
    from scene_recog.runner import Trainer
    from scene_recog.simple_net import SimpleNet

    def make(model: torch.nn.Module | None = None, lr: float = 0.05, **options: Any) -> Trainer:
        torch.manual_seed(options.get("seed", 0))
        model = model or SimpleNet()
        transforms = get_fundamental_transforms((64, 64))
        defaults = {
            "data_dir": sketches,
            "model_dir": tmp_path / "run",
            "train_data_transforms": transforms,
            "val_data_transforms": transforms,
            "batch_size": 32,
            "device": "cpu",
            "seed": 0,
        }
        config = {"optimizer_type": "sgd", "lr": lr, "weight_decay": 0.0}
        optimizer = options.pop("optimizer", None) or get_optimizer(model, config)
        return Trainer(model=model, optimizer=optimizer, **defaults | options)

    return make


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    """Leave no figure behind."""
    yield
    plt.close("all")
