"""Wrong submissions: each breaks the written contract in one idea. Checked by check.py."""

from typing import NamedTuple


class Wrong(NamedTuple):
    name: str  # short-kebab-case, unique
    file: str  # e.g. "image_loader.py"
    idea: str  # one line
    changes: tuple[tuple[str, str], ...]  # (old, new), in order; each old occurs exactly once


IMAGE_LOADER = (
    Wrong(
        "classes-in-file-system-order",
        "image_loader.py",
        "class indices follow the order in which the file system lists the folders",
        (("names = sorted(", "names = list("),),
    ),
    Wrong(
        "files-in-file-system-order",
        "image_loader.py",
        "the images of a class are in the order in which the file system lists them",
        (
            (
                "in sorted((Path(self.curr_folder) / name).iterdir())",
                "in (Path(self.curr_folder) / name).iterdir()",
            ),
        ),
    ),
    Wrong(
        "dataset-shuffled",
        "image_loader.py",
        "the list of images is shuffled once when it is made",
        (
            ("from typing import Any\n", "from random import sample\nfrom typing import Any\n"),
            (
                "self.dataset = self.load_imagepaths_with_labels(self.class_dict)",
                "examples = self.load_imagepaths_with_labels(self.class_dict)\n"
                "        self.dataset = sample(examples, len(examples))",
            ),
        ),
    ),
    Wrong(
        "classes-count-from-one",
        "image_loader.py",
        "class indices are 1 to 15",
        (("for index, name in enumerate(names)", "for index, name in enumerate(names, start=1)"),),
    ),
    Wrong(
        "stray-files-are-classes",
        "image_loader.py",
        "a file next to the class folders becomes a class",
        (
            (
                "if entry.is_dir() and not entry.name.startswith",
                "if not entry.name.startswith",
            ),
            (
                "for path in sorted((Path(self.curr_folder) / name).iterdir())",
                "for path in sorted((Path(self.curr_folder) / name).glob('*'))",
            ),
        ),
    ),
    Wrong(
        "thumbs-db-is-an-image",
        "image_loader.py",
        "every file in a class folder is taken for an image",
        (("            if is_image_name(path)\n", "            if path.is_file()\n"),),
    ),
    Wrong(
        "test-reads-train",
        "image_loader.py",
        "curr_folder is train/ whatever the split",
        (("str(Path(self.root) / split)", 'str(Path(self.root) / "train")'),),
    ),
    Wrong(
        "unknown-split-is-test",
        "image_loader.py",
        "any split but train is silently the test split",
        (
            (
                'raise ValueError(f\'split is {split!r}: it must be "train" or "test"\')',
                'split = "test"',
            ),
        ),
    ),
    Wrong(
        "missing-folder-is-empty-dataset",
        "image_loader.py",
        "a missing split folder gives an empty dataset instead of FileNotFoundError",
        (
            (
                "        if not folder.is_dir():\n",
                "        if not folder.is_dir():\n            return {}\n",
            ),
        ),
    ),
    Wrong(
        "class-labels-argument-ignored",
        "image_loader.py",
        "load_imagepaths_with_labels uses self.class_dict, not the mapping it is given",
        (("in sorted(class_labels.items())", "in sorted(self.class_dict.items())"),),
    ),
    Wrong(
        "label-is-position-not-index",
        "image_loader.py",
        "load_imagepaths_with_labels numbers the classes anew instead of using the given indices",
        (
            (
                "for name, index in sorted(class_labels.items())",
                "for index, name in enumerate(sorted(class_labels))",
            ),
        ),
    ),
    Wrong(
        "dataset-shared-by-instances",
        "image_loader.py",
        "the list is an attribute of the class: a second loader extends that of the first",
        (
            (
                "    def __init__(\n",
                "    dataset: list[tuple[str, int]] = []\n\n    def __init__(\n",
            ),
            (
                "self.dataset = self.load_imagepaths_with_labels(self.class_dict)",
                "self.dataset.extend(self.load_imagepaths_with_labels(self.class_dict))",
            ),
        ),
    ),
    Wrong(
        "first-image-of-a-class-skipped",
        "image_loader.py",
        "off by one: each class starts at its second image",
        (
            (
                "sorted((Path(self.curr_folder) / name).iterdir())",
                "sorted((Path(self.curr_folder) / name).iterdir())[1:]",
            ),
        ),
    ),
    Wrong(
        "pairs-swapped",
        "image_loader.py",
        "dataset holds (index, path)",
        (
            ("            (str(path), index)\n", "            (index, str(path))\n"),
            ("path, label = self.dataset[index]", "label, path = self.dataset[index]"),
        ),
    ),
    Wrong(
        "paths-without-root",
        "image_loader.py",
        "the paths in dataset are relative to root_dir, so they lead nowhere",
        (
            (
                "            (str(path), index)\n",
                "            (str(path.relative_to(self.root)), index)\n",
            ),
            (
                "image = self.load_img_from_path(path)",
                "image = self.load_img_from_path(Path(self.root) / path)",
            ),
        ),
    ),
    Wrong(
        "labels-are-names",
        "image_loader.py",
        "dataset holds (path, class name); only ds[i] looks the index up",
        (
            ("            (str(path), index)\n", "            (str(path), name)\n"),
            (
                "if self.transform else image), label",
                "if self.transform else image), self.class_dict[label]",
            ),
        ),
    ),
    Wrong(
        "colour-images-stay-colour",
        "image_loader.py",
        "no conversion to grayscale: right only while the files are grayscale",
        (("return read_grayscale(path)", "return Image.open(path)"),),
    ),
    Wrong(
        "grayscale-is-the-red-channel",
        "image_loader.py",
        "a colour image's first channel is taken for its grey value",
        (("return read_grayscale(path)", 'return Image.open(path).convert("RGB").getchannel(0)'),),
    ),
    Wrong(
        "image-is-three-grey-channels",
        "image_loader.py",
        "load_img_from_path returns mode RGB",
        (("return read_grayscale(path)", 'return read_grayscale(path).convert("RGB")'),),
    ),
    Wrong(
        "image-is-an-array",
        "image_loader.py",
        "load_img_from_path returns a numpy array; only ds[i] makes a PIL image of it",
        (
            ("import torch\n", "import numpy as np\nimport torch\n"),
            ("return read_grayscale(path)", "return np.asarray(read_grayscale(path))"),
            (
                "image = self.load_img_from_path(path)",
                "image = Image.fromarray(self.load_img_from_path(path))",
            ),
        ),
    ),
    Wrong(
        "transform-cached",
        "image_loader.py",
        "an image is transformed once and kept, so augmentation never changes it again",
        (
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
        ),
    ),
    Wrong(
        "no-transform-gives-tensor",
        "image_loader.py",
        "without a transform, ds[i] is a tensor instead of a PIL image",
        (
            (
                "from torch.utils.data import Dataset\n",
                "from torch.utils.data import Dataset\nfrom torchvision import transforms\n",
            ),
            (
                "if self.transform else image), label",
                "if self.transform else transforms.ToTensor()(image)), label",
            ),
        ),
    ),
    Wrong(
        "test-split-not-transformed",
        "image_loader.py",
        "the transform is used on the train split only",
        (
            (
                "if self.transform else image), label",
                'if self.transform and self.split == "train" else image), label',
            ),
        ),
    ),
    Wrong(
        "label-is-a-tensor",
        "image_loader.py",
        "ds[i][1] is a tensor instead of an int",
        (
            (
                "if self.transform else image), label",
                "if self.transform else image), torch.tensor(label)",
            ),
        ),
    ),
    Wrong(
        "len-counts-classes",
        "image_loader.py",
        "len(ds) is the number of classes",
        (("return len(self.dataset)", "return len(self.class_dict)"),),
    ),
)

DATA_TRANSFORMS = (
    Wrong(
        "resize-width-height",
        "data_transforms.py",
        "inp_size is taken for (W, H), as PIL has it",
        (("return (inp_size[0], inp_size[1])", "return (inp_size[1], inp_size[0])"),),
    ),
    Wrong(
        "resize-shorter-side",
        "data_transforms.py",
        "Resize gets one int and keeps the aspect ratio",
        (("return (inp_size[0], inp_size[1])", "return inp_size[0]"),),
    ),
    Wrong(
        "resize-always-64",
        "data_transforms.py",
        "inp_size is ignored: images are always 64x64",
        (("return (inp_size[0], inp_size[1])", "return (64, 64)"),),
    ),
    Wrong(
        "normalization-alone-width-height",
        "data_transforms.py",
        "only get_fundamental_normalization_transforms has height and width swapped",
        (
            (
                "transforms.Resize(_checked(inp_size)),\n"
                "            transforms.ToTensor(),\n"
                "            transforms.Normalize(",
                "transforms.Resize(_checked(inp_size)[::-1]),\n"
                "            transforms.ToTensor(),\n"
                "            transforms.Normalize(",
            ),
        ),
    ),
    Wrong(
        "crop-instead-of-resize",
        "data_transforms.py",
        "the fundamental transforms cut the middle out of the image instead of resizing it",
        (
            (
                "[transforms.Resize(_checked(inp_size)), transforms.ToTensor()]",
                "[transforms.CenterCrop(_checked(inp_size)), transforms.ToTensor()]",
            ),
        ),
    ),
    Wrong(
        "tensor-of-bytes",
        "data_transforms.py",
        "PILToTensor: uint8 from 0 to 255 instead of float32 in [0, 1]",
        (
            (
                "[transforms.Resize(_checked(inp_size)), transforms.ToTensor()]",
                "[transforms.Resize(_checked(inp_size)), transforms.PILToTensor()]",
            ),
        ),
    ),
    Wrong(
        "flip-upside-down",
        "data_transforms.py",
        "images are mirrored top to bottom",
        (("transforms.RandomHorizontalFlip(p=0.5)", "transforms.RandomVerticalFlip(p=0.5)"),),
    ),
    Wrong(
        "flip-always",
        "data_transforms.py",
        "every image is mirrored, none at random",
        (("transforms.RandomHorizontalFlip(p=0.5)", "transforms.RandomHorizontalFlip(p=1.0)"),),
    ),
    Wrong(
        "flip-never",
        "data_transforms.py",
        "the flip is there with probability 0",
        (("transforms.RandomHorizontalFlip(p=0.5)", "transforms.RandomHorizontalFlip(p=0.0)"),),
    ),
    Wrong(
        "jitter-without-strength",
        "data_transforms.py",
        "ColorJitter() with its defaults changes nothing",
        (("transforms.ColorJitter(brightness=0.2, contrast=0.2)", "transforms.ColorJitter()"),),
    ),
    Wrong(
        "jitter-that-gray-images-ignore",
        "data_transforms.py",
        "ColorJitter of hue and saturation only: nothing happens to a grayscale image",
        (
            (
                "transforms.ColorJitter(brightness=0.2, contrast=0.2)",
                "transforms.ColorJitter(saturation=0.4, hue=0.1)",
            ),
        ),
    ),
    Wrong(
        "jitter-fixed",
        "data_transforms.py",
        "the jitter's range is one value: each image is brightened by the same factor",
        (
            (
                "transforms.ColorJitter(brightness=0.2, contrast=0.2)",
                "transforms.ColorJitter(brightness=(1.4, 1.4))",
            ),
        ),
    ),
    Wrong(
        "all-without-augmentation",
        "data_transforms.py",
        "get_all_transforms starts from the fundamental transforms: nothing is random",
        (
            (
                "*get_fundamental_augmentation_transforms(inp_size).transforms,",
                "*get_fundamental_transforms(inp_size).transforms,",
            ),
        ),
    ),
    Wrong(
        "normalize-before-jitter",
        "data_transforms.py",
        "get_all_transforms jitters after normalizing, which clips all below the mean to 0",
        (
            (
                "            *get_fundamental_augmentation_transforms(inp_size).transforms,\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std),\n",
                "            transforms.Resize(_checked(inp_size)),\n"
                "            transforms.ToTensor(),\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std),\n"
                "            *get_fundamental_augmentation_transforms(inp_size).transforms[1:3],\n",
            ),
        ),
    ),
    Wrong(
        "all-without-normalize",
        "data_transforms.py",
        "get_all_transforms forgets Normalize",
        (
            (
                "            *get_fundamental_augmentation_transforms(inp_size).transforms,\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std),\n",
                "            *get_fundamental_augmentation_transforms(inp_size).transforms,\n",
            ),
        ),
    ),
    Wrong(
        "all-normalizes-twice",
        "data_transforms.py",
        "get_all_transforms normalizes what is already normalized",
        (
            (
                "            *get_fundamental_augmentation_transforms(inp_size).transforms,\n",
                "            *get_fundamental_augmentation_transforms(inp_size).transforms,\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std),\n",
            ),
        ),
    ),
    Wrong(
        "normalization-augments",
        "data_transforms.py",
        "the transforms for validation mirror images at random",
        (
            (
                "            transforms.ToTensor(),\n            transforms.Normalize(",
                "            transforms.RandomHorizontalFlip(),\n"
                "            transforms.ToTensor(),\n            transforms.Normalize(",
            ),
        ),
    ),
    Wrong(
        "mean-and-std-swapped",
        "data_transforms.py",
        "get_fundamental_normalization_transforms subtracts the std and divides by the mean",
        (
            (
                "            transforms.ToTensor(),\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std),",
                "            transforms.ToTensor(),\n"
                "            transforms.Normalize(pixel_std, pixel_mean),",
            ),
        ),
    ),
    Wrong(
        "statistics-hard-coded",
        "data_transforms.py",
        "Normalize has the numbers of 15-scene, whatever is passed",
        (
            (
                "            transforms.ToTensor(),\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std),",
                "            transforms.ToTensor(),\n"
                "            transforms.Normalize(mean=[0.45547], std=[0.25316]),",
            ),
        ),
    ),
    Wrong(
        "divides-by-variance",
        "data_transforms.py",
        "get_all_transforms divides by the square of the standard deviation",
        (
            (
                "transforms,\n            transforms.Normalize(mean=pixel_mean, std=pixel_std),",
                "transforms,\n            transforms.Normalize(\n"
                "                mean=pixel_mean, std=[std**2 for std in pixel_std]\n"
                "            ),",
            ),
        ),
    ),
)

COUNT = "counts += np.asarray(read_grayscale(path).histogram())"

STATS_HELPER = (
    Wrong(
        "std-of-population",
        "stats_helper.py",
        "divides by n instead of n - 1",
        (("(levels - mean) ** 2) / (n - 1)", "(levels - mean) ** 2) / n"),),
    ),
    Wrong(
        "std-is-variance",
        "stats_helper.py",
        "returns the variance",
        (("return mean, math.sqrt(variance)", "return mean, variance"),),
    ),
    Wrong(
        "mean-averaged-per-image",
        "stats_helper.py",
        "the mean of the images' means: a small image counts as much as a large one",
        (
            ("    counts = np.zeros(", "    means = []\n    counts = np.zeros("),
            (
                COUNT,
                COUNT + "\n            means.append(np.asarray(read_grayscale(path)).mean() / 255)",
            ),
            ("return mean, math.sqrt", "return float(np.mean(means)), math.sqrt"),
        ),
    ),
    Wrong(
        "std-averaged-per-image",
        "stats_helper.py",
        "the mean of the images' standard deviations misses how images differ from each other",
        (
            ("    counts = np.zeros(", "    stds = []\n    counts = np.zeros("),
            (
                COUNT,
                COUNT
                + "\n            stds.append(np.asarray(read_grayscale(path)).std(ddof=1) / 255)",
            ),
            ("return mean, math.sqrt(variance)", "return mean, float(np.mean(stds))"),
        ),
    ),
    Wrong(
        "resized-first",
        "stats_helper.py",
        "images are resized to 64x64 before they are counted",
        ((COUNT, "counts += np.asarray(read_grayscale(path).resize((64, 64)).histogram())"),),
    ),
    Wrong(
        "colour-channels-counted",
        "stats_helper.py",
        "no conversion to grayscale: the three channels of a colour image are three sets of pixels",
        (
            ("import numpy as np\n", "import numpy as np\nfrom PIL import Image\n"),
            (
                COUNT,
                "counts += np.bincount(np.asarray(Image.open(path)).ravel(), minlength=256)",
            ),
        ),
    ),
    Wrong(
        "scaled-by-256",
        "stats_helper.py",
        "levels are divided by 256, so white is not 1",
        (("np.arange(256) / 255", "np.arange(256) / 256"),),
    ),
    Wrong(
        "not-scaled",
        "stats_helper.py",
        "mean and standard deviation of 0..255",
        (("np.arange(256) / 255", "np.arange(256)"),),
    ),
    Wrong(
        "squares-overflow-a-byte",
        "stats_helper.py",
        "squares are taken in uint8 and wrap around at 256",
        (
            ("    counts = np.zeros(", "    squares = 0\n    counts = np.zeros("),
            (
                COUNT,
                COUNT
                + "\n            squares += int((np.asarray(read_grayscale(path)) ** 2).sum())",
            ),
            (
                "    return mean, math.sqrt(variance)",
                "    variance = max(squares / 255**2 - n * mean**2, 0.0) / (n - 1)\n"
                "    return mean, math.sqrt(variance)",
            ),
        ),
    ),
    Wrong(
        "subfolders-of-a-fixed-depth",
        "stats_helper.py",
        "only <folder>/<class>/<image> is found, nothing above or below",
        (('folder.rglob("*")', 'folder.glob("*/*")'),),
    ),
    Wrong(
        "train-folder-only",
        "stats_helper.py",
        "of a folder that has a train/ in it, only that is read",
        (
            (
                "    counts = np.zeros(",
                '    if (folder / "train").is_dir():\n        folder = folder / "train"\n'
                "    counts = np.zeros(",
            ),
        ),
    ),
    Wrong(
        "same-file-name-counted-once",
        "stats_helper.py",
        "images are kept in a dict by file name: image_0001.jpg of one class replaces the others",
        (
            (
                'for path in folder.rglob("*"):',
                'for path in {p.name: p for p in folder.rglob("*")}.values():',
            ),
        ),
    ),
    Wrong(
        "all-images-in-memory",
        "stats_helper.py",
        "all pixels are kept until the end, so memory grows with the dataset",
        (
            ("    counts = np.zeros(", "    images = []\n    counts = np.zeros("),
            (
                COUNT,
                COUNT
                + "\n            images.append(np.asarray(read_grayscale(path)).ravel() / 255)",
            ),
            (
                "return mean, math.sqrt(variance)",
                "pixels = np.concatenate(images)\n"
                "    return float(pixels.mean()), float(pixels.std(ddof=1))",
            ),
        ),
    ),
    Wrong(
        "notes-are-read-as-images",
        "stats_helper.py",
        "every file is opened as an image: Thumbs.db or a note is an error",
        (("if is_image_name(path) and path.is_file():", "if path.is_file():"),),
    ),
    Wrong(
        "arrays-returned",
        "stats_helper.py",
        "returns arrays of one number instead of floats, as scikit-learn's scaler does",
        (
            (
                "return mean, math.sqrt(variance)",
                "return np.array([mean]), np.array([math.sqrt(variance)])",
            ),
        ),
    ),
    Wrong(
        "empty-folder-is-zeros",
        "stats_helper.py",
        "a folder without images gives (0.0, 0.0) instead of a ValueError",
        (("    if n < 2:\n", "    if n < 2:\n        return 0.0, 0.0\n"),),
    ),
)

SIMPLE_NET = (
    Wrong(
        "no-relu-after-first-conv",
        "simple_net.py",
        "the first stage is linear but for the pooling",
        (
            (
                "            nn.ReLU(),\n            nn.Conv2d(10, 20",
                "            nn.Conv2d(10, 20",
            ),
        ),
    ),
    Wrong(
        "no-relu-between-linears",
        "simple_net.py",
        "the two linear layers have nothing between them: they are one",
        (
            (
                "            nn.ReLU(),\n            nn.Linear(100, 15)",
                "            nn.Linear(100, 15)",
            ),
        ),
    ),
    Wrong(
        "first-conv-padded",
        "simple_net.py",
        "padding 2 keeps 64x64 maps; after the second stage the shape is 5x5 all the same",
        (
            (
                "nn.Conv2d(1, 10, kernel_size=5)",
                "nn.Conv2d(1, 10, kernel_size=5, padding=2)",
            ),
        ),
    ),
    Wrong(
        "pool-padded",
        "simple_net.py",
        "the first max-pool is padded by 1: 20x20 as before, but of other blocks",
        (("nn.MaxPool2d(3),  # [N, 10, 20, 20]", "nn.MaxPool2d(3, padding=1),"),),
    ),
    Wrong(
        "pool-2-stride-3",
        "simple_net.py",
        "max-pool looks at 2x2 of each 3x3 block: all shapes as before",
        (
            ("nn.MaxPool2d(3),  # [N, 10, 20, 20]", "nn.MaxPool2d(2, stride=3),"),
            ("nn.MaxPool2d(3),  # [N, 20, 5, 5]", "nn.MaxPool2d(2, stride=3),"),
        ),
    ),
    Wrong(
        "second-pool-averages",
        "simple_net.py",
        "average pooling in the second stage",
        (("nn.MaxPool2d(3),  # [N, 20, 5, 5]", "nn.AvgPool2d(3),"),),
    ),
    Wrong(
        "convs-without-bias",
        "simple_net.py",
        "the convolutions have no bias: 30 parameters fewer",
        (
            ("nn.Conv2d(1, 10, kernel_size=5)", "nn.Conv2d(1, 10, kernel_size=5, bias=False)"),
            ("nn.Conv2d(10, 20, kernel_size=5)", "nn.Conv2d(10, 20, kernel_size=5, bias=False)"),
        ),
    ),
    Wrong(
        "log-softmax-in-forward",
        "simple_net.py",
        "returns log-probabilities: same loss and same accuracy, but not raw scores",
        (
            (
                "return self.fc_layers(self.conv_layers(x))",
                "return self.fc_layers(self.conv_layers(x)).log_softmax(dim=1)",
            ),
        ),
    ),
    Wrong(
        "relu-on-scores",
        "simple_net.py",
        "a ReLU after the last linear layer: no score is below 0",
        (
            (
                "return self.fc_layers(self.conv_layers(x))",
                "return torch.relu(self.fc_layers(self.conv_layers(x)))",
            ),
        ),
    ),
    Wrong(
        "scores-squeezed",
        "simple_net.py",
        "squeeze(): a batch of one image gives [15] instead of [1, 15]",
        (
            (
                "return self.fc_layers(self.conv_layers(x))",
                "return self.fc_layers(self.conv_layers(x)).squeeze()",
            ),
        ),
    ),
    Wrong(
        "criterion-smooths-labels",
        "simple_net.py",
        "label smoothing in loss_criterion: not the plain mean cross-entropy",
        (
            (
                'nn.CrossEntropyLoss(reduction="mean")',
                'nn.CrossEntropyLoss(reduction="mean", label_smoothing=0.1)',
            ),
        ),
    ),
    Wrong(
        "criterion-is-nll",
        "simple_net.py",
        "NLLLoss on raw scores, which may fall below 0",
        (('nn.CrossEntropyLoss(reduction="mean")', 'nn.NLLLoss(reduction="mean")'),),
    ),
    Wrong(
        "dropout-in-part-1",
        "simple_net.py",
        "a dropout that figure 2 does not have; only training mode shows it",
        (
            (
                "            nn.Linear(100, 15)",
                "            nn.Dropout(),\n            nn.Linear(100, 15)",
            ),
        ),
    ),
    Wrong(
        "sixteen-classes",
        "simple_net.py",
        "the last layer has 16 outputs",
        (("nn.Linear(100, 15)", "nn.Linear(100, 16)"),),
    ),
)

FINAL_FORWARD = "return self.fc_layers(self.conv_layers(x))"

SIMPLE_NET_FINAL = (
    Wrong(
        "dropout-too-weak",
        "simple_net_final.py",
        "dropout of 0.1 instead of 0.5",
        (("nn.Dropout(p=0.5)", "nn.Dropout(p=0.1)"),),
    ),
    Wrong(
        "dropout-after-last-conv",
        "simple_net_final.py",
        "dropout comes after the last convolution, not before it",
        (
            ("            nn.Dropout(p=0.5),\n", ""),
            (
                "            nn.AdaptiveAvgPool2d(1)",
                "            nn.Dropout(p=0.5),\n            nn.AdaptiveAvgPool2d(1)",
            ),
        ),
    ),
    Wrong(
        "dropout-in-classifier",
        "simple_net_final.py",
        "dropout is between the linear layers, none before the last convolution",
        (
            ("            nn.Dropout(p=0.5),\n", ""),
            (
                "            nn.Linear(64, 15)",
                "            nn.Dropout(p=0.5),\n            nn.Linear(64, 15)",
            ),
        ),
    ),
    Wrong(
        "dropout-at-test-time",
        "simple_net_final.py",
        "a second dropout by function, whose default is training=True: eval mode stays random",
        (
            (
                FINAL_FORWARD,
                "return self.fc_layers(nn.functional.dropout(self.conv_layers(x), p=0.5))",
            ),
        ),
    ),
    Wrong(
        "no-batch-norm-in-third-stage",
        "simple_net_final.py",
        "one convolution in the middle has no batch norm",
        (("            nn.BatchNorm2d(48),\n", ""),),
    ),
    Wrong(
        "batch-norm-before-conv",
        "simple_net_final.py",
        "in the second stage batch norm comes before the convolution, none after it",
        (
            (
                "            nn.Conv2d(16, 32",
                "            nn.BatchNorm2d(16),\n            nn.Conv2d(16, 32",
            ),
            ("            nn.BatchNorm2d(32),\n", ""),
        ),
    ),
    Wrong(
        "batch-norm-without-memory",
        "simple_net_final.py",
        "no running averages: in eval mode an image's scores depend on the rest of its batch",
        (
            ("nn.BatchNorm2d(32)", "nn.BatchNorm2d(32, track_running_stats=False)"),
            ("nn.BatchNorm2d(48)", "nn.BatchNorm2d(48, track_running_stats=False)"),
        ),
    ),
    Wrong(
        "norm-over-the-image",
        "simple_net_final.py",
        "instance norm instead of batch norm in one stage",
        (("nn.BatchNorm2d(64)", "nn.InstanceNorm2d(64, affine=True)"),),
    ),
    Wrong(
        "one-linear-layer",
        "simple_net_final.py",
        "the head is a single linear layer",
        (
            (
                "            nn.Linear(96, 64),\n            nn.ReLU(),\n"
                "            nn.Linear(64, 15),",
                "            nn.Linear(96, 15),",
            ),
        ),
    ),
    Wrong(
        "two-conv-stages",
        "simple_net_final.py",
        "only two convolutions: the first and the last",
        (
            ("            nn.Conv2d(16, 32, kernel_size=3, padding=1, bias=False),", "           "),
            ("            nn.BatchNorm2d(32),\n            nn.ReLU(),\n", ""),
            ("            nn.Conv2d(32, 48, kernel_size=3, padding=1, bias=False),", "           "),
            ("            nn.BatchNorm2d(48),\n            nn.ReLU(),\n", ""),
            ("            nn.Conv2d(48, 64, kernel_size=3, padding=1, bias=False),", "           "),
            ("            nn.BatchNorm2d(64),\n            nn.ReLU(),\n", ""),
            ("nn.Conv2d(64, 96,", "nn.Conv2d(16, 96,"),
        ),
    ),
    Wrong(
        "softmax-in-forward",
        "simple_net_final.py",
        "returns probabilities, and cross-entropy takes the softmax once more",
        ((FINAL_FORWARD, "return self.fc_layers(self.conv_layers(x)).softmax(dim=1)"),),
    ),
    Wrong(
        "fc-layers-end-in-log-softmax",
        "simple_net_final.py",
        "the last module of fc_layers is LogSoftmax, not the linear layer",
        (
            (
                "            nn.Linear(64, 15),\n",
                "            nn.Linear(64, 15),\n            nn.LogSoftmax(dim=1),\n",
            ),
        ),
    ),
    Wrong(
        "features-squeezed",
        "simple_net_final.py",
        "squeeze() instead of flatten: a batch of one image gives [15] instead of [1, 15]",
        (
            ("            nn.Flatten(),  # [N, 96]\n", ""),
            (FINAL_FORWARD, "return self.fc_layers(self.conv_layers(x).squeeze())"),
        ),
    ),
    Wrong(
        "batch-size-in-forward",
        "simple_net_final.py",
        "view(32, -1): only batches of 32 images pass, the last one of an epoch does not",
        (
            ("            nn.Flatten(),  # [N, 96]\n", ""),
            (FINAL_FORWARD, "return self.fc_layers(self.conv_layers(x).view(32, -1))"),
        ),
    ),
    Wrong(
        "criterion-by-another-name",
        "simple_net_final.py",
        "the loss is self.criterion, not self.loss_criterion",
        (("self.loss_criterion = ", "self.criterion = "),),
    ),
    Wrong(
        "criterion-weighs-classes",
        "simple_net_final.py",
        "loss_criterion gives some classes more weight: not the plain mean cross-entropy",
        (
            (
                'nn.CrossEntropyLoss(reduction="mean")',
                "nn.CrossEntropyLoss(weight=torch.linspace(0.5, 1.5, 15))",
            ),
        ),
    ),
)

OPTIMIZER = (
    Wrong(
        "weight-decay-ignored",
        "optimizer.py",
        "weight_decay is read from the config and never passed on",
        (
            (
                "    parameters = [",
                '    options.pop("weight_decay")\n    parameters = [',
            ),
        ),
    ),
    Wrong(
        "momentum-absent-is-zero",
        "optimizer.py",
        "without momentum in the config SGD has none, instead of 0.9",
        (('options.setdefault("momentum", 0.9)', 'options.setdefault("momentum", 0.0)'),),
    ),
    Wrong(
        "momentum-always-0.9",
        "optimizer.py",
        "the config's own momentum is overwritten",
        (('options.setdefault("momentum", 0.9)', 'options["momentum"] = 0.9'),),
    ),
    Wrong(
        "momentum-zero-is-absent",
        "optimizer.py",
        "`or`: a momentum of 0 is taken for none given and becomes 0.9",
        (
            (
                'options.setdefault("momentum", 0.9)',
                'options["momentum"] = options.get("momentum") or 0.9',
            ),
        ),
    ),
    Wrong(
        "nesterov-ignored",
        "optimizer.py",
        "nesterov is allowed in the config and silently dropped",
        (
            (
                'options.setdefault("momentum", 0.9)',
                'options.setdefault("momentum", 0.9)\n        options.pop("nesterov", None)',
            ),
        ),
    ),
    Wrong(
        "nesterov-by-default",
        "optimizer.py",
        "SGD is nesterov unless the config says no",
        (
            (
                'options.setdefault("momentum", 0.9)',
                'options.setdefault("momentum", 0.9)\n'
                '        options.setdefault("nesterov", options["momentum"] > 0)',
            ),
        ),
    ),
    Wrong(
        "velocity-is-an-average",
        "optimizer.py",
        "dampening 1 - m: v = m v + (1 - m) g takes steps ten times too short",
        (
            (
                'options.setdefault("momentum", 0.9)',
                'options.setdefault("momentum", 0.9)\n'
                '        options.setdefault("dampening", options["momentum"])',
            ),
        ),
    ),
    Wrong(
        "adamw-is-adam",
        "optimizer.py",
        "adamw gives Adam, which decays through the gradient",
        (('"adamw": torch.optim.AdamW,', '"adamw": torch.optim.Adam,'),),
    ),
    Wrong(
        "betas-ignored",
        "optimizer.py",
        "betas in the config are dropped silently: Adam keeps its defaults",
        (
            (
                "    parameters = [",
                '    options.pop("betas", None)\n    parameters = [',
            ),
        ),
    ),
    Wrong(
        "config-emptied",
        "optimizer.py",
        "optimizer_type is popped from the caller's own dict: a second call fails",
        (("options = dict(config)", "options = config"),),
    ),
    Wrong(
        "biases-not-trained",
        "optimizer.py",
        "only matrices and filters are given to the optimizer",
        (("if p.requires_grad]", "if p.requires_grad and p.ndim > 1]"),),
    ),
    Wrong(
        "only-classifier-trained",
        "optimizer.py",
        "only the parameters of fc_layers are given to the optimizer",
        (("for p in model.parameters()", "for p in model.fc_layers.parameters()"),),
    ),
    Wrong(
        "unknown-type-is-sgd",
        "optimizer.py",
        "a type that it does not know is SGD, without a word",
        (
            (
                "    if optimizer_type not in OPTIMIZERS:\n        raise ValueError(",
                "    if optimizer_type not in OPTIMIZERS:\n"
                '        optimizer_type = "sgd"\n'
                "    if optimizer_type not in OPTIMIZERS:\n        raise ValueError(",
            ),
        ),
    ),
    Wrong(
        "unknown-type-is-key-error",
        "optimizer.py",
        "an unknown type is a KeyError that lists nothing",
        (
            (
                "    if optimizer_type not in OPTIMIZERS:\n        raise ValueError(",
                "    OPTIMIZERS[optimizer_type]\n"
                "    if optimizer_type not in OPTIMIZERS:\n        raise ValueError(",
            ),
        ),
    ),
    Wrong(
        "unknown-key-ignored",
        "optimizer.py",
        "a key that it does not know (a typing mistake) is dropped, without a word",
        (
            (
                "    for key, value in options.items():\n",
                "    options = {key: value for key, value in options.items() if key in allowed}\n"
                "    for key, value in options.items():\n",
            ),
        ),
    ),
    Wrong(
        "unknown-key-lists-nothing",
        "optimizer.py",
        "the error names the unknown key but does not say which are allowed",
        (
            (
                "        if key not in allowed:\n",
                "        if key not in allowed:\n"
                '            raise ValueError(f"unknown key {key!r} in config")\n',
            ),
        ),
    ),
    Wrong(
        "negative-is-made-positive",
        "optimizer.py",
        "a negative learning rate is used without its sign instead of being an error",
        (
            (
                "    for key, value in options.items():\n",
                '    options["lr"] = abs(options["lr"])\n    for key, value in options.items():\n',
            ),
        ),
    ),
    Wrong(
        "zero-is-refused",
        "optimizer.py",
        "0 is an error too: no training without weight decay or momentum",
        (("any(number < 0 for number in", "any(number <= 0 for number in"),),
    ),
    Wrong(
        "missing-lr-has-a-default",
        "optimizer.py",
        "a config without lr silently trains at 0.001",
        (
            (
                '    for key in ("lr", "weight_decay"):',
                '    options.setdefault("lr", 0.001)\n    for key in ("lr", "weight_decay"):',
            ),
        ),
    ),
)

ACCURACY = "return (logits.argmax(dim=1) == labels).float().mean().item()"
LAST_OF_LOSS = "        return loss / len(target_labels)\n    return loss\n"

DL_UTILS = (
    Wrong(
        "accuracy-in-percent",
        "dl_utils.py",
        "0 to 100 instead of 0 to 1",
        ((ACCURACY, ACCURACY + " * 100"),),
    ),
    Wrong(
        "accuracy-is-a-count",
        "dl_utils.py",
        "the number of right answers, not their share",
        ((ACCURACY, "return (logits.argmax(dim=1) == labels).float().sum().item()"),),
    ),
    Wrong(
        "accuracy-is-a-tensor",
        "dl_utils.py",
        "a tensor of one number instead of a float",
        ((ACCURACY, "return (logits.argmax(dim=1) == labels).float().mean()"),),
    ),
    Wrong(
        "accuracy-of-every-pair",
        "dl_utils.py",
        "[N, 1] == [N] broadcasts to [N, N]: each answer is compared with each label",
        ((ACCURACY, ACCURACY.replace("dim=1", "dim=1, keepdim=True")),),
    ),
    Wrong(
        "accuracy-over-full-batches",
        "dl_utils.py",
        "divides by 32 whatever the batch holds: too low for the last one",
        ((ACCURACY, "return (logits.argmax(dim=1) == labels).sum().item() / 32"),),
    ),
    Wrong(
        "accuracy-over-classes",
        "dl_utils.py",
        "divides by the number of classes",
        ((ACCURACY, "return (logits.argmax(dim=1) == labels).sum().item() / logits.shape[1]"),),
    ),
    Wrong(
        "accuracy-rounded",
        "dl_utils.py",
        "rounded to two digits, so that an average over batches is off",
        ((ACCURACY, "return round((logits.argmax(dim=1) == labels).float().mean().item(), 2)"),),
    ),
    Wrong(
        "accuracy-across-the-batch",
        "dl_utils.py",
        "argmax over the examples instead of over the classes",
        (
            (
                ACCURACY,
                "n = min(len(labels), logits.shape[1])\n"
                "    return (logits.argmax(dim=0)[:n] == labels[:n]).float().mean().item()",
            ),
        ),
    ),
    Wrong(
        "predict-scores-not-classes",
        "dl_utils.py",
        "max()[0]: the highest scores instead of their places",
        (("return model(x).argmax(dim=1)", "return model(x).max(dim=1)[0]"),),
    ),
    Wrong(
        "predict-keeps-a-dimension",
        "dl_utils.py",
        "[N, 1] instead of [N]",
        (("return model(x).argmax(dim=1)", "return model(x).argmax(dim=1, keepdim=True)"),),
    ),
    Wrong(
        "predict-squeezed",
        "dl_utils.py",
        "squeeze(): a batch of one image gives a number without a dimension",
        (("return model(x).argmax(dim=1)", "return model(x).argmax(dim=1).squeeze()"),),
    ),
    Wrong(
        "predict-in-floats",
        "dl_utils.py",
        "the predicted classes are floating-point numbers",
        (("return model(x).argmax(dim=1)", "return model(x).argmax(dim=1).float()"),),
    ),
    Wrong(
        "predict-leaves-eval-mode",
        "dl_utils.py",
        "switches the model to eval mode and leaves it there",
        (
            (
                "    return model(x).argmax(dim=1)",
                "    model.eval()\n    return model(x).argmax(dim=1)",
            ),
        ),
    ),
    Wrong(
        "loss-divided-twice",
        "dl_utils.py",
        "the course's own mistake: the mean is divided by the batch size once more",
        (
            (
                LAST_OF_LOSS,
                "        return loss / len(target_labels)\n"
                "    return loss / len(target_labels) if is_normalize else loss\n",
            ),
        ),
    ),
    Wrong(
        "loss-always-mean",
        "dl_utils.py",
        "is_normalize=False changes nothing for a criterion that takes the mean",
        (("return loss * len(target_labels)", "return loss"),),
    ),
    Wrong(
        "loss-sum-not-normalized",
        "dl_utils.py",
        "a criterion with reduction sum gives the sum even when is_normalize",
        ((LAST_OF_LOSS, "        return loss\n    return loss\n"),),
    ),
    Wrong(
        "loss-per-example-returned",
        "dl_utils.py",
        "a criterion with reduction none gives N numbers instead of one",
        (("return loss.mean() if is_normalize else loss.sum()", "return loss"),),
    ),
    Wrong(
        "loss-divided-by-classes",
        "dl_utils.py",
        "the sum is divided by the number of classes, not of examples",
        (
            (
                LAST_OF_LOSS,
                "        return loss / model_output.shape[1]\n    return loss\n",
            ),
        ),
    ),
    Wrong(
        "loss-not-normalized-by-default",
        "dl_utils.py",
        "is_normalize is False by default",
        (("is_normalize: bool = True,", "is_normalize: bool = False,"),),
    ),
    Wrong(
        "loss-ignores-criterion",
        "dl_utils.py",
        "always cross-entropy, whatever the model's loss_criterion is",
        (
            (
                "    loss = criterion(model_output, target_labels)\n",
                "    loss = nn.functional.cross_entropy(\n"
                "        model_output, target_labels,"
                ' reduction=getattr(criterion, "reduction", "mean")\n'
                "    )\n",
            ),
        ),
    ),
    Wrong(
        "loss-changes-criterion",
        "dl_utils.py",
        "sets the criterion's reduction and leaves it so",
        (
            (
                "    loss = criterion(model_output, target_labels)\n",
                '    criterion.reduction = "mean" if is_normalize else "sum"\n'
                "    loss = criterion(model_output, target_labels)\n",
            ),
        ),
    ),
    Wrong(
        "loss-of-probabilities",
        "dl_utils.py",
        "softmax before a criterion that takes it itself",
        (
            (
                "loss = criterion(model_output, target_labels)",
                "loss = criterion(model_output.softmax(dim=1), target_labels)",
            ),
        ),
    ),
    Wrong(
        "loss-without-gradient",
        "dl_utils.py",
        "the logits are detached: backward() has nothing to go through",
        (
            (
                "loss = criterion(model_output, target_labels)",
                "loss = criterion(model_output.detach(), target_labels)",
            ),
        ),
    ),
    Wrong(
        "saved-name-is-fixed",
        "dl_utils.py",
        "the file is always trained_SimpleNet_final.pt: Part 2 overwrites Part 1",
        (
            (
                'path = out_dir / f"trained_{class_name}_final.pt"',
                'path = out_dir / "trained_SimpleNet_final.pt"',
            ),
        ),
    ),
    Wrong(
        "saved-under-other-keys",
        "dl_utils.py",
        "model_state_dict instead of state_dict, both when saving and when loading",
        (
            ('"state_dict": model.state_dict()}', '"model_state_dict": model.state_dict()}'),
            ('saved["state_dict"]', 'saved["model_state_dict"]'),
        ),
    ),
    Wrong(
        "save-forgets-buffers",
        "dl_utils.py",
        "only parameters are saved: batch norm's running averages are lost",
        (('"state_dict": model.state_dict()}', '"state_dict": dict(model.named_parameters())}'),),
    ),
    Wrong(
        "save-halves-precision",
        "dl_utils.py",
        "weights are saved as float16",
        (
            (
                '"state_dict": model.state_dict()}',
                '"state_dict": {k: v.half() for k, v in model.state_dict().items()}}',
            ),
        ),
    ),
    Wrong(
        "save-needs-the-folder",
        "dl_utils.py",
        "a folder that is not there is an error",
        (("    out_dir.mkdir(parents=True, exist_ok=True)\n", ""),),
    ),
    Wrong(
        "load-in-training-mode",
        "dl_utils.py",
        "the loaded network is in training mode: dropout is on",
        (("return model.eval()", "return model"),),
    ),
    Wrong(
        "load-updates-a-copy",
        "dl_utils.py",
        "state_dict().update() fills a dict, not the network: it stays random",
        (
            (
                "        model.load_state_dict(state_dict)\n",
                "        model.state_dict().update(state_dict)\n",
            ),
        ),
    ),
    Wrong(
        "load-always-simple-net",
        "dl_utils.py",
        "builds a SimpleNet whatever class_name says",
        (("model = NETS[class_name]()", 'model = NETS["SimpleNet"]()'),),
    ),
)

ADD_AT = "np.add.at(matrix, (np.asarray(targets), np.asarray(preds)), 1)"
DIVIDE = "matrix /= np.maximum(matrix.sum(axis=1, keepdims=True), 1)"
APPEND = "predictions.append(predict_labels(model, images.to(device)).cpu())"
CHOSEN = "np.flatnonzero((targets == target_class) & (predictions == predicted_class))"

CONFUSION_MATRIX = (
    Wrong(
        "rows-are-predictions",
        "confusion_matrix.py",
        "the matrix is transposed",
        ((ADD_AT, "np.add.at(matrix, (np.asarray(preds), np.asarray(targets)), 1)"),),
    ),
    Wrong(
        "each-pair-counted-once",
        "confusion_matrix.py",
        "matrix[targets, preds] += 1 counts a repeated pair once",
        ((ADD_AT, "matrix[np.asarray(targets), np.asarray(preds)] += 1"),),
    ),
    Wrong(
        "columns-sum-to-one",
        "confusion_matrix.py",
        "normalized over the predictions",
        ((DIVIDE, "matrix /= np.maximum(matrix.sum(axis=0, keepdims=True), 1)"),),
    ),
    Wrong(
        "row-sums-along-columns",
        "confusion_matrix.py",
        "no keepdims: column j is divided by the sum of row j; right for equal class sizes",
        ((DIVIDE, "matrix /= np.maximum(matrix.sum(axis=1), 1)"),),
    ),
    Wrong(
        "matrix-sums-to-one",
        "confusion_matrix.py",
        "normalized by the number of all images",
        ((DIVIDE, "matrix /= np.maximum(matrix.sum(), 1)"),),
    ),
    Wrong(
        "empty-row-is-nan",
        "confusion_matrix.py",
        "0 / 0 in a row without targets",
        (
            (
                DIVIDE,
                'with np.errstate(invalid="ignore"):\n'
                "            matrix /= matrix.sum(axis=1, keepdims=True)",
            ),
        ),
    ),
    Wrong(
        "empty-row-has-a-diagonal",
        "confusion_matrix.py",
        "a class without targets is given an accuracy of 1",
        (
            (
                DIVIDE,
                DIVIDE + "\n"
                "        empty = np.flatnonzero(matrix.sum(axis=1) == 0)\n"
                "        matrix[empty, empty] = 1",
            ),
        ),
    ),
    Wrong(
        "counts-in-bytes",
        "confusion_matrix.py",
        "uint8 counts begin again at 0 after 255",
        (
            (
                "np.zeros((num_classes, num_classes))",
                "np.zeros((num_classes, num_classes), dtype=np.uint8)",
            ),
            (DIVIDE, "matrix = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)"),
        ),
    ),
    Wrong(
        "num-classes-from-the-data",
        "confusion_matrix.py",
        "the size is the highest class seen: a last class without images is missing",
        (
            (
                "    matrix = np.zeros((",
                "    num_classes = 1 + int(max(np.max(targets), np.max(preds)))\n"
                "    matrix = np.zeros((",
            ),
        ),
    ),
    Wrong(
        "always-normalized",
        "confusion_matrix.py",
        "normalize=False changes nothing",
        (("    if normalize:\n", "    if True:\n"),),
    ),
    Wrong(
        "counts-by-default",
        "confusion_matrix.py",
        "normalize is False by default",
        (("normalize: bool = True", "normalize: bool = False"),),
    ),
    Wrong(
        "model-left-in-eval-mode",
        "confusion_matrix.py",
        "training goes on without dropout after a look at the confusion matrix",
        (("    model.train(was_training)\n", ""),),
    ),
    Wrong(
        "model-left-in-training-mode",
        "confusion_matrix.py",
        "a network that came in eval mode leaves in training mode",
        (("model.train(was_training)", "model.train()"),),
    ),
    Wrong(
        "predicts-with-dropout",
        "confusion_matrix.py",
        "no eval(): predictions of a network in training mode are random",
        (("    model.eval()\n", ""),),
    ),
    Wrong(
        "gradients-left-off",
        "confusion_matrix.py",
        "gradients are switched off for good",
        (
            (
                "    with torch.inference_mode():\n",
                "    torch.set_grad_enabled(False)\n    if True:\n",
            ),
        ),
    ),
    Wrong(
        "order-of-a-shuffled-loader",
        "confusion_matrix.py",
        "shuffle=True: the matrix is right, the order and the paths are not",
        (("shuffle=False", "shuffle=True"),),
    ),
    Wrong(
        "last-batch-dropped",
        "confusion_matrix.py",
        "the last batch is left out unless it is full (of 4)",
        (("batch_size=100, shuffle=False", "batch_size=4, shuffle=False, drop_last=True"),),
    ),
    Wrong(
        "only-the-first-batch",
        "confusion_matrix.py",
        "images after the hundredth are not looked at",
        ((APPEND, APPEND + "\n            break"),),
    ),
    Wrong(
        "labels-of-seen-classes",
        "confusion_matrix.py",
        "class_labels leaves out classes without images, so that later names shift",
        (
            (
                "    if use_cuda and",
                "    seen = {label for _, label in dataset.dataset}\n"
                "    class_labels = [name for name in class_labels if class_dict[name] in seen]\n"
                "    if use_cuda and",
            ),
        ),
    ),
    Wrong(
        "targets-and-predictions-swapped",
        "confusion_matrix.py",
        "generate_confusion_data returns predictions first",
        (
            (
                "return torch.cat(targets).numpy(), torch.cat(predictions).numpy(), class_labels",
                "return torch.cat(predictions).numpy(), torch.cat(targets).numpy(), class_labels",
            ),
        ),
    ),
    Wrong(
        "cuda-not-asked-for",
        "confusion_matrix.py",
        "use_cuda=True fails on a machine without a GPU",
        (("if use_cuda and torch.cuda.is_available():", "if use_cuda:"),),
    ),
    Wrong(
        "picture-transposed",
        "confusion_matrix.py",
        "the drawn matrix has the targets in its columns",
        (
            (
                "    size = len(class_labels)\n",
                "    size = len(class_labels)\n    confusion_matrix = confusion_matrix.T\n",
            ),
        ),
    ),
    Wrong(
        "axes-named-wrongly",
        "confusion_matrix.py",
        "the axis of the rows is called predicted, that of the columns target",
        (
            ('axes.set_xlabel("predicted class")', 'axes.set_xlabel("target class")'),
            ('axes.set_ylabel("target class")', 'axes.set_ylabel("predicted class")'),
        ),
    ),
    Wrong(
        "row-names-upside-down",
        "confusion_matrix.py",
        "the names at the rows run from the bottom to the top",
        (
            (
                "axes.set_yticks(range(size), class_labels)",
                "axes.set_yticks(range(size), list(class_labels)[::-1])",
            ),
        ),
    ),
    Wrong(
        "draws-over-the-last-figure",
        "confusion_matrix.py",
        "gca(): the matrix is drawn into whatever figure is current",
        (
            (
                "_, axes = plt.subplots(figsize=(3 + 0.45 * size, 2.5 + 0.45 * size),"
                ' layout="constrained")',
                "axes = plt.gca()",
            ),
        ),
    ),
    Wrong(
        "plot-changes-its-argument",
        "confusion_matrix.py",
        "turns the caller's matrix into percent",
        (
            (
                "    size = len(class_labels)\n",
                "    size = len(class_labels)\n    confusion_matrix *= 100\n",
            ),
        ),
    ),
    Wrong(
        "plot-of-counts",
        "confusion_matrix.py",
        "generate_and_plot_confusion_matrix draws counts, not shares",
        (
            (
                "matrix = generate_confusion_matrix(targets, predictions, len(class_labels))",
                "matrix = generate_confusion_matrix(\n"
                "        targets, predictions, len(class_labels), normalize=False\n    )",
            ),
        ),
    ),
    Wrong(
        "image-of-the-opposite-cell",
        "confusion_matrix.py",
        "get_pred_images_for_target has predicted and target class swapped",
        (
            (
                CHOSEN,
                "np.flatnonzero((targets == predicted_class) & (predictions == target_class))",
            ),
        ),
    ),
    Wrong(
        "images-of-the-whole-column",
        "confusion_matrix.py",
        "get_pred_images_for_target ignores the target class",
        ((CHOSEN, "np.flatnonzero(predictions == predicted_class)"),),
    ),
    Wrong(
        "only-the-first-image",
        "confusion_matrix.py",
        "get_pred_images_for_target returns at most one path",
        (("for index in chosen]", "for index in chosen[:1]]"),),
    ),
    Wrong(
        "entries-instead-of-paths",
        "confusion_matrix.py",
        "get_pred_images_for_target returns (path, index) pairs",
        (("[dataset.dataset[index][0] for index", "[dataset.dataset[index] for index"),),
    ),
)

BANK: tuple[Wrong, ...] = (
    *IMAGE_LOADER,
    *DATA_TRANSFORMS,
    *STATS_HELPER,
    *SIMPLE_NET,
    *SIMPLE_NET_FINAL,
    *OPTIMIZER,
    *DL_UTILS,
    *CONFUSION_MATRIX,
)
