import torch
import torch.nn as nn


class SimpleNet(nn.Module):
    """Only what has weights is a module, the rest of figure 2 is functions of torch."""

    def __init__(self):
        super().__init__()
        self.conv_layers = nn.Sequential(nn.Conv2d(1, 10, 5), nn.Conv2d(10, 20, 5))
        self.fc_layers = nn.Sequential(nn.Linear(500, 100), nn.Linear(100, 15))
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv in self.conv_layers:
            x = torch.clamp(torch.max_pool2d(conv(x), kernel_size=3), min=0)
        x = torch.relu(self.fc_layers[0](torch.flatten(x, 1)))
        return self.fc_layers[1](x)
