"""Optimizer from the config (all numbers in double precision)."""

import numpy as np
import torch.optim as optim

NAMES = np.array(["sgd", "adam", "adamw"])
CLASSES = [optim.SGD, optim.Adam, optim.AdamW]


def get_optimizer(model, config):
    lr, weight_decay = np.asarray([config["lr"], config["weight_decay"]], dtype=np.float64)
    which = np.flatnonzero(NAMES == config["optimizer_type"])
    if which.size == 0:
        raise KeyError(config["optimizer_type"])
    which = which[0]
    extra = {"momentum": np.float64(config.get("momentum", 0.9))} if which == 0 else {}
    return CLASSES[which](list(model.parameters()), lr=lr, weight_decay=weight_decay, **extra)
