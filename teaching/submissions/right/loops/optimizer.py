import torch


def get_optimizer(model, config):
    '''
    returns the optimizer for the model. I use Adam because it trained best.
    '''
    params = []
    total = 0
    for name, p in model.named_parameters():
        params.append(p)
        n = 1
        for side in p.shape:
            n = n * side
        total = total + n
    print("optimizing", total, "numbers in", len(params), "tensors")

    optimizer_type = config["optimizer_type"]
    learning_rate = config["lr"]
    weight_decay = config["weight_decay"]

    if optimizer_type == "adam":
        optimizer = torch.optim.Adam(params, lr=learning_rate, weight_decay=weight_decay)
    return optimizer
