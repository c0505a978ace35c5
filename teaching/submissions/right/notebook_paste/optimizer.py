import torch
import torch.optim as optim

torch.manual_seed(0)
LR = 0.001
WD = 0.0
DEBUG = False
cfg = {"optimizer_type": "adam", "lr": LR, "weight_decay": WD}


def get_optimizer(model, config=cfg):
    a = config["lr"]
    b = config["weight_decay"]
    assert a > 0 and b >= 0
    # tmp = optim.SGD(model.parameters(), lr=a, momentum=0.9)
    # tmp = optim.RMSprop(model.parameters(), lr=a)
    tmp = optim.Adam(model.parameters(), lr=a, weight_decay=b)
    if DEBUG:
        print(tmp)
    return tmp


# opt = get_optimizer(SimpleNet())
# opt

if __name__ == "__main__":
    net = torch.nn.Linear(3, 2)
    print(get_optimizer(net))
