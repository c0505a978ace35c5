"""Write torchvision, run batched: split a `Compose` into work per image and work per batch.

    split = split_pipeline(Compose([Resize((64, 64)), RandomHorizontalFlip(), ToTensor()]))
    images = ...           # split.head of every image, once: uint8 [N, 1, 64, 64]
    x = split.tail(batch)  # as `Compose` on each image of the batch, with separate random draws

The head is torchvision's own code on PIL images, so it is exact. The tail is the same arithmetic on
[N, C, H, W]. The type that torchvision would have at a point is called the stage: a PIL image, a
uint8 tensor or a float tensor. At the first two, a pixel is a whole grey level from 0 to 255, and
each step rounds as torchvision does, so that errors do not accumulate.

Agreement with torchvision, given the same parameters, in grey levels (1/255):

    flips, crops, padding, erasing, ToTensor    same bits
    ColorJitter                                 same bits on PIL, 1 on uint8, 0.001 on float
    Normalize                                   0.001
    Resize, RandomResizedCrop (bilinear)        1 on PIL and uint8 (mostly 0), 0.01 on float
    Resize moved from tensors into the head     1
    RandomRotation, RandomAffine, bilinear      1 on PIL and uint8 (mostly 0), 0.02 on float
    RandomRotation, RandomAffine, nearest       same, except 1 pixel in 500 is its neighbour

Parameters are drawn from torch's global CPU generator, so `torch.manual_seed` reproduces them on
any device. They follow torchvision's distributions, but not its sequence of numbers.

`planner` splits a pipeline and moves what it can into the head, `steps` defines batched transforms
and their table, `sampling` draws parameters. The transforms themselves:

    values        types, Normalize, ColorJitter: each pixel on its own
    crops         flips, crops, padding, erasing: pixels move or are covered, none are computed
    resampling    Resize, RandomResizedCrop
    rotation      RandomRotation, RandomAffine
    chance        RandomApply, RandomChoice

To add an augmentation, write its builder into the file where it belongs, with `@batched("Name")`
above it, and test it against torchvision in test_batch_transforms.py. Nothing else changes.
"""

from scene_recog.loading.batch_transforms import (  # noqa: F401, their builders register themselves
    chance,
    crops,
    resampling,
    rotation,
    values,
)
from scene_recog.loading.batch_transforms.planner import SplitPipeline, split_pipeline
from scene_recog.loading.batch_transforms.steps import UnsupportedTransform

__all__ = ["SplitPipeline", "UnsupportedTransform", "split_pipeline"]
