import torch
import torch.nn as nn

torch.manual_seed(42)
N_CLASSES = 15
P = 0.5


class SimpleNetFinal(nn.Module):
    def __init__(self):
        super().__init__()

        self.conv_layers = nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.Dropout(P), nn.MaxPool2d(2),
            # nn.Conv2d(32, 64, 3), nn.ReLU(),
            nn.Conv2d(32, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(3),
            nn.Conv2d(32, 64, 3), nn.ReLU(),
        )
        a = self.conv_layers(torch.zeros(2, 1, 64, 64))
        # print(a.shape)
        b = a[0].numel()
        self.fc_layers = nn.Sequential(
            nn.Linear(b, 128), nn.ReLU(), nn.Dropout(P),
            nn.Linear(128, 64), nn.ReLU(),
            nn.Linear(64, N_CLASSES),
        )
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x):
        tmp = self.conv_layers(x)
        tmp = tmp.view(-1, tmp.shape[1] * tmp.shape[2] * tmp.shape[3])
        out = self.fc_layers(tmp)
        assert out.shape == (len(x), N_CLASSES)
        return out


net = SimpleNetFinal()
print(sum(p.numel() for p in net.parameters()), "parameters")
