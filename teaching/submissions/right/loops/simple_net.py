"""Stages made by a loop, one nested Sequential each; layers called one by one in forward."""

from torch import Tensor, nn


def conv_stage(maps_in: int, maps_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(maps_in, maps_out, 5), nn.ReLU(), nn.MaxPool2d(3, 3))


class SimpleNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        maps = [1, 10, 20]
        self.conv_layers = nn.Sequential()
        for i in range(2):
            self.conv_layers.append(conv_stage(maps[i], maps[i + 1]))
        self.fc_layers = nn.Sequential()
        self.fc_layers.add_module("flatten", nn.Flatten(start_dim=1))
        self.fc_layers.add_module("hidden", nn.Linear(500, 100))
        self.fc_layers.add_module("relu", nn.ReLU())
        self.fc_layers.add_module("scores", nn.Linear(100, 15))
        self.loss_criterion = nn.CrossEntropyLoss(reduction="mean")

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.conv_layers:
            x = layer(x)
        for layer in self.fc_layers:
            x = layer(x)
        return x
