from torch import nn
from torchvision.ops import Conv2dNormActivation


class SimpleNetFinal(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_layers = nn.Sequential(
            Conv2dNormActivation(1, 16, 5, stride=2),
            nn.MaxPool2d(2),
            Conv2dNormActivation(16, 32, 3, activation_layer=nn.Hardswish),
            nn.Dropout2d(0.1),
            Conv2dNormActivation(32, 64, 3, stride=2, activation_layer=nn.Hardswish),
            nn.AdaptiveMaxPool2d((2, 2)),
        )
        self.fc_layers = nn.Sequential(
            nn.Flatten(),
            nn.LazyLinear(64),
            nn.Hardswish(),
            nn.LazyLinear(15),
        )
        self.loss_criterion = nn.CrossEntropyLoss()
        self.apply(lambda m: nn.init.orthogonal_(m.weight) if type(m) is nn.Conv2d else None)

    def forward(self, x):
        return self.fc_layers(self.conv_layers(x))
