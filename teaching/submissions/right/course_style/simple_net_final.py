"""Three stages of convolution, batch norm, ReLU, max-pool; no batch norm after the last."""

import torch.nn as nn


class SimpleNetFinal(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_layers = nn.Sequential(
            nn.Conv2d(1, 10, kernel_size=5),  # 60
            nn.BatchNorm2d(10),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=2),  # 30
            nn.Conv2d(10, 20, kernel_size=5),  # 26
            nn.BatchNorm2d(20),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=2),  # 13
            nn.Dropout(),
            nn.Conv2d(20, 30, kernel_size=5),  # 9
            nn.MaxPool2d(kernel_size=3),  # 3
            nn.ReLU(),
        )
        self.fc_layers = nn.Sequential(nn.Linear(270, 100), nn.ReLU(), nn.Linear(100, 15))
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x):
        x = self.conv_layers(x)
        return self.fc_layers(x.reshape(x.shape[0], -1))
