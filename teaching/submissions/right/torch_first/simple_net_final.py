import torch
from torch import nn


class Separable(nn.Module):
    """Depthwise and pointwise convolution (MobileNet), each with batch norm."""

    def __init__(self, c_in: int, c_out: int, dropout: float = 0.0):
        super().__init__()
        self.depthwise = nn.Conv2d(c_in, c_in, 3, padding=1, groups=c_in, bias=False)
        self.bn1 = nn.BatchNorm2d(c_in)
        self.dropout = nn.Dropout(dropout)
        self.pointwise = nn.Conv2d(c_in, c_out, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)

    def forward(self, x):
        x = torch.relu(self.bn1(self.depthwise(x)))
        x = torch.relu(self.bn2(self.pointwise(self.dropout(x))))
        return torch.max_pool2d(x, 2)


class SimpleNetFinal(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_layers = nn.Sequential(
            nn.Conv2d(1, 24, 4, stride=4),
            nn.BatchNorm2d(24),
            nn.GELU(),
            Separable(24, 48),
            Separable(48, 96, dropout=0.25),
        )
        self.fc_layers = nn.Sequential(
            nn.Linear(2 * 96, 64), nn.GELU(), nn.Linear(64, 15)
        )
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.conv_layers(x)
        pooled = torch.cat([torch.amax(maps, (2, 3)), torch.mean(maps, (2, 3))], dim=1)
        return self.fc_layers(pooled)
