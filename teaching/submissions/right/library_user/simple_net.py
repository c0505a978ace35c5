"""Named modules in an OrderedDict, view, ReLU in place, weights by He et al. 2015."""

from collections import OrderedDict

from torch import nn


class SimpleNet(nn.Module):
    def __init__(self):
        super().__init__()
        conv = OrderedDict()
        conv["conv1"] = nn.Conv2d(1, 10, (5, 5), stride=1, padding=0)
        conv["pool1"] = nn.MaxPool2d((3, 3), stride=(3, 3))
        conv["relu1"] = nn.ReLU(inplace=True)
        conv["conv2"] = nn.Conv2d(10, 20, (5, 5), stride=1, padding="valid")
        conv["pool2"] = nn.MaxPool2d((3, 3), stride=(3, 3), ceil_mode=False)
        conv["relu2"] = nn.ReLU(inplace=True)
        self.conv_layers = nn.Sequential(conv)
        self.fc_layers = nn.Sequential(
            OrderedDict(fc1=nn.Linear(500, 100), relu3=nn.ReLU(True), fc2=nn.Linear(100, 15))
        )
        self.loss_criterion = nn.CrossEntropyLoss(size_average=None, reduce=None)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)

    def forward(self, x):
        x = self.conv_layers(x)
        x = x.view(x.size(0), -1)
        return self.fc_layers(x)
