"""ReLU before max-pool, flatten in forward."""

import torch
import torch.nn as nn


class SimpleNet(nn.Module):
    def __init__(self):
        super(SimpleNet, self).__init__()  # noqa: UP008
        self.conv_layers = nn.Sequential(
            nn.Conv2d(in_channels=1, out_channels=10, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3),
            nn.Conv2d(in_channels=10, out_channels=20, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3),
        )
        self.fc_layers = nn.Sequential(
            nn.Linear(20 * 5 * 5, 100),
            nn.ReLU(),
            nn.Linear(100, 15),
        )
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x):
        conv_features = self.conv_layers(x)
        flattened = torch.flatten(conv_features, start_dim=1)
        return self.fc_layers(flattened)
