"""Choose the device to compute on."""

from __future__ import annotations

import copy
import time

import torch
from torch import nn

AMP_MODES = ("off", "on", "auto")


def choose_device(device: str = "auto", *, cuda: bool = False, mps: bool = False) -> torch.device:
    """The device to train on.

    Args:
        device: "auto" (CUDA, else Apple's MPS, else the CPU), "cpu", "cuda", "cuda:1" or "mps".
        cuda, mps: the course's switches; True selects that device, whatever `device` says.

    Raises:
        ValueError: no such device on this machine.
    """
    if cuda or mps:
        device = "cuda" if cuda else "mps"
    if device == "auto":
        device = available_devices()[0]
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise ValueError(f"device is {device!r}: use auto, cpu, cuda, cuda:1 or mps") from None
    missing = chosen.type not in available_devices() or (
        chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count()
    )
    if missing:
        raise ValueError(
            f"{device} is not available on this machine: use auto, {', '.join(available_devices())}"
        )
    return chosen


def available_devices() -> list[str]:
    """Device types of this machine, the fastest first; "cpu" is always last."""
    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def use_bfloat16(amp: str, model: nn.Module, batch: torch.Tensor, device: torch.device) -> bool:
    """Whether to compute under bfloat16 autocast.

    Args:
        amp: "off", "on", or "auto": on if the processor has bfloat16 arithmetic and a few steps of
            this model on this batch, with and without, show that it is at least 10 % faster.
        model: the network, on `device`; its state is not changed.
        batch: images, on `device`.
        device: where to compute.
    """
    if amp != "auto":
        return amp == "on"
    if not has_bfloat16(device):
        return False
    trial = copy.deepcopy(model).train()
    seconds = {enabled: [_time_step(trial, batch, enabled) for _ in range(6)] for enabled in (0, 1)}
    return min(seconds[1]) < 0.9 * min(seconds[0])


def has_bfloat16(device: torch.device) -> bool:
    """Whether the processor has bfloat16 arithmetic, which makes it fast."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _time_step(model: nn.Module, batch: torch.Tensor, enabled: int) -> float:
    start = time.perf_counter()
    with torch.autocast(batch.device.type, dtype=torch.bfloat16, enabled=bool(enabled)):
        loss = model(batch).float().square().mean()
    loss.backward()
    if batch.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start
