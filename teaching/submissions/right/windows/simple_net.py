import torch
import torch.nn as nn


class SimpleNet(nn.Module):
	def __init__(self):
		"""
		Init function to define the layers and loss function

		Note: Use 'mean' reduction in the loss_criterion. Read the documentation in
		C:\pytorch\docs to understand what it means
		"""
		super(SimpleNet, self).__init__()

		self.fc_layers = nn.Sequential(
			nn.Linear(500, 100),
			nn.ReLU(),
			nn.Linear(100, 15)
		)
		self.conv_layers = nn.Sequential(
			nn.Sequential(nn.Conv2d(1, 10, 5), nn.MaxPool2d(3, 3, 0, 1)),
			nn.ReLU(inplace=True),
			nn.Sequential(nn.Conv2d(10, 20, 5), nn.MaxPool2d(3, 3, 0, 1)),
			nn.ReLU(inplace=True)
		)
		self.loss_criterion = nn.CrossEntropyLoss(weight=None, reduction='mean')

	def forward(self, x: torch.tensor) -> torch.tensor:
		"""
		Perform the forward pass with the net

		Args:
		-   x: the input image [Dim: (N,C,H,W)]
		Returns:
		-   y: the output (raw scores) of the net [Dim: (N,15)]
		"""
		model_output = None
		conv_features = self.conv_layers(x)
		flattened_conv_features = conv_features.view(-1, 500)
		model_output = self.fc_layers(flattened_conv_features)
		return model_output
