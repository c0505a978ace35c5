import glob
import os

import numpy as np
from PIL import Image


def compute_mean_and_std(dir_name):
	"""
	Compute the mean and the standard deviation of the dataset.

	Mean = (1/n) * \sum_{i=1}^n x_i
	Variance = (1/(n-1)) * \sum_{i=1}^n (x_i - mean)^2
	"""
	files = glob.glob(os.path.join(dir_name, "*", "*", "*.jpg"))
	count = 0
	img_sum = 0.0
	img_sq = 0.0
	for f in files:
		img = Image.open(f).convert("L")
		pixels = np.array(img.getdata()) / 255.0
		count = count + len(pixels)
		img_sum = img_sum + np.sum(pixels)
		img_sq = img_sq + np.sum(pixels ** 2)
	mean = img_sum / count
	std = np.sqrt(count / (count - 1) * (img_sq / count - mean ** 2))
	return mean, std
