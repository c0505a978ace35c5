"""Step 2.6.

The figure is saved by hand to C:\figures\confusion.png, \dots
"""
import matplotlib.pyplot as plt
import matplotlib.ticker as ticker
import numpy as np
import torch
from torch.utils.data import DataLoader


def run_model(model, dataset, use_cuda):
	"""(N, 2): target and prediction of each image"""
	if use_cuda and torch.cuda.is_available():
		model.cuda()
	model.eval()
	rows = []

	def keep(module, inputs, output):
		rows.append(output.detach().cpu().argmax(1))

	hook = model.register_forward_hook(keep)
	labels = []
	for images, batch_labels in DataLoader(dataset, batch_size=50):
		if use_cuda and torch.cuda.is_available():
			images = images.cuda()
		model(images)
		labels.append(batch_labels)
	hook.remove()
	return torch.stack([torch.cat(labels), torch.cat(rows)], dim=1).numpy()


def generate_confusion_data(model, dataset, use_cuda=False):
	both = run_model(model, dataset, use_cuda)
	class_labels = [None for _ in dataset.get_classes()]
	for name, number in dataset.get_classes().items():
		class_labels[number] = name
	return both[:, 0], both[:, 1], class_labels


def generate_confusion_matrix(targets, preds, num_classes, normalize=True):
	edges = np.arange(num_classes + 1) - 0.5
	matrix, _, _ = np.histogram2d(targets, preds, bins=[edges, edges])
	if normalize:
		# a tiny number under the line: 0 / tiny = 0
		matrix = matrix / (matrix.sum(axis=1, keepdims=True) + 1e-12)
	return matrix


def plot_confusion_matrix(confusion_matrix, class_labels):
	fig = plt.figure()
	ax = fig.add_subplot(111)
	cax = ax.matshow(confusion_matrix)
	fig.colorbar(cax)
	# one name at every tick; the first tick is at -1
	ax.xaxis.set_major_locator(ticker.MultipleLocator(1))
	ax.yaxis.set_major_locator(ticker.MultipleLocator(1))
	ax.xaxis.set_major_formatter(lambda x, pos: class_labels[int(x)] if 0 <= x < len(class_labels) else "")
	ax.yaxis.set_major_formatter(lambda y, pos: class_labels[int(y)] if 0 <= y < len(class_labels) else "")
	plt.setp(ax.get_xticklabels(), rotation=90)
	plt.show()
	plt.close(fig)


def generate_and_plot_confusion_matrix(model, dataset, use_cuda=False):
	targets, preds, class_labels = generate_confusion_data(model, dataset, use_cuda)
	plot_confusion_matrix(generate_confusion_matrix(targets, preds, len(class_labels)), class_labels)


def get_pred_images_for_target(model, dataset, predicted_class, target_class, use_cuda=False):
	both = run_model(model, dataset, use_cuda)
	paths = []
	for (path, _), pair in zip(dataset.dataset, both.tolist()):
		if pair == [target_class, predicted_class]:
			paths.append(path)
	return paths
