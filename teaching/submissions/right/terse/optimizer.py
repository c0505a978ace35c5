import torch


def get_optimizer(model, config):
    c = {k: v for k, v in config.items() if k != "optimizer_type"}
    kinds = {k.lower(): v for k, v in vars(torch.optim).items() if isinstance(v, type)}
    return kinds[config["optimizer_type"].lower()](model.parameters(), **c)
