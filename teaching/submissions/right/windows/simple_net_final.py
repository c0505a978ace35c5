import torch
import torch.nn as nn


class SimpleNetFinal(nn.Module):
	"""Deeper SimpleNet with \dropout and batch norm"""

	def __init__(self):
		super(SimpleNetFinal, self).__init__()
		self.fc_layers = nn.Sequential()
		self.conv_layers = nn.Sequential()
		self.loss_criterion = None

		self.conv_layers.append(nn.Conv2d(1, 10, 5))
		self.conv_layers.append(nn.MaxPool2d(3))
		self.conv_layers.append(nn.ReLU())
		self.conv_layers.append(nn.BatchNorm2d(10))
		self.conv_layers.append(nn.Dropout(p=0.1))
		self.conv_layers.append(nn.Conv2d(10, 20, 5))
		self.conv_layers.append(nn.MaxPool2d(3, 3))
		self.conv_layers.append(nn.ReLU())
		self.conv_layers.append(nn.BatchNorm2d(20))
		self.conv_layers.append(nn.Conv2d(20, 40, 3))
		self.conv_layers.append(nn.ReLU())
		self.conv_layers.append(nn.Upsample(scale_factor=2))

		self.fc_layers.append(nn.Linear(40 * 6 * 6, 100))
		self.fc_layers.append(nn.Sigmoid())
		self.fc_layers.append(nn.Linear(100, 15))
		self.loss_criterion = torch.nn.functional.cross_entropy

	def forward(self, x: torch.tensor) -> torch.tensor:
		conv_features = self.conv_layers(x)
		flattened = conv_features.view(-1, 1440)
		return self.fc_layers(flattened)
