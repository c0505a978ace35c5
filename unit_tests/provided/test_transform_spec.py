"""Transforms as data, and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms
from torchvision.transforms import v2

from scene_recog import data_transforms
from scene_recog.loading.transform_spec import build_transforms, describe_transforms

PIPELINES = [
    data_transforms.get_fundamental_transforms((40, 50)),
    data_transforms.get_fundamental_augmentation_transforms((64, 64)),
    data_transforms.get_fundamental_normalization_transforms((64, 64), [0.4], [0.2]),
    data_transforms.get_all_transforms((64, 64), (0.4,), (0.2,)),
    transforms.Compose([transforms.Grayscale(), transforms.CenterCrop(32), transforms.ToTensor()]),
    v2.Compose(
        [
            v2.ToImage(),
            v2.Resize((40, 50), v2.InterpolationMode.BICUBIC),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(0.3, 0.3),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.4], [0.2]),
        ]
    ),
    transforms.Compose([v2.Resize((40, 50)), transforms.ToTensor()]),
]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_transforms_come_back_from_data(pipeline: transforms.Compose | v2.Compose) -> None:
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
    inner = data_transforms.get_fundamental_transforms((40, 50))
    for compose in (transforms.Compose, v2.Compose):
        assert describe_transforms(compose([inner, normalize])) == describe_transforms(
            data_transforms.get_fundamental_normalization_transforms((40, 50), [0.4], [0.2])
        )


def test_transforms_that_are_not_data_are_known_as_such() -> None:
    assert describe_transforms(transforms.Compose([transforms.Lambda(lambda x: x)])) is None
    assert describe_transforms(lambda x: x) is None
    assert describe_transforms(v2.Compose([v2.ToDtype({"others": None})])) is None


@pytest.mark.parametrize(
    "step", [{"name": "Exploit"}, {"name": "v2.Exploit"}, {"name": "v2.ToDtype", "dtype": "save"}]
)
def test_steps_that_torchvision_does_not_have_are_refused(step: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="in the checkpoint"):
        build_transforms([step])
