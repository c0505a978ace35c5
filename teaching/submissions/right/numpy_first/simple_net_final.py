"""SimpleNetFinal; the sizes are computed with numpy, and so are the first weights."""

import numpy as np
import torch
import torch.nn as nn

MAPS = np.concatenate([[1], 12 * 2 ** np.arange(3)])  # 1, 12, 24, 48
KERNELS = np.array([7, 5, 3])
POOLS = np.array([2, 2, 2])


def side_after(side, kernels, pools):
    for k, p in zip(kernels, pools):
        side = np.floor((side - k + 1) / p).astype(int)
    return side


def he_normal(rng, shape):
    fan_in = np.prod(shape[1:])
    return torch.from_numpy(rng.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32))


class SimpleNetFinal(nn.Module):
    def __init__(self):
        super().__init__()
        blocks = []
        for i in np.arange(len(KERNELS)):
            blocks += [nn.Conv2d(MAPS[i].item(), MAPS[i + 1].item(), KERNELS[i].item())]
            if i < len(KERNELS) - 1:
                blocks += [nn.BatchNorm2d(MAPS[i + 1].item())]
            blocks += [nn.ReLU(), nn.AvgPool2d(POOLS[i].item())]
            if i == len(KERNELS) - 2:
                blocks += [nn.Dropout(np.float64(0.4))]
        side = side_after(64, KERNELS, POOLS)
        n = int(MAPS[-1] * np.square(side))
        self.conv_layers = nn.Sequential(*blocks, nn.Flatten())
        self.fc_layers = nn.Sequential(nn.Linear(n, 96), nn.ReLU(), nn.Linear(96, 15))
        self.loss_criterion = nn.CrossEntropyLoss()

        rng = np.random.default_rng(2021)
        with torch.no_grad():
            for p in self.parameters():
                if np.ndim(p) > 1:
                    p.copy_(he_normal(rng, tuple(p.shape)))

    def forward(self, x):
        return self.fc_layers(self.conv_layers(x))
