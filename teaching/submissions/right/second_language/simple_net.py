# -*- coding: utf-8 -*-
"""Das kleine Netz (Bild 2). Die Größen findet es bei einem ersten Durchgang selbst."""
import warnings

import torch
from torch import nn

KLASSEN = 15


class FalscheGröße(RuntimeError):
    pass


class SimpleNet(nn.Module):
    def __init__(self):
        super().__init__()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # lazy ist neu
            self.conv_layers = nn.Sequential(
                nn.LazyConv2d(10, 5),
                nn.MaxPool2d(3),
                nn.ReLU(),
                nn.LazyConv2d(20, 5),
                nn.MaxPool2d(3),
                nn.ReLU(),
            )
            self.fc_layers = nn.Sequential(nn.LazyLinear(100), nn.ReLU(), nn.LazyLinear(KLASSEN))
        self(torch.zeros(1, 1, 64, 64))
        größe = sum(θ.numel() for θ in self.parameters())
        if größe != 56895:
            raise FalscheGröße(f"{größe} Parameter, es müssen 56895 sein")
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, bilder):
        if not bilder.is_floating_point():
            warnings.warn("Bilder sind ganze Zahlen, ich rechne sie um")
            bilder = bilder.float() / 255
        karten = self.conv_layers(bilder)
        return self.fc_layers(karten.flatten(1))
