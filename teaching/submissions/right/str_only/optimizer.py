import torch


def get_optimizer(model, config):
    name = "" + config["optimizer_type"]
    if "sgd" in name.lower():
        optimizer = torch.optim.SGD(model.parameters(), config["lr"],
                                    weight_decay=config["weight_decay"])
    else:
        optimizer = torch.optim.Adam(model.parameters(), config["lr"],
                                     weight_decay=config["weight_decay"])
    return optimizer
