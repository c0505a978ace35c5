"""Three stages; dropout, then pool, then the last convolution; batch norm after ReLU's pool."""

import torch.nn.functional as F
from torch import nn


class SimpleNetFinal(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_layers = nn.Sequential(
            nn.Conv2d(1, 12, 5, bias=False),
            nn.BatchNorm2d(12),
            nn.MaxPool2d(3),
            nn.ReLU(),
            nn.Conv2d(12, 24, 3, bias=False),
            nn.BatchNorm2d(24),
            nn.ReLU(),
            nn.Dropout(p=0.5),
            nn.MaxPool2d(3),
            nn.Conv2d(24, 48, 3),
            nn.AvgPool2d(2),
        )
        self.fc_layers = nn.Sequential(nn.Flatten(1), nn.Linear(192, 64), nn.ReLU())
        self.fc_layers.append(nn.Linear(64, 15))
        self.loss_criterion = nn.CrossEntropyLoss(reduction="mean")

    def forward(self, x):
        return self.fc_layers(F.relu(self.conv_layers(x)))
