import torch


def get_optimizer(model, config):
	"""
	Only SGD, as in the lecture: \theta <- \theta - \eta v

	Args:
	-	model: the model to optimize for
	-	config: a dictionary containing parameters for the config
	Returns:
	-	optimizer: the optimizer
	"""
	optimizer_type = config["optimizer_type"]
	learning_rate = config["lr"]
	weight_decay = config["weight_decay"]

	if optimizer_type.lower() == "sgd":
		return torch.optim.SGD(params=model.parameters(), lr=learning_rate, momentum=0.9,
				weight_decay=weight_decay)
	raise NotImplementedError("only \sgd so far")
