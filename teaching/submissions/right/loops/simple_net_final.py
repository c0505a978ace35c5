"""Four stages; whole maps are dropped; batch norm after the last convolution too; biases kept."""

from torch import nn

WIDTHS = (8, 16, 24, 40)


class SimpleNetFinal(nn.Module):
    def __init__(self):
        super().__init__()
        layers = []
        maps_in = 1
        for number, maps_out in enumerate(WIDTHS, start=1):
            if number == len(WIDTHS):
                layers.append(nn.Dropout2d(p=0.5))
            layers.append(nn.Conv2d(maps_in, maps_out, 3, padding=1, bias=True))
            layers.append(nn.BatchNorm2d(maps_out))
            layers.append(nn.ReLU(inplace=True))
            layers.append(nn.MaxPool2d(2))
            maps_in = maps_out
        self.conv_layers = nn.Sequential(*layers)  # [N, 40, 4, 4]
        self.fc_layers = nn.Sequential(
            nn.Flatten(), nn.Linear(640, 50), nn.ReLU(inplace=True), nn.Linear(50, 15)
        )
        self.loss_criterion = nn.CrossEntropyLoss(reduction="mean")

    def forward(self, x):
        return self.fc_layers(self.conv_layers(x))
