"""The criterion's reduction is switched and put back; numpy for accuracy; classes by name."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

MODULES = {"SimpleNet": "simple_net", "SimpleNetFinal": "simple_net_final"}


def compute_accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    scores = logits.detach().cpu().numpy()
    hits = np.equal(scores.argmax(axis=-1), labels.detach().cpu().numpy())
    return float(np.mean(hits))


def predict_labels(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return model(x).topk(1, dim=1).indices[:, 0]


def compute_loss(
    model: nn.Module,
    model_output: torch.Tensor,
    target_labels: torch.Tensor,
    is_normalize: bool = True,
) -> torch.Tensor:
    criterion = model.loss_criterion
    before = criterion.reduction
    try:
        criterion.reduction = "none"
        each = criterion(model_output, target_labels)
    finally:
        criterion.reduction = before
    return each.sum() / each.numel() if is_normalize else each.sum()


def save_trained_model_weights(model: nn.Module, out_dir: str | Path) -> None:
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().cpu() for name, value in model.state_dict().items()}
    name = type(model).__qualname__.split(".")[-1]
    with tempfile.TemporaryDirectory(dir=folder) as part:
        file = Path(part) / f"trained_{name}_final.pt"
        torch.save({"class_name": name, "state_dict": weights}, file)
        file.replace(folder / file.name)


def load_trained_model_weights(path: str | Path, model: nn.Module | None = None) -> nn.Module:
    file = Path(path)
    if not file.exists():
        raise FileNotFoundError(f"{file} is not there")
    try:
        content = torch.load(file, map_location=torch.device("cpu"), weights_only=True)
        name = content["class_name"]
        if model is None:
            model = getattr(importlib.import_module(f"scene_recog.{MODULES[name]}"), name)()
        model.load_state_dict(content["state_dict"], strict=True)
    except Exception as error:
        raise ValueError(f"{file}: {error}") from error
    return model.train(False)
