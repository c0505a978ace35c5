"""An if/elif chain."""

from torch import optim


def get_optimizer(model, config):
    kind = config.get("optimizer_type")
    if kind not in ("sgd", "adam", "adamw"):
        raise ValueError(f"unknown optimizer_type {kind!r}, choose sgd, adam or adamw")

    allowed = ["optimizer_type", "lr", "weight_decay"]
    if kind == "sgd":
        allowed += ["momentum", "dampening", "nesterov"]
    else:
        allowed += ["betas", "eps", "amsgrad"]
    for key in config:
        if key not in allowed:
            raise ValueError(f"unknown key {key!r} in config, allowed: {allowed}")
    for key in ("lr", "weight_decay"):
        if key not in config:
            raise ValueError(f"config needs {key}")
    for key in ("lr", "weight_decay", "momentum", "dampening", "eps"):
        if key in config and config[key] < 0:
            raise ValueError(f"{key} = {config[key]} is negative: allowed is 0 or more")
    if min(config.get("betas", (0, 0))) < 0:
        raise ValueError(f"betas = {config['betas']}: negative")

    lr = config["lr"]
    weight_decay = config["weight_decay"]
    if kind == "sgd":
        return optim.SGD(
            model.parameters(),
            lr=lr,
            momentum=config.get("momentum", 0.9),
            dampening=config.get("dampening", 0),
            weight_decay=weight_decay,
            nesterov=config.get("nesterov", False),
        )
    elif kind == "adam":  # noqa: RET505
        return optim.Adam(
            model.parameters(),
            lr=lr,
            betas=config.get("betas", (0.9, 0.999)),
            eps=config.get("eps", 1e-8),
            weight_decay=weight_decay,
            amsgrad=config.get("amsgrad", False),
        )
    else:
        return optim.AdamW(
            model.parameters(),
            lr=lr,
            betas=config.get("betas", (0.9, 0.999)),
            eps=config.get("eps", 1e-8),
            weight_decay=weight_decay,
            amsgrad=config.get("amsgrad", False),
        )
