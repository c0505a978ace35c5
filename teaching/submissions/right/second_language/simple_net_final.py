# -*- coding: utf-8 -*-
"""SimpleNetFinal mit Abkürzungen (He et al.): die Stufe lernt nur den Unterschied."""
import warnings

import torch.nn.functional as F
from torch import nn

from .simple_net import SimpleNet


class Stufe(nn.Module):
    def __init__(self, kanäle, verlust=0.0):
        super().__init__()
        self.faltung1 = nn.Conv2d(kanäle, kanäle, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(kanäle)
        self.verlust = nn.FeatureAlphaDropout(verlust)
        self.faltung2 = nn.Conv2d(kanäle, kanäle, 3, padding=1)
        self.norm2 = nn.BatchNorm2d(kanäle)

    def forward(self, x):
        y = F.leaky_relu(self.norm1(self.faltung1(x)))
        y = self.norm2(self.faltung2(self.verlust(y)))
        return F.leaky_relu(x + y)  # die Abkürzung


class SimpleNetFinal(SimpleNet):
    """Erbt die Verlustfunktion (und den Rest) von SimpleNet."""

    def __init__(self, kanäle=20, verlust=0.3):
        super().__init__()
        if verlust > 0.8:
            warnings.warn("so viel fallen zu lassen ist unüblich")
        self.conv_layers = nn.Sequential(
            nn.BatchNorm2d(1),  # Helligkeit der Bilder
            nn.Conv2d(1, kanäle, 5, stride=2),
            nn.BatchNorm2d(kanäle),
            nn.LeakyReLU(),
            nn.MaxPool2d(3),
            Stufe(kanäle),
            nn.MaxPool2d(2),
            Stufe(kanäle, verlust),
        )
        self.fc_layers = nn.Sequential(nn.Linear(kanäle * 25, 60), nn.LeakyReLU(), nn.Linear(60, 15))

    def forward(self, bilder):
        karten = self.conv_layers(bilder)
        return self.fc_layers(karten.flatten(start_dim=1))
