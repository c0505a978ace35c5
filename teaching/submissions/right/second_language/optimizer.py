# -*- coding: utf-8 -*-
"""Der Optimierer: eine Gruppe für jede Schicht des Netzes."""
import warnings

import torch


class UnbekannterOptimierer(Exception):
    """Der Name steht nicht in der Liste."""


def get_optimizer(model, config):
    größe = config["lr"]  # Schrittgröße
    zerfall = config["weight_decay"]
    gruppen = []
    for schichten in model.children():  # conv_layers, fc_layers, loss_criterion
        gewichte = list(schichten.parameters())
        if gewichte:
            gruppen.append({"params": gewichte, "lr": größe, "weight_decay": zerfall})
    art = config["optimizer_type"]
    if art == "sgd":
        if "momentum" not in config:
            warnings.warn("kein Impuls angegeben, ich nehme 0,9 für µ")
        µ = config.get("momentum", 0.9)
        return torch.optim.SGD(gruppen, lr=größe, momentum=µ)
    elif art == "adam":
        return torch.optim.Adam(gruppen)
    raise UnbekannterOptimierer(f"Optimierer «{art}» gibt es nicht, nur sgd und adam")
