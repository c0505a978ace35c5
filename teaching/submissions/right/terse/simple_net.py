import torch.nn as nn


class SimpleNet(nn.Module):
    def __init__(self):
        super().__init__()
        stage = lambda i, o: (nn.Conv2d(i, o, 5), nn.MaxPool2d(3), nn.ReLU(True))
        self.conv_layers = nn.Sequential(*stage(1, 10), *stage(10, 20), nn.Flatten())
        self.fc_layers = nn.Sequential(nn.Linear(500, 100), nn.ReLU(True), nn.Linear(100, 15))
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x):
        return self.fc_layers(self.conv_layers(x))
