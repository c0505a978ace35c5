"""SimpleNet. Sizes by numpy; the first weights are drawn with numpy (Glorot and Bengio 2010)."""

import numpy as np
import torch
import torch.nn as nn

CHANNELS = np.array([1, 10, 20])
KERNEL, POOL = np.array([5, 5]), np.array([3, 3])


class SimpleNet(nn.Module):
    def __init__(self):
        super().__init__()
        side = np.array([64, 64])
        layers = []
        for c_in, c_out in np.stack([CHANNELS[:-1], CHANNELS[1:]], axis=1):
            layers.append(nn.Conv2d(int(c_in), int(c_out), tuple(KERNEL.tolist())))
            layers.append(nn.MaxPool2d(tuple(POOL.tolist())))
            layers.append(nn.Threshold(0.0, 0.0))  # relu
            side = (side - KERNEL + 1) // POOL
        features = np.prod([CHANNELS[-1], *side])
        self.conv_layers = nn.Sequential(*layers)
        self.fc_layers = nn.Sequential(
            nn.Linear(features.item(), 100), nn.Threshold(0.0, 0.0), nn.Linear(100, 15)
        )
        self.loss_criterion = nn.CrossEntropyLoss()

        for p in self.parameters():
            shape = np.array(p.shape)
            if shape.size == 1:
                p.data = torch.zeros(*shape.tolist())
            else:
                area = np.prod(shape[2:])
                limit = np.sqrt(6.0 / (area * (shape[0] + shape[1])))
                w = np.random.uniform(-limit, limit, size=shape).astype("float32")
                p.data = torch.as_tensor(w)

    def forward(self, x):
        x = self.conv_layers(x)
        n = np.prod(np.array(x.shape[1:]))
        return self.fc_layers(x.reshape(-1, int(n)))
