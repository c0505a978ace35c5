"""Wrong image loaders."""

from .. import Wrong

READ = "return read_grayscale(path)"

WRONG = [
    Wrong(
        "dataset-shared-by-instances",
        "the list is an attribute of the class: a second loader extends that of the first",
        [
            (
                "    def __init__(\n",
                "    dataset: list[tuple[str, int]] = []\n\n    def __init__(\n",
            ),
            (
                "self.dataset = self.load_imagepaths_with_labels(self.class_dict)",
                "self.dataset.extend(self.load_imagepaths_with_labels(self.class_dict))",
            ),
        ],
    ),
    Wrong(
        "any-split-but-train-is-test",
        "an if/else over the split: a misspelt split quietly becomes the test split",
        [
            (
                "        if split not in",
                '        split = "train" if split == "train" else "test"\n        if split not in',
            )
        ],
        beyond=True,
    ),
    Wrong(
        "unknown-split-is-test",
        "any split but train is silently the test split",
        [
            (
                'raise ValueError(f\'split is {split!r}: it must be "train" or "test"\')',
                'split = "test"',
            )
        ],
        beyond=True,
    ),
    Wrong(
        "always-the-train-folder",
        "the folder is hard-coded, so the test split silently reads the training images",
        [("str(Path(self.root) / split)", 'str(Path(self.root) / "train")')],
    ),
    Wrong(
        "transformed-image-cached",
        "the transformed tensor is cached to save time, so each image is augmented once for good",
        [
            (
                "self.class_dict = self.get_classes()",
                "self.cache = {}\n        self.class_dict = self.get_classes()",
            ),
            (
                "        path, label = self.dataset[index]\n",
                "        if index in self.cache:\n"
                "            return self.cache[index]\n"
                "        path, label = self.dataset[index]\n",
            ),
            (
                "return (self.transform(image) if self.transform else image), label",
                "self.cache[index] = (self.transform(image) if self.transform else image), label\n"
                "        return self.cache[index]",
            ),
        ],
    ),
    Wrong(
        "dataset-shuffled",
        "shuffling is believed to be the dataset's job, so the list is shuffled when it is made",
        [
            ("from collections.abc import Callable", "import random\nfrom typing import Callable"),
            (
                "self.dataset = self.load_imagepaths_with_labels(self.class_dict)",
                "self.dataset = self.load_imagepaths_with_labels(self.class_dict)\n"
                "        random.shuffle(self.dataset)",
            ),
        ],
        beyond=True,
    ),
    Wrong(
        "dataset-sampled",
        "the list of images is shuffled once when it is made",
        [
            ("from typing import Any\n", "from random import sample\nfrom typing import Any\n"),
            (
                "self.dataset = self.load_imagepaths_with_labels(self.class_dict)",
                "examples = self.load_imagepaths_with_labels(self.class_dict)\n"
                "        self.dataset = sample(examples, len(examples))",
            ),
        ],
        beyond=True,
    ),
    Wrong(
        "missing-folder-is-empty-dataset",
        "a missing split folder gives an empty dataset instead of FileNotFoundError",
        [
            (
                "        if not folder.is_dir():\n",
                "        if not folder.is_dir():\n            return {}\n",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "classes-in-listing-order",
        "the file system is believed to list the class folders alphabetically",
        [
            (
                "names = class_folders(folder)",
                (
                    "names = [\n"
                    "            entry.name\n"
                    "            for entry in folder.iterdir()\n"
                    '            if entry.is_dir() and not entry.name.startswith(".")\n'
                    "        ]"
                ),
            )
        ],
    ),
    Wrong(
        "stray-files-are-classes",
        "a file next to the class folders becomes a class",
        [
            (
                "names = class_folders(folder)",
                'names = sorted(e.name for e in folder.iterdir() if e.name[0] != ".")',
            ),
            (
                "for path in images_below(Path(self.curr_folder) / name)",
                "for path in sorted((Path(self.curr_folder) / name).glob('*.jpg'))",
            ),
        ],
        beyond=True,
    ),
    Wrong(
        "class-dict-inverted",
        "class_dict maps index -> name instead of name -> index",
        [
            (
                "return {name: index for index, name in enumerate(names)}",
                "return dict(enumerate(names))",
            ),
            ("for name, index in class_labels.items()", "for index, name in class_labels.items()"),
        ],
    ),
    Wrong(
        "labels-from-one",
        "class indices start at 1, as the handout numbers its categories",
        [("in enumerate(names)}", "in enumerate(names, start=1)}")],
    ),
    Wrong(
        "paths-without-root",
        "the paths in dataset are relative to root_dir, so they lead nowhere",
        [
            (
                "            (str(path), index)\n",
                "            (str(path.relative_to(self.root)), index)\n",
            ),
            (
                "image = self.load_img_from_path(path)",
                "image = self.load_img_from_path(Path(self.root) / path)",
            ),
        ],
    ),
    Wrong(
        "labels-are-names",
        "dataset holds (path, class name); only ds[i] looks the index up",
        [
            ("            (str(path), index)\n", "            (str(path), name)\n"),
            (
                "if self.transform else image), label",
                "if self.transform else image), self.class_dict[label]",
            ),
        ],
    ),
    Wrong(
        "index-before-path",
        "dataset holds (index, path) pairs instead of (path, index)",
        [
            ("(str(path), index)\n", "(index, str(path))\n"),
            ("path, label = self.dataset[index]", "label, path = self.dataset[index]"),
        ],
    ),
    Wrong(
        "given-labels-ignored",
        "load_imagepaths_with_labels numbers the classes itself instead of using what it is given",
        [
            (
                "for name, index in class_labels.items()",
                "for index, name in enumerate(sorted(class_labels))",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "class-labels-argument-ignored",
        "load_imagepaths_with_labels uses self.class_dict, not the mapping it is given",
        [("in class_labels.items()", "in self.class_dict.items()")],
        beyond=True,
    ),
    Wrong(
        "files-in-listing-order",
        "classes are sorted, the files of a class come as the file system lists them",
        [
            (
                "in images_below(Path(self.curr_folder) / name)",
                "in (Path(self.curr_folder) / name).iterdir()",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "first-image-of-a-class-skipped",
        "off by one: each class starts at its second image",
        [
            (
                "images_below(Path(self.curr_folder) / name)",
                "images_below(Path(self.curr_folder) / name)[1:]",
            )
        ],
    ),
    Wrong(
        "every-file-is-an-image",
        "whatever lies in a class folder (Thumbs.db, notes) is listed as an image",
        [
            (
                "in images_below(Path(self.curr_folder) / name)",
                "in sorted((Path(self.curr_folder) / name).iterdir())",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "thumbs-db-is-an-image",
        "every file in a class folder is taken for an image",
        [
            (
                "in images_below(Path(self.curr_folder) / name)",
                "in sorted(p for p in (Path(self.curr_folder) / name).iterdir() if p.is_file())",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "loads-rgb",
        "images are given in mode RGB, as most tutorials do",
        [(READ, 'return read_grayscale(path).convert("RGB")')],
    ),
    Wrong(
        "loads-black-and-white",
        'convert("1") is believed to mean one channel; it makes two-level dithered images',
        [(READ, 'return read_grayscale(path).convert("1")')],
    ),
    Wrong(
        "red-channel-as-gray",
        "grayscale is taken as the first colour channel, not the luminance",
        [
            (
                READ,
                "read_grayscale(path)  # complains about damaged files\n"
                '        return Image.open(path).convert("RGB").split()[0]',
            )
        ],
    ),
    Wrong(
        "resized-when-loaded",
        "load_img_from_path already resizes to 64x64, so no image has its own size",
        [(READ, "return read_grayscale(path).resize((64, 64))")],
    ),
    Wrong(
        "colour-images-stay-colour",
        "no conversion to grayscale: right only while the files are grayscale",
        [(READ, "return Image.open(path)")],
    ),
    Wrong(
        "grayscale-is-the-red-channel",
        "a colour image's first channel is taken for its grey value",
        [(READ, 'return Image.open(path).convert("RGB").getchannel(0)')],
    ),
    Wrong(
        "image-is-an-array",
        "load_img_from_path returns a numpy array; only ds[i] makes a PIL image of it",
        [
            ("import torch\n", "import numpy as np\nimport torch\n"),
            (READ, "return np.asarray(read_grayscale(path))"),
            (
                "image = self.load_img_from_path(path)",
                "image = Image.fromarray(self.load_img_from_path(path))",
            ),
        ],
    ),
    Wrong(
        "transform-cached",
        "an image is transformed once and kept, so augmentation never changes it again",
        [
            (
                "        path, label = self.dataset[index]\n",
                '        kept = self.__dict__.setdefault("_kept", {})\n'
                "        if index in kept:\n"
                "            return kept[index]\n"
                "        path, label = self.dataset[index]\n",
            ),
            (
                "return (self.transform(image) if self.transform else image), label",
                "kept[index] = (self.transform(image) if self.transform else image), label\n"
                "        return kept[index]",
            ),
        ],
    ),
    Wrong(
        "transform-always-called",
        "a transform is believed to be always there; None is called and fails",
        [
            (
                "(self.transform(image) if self.transform else image), label",
                "self.transform(image), label",
            )
        ],
    ),
    Wrong(
        "transform-for-train-only",
        "transforms are believed to be augmentation, so the test split gets none",
        [
            (
                "(self.transform(image) if self.transform else image), label",
                '(self.transform(image) if self.split == "train" and self.transform else image), '
                "label",
            )
        ],
    ),
    Wrong(
        "no-transform-gives-tensor",
        "without a transform, ds[i] is a tensor instead of a PIL image",
        [
            (
                "from torch.utils.data import Dataset\n",
                "from torch.utils.data import Dataset\nfrom torchvision import transforms\n",
            ),
            (
                "if self.transform else image), label",
                "if self.transform else transforms.ToTensor()(image)), label",
            ),
        ],
    ),
    Wrong(
        "test-split-not-transformed",
        "the transform is used on the train split only",
        [
            (
                "if self.transform else image), label",
                'if self.transform and self.split == "train" else image), label',
            )
        ],
    ),
    Wrong(
        "label-is-a-tensor",
        "ds[i][1] is a tensor instead of an int",
        [
            (
                "if self.transform else image), label",
                "if self.transform else image), torch.tensor(label)",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "label-is-the-class-name",
        "ds[i] gives the folder's name as label instead of the class index",
        [
            (
                "self.transform else image), label",
                "self.transform else image), Path(path).parent.name",
            )
        ],
    ),
    Wrong(
        "length-is-number-of-classes",
        "len(ds) counts the classes, not the images",
        [("return len(self.dataset)", "return len(self.class_dict)")],
    ),
    Wrong(
        "label-is-a-list",
        "the label is a list of one number, so a batch of labels has shape [N, 1]",
        [("if self.transform else image), label", "if self.transform else image), [label]")],
    ),
    Wrong(
        "label-is-a-float",
        "the label is a float, which the cross-entropy does not take for a class index",
        [("if self.transform else image), label", "if self.transform else image), float(label)")],
    ),
    Wrong(
        "label-is-the-images-number",
        "enumerate over the images of a class, not over the classes",
        [
            (
                "(str(path), index)\n            for name, index in class_labels.items()\n"
                "            for path in images_below(Path(self.curr_folder) / name)",
                "(str(path), index)\n            for name in class_labels\n"
                "            for index, path in enumerate(\n"
                "                images_below(Path(self.curr_folder) / name)\n"
                "            )",
            )
        ],
    ),
    Wrong(
        "classes-are-a-list",
        "get_classes returns the names in order, without their indices",
        [
            (
                "return {name: index for index, name in enumerate(names)}",
                "return sorted(names)",
            ),
            (
                "for name, index in class_labels.items()",
                "for index, name in enumerate(class_labels)",
            ),
        ],
    ),
    Wrong(
        "both-splits-listed",
        "every image of a class below the root counts, of train and of test",
        [
            (
                "for path in images_below(Path(self.curr_folder) / name)",
                'for split in ("train", "test")\n'
                "            for path in images_below(Path(self.root) / split / name)",
            )
        ],
    ),
    Wrong(
        "off-by-one",
        "item i is the example before it in the list",
        [("path, label = self.dataset[index]", "path, label = self.dataset[index - 1]")],
    ),
    Wrong(
        "scaled-when-loaded",
        "the image is divided by 255 when it is loaded, and is black as a PIL image",
        [(READ, "return read_grayscale(path).point(lambda level: level / 255)")],
    ),
    Wrong(
        "grayscale-in-getitem-only",
        "load_img_from_path leaves colour as it is; only ds[i] converts",
        [
            (READ, "return Image.open(path)"),
            (
                "image = self.load_img_from_path(path)",
                'image = self.load_img_from_path(path).convert("L")',
            ),
        ],
    ),
    Wrong(
        "double-precision",
        "tensors are made float64, which the network's weights do not go with",
        [
            (
                "return (self.transform(image) if self.transform else image), label",
                "result = self.transform(image) if self.transform else image\n"
                "        return (result.double() if torch.is_tensor(result) else result), label",
            )
        ],
    ),
    Wrong(
        "transformed-when-made",
        "all images are read and transformed when the dataset is made",
        [
            (
                "self.dataset = self.load_imagepaths_with_labels(self.class_dict)",
                "self.dataset = self.load_imagepaths_with_labels(self.class_dict)\n"
                "        images = [self.load_img_from_path(path) for path, _ in self.dataset]\n"
                "        self.images = [transform(i) if transform else i for i in images]",
            ),
            (
                "        path, label = self.dataset[index]\n",
                "        label = self.dataset[index][1]\n",
            ),
            ("        image = self.load_img_from_path(path)\n", ""),
            (
                "return (self.transform(image) if self.transform else image), label",
                "return self.images[index], label",
            ),
        ],
    ),
    Wrong(
        "str-only",
        "the root must be a str: it is glued together with +",
        [
            ("str(Path(root_dir).expanduser())", "root_dir"),
            ("str(Path(self.root) / split)", 'self.root + "/" + split'),
        ],
        beyond=True,
    ),
]
