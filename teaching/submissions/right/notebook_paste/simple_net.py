import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(1)
N = 15
a, b, c = 10, 20, 100
print("torch", torch.__version__)


class SimpleNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_layers = nn.Sequential(
            nn.Conv2d(1, a, 5),
            nn.AdaptiveMaxPool2d((20, 20)),
            nn.ReLU(),
            nn.Conv2d(a, b, 5),
            nn.MaxPool2d(3),
            # nn.AdaptiveMaxPool2d((5, 5)),
            # nn.ReLU(),   # -> in forward
        )
        self.fc_layers = nn.Sequential(
            nn.Linear(b * 5 * 5, c),
            nn.ReLU(),
            # nn.Dropout(),
            nn.Linear(c, N),
            # nn.Softmax(dim=1),
        )
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x):
        tmp = self.conv_layers[:3](x)
        assert tmp.shape[1:] == (10, 20, 20), tmp.shape
        tmp = F.relu(self.conv_layers[3:](tmp))
        assert tmp.shape[1:] == (20, 5, 5), tmp.shape
        tmp = tmp.view(tmp.size()[0], -1)
        return self.fc_layers(tmp)


# quick look
x = torch.rand(2, 1, 64, 64)
y = SimpleNet()(x)
y.shape
