import torch


def get_optimizer(model: torch.nn.Module, config: dict) -> torch.optim.Optimizer:
    """Weight decay only for matrices and filters. Biases and batch norm are not decayed."""
    decayed, free = [], []
    for p in model.parameters():
        (free if torch.squeeze(p).dim() <= 1 else decayed).append(p)
    groups = [
        {"params": decayed, "weight_decay": config["weight_decay"]},
        {"params": free, "weight_decay": 0.0},
    ]
    if config["optimizer_type"] == "sgd":
        return torch.optim.SGD(groups, lr=config["lr"], momentum=0.9, nesterov=True)
    if config["optimizer_type"] == "adam":
        return torch.optim.Adam(groups, lr=config["lr"])
    if config["optimizer_type"] == "adamw":
        return torch.optim.AdamW(groups, lr=config["lr"])
