"""Transforms as data, and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from scene_recog import data_transforms
from scene_recog.loading.transform_spec import build_transforms, describe_transforms

PIPELINES = [
    data_transforms.get_fundamental_transforms((40, 50)),
    data_transforms.get_fundamental_augmentation_transforms((64, 64)),
    data_transforms.get_fundamental_normalization_transforms((64, 64), [0.4], [0.2]),
    data_transforms.get_all_transforms((64, 64), (0.4,), (0.2,)),
    transforms.Compose([transforms.Grayscale(), transforms.CenterCrop(32), transforms.ToTensor()]),
]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_transforms_come_back_from_data(pipeline: transforms.Compose) -> None:
    steps = describe_transforms(pipeline)
    assert steps is not None
    rebuilt = build_transforms(steps)
    assert describe_transforms(rebuilt) == steps
    assert [type(s) for s in rebuilt.transforms] == [type(s) for s in pipeline.transforms]
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 90), dtype=np.uint8))
    torch.manual_seed(1)
    expected = pipeline(image)
    torch.manual_seed(1)
    assert torch.equal(rebuilt(image), expected)


def test_compose_in_a_compose_counts_as_its_steps() -> None:
    normalize = transforms.Normalize([0.4], [0.2])
    nested = transforms.Compose([data_transforms.get_fundamental_transforms((40, 50)), normalize])
    assert describe_transforms(nested) == describe_transforms(
        data_transforms.get_fundamental_normalization_transforms((40, 50), [0.4], [0.2])
    )


def test_transforms_that_are_not_data_are_known_as_such() -> None:
    assert describe_transforms(transforms.Compose([transforms.Lambda(lambda x: x)])) is None
    assert describe_transforms(lambda x: x) is None
    with pytest.raises(ValueError, match="Exploit"):
        build_transforms([{"name": "Exploit"}])
