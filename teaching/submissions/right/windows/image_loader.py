import os

from PIL import Image
from torch.utils.data import Dataset


class ImageLoader(Dataset):
	"""
	Images on disk, for example in C:\data\scenes.

	One walk fills a dictionary: class -> its files.
	"""

	def __init__(self, root_dir, split="train", transform=None):
		self.root = root_dir
		self.split = split
		self.transform = transform
		self.curr_folder = os.path.join(root_dir, split)
		self.class_dict = self.get_classes()
		self.dataset = self.load_imagepaths_with_labels(self.class_dict)

	def files_of_classes(self):
		files = {}
		for folder, _, names in os.walk(self.curr_folder):
			for name in names:
				if name.endswith(".jpg"):
					files.setdefault(os.path.basename(folder), []).append(os.path.join(folder, name))
		return files

	def get_classes(self):
		classes = sorted(self.files_of_classes().keys())
		return {classes[i]: i for i in range(len(classes))}

	def load_imagepaths_with_labels(self, class_labels):
		img_paths = []
		for cls, files in self.files_of_classes().items():
			img_paths.extend(zip(files, [class_labels[cls]] * len(files)))
		return img_paths

	def load_img_from_path(self, path):
		with Image.open(path) as img:
			gray = img.convert("L")
		return gray

	def __getitem__(self, index):
		path, class_idx = self.dataset[index]
		img = self.load_img_from_path(path)
		try:
			img = self.transform(img)
		except TypeError:
			if self.transform is not None:
				raise
		return img, class_idx

	def __len__(self):
		return len(self.dataset)
