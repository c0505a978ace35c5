import torch.nn as nn

# one letter for each layer: Convolution, Pooling, Relu, Flatten, Linear
CONV = "C 1 10|P|R|C 10 20|P|R"
FC = "F|L 500 100|R|L 100 15"


def make_layer(text):
    words = text.split(" ")
    if words[0] == "C":
        return nn.Conv2d(int(words[1]), int(words[2]), 5)
    if words[0] == "P":
        return nn.MaxPool2d(3)
    if words[0] == "R":
        return nn.ReLU()
    if words[0] == "F":
        return nn.Flatten()
    if words[0] == "L":
        return nn.Linear(int(words[1]), int(words[2]))


class SimpleNet(nn.Module):
    def __init__(self):
        super(SimpleNet, self).__init__()
        for attr in ["conv", "fc"]:
            layers = nn.Sequential()
            for i, text in enumerate(globals()[attr.upper()].split("|")):
                layers.add_module(attr + "_" + str(i), make_layer(text))
            setattr(self, attr + "_layers", layers)
        setattr(self, "loss_criterion", nn.CrossEntropyLoss(reduction="mean"))

    def forward(self, x):
        for name in ["conv_layers", "fc_layers"]:
            x = getattr(self, name)(x)
        return x
