"""Step 1.3 utilities.

The weights are stored in a folder such as C:\data\weights\proj3
"""
import copy
import os
import torch

import scene_recog.simple_net as part_one
import scene_recog.simple_net_final as part_two


def compute_accuracy(logits, labels):
	"""right / all"""
	right = sum(map(torch.equal, logits.argmax(dim=1), labels))
	return right / logits.size(dim=0)


def predict_labels(model, x):
	scores = model(x)
	best = torch.zeros(len(scores), dtype=torch.long)
	for c in range(scores.shape[1]):
		better = scores[:, c] > scores[torch.arange(len(scores)), best]
		best[better] = c
	return best


def compute_loss(model, model_output, target_labels, is_normalize=True):
	"""Ask a copy of the criterion for the sum; the model's own stays as it is.

	mean = sum \ N
	"""
	criterion = copy.copy(model.loss_criterion)
	criterion.reduction = "sum"
	total = criterion(model_output, target_labels)
	if is_normalize:
		return total / model_output.shape[0]
	return total


def save_trained_model_weights(model, out_dir):
	class_name = type(model).__name__
	if not os.path.isdir(out_dir):
		os.mkdir(out_dir)
	here = os.getcwd()
	os.chdir(out_dir)
	try:
		torch.save({"class_name": class_name, "state_dict": model.state_dict()}, "trained_" + class_name + "_final.pt")
	finally:
		os.chdir(here)


def load_trained_model_weights(path, model=None):
	saved = torch.load(path, map_location="cpu")
	if model is None:
		for module in (part_one, part_two):
			if hasattr(module, saved["class_name"]):
				model = getattr(module, saved["class_name"])()
	model.load_state_dict(saved["state_dict"])
	model.train(False)
	return model
