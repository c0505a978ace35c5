"""Choose the device to compute on."""

from __future__ import annotations

import torch


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


def has_bfloat16(device: torch.device) -> bool:
    """Whether the processor has bfloat16 arithmetic, which makes it fast."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
