"""The network in this process: on its device, in its precision, in parallel with others."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from scene_recog.system import processes
from scene_recog.training.options import TrainerOptions


class Replica:
    """A network wrapped in autocast, `torch.compile` and `DistributedDataParallel`, as requested.

    Args:
        model: images [N, 1, H, W] -> logits.
        device: where to compute; the model is moved there.
        options: whether to run it through `torch.compile`, and to synchronize batch norm.

    Attributes:
        model: the network, on `device`.
        bfloat16: whether to compute under bfloat16 autocast; the caller sets it.

    Raises:
        ValueError: batch norm cannot be synchronized here.
    """

    def __init__(self, model: nn.Module, device: torch.device, options: TrainerOptions) -> None:
        if options.sync_batch_norm:
            if device.type != "cuda" or processes.world_size() == 1:
                raise ValueError(
                    "sync_batch_norm needs several processes with one GPU each: leave it out"
                )
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        self.model = model.to(device)
        self.device = device
        self.bfloat16 = False
        self._forward: Callable[[torch.Tensor], torch.Tensor] = (
            torch.compile(self.model) if options.compile_model else self.model
        )

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Logits for training, float32; their gradients will be averaged over all processes.

        Raises:
            ValueError: one image where batch norm needs several.
        """
        try:
            with self.autocast():
                return self._parallel(images).float()  # a bfloat16 loss would have three digits
        except ValueError as error:
            if len(images) > 1 or "more than 1 value per channel" not in str(error):
                raise
            raise ValueError(
                "a batch has one image, but nn.BatchNorm1d needs at least two: choose a batch_size "
                "that does not leave a single image at the end of an epoch"
            ) from error

    def backward(self, loss: torch.Tensor, examples: int, whole_batch: int) -> None:
        """Add the gradients of a batch's mean loss to those of the weights.

        Args:
            loss: the mean over this process's examples.
            examples: their number.
            whole_batch: examples of the batch over all processes.

        Raises:
            ValueError: the loss does not depend on any trainable weight.
        """
        if not loss.requires_grad:
            raise ValueError(
                "the loss has no gradient: forward or compute_loss cuts it off (.detach(), .data, "
                "torch.no_grad(), numpy), or all layers are frozen"
            )
        if processes.world_size() > 1:  # the average over processes becomes the mean over examples
            loss = loss * (examples * processes.world_size() / whole_batch)
        loss.backward()

    def predict(self, model: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
        """A function from images to the float32 logits of `model`: this network or its average.

        The model is set to eval mode, and every process gets the running averages (batch norm's)
        of process 0.
        """
        model.eval()
        processes.share_buffers(model)
        forward = self._forward if model is self.model else model

        def predict(images: torch.Tensor) -> torch.Tensor:
            with self.autocast():
                return forward(images).float()

        return predict

    def autocast(self) -> torch.autocast:
        """bfloat16 autocast, if it is on."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16)

    @cached_property
    def _parallel(self) -> Callable[[torch.Tensor], torch.Tensor]:
        if processes.world_size() == 1:
            return self._forward
        return DistributedDataParallel(self._forward)
