"""Plausible wrong submissions: each differs from the model solution in one idea.

Every entry breaks the written contract (the docstrings and section 3 of DESIGN.md) in a way that
shows when the code runs. `check.py` verifies that.
"""

from typing import NamedTuple


class Wrong(NamedTuple):
    """One wrong submission, as text replacements that are applied in order."""

    name: str
    file: str
    idea: str
    changes: tuple[tuple[str, str], ...]


LOADER = (
    Wrong(
        "classes-in-listing-order",
        "image_loader.py",
        "the file system is believed to list the class folders alphabetically",
        (("names = sorted(", "names = list("),),
    ),
    Wrong(
        "files-in-listing-order",
        "image_loader.py",
        "classes are sorted, the files of a class come as the file system lists them",
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
        "shuffling is believed to be the dataset's job, so the list is shuffled when it is made",
        (
            ("from collections.abc import Callable", "import random\nfrom typing import Callable"),
            (
                "self.dataset = self.load_imagepaths_with_labels(self.class_dict)",
                "self.dataset = self.load_imagepaths_with_labels(self.class_dict)\n"
                "        random.shuffle(self.dataset)",
            ),
        ),
    ),
    Wrong(
        "labels-from-one",
        "image_loader.py",
        "class indices start at 1, as the handout numbers its categories",
        (("in enumerate(names)}", "in enumerate(names, start=1)}"),),
    ),
    Wrong(
        "class-dict-inverted",
        "image_loader.py",
        "class_dict maps index -> name instead of name -> index",
        (
            (
                "return {name: index for index, name in enumerate(names)}",
                "return dict(enumerate(names))",
            ),
            (
                "for name, index in sorted(class_labels.items())",
                "for index, name in sorted(class_labels.items())",
            ),
        ),
    ),
    Wrong(
        "given-labels-ignored",
        "image_loader.py",
        "load_imagepaths_with_labels numbers the classes itself instead of using what it is given",
        (
            (
                "for name, index in sorted(class_labels.items())",
                "for index, name in enumerate(sorted(class_labels))",
            ),
        ),
    ),
    Wrong(
        "index-before-path",
        "image_loader.py",
        "dataset holds (index, path) pairs instead of (path, index)",
        (
            ("(str(path), index)\n", "(index, str(path))\n"),
            ("path, label = self.dataset[index]", "label, path = self.dataset[index]"),
        ),
    ),
    Wrong(
        "loads-rgb",
        "image_loader.py",
        "images are given in mode RGB, as most tutorials do",
        (("return read_grayscale(path)", 'return read_grayscale(path).convert("RGB")'),),
    ),
    Wrong(
        "loads-black-and-white",
        "image_loader.py",
        'convert("1") is believed to mean one channel; it makes two-level dithered images',
        (("return read_grayscale(path)", 'return read_grayscale(path).convert("1")'),),
    ),
    Wrong(
        "red-channel-as-gray",
        "image_loader.py",
        "grayscale is taken as the first colour channel, not the luminance",
        (
            (
                "return read_grayscale(path)",
                "read_grayscale(path)  # complains about damaged files\n"
                '        return Image.open(path).convert("RGB").split()[0]',
            ),
        ),
    ),
    Wrong(
        "resized-when-loaded",
        "image_loader.py",
        "load_img_from_path already resizes to 64x64, so no image has its own size",
        (("return read_grayscale(path)", "return read_grayscale(path).resize((64, 64))"),),
    ),
    Wrong(
        "always-the-train-folder",
        "image_loader.py",
        "the folder is hard-coded, so the test split silently reads the training images",
        (("str(Path(self.root) / split)", 'str(Path(self.root) / "train")'),),
    ),
    Wrong(
        "any-split-but-train-is-test",
        "image_loader.py",
        "an if/else over the split: a misspelt split quietly becomes the test split",
        (
            (
                "        if split not in",
                '        split = "train" if split == "train" else "test"\n        if split not in',
            ),
        ),
    ),
    Wrong(
        "every-file-is-an-image",
        "image_loader.py",
        "whatever lies in a class folder (Thumbs.db, notes) is listed as an image",
        (("            if is_image_name(path)\n", ""),),
    ),
    Wrong(
        "transform-always-called",
        "image_loader.py",
        "a transform is believed to be always there; None is called and fails",
        (
            (
                "(self.transform(image) if self.transform else image), label",
                "self.transform(image), label",
            ),
        ),
    ),
    Wrong(
        "transform-for-train-only",
        "image_loader.py",
        "transforms are believed to be augmentation, so the test split gets none",
        (
            (
                "(self.transform(image) if self.transform else image), label",
                '(self.transform(image) if self.split == "train" and self.transform'
                " else image), label",
            ),
        ),
    ),
    Wrong(
        "transformed-image-cached",
        "image_loader.py",
        "the transformed tensor is cached to save time, so each image is augmented once for good",
        (
            (
                "self.class_dict = self.get_classes()",
                "self.cache = {}\n        self.class_dict = self.get_classes()",
            ),
            (
                "        path, label = self.dataset[index]\n",
                "        if index in self.cache:\n            return self.cache[index]\n"
                "        path, label = self.dataset[index]\n",
            ),
            (
                "return (self.transform(image) if self.transform else image), label",
                "self.cache[index] = (self.transform(image) if self.transform else image), label\n"
                "        return self.cache[index]",
            ),
        ),
    ),
    Wrong(
        "label-is-the-class-name",
        "image_loader.py",
        "ds[i] gives the folder's name as label instead of the class index",
        (
            (
                "self.transform else image), label",
                "self.transform else image), Path(path).parent.name",
            ),
        ),
    ),
    Wrong(
        "length-is-number-of-classes",
        "image_loader.py",
        "len(ds) counts the classes, not the images",
        (("return len(self.dataset)", "return len(self.class_dict)"),),
    ),
)

TRANSFORMS = (
    Wrong(
        "resize-by-one-side",
        "data_transforms.py",
        "Resize gets a single int, which keeps the aspect ratio, so the images differ in size",
        (
            (
                "Compose([transforms.Resize(_checked(inp_size)), transforms.ToTensor()])",
                "Compose([transforms.Resize(_checked(inp_size)[0]), transforms.ToTensor()])",
            ),
        ),
    ),
    Wrong(
        "height-and-width-swapped",
        "data_transforms.py",
        "inp_size is taken as PIL's (width, height)",
        (("return (inp_size[0], inp_size[1])", "return (inp_size[1], inp_size[0])"),),
    ),
    Wrong(
        "crop-instead-of-resize",
        "data_transforms.py",
        "the right size is got by cropping the centre, and the rest of the scene is lost",
        (
            (
                "Compose([transforms.Resize(_checked(inp_size)), transforms.ToTensor()])",
                "Compose([transforms.CenterCrop(_checked(inp_size)), transforms.ToTensor()])",
            ),
        ),
    ),
    Wrong(
        "bytes-instead-of-unit-range",
        "data_transforms.py",
        "PILToTensor is taken for ToTensor: uint8 values 0..255, not float 0..1",
        (("inp_size)), transforms.ToTensor()])", "inp_size)), transforms.PILToTensor()])"),),
    ),
    Wrong(
        "scaled-to-unit-range-twice",
        "data_transforms.py",
        "ToTensor is not known to divide by 255, so a second division is added",
        (
            (
                "inp_size)), transforms.ToTensor()])",
                "inp_size)), transforms.ToTensor(), transforms.Lambda(lambda x: x / 255)])",
            ),
        ),
    ),
    Wrong(
        "three-gray-channels",
        "data_transforms.py",
        "networks are believed to want three channels, so gray is copied: [3, H, W]",
        (
            (
                "return transforms.Compose([transforms.Resize(_checked(inp_size)), ",
                "return transforms.Compose([transforms.Grayscale(3), "
                "transforms.Resize(_checked(inp_size)), ",
            ),
        ),
    ),
    Wrong(
        "fundamental-flips",
        "data_transforms.py",
        "the fundamental transforms mirror at random, so Part 1's test images change at every read",
        (
            (
                "inp_size)), transforms.ToTensor()])",
                "inp_size)), transforms.RandomHorizontalFlip(), transforms.ToTensor()])",
            ),
        ),
    ),
    Wrong(
        "augmentation-without-flip",
        "data_transforms.py",
        "jitter only, no mirroring",
        (("            transforms.RandomHorizontalFlip(p=0.5),\n", ""),),
    ),
    Wrong(
        "augmentation-without-jitter",
        "data_transforms.py",
        "mirroring only, no jitter",
        (("            transforms.ColorJitter(brightness=0.2, contrast=0.2),\n", ""),),
    ),
    Wrong(
        "jitter-of-colour-only",
        "data_transforms.py",
        "ColorJitter of hue and saturation, which does nothing to a gray image",
        (("brightness=0.2, contrast=0.2", "hue=0.4, saturation=0.4"),),
    ),
    Wrong(
        "always-mirrored",
        "data_transforms.py",
        "p=1 is believed to switch the random flip on; every image is mirrored",
        (("RandomHorizontalFlip(p=0.5)", "RandomHorizontalFlip(p=1.0)"),),
    ),
    Wrong(
        "upside-down",
        "data_transforms.py",
        "a vertical instead of a horizontal flip: kitchens on the ceiling",
        (("RandomHorizontalFlip(p=0.5)", "RandomVerticalFlip(p=0.5)"),),
    ),
    Wrong(
        "augmented-image-not-a-tensor",
        "data_transforms.py",
        "the augmentation forgets ToTensor",
        (
            (
                "contrast=0.2),\n            transforms.ToTensor(),\n",
                "contrast=0.2),\n",
            ),
            (
                ".transforms,\n",
                ".transforms,\n            transforms.ToTensor(),\n",
            ),
        ),
    ),
    Wrong(
        "validation-augmented",
        "data_transforms.py",
        "the normalization transforms, meant for validation, build on the augmentation",
        (
            (
                "            transforms.Resize(_checked(inp_size)),\n"
                "            transforms.ToTensor(),\n",
                "            *get_fundamental_augmentation_transforms(inp_size).transforms,\n",
            ),
        ),
    ),
    Wrong(
        "divided-by-variance",
        "data_transforms.py",
        "the validation transform squares pixel_std, as if Normalize wanted the variance",
        (
            (
                "transforms.ToTensor(),\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std)",
                "transforms.ToTensor(),\n"
                "            transforms.Normalize(mean=pixel_mean, std=[s**2 for s in pixel_std])",
            ),
        ),
    ),
    Wrong(
        "normalized-to-minus-one-and-one",
        "data_transforms.py",
        "Normalize(0.5, 0.5) from a tutorial; the dataset's own figures are ignored",
        (
            (
                "transforms.ToTensor(),\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std)",
                "transforms.ToTensor(),\n            transforms.Normalize(mean=[0.5], std=[0.5])",
            ),
        ),
    ),
    Wrong(
        "figures-scaled-to-bytes",
        "data_transforms.py",
        "mean and std are multiplied by 255 although ToTensor has already scaled the pixels",
        (
            (
                ".transforms,\n            transforms.Normalize(mean=pixel_mean, std=pixel_std)",
                ".transforms,\n            transforms.Normalize(\n"
                "                mean=[255 * m for m in pixel_mean], "
                "std=[255 * s for s in pixel_std]\n            )",
            ),
        ),
    ),
    Wrong(
        "mean-and-std-swapped-in-training",
        "data_transforms.py",
        "get_all_transforms passes the std as mean and the mean as std",
        (
            (
                ".transforms,\n            transforms.Normalize(mean=pixel_mean, std=pixel_std)",
                ".transforms,\n            transforms.Normalize(pixel_std, pixel_mean)",
            ),
        ),
    ),
    Wrong(
        "normalized-before-jitter",
        "data_transforms.py",
        "jitter comes after Normalize and clips the normalized values to 0..1",
        (
            (
                "*get_fundamental_augmentation_transforms(inp_size).transforms,\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std),\n",
                "*get_fundamental_normalization_transforms(\n"
                "                inp_size, pixel_mean, pixel_std\n"
                "            ).transforms,\n"
                "            *get_fundamental_augmentation_transforms(\n"
                "                inp_size\n"
                "            ).transforms[1:-1],\n",
            ),
        ),
    ),
    Wrong(
        "training-not-normalized",
        "data_transforms.py",
        "get_all_transforms forgets Normalize, so training and validation differ in scale",
        (
            (
                ".transforms,\n            transforms.Normalize(mean=pixel_mean, std=pixel_std),\n",
                ".transforms,\n",
            ),
        ),
    ),
    Wrong(
        "training-not-augmented",
        "data_transforms.py",
        "get_all_transforms builds on the fundamental transforms, without augmentation",
        (
            (
                "*get_fundamental_augmentation_transforms(inp_size)",
                "*get_fundamental_transforms(inp_size)",
            ),
        ),
    ),
)

COUNTS = "    counts = np.zeros(256, dtype=np.int64)\n"
COUNT_IMAGE = "counts += np.asarray(read_grayscale(path).histogram())\n"
COUNT_PIXELS = (
    "pixels = np.asarray(read_grayscale(path))\n"
    "            counts += np.bincount(pixels.ravel(), minlength=256)\n"
)

STATS = (
    Wrong(
        "population-std",
        "stats_helper.py",
        "the variance is divided by n (numpy's default) instead of n - 1",
        (("(levels - mean) ** 2) / (n - 1)", "(levels - mean) ** 2) / n"),),
    ),
    Wrong(
        "images-weigh-the-same",
        "stats_helper.py",
        "the mean is the average of the images' means, so a small image counts like a large one",
        (
            (COUNTS, COUNTS + "    means = []\n"),
            (COUNT_IMAGE, COUNT_PIXELS + "            means.append(pixels.mean() / 255)\n"),
            ("mean = float(counts @ levels) / n", "mean = float(np.mean(means))"),
        ),
    ),
    Wrong(
        "average-of-image-stds",
        "stats_helper.py",
        "the std is the average of the images' stds",
        (
            (COUNTS, COUNTS + "    stds = []\n"),
            (COUNT_IMAGE, COUNT_PIXELS + "            stds.append((pixels / 255).std(ddof=1))\n"),
            ("return mean, math.sqrt(variance)", "return mean, float(np.mean(stds))"),
        ),
    ),
    Wrong(
        "variance-within-images-only",
        "stats_helper.py",
        "each image's squares are taken about its own mean; the spread between images is forgotten",
        (
            (COUNTS, COUNTS + "    squares = 0.0\n"),
            (
                COUNT_IMAGE,
                COUNT_PIXELS + "            squares += pixels.size * (pixels / 255).var()\n",
            ),
            ("float(counts @ (levels - mean) ** 2) / (n - 1)", "float(squares) / (n - 1)"),
        ),
    ),
    Wrong(
        "std-of-image-means",
        "stats_helper.py",
        "the std is that of the list of image means",
        (
            (COUNTS, COUNTS + "    means = []\n"),
            (COUNT_IMAGE, COUNT_PIXELS + "            means.append(pixels.mean() / 255)\n"),
            ("return mean, math.sqrt(variance)", "return mean, float(np.std(means))"),
        ),
    ),
    Wrong(
        "squares-overflow-a-byte",
        "stats_helper.py",
        "E[x^2] - E[x]^2 with uint8 pixels squared: the squares wrap around at 256",
        (
            (COUNTS, COUNTS + "    squares = 0\n"),
            (COUNT_IMAGE, COUNT_PIXELS + "            squares += int((pixels**2).sum())\n"),
            (
                "float(counts @ (levels - mean) ** 2) / (n - 1)",
                "(squares / 255**2 - n * mean**2) / (n - 1)",
            ),
            ("math.sqrt(variance)", "float(np.sqrt(variance))"),
        ),
    ),
    Wrong(
        "mean-not-subtracted",
        "stats_helper.py",
        "the std is the root of the mean square, without taking the mean away",
        (("counts @ (levels - mean) ** 2", "counts @ levels**2"),),
    ),
    Wrong(
        "variance-for-std",
        "stats_helper.py",
        "the square root is forgotten",
        (("return mean, math.sqrt(variance)", "return mean, variance"),),
    ),
    Wrong(
        "std-then-mean",
        "stats_helper.py",
        "the two results are returned in the wrong order",
        (("return mean, math.sqrt(variance)", "return math.sqrt(variance), mean"),),
    ),
    Wrong(
        "figures-in-bytes",
        "stats_helper.py",
        "pixels are left at 0..255",
        (("levels = np.arange(256) / 255", "levels = np.arange(256)"),),
    ),
    Wrong(
        "divided-by-256",
        "stats_helper.py",
        "256 grey levels, so pixels are divided by 256 and white is 0.996",
        (("levels = np.arange(256) / 255", "levels = np.arange(256) / 256"),),
    ),
    Wrong(
        "stats-of-resized-images",
        "stats_helper.py",
        "images are first resized to the network's 64x64",
        (
            (
                "read_grayscale(path).histogram()",
                "read_grayscale(path).resize((64, 64)).histogram()",
            ),
        ),
    ),
    Wrong(
        "stats-of-all-colour-channels",
        "stats_helper.py",
        "images are read in RGB and the three channels pooled; not the luminance",
        (
            ("import numpy as np\n", "import numpy as np\nfrom PIL import Image\n"),
            (
                "counts += np.asarray(read_grayscale(path).histogram())",
                "read_grayscale(path)  # complains about damaged files\n"
                '            rgb = Image.open(path).convert("RGB")\n'
                "            counts += np.reshape(rgb.histogram(), (3, 256)).sum(axis=0)",
            ),
        ),
    ),
    Wrong(
        "two-levels-deep-only",
        "stats_helper.py",
        "images are looked for in <dir>/<split>/<class>/ only, not wherever they are below",
        (('folder.rglob("*")', 'folder.glob("*/*/*")'),),
    ),
    Wrong(
        "train-split-only",
        "stats_helper.py",
        "where there is a train/ folder, only that is read, though asked for the whole folder",
        (
            (
                'folder.rglob("*")',
                '(folder / "train" if (folder / "train").is_dir() else folder).rglob("*")',
            ),
        ),
    ),
    Wrong(
        "damaged-images-skipped",
        "stats_helper.py",
        "try/except/continue: a damaged image is silently left out",
        (
            (
                COUNT_IMAGE,
                "try:\n                image = read_grayscale(path)\n"
                "            except ValueError:\n                continue\n"
                "            counts += np.asarray(image.histogram())\n",
            ),
        ),
    ),
    Wrong(
        "no-images-no-complaint",
        "stats_helper.py",
        "a folder without images gives (0, 1) instead of a ValueError",
        (
            (
                'raise ValueError(f"no images below {folder}: expected {folder}/.../*.jpg")',
                "return 0.0, 1.0",
            ),
        ),
    ),
)

NET = (
    Wrong(
        "first-kernel-three",
        "simple_net.py",
        "3x3 in the first convolution; the sizes happen to fit all the same",
        (("nn.Conv2d(1, 10, kernel_size=5)", "nn.Conv2d(1, 10, kernel_size=3)"),),
    ),
    Wrong(
        "second-kernel-three",
        "simple_net.py",
        "3x3 in the second convolution, and the first linear layer fitted to it",
        (
            ("nn.Conv2d(10, 20, kernel_size=5)", "nn.Conv2d(10, 20, kernel_size=3)"),
            ("nn.Linear(500, 100)", "nn.Linear(720, 100)"),
        ),
    ),
    Wrong(
        "convolutions-padded",
        "simple_net.py",
        "'same' padding, so the maps are 64x64 and 21x21 instead of 60x60 and 16x16",
        (
            ("nn.Conv2d(1, 10, kernel_size=5)", "nn.Conv2d(1, 10, kernel_size=5, padding=2)"),
            ("nn.Conv2d(10, 20, kernel_size=5)", "nn.Conv2d(10, 20, kernel_size=5, padding=2)"),
            ("nn.Linear(500, 100)", "nn.Linear(980, 100)"),
        ),
    ),
    Wrong(
        "pool-by-two",
        "simple_net.py",
        "the usual 2x2 pooling instead of 3x3",
        (
            ("nn.MaxPool2d(3),  # [N, 10", "nn.MaxPool2d(2),  # [N, 10"),
            ("nn.MaxPool2d(3),  # [N, 20", "nn.MaxPool2d(2),  # [N, 20"),
            ("nn.Linear(500, 100)", "nn.Linear(3380, 100)"),
        ),
    ),
    Wrong(
        "pools-overlap",
        "simple_net.py",
        "3x3 pooling with stride 2, as in AlexNet",
        (
            ("nn.MaxPool2d(3),  # [N, 10", "nn.MaxPool2d(3, stride=2),  # [N, 10"),
            ("nn.MaxPool2d(3),  # [N, 20", "nn.MaxPool2d(3, stride=2),  # [N, 20"),
            ("nn.Linear(500, 100)", "nn.Linear(2880, 100)"),
        ),
    ),
    Wrong(
        "pool-averages",
        "simple_net.py",
        "average pooling instead of max-pooling; same shapes, same number of parameters",
        (
            ("nn.MaxPool2d(3),  # [N, 10", "nn.AvgPool2d(3),  # [N, 10"),
            ("nn.MaxPool2d(3),  # [N, 20", "nn.AvgPool2d(3),  # [N, 20"),
        ),
    ),
    Wrong(
        "second-stage-not-pooled",
        "simple_net.py",
        "pool and ReLU come once only, the 16x16 maps go straight to the classifier",
        (
            ("            nn.MaxPool2d(3),  # [N, 20, 5, 5]\n            nn.ReLU(),\n", ""),
            ("nn.Linear(500, 100)", "nn.Linear(5120, 100)"),
        ),
    ),
    Wrong(
        "second-stage-without-relu",
        "simple_net.py",
        "no ReLU after the second pooling",
        (("# [N, 20, 5, 5]\n            nn.ReLU(),\n", "# [N, 20, 5, 5]\n"),),
    ),
    Wrong(
        "classifier-without-relu",
        "simple_net.py",
        "no ReLU between the linear layers, which makes them one",
        (("nn.Linear(500, 100),\n            nn.ReLU(),\n", "nn.Linear(500, 100),\n"),),
    ),
    Wrong(
        "sigmoid-for-relu",
        "simple_net.py",
        "sigmoid as the classifier's activation",
        (
            (
                "nn.Linear(500, 100),\n            nn.ReLU(),\n",
                "nn.Linear(500, 100),\n            nn.Sigmoid(),\n",
            ),
        ),
    ),
    Wrong(
        "relu-on-the-scores",
        "simple_net.py",
        "a ReLU after the last linear layer: scores are never negative",
        (("nn.Linear(100, 15),\n", "nn.Linear(100, 15),\n            nn.ReLU(),\n"),),
    ),
    Wrong(
        "softmax-in-forward",
        "simple_net.py",
        "forward returns probabilities, and cross-entropy applies softmax a second time",
        (
            (
                "return self.fc_layers(self.conv_layers(x))",
                "return torch.softmax(self.fc_layers(self.conv_layers(x)), dim=1)",
            ),
        ),
    ),
    Wrong(
        "log-softmax-in-forward",
        "simple_net.py",
        "forward returns log-probabilities instead of raw scores; the loss stays the same",
        (
            (
                "return self.fc_layers(self.conv_layers(x))",
                "return torch.log_softmax(self.fc_layers(self.conv_layers(x)), dim=1)",
            ),
        ),
    ),
    Wrong(
        "nll-on-raw-scores",
        "simple_net.py",
        "NLLLoss is taken for cross-entropy; without log-softmax the loss can go below zero",
        (('nn.CrossEntropyLoss(reduction="mean")', 'nn.NLLLoss(reduction="mean")'),),
    ),
    Wrong(
        "summed-loss",
        "simple_net.py",
        "the criterion sums over the batch",
        (('nn.CrossEntropyLoss(reduction="mean")', 'nn.CrossEntropyLoss(reduction="sum")'),),
    ),
    Wrong(
        "ten-maps-twice",
        "simple_net.py",
        "the second convolution has 10 maps instead of 20",
        (
            ("nn.Conv2d(10, 20, kernel_size=5)", "nn.Conv2d(10, 10, kernel_size=5)"),
            ("nn.Linear(500, 100)", "nn.Linear(250, 100)"),
        ),
    ),
    Wrong(
        "no-biases-in-convolutions",
        "simple_net.py",
        "bias=False copied from a net with batch norm: 30 parameters too few",
        (
            ("nn.Conv2d(1, 10, kernel_size=5)", "nn.Conv2d(1, 10, kernel_size=5, bias=False)"),
            ("nn.Conv2d(10, 20, kernel_size=5)", "nn.Conv2d(10, 20, kernel_size=5, bias=False)"),
        ),
    ),
    Wrong(
        "dropout-in-part-one",
        "simple_net.py",
        "dropout of Part 2 is already in SimpleNet, which is to be figure 2 exactly",
        (
            (
                "            nn.Flatten(),",
                "            nn.Dropout(p=0.5),\n            nn.Flatten(),",
            ),
        ),
    ),
)

FINAL = (
    Wrong(
        "no-dropout",
        "simple_net_final.py",
        "dropout is forgotten",
        (("            nn.Dropout(p=0.5),\n", ""),),
    ),
    Wrong(
        "dropout-after-the-last-conv",
        "simple_net_final.py",
        "dropout is in the classifier, after the last convolution instead of before it",
        (
            ("            nn.Dropout(p=0.5),\n", ""),
            (
                "            nn.Flatten(),  # [N, 96]\n",
                "            nn.Flatten(),  # [N, 96]\n            nn.Dropout(p=0.5),\n",
            ),
        ),
    ),
    Wrong(
        "dropout-on-the-input",
        "simple_net_final.py",
        "dropout is the very first layer: half the input pixels are deleted",
        (
            ("            nn.Dropout(p=0.5),\n", ""),
            (
                "            nn.Conv2d(1, 16,",
                "            nn.Dropout(p=0.5),\n            nn.Conv2d(1, 16,",
            ),
        ),
    ),
    Wrong(
        "dropout-too-weak",
        "simple_net_final.py",
        "p=0.05, so one value in twenty is dropped instead of every other",
        (("nn.Dropout(p=0.5)", "nn.Dropout(p=0.05)"),),
    ),
    Wrong(
        "dropout-also-in-eval",
        "simple_net_final.py",
        "F.dropout without training=self.training keeps dropping at test time",
        (
            ("            nn.Dropout(p=0.5),\n", ""),
            (
                "return self.fc_layers(self.conv_layers(x))",
                "x = nn.functional.dropout(self.conv_layers[:15](x), p=0.5)\n"
                "        return self.fc_layers(self.conv_layers[15:](x))",
            ),
        ),
    ),
    Wrong(
        "no-batch-norm",
        "simple_net_final.py",
        "the batch norm of step 2.5 is missing altogether",
        tuple((f"            nn.BatchNorm2d({n}),\n", "") for n in (16, 32, 48, 64, 96)),
    ),
    Wrong(
        "one-batch-norm-missing",
        "simple_net_final.py",
        "the third convolution has no batch norm",
        (("            nn.BatchNorm2d(48),\n", ""),),
    ),
    Wrong(
        "instance-norm",
        "simple_net_final.py",
        "InstanceNorm2d is taken for batch norm: each image is normalized by itself",
        tuple((f"nn.BatchNorm2d({n})", f"nn.InstanceNorm2d({n})") for n in (16, 32, 48, 64, 96)),
    ),
    Wrong(
        "no-running-averages",
        "simple_net_final.py",
        "track_running_stats=False: in eval mode an image's scores depend on its batch",
        tuple(
            (f"nn.BatchNorm2d({n})", f"nn.BatchNorm2d({n}, track_running_stats=False)")
            for n in (16, 32, 48, 64, 96)
        ),
    ),
    Wrong(
        "two-convolutions-only",
        "simple_net_final.py",
        "Part 1's two stages with batch norm and dropout, instead of at least three",
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
        "one-linear-layer",
        "simple_net_final.py",
        "the head is a single linear layer",
        (
            (
                "nn.Linear(96, 64),\n            nn.ReLU(),\n            nn.Linear(64, 15),\n",
                "nn.Linear(96, 15),\n",
            ),
        ),
    ),
    Wrong(
        "sixteen-scores",
        "simple_net_final.py",
        "one output too many, for 'none of these'",
        (("nn.Linear(64, 15)", "nn.Linear(64, 16)"),),
    ),
    Wrong(
        "softmax-as-last-layer",
        "simple_net_final.py",
        "a softmax ends fc_layers, so the loss applies it twice",
        (("nn.Linear(64, 15),\n", "nn.Linear(64, 15),\n            nn.Softmax(dim=1),\n"),),
    ),
    Wrong(
        "softmax-over-the-batch",
        "simple_net_final.py",
        "forward applies softmax along dim 0, mixing the images of a batch",
        (
            (
                "return self.fc_layers(self.conv_layers(x))",
                "return self.fc_layers(self.conv_layers(x)).softmax(dim=0)",
            ),
        ),
    ),
    Wrong(
        "summed-loss-in-part-two",
        "simple_net_final.py",
        "the criterion sums over the batch",
        (('nn.CrossEntropyLoss(reduction="mean")', 'nn.CrossEntropyLoss(reduction="sum")'),),
    ),
    Wrong(
        "hinge-loss",
        "simple_net_final.py",
        "a multi-class hinge loss instead of cross-entropy",
        (('nn.CrossEntropyLoss(reduction="mean")', 'nn.MultiMarginLoss(reduction="mean")'),),
    ),
)

SGD_MOMENTUM = 'options.setdefault("momentum", 0.9)'
PARAMETERS = "[p for p in model.parameters() if p.requires_grad]"
RETURN_OPTIMIZER = "    return OPTIMIZERS[optimizer_type](parameters, **options)"

OPTIMIZER = (
    Wrong(
        "no-momentum-by-default",
        "optimizer.py",
        "without a momentum in the config, torch's default of 0 is used",
        ((SGD_MOMENTUM, 'options.setdefault("momentum", 0.0)'),),
    ),
    Wrong(
        "momentum-fixed",
        "optimizer.py",
        "momentum is hard-coded to 0.9, whatever the config says",
        ((SGD_MOMENTUM, 'options["momentum"] = 0.9'),),
    ),
    Wrong(
        "weight-decay-not-passed",
        "optimizer.py",
        "weight_decay is read but never reaches the optimizer",
        ((RETURN_OPTIMIZER, f'    options["weight_decay"] = 0.0\n{RETURN_OPTIMIZER}'),),
    ),
    Wrong(
        "weight-decay-for-sgd-only",
        "optimizer.py",
        "weight decay is thought to be a matter of SGD; Adam and AdamW keep torch's defaults",
        (
            (
                RETURN_OPTIMIZER,
                '    if optimizer_type != "sgd":\n        del options["weight_decay"]\n'
                + RETURN_OPTIMIZER,
            ),
        ),
    ),
    Wrong(
        "weight-decay-optional",
        "optimizer.py",
        "a config without weight_decay is accepted",
        (('for key in ("lr", "weight_decay"):', 'for key in ("lr",):'),),
    ),
    Wrong(
        "lr-and-weight-decay-swapped",
        "optimizer.py",
        "the two numbers are passed in the wrong order",
        (
            (
                RETURN_OPTIMIZER,
                '    options["lr"], options["weight_decay"] = '
                'options["weight_decay"], options["lr"]\n' + RETURN_OPTIMIZER,
            ),
        ),
    ),
    Wrong(
        "adam-keeps-its-own-lr",
        "optimizer.py",
        "Adam is believed to adapt its learning rate by itself, so lr is not passed to it",
        (
            (
                RETURN_OPTIMIZER,
                '    if optimizer_type == "adam":\n        del options["lr"]\n' + RETURN_OPTIMIZER,
            ),
        ),
    ),
    Wrong(
        "adam-is-adamw",
        "optimizer.py",
        "AdamW is used for 'adam' too, so weight decay does not go through the gradient",
        (('"adam": torch.optim.Adam,', '"adam": torch.optim.AdamW,'),),
    ),
    Wrong(
        "adamw-is-adam",
        "optimizer.py",
        "Adam with weight_decay is taken for AdamW",
        (('"adamw": torch.optim.AdamW,', '"adamw": torch.optim.Adam,'),),
    ),
    Wrong(
        "nesterov-ignored",
        "optimizer.py",
        "nesterov is accepted in the config but has no effect",
        ((RETURN_OPTIMIZER, f'    options.pop("nesterov", None)\n{RETURN_OPTIMIZER}'),),
    ),
    Wrong(
        "classifier-only",
        "optimizer.py",
        "only the parameters of fc_layers are optimized, the filters stay random",
        ((PARAMETERS, "list(model.fc_layers.parameters())"),),
    ),
    Wrong(
        "matrices-only",
        "optimizer.py",
        "only the weights are optimized, the biases are left out",
        ((PARAMETERS, '[p for name, p in model.named_parameters() if name.endswith("weight")]'),),
    ),
    Wrong(
        "unknown-type-is-sgd",
        "optimizer.py",
        "an else branch: any type but adam and adamw, misspelt or not, becomes SGD",
        (
            (
                "    if optimizer_type not in OPTIMIZERS:\n",
                "    if optimizer_type not in OPTIMIZERS:\n"
                '        optimizer_type = "sgd"\n'
                "    if optimizer_type not in OPTIMIZERS:\n",
            ),
        ),
    ),
    Wrong(
        "unknown-key-ignored",
        "optimizer.py",
        "the config is read with .get, so a misspelt key has no effect and no error",
        (
            (
                "    for key, value in options.items():\n",
                "    options = {key: value for key, value in options.items() if key in allowed}\n"
                "    for key, value in options.items():\n",
            ),
        ),
    ),
    Wrong(
        "error-does-not-say-what-is-allowed",
        "optimizer.py",
        "the error for an unknown type neither names it nor lists the three types",
        (
            (
                'f"optimizer_type is {optimizer_type!r}: it must be one of '
                "{', '.join(OPTIMIZERS)}\"",
                '"unknown optimizer type"',
            ),
        ),
    ),
    Wrong(
        "negative-dampening-passes",
        "optimizer.py",
        "only lr, weight_decay and momentum are checked for negative values",
        (
            (
                "if any(number < 0 for",
                'if key in ("lr", "weight_decay", "momentum") and any(number < 0 for',
            ),
        ),
    ),
    Wrong(
        "zero-rejected",
        "optimizer.py",
        "'not negative' is checked as 'positive', so weight_decay 0 is an error",
        (("if any(number < 0 for", "if any(number <= 0 for"),),
    ),
    Wrong(
        "config-emptied",
        "optimizer.py",
        "optimizer_type is popped from the caller's own config, which cannot be used again",
        (("options = dict(config)", "options = config"),),
    ),
)

ACCURACY = "return (logits.argmax(dim=1) == labels).float().mean().item()"

UTILS = (
    Wrong(
        "accuracy-in-percent",
        "dl_utils.py",
        "accuracy from 0 to 100",
        ((ACCURACY, ACCURACY + " * 100"),),
    ),
    Wrong(
        "accuracy-is-a-count",
        "dl_utils.py",
        "the number of right answers, not their share",
        ((".float().mean().item()", ".float().sum().item()"),),
    ),
    Wrong(
        "accuracy-by-whole-division",
        "dl_utils.py",
        "// gives 0 unless every answer is right",
        (
            (
                ACCURACY,
                "return float(int((logits.argmax(dim=1) == labels).sum()) // len(labels))",
            ),
        ),
    ),
    Wrong(
        "accuracy-rounded",
        "dl_utils.py",
        "accuracy is rounded to two digits",
        ((ACCURACY, "return round((logits.argmax(dim=1) == labels).float().mean().item(), 2)"),),
    ),
    Wrong(
        "accuracy-is-a-tensor",
        "dl_utils.py",
        ".item() is forgotten, so the history holds tensors",
        ((".float().mean().item()", ".float().mean()"),),
    ),
    Wrong(
        "accuracy-divided-by-classes",
        "dl_utils.py",
        "right answers are divided by the number of classes instead of the batch size",
        (
            (
                ".float().mean().item()",
                ".float().sum().item() / logits.shape[1]",
            ),
        ),
    ),
    Wrong(
        "prediction-over-the-batch",
        "dl_utils.py",
        "argmax over dim 0 finds the best image of each class",
        (("return model(x).argmax(dim=1)", "return model(x).argmax(dim=0)"),),
    ),
    Wrong(
        "prediction-is-the-score",
        "dl_utils.py",
        "max instead of argmax: the highest score, not its class",
        (("return model(x).argmax(dim=1)", "return model(x).max(dim=1).values"),),
    ),
    Wrong(
        "prediction-in-a-column",
        "dl_utils.py",
        "keepdim=True gives [N, 1], which compares with [N] as an N x N table",
        (("return model(x).argmax(dim=1)", "return model(x).argmax(dim=1, keepdim=True)"),),
    ),
    Wrong(
        "prediction-sets-eval-mode",
        "dl_utils.py",
        "predict_labels calls model.eval(), so training goes on without dropout",
        (
            (
                "return model(x).argmax(dim=1)",
                "model.eval()\n    return model(x).argmax(dim=1)",
            ),
        ),
    ),
    Wrong(
        "softmax-before-the-loss",
        "dl_utils.py",
        "cross-entropy is given probabilities",
        (
            (
                "criterion(model_output, target_labels)",
                "criterion(torch.softmax(model_output, dim=1), target_labels)",
            ),
        ),
    ),
    Wrong(
        "own-criterion-ignored",
        "dl_utils.py",
        "cross-entropy is hard-coded, the model's loss_criterion is not used",
        (("criterion: Any = model.loss_criterion", "criterion: Any = nn.CrossEntropyLoss()"),),
    ),
    Wrong(
        "mean-divided-again",
        "dl_utils.py",
        "the mean loss is divided by the batch size once more, as in the course's starter",
        (('if reduction == "sum" and is_normalize:', "if is_normalize:"),),
    ),
    Wrong(
        "is-normalize-ignored",
        "dl_utils.py",
        "the mean is returned even when the sum is asked for",
        (("return loss * len(target_labels)", "return loss"),),
    ),
    Wrong(
        "is-normalize-inverted",
        "dl_utils.py",
        "is_normalize=True is read as 'already normalized', so it gives the sum",
        (
            (
                "    criterion: Any = model.loss_criterion",
                "    is_normalize = not is_normalize\n    criterion: Any = model.loss_criterion",
            ),
        ),
    ),
    Wrong(
        "sum-by-default",
        "dl_utils.py",
        "is_normalize is False by default",
        (("is_normalize: bool = True", "is_normalize: bool = False"),),
    ),
    Wrong(
        "sum-by-number-of-classes",
        "dl_utils.py",
        "the sum is the mean times 15, the number of classes, instead of the batch size",
        (("return loss * len(target_labels)", "return loss * model_output.shape[1]"),),
    ),
    Wrong(
        "summing-criterion-not-normalized",
        "dl_utils.py",
        "every criterion is believed to take the mean; one that sums is returned as it is",
        (("return loss / len(target_labels)", "return loss"),),
    ),
    Wrong(
        "loss-per-example",
        "dl_utils.py",
        "a criterion with reduction='none' gives N numbers instead of one",
        (("return loss.mean() if is_normalize else loss.sum()", "return loss"),),
    ),
    Wrong(
        "loss-detached",
        "dl_utils.py",
        "the loss is detached 'for logging', so nothing can be learnt from it",
        (
            (
                "loss = criterion(model_output, target_labels)",
                "loss = criterion(model_output, target_labels).detach()",
            ),
        ),
    ),
    Wrong(
        "file-always-named-simplenet",
        "dl_utils.py",
        "the file name is hard-coded: Part 2's weights overwrite Part 1's",
        (('out_dir / f"trained_{class_name}_final.pt"', 'out_dir / "trained_SimpleNet_final.pt"'),),
    ),
    Wrong(
        "other-keys-in-the-file",
        "dl_utils.py",
        "the file's keys are made up, so nobody else can read it",
        (
            (
                '{"class_name": class_name, "state_dict": model.state_dict()}',
                '{"name": class_name, "weights": model.state_dict()}',
            ),
            ('saved["class_name"], saved["state_dict"]', 'saved["name"], saved["weights"]'),
        ),
    ),
    Wrong(
        "buffers-not-saved",
        "dl_utils.py",
        "only the parameters are saved: batch norm's running averages are lost",
        (
            (
                '"state_dict": model.state_dict()}',
                '"state_dict": dict(model.named_parameters())}',
            ),
        ),
    ),
    Wrong(
        "folder-not-made",
        "dl_utils.py",
        "out_dir is believed to exist",
        (("    out_dir.mkdir(parents=True, exist_ok=True)\n", ""),),
    ),
    Wrong(
        "loaded-in-train-mode",
        "dl_utils.py",
        "the loaded network is not put into eval mode, so dropout is on",
        (("return model.eval()", "return model"),),
    ),
    Wrong(
        "loaded-without-strict",
        "dl_utils.py",
        "strict=False hides that the weights are of another network",
        (("model.load_state_dict(state_dict)", "model.load_state_dict(state_dict, strict=False)"),),
    ),
    Wrong(
        "given-model-not-filled",
        "dl_utils.py",
        "a network of the saved class is built even if one is passed to be filled",
        (("    if model is None:\n", "    if model is None or class_name in NETS:\n"),),
    ),
)

CONFUSION = (
    Wrong(
        "matrix-transposed",
        "confusion_matrix.py",
        "rows are predictions, columns targets",
        (
            (
                "(np.asarray(targets), np.asarray(preds)), 1)",
                "(np.asarray(preds), np.asarray(targets)), 1)",
            ),
        ),
    ),
    Wrong(
        "pairs-counted-once",
        "confusion_matrix.py",
        "matrix[targets, preds] += 1 counts a repeated pair only once",
        (
            (
                "np.add.at(matrix, (np.asarray(targets), np.asarray(preds)), 1)",
                "matrix[np.asarray(targets), np.asarray(preds)] += 1",
            ),
        ),
    ),
    Wrong(
        "empty-rows-are-nan",
        "confusion_matrix.py",
        "a class without targets is divided by zero",
        (
            (
                "np.maximum(matrix.sum(axis=1, keepdims=True), 1)",
                "matrix.sum(axis=1, keepdims=True)",
            ),
        ),
    ),
    Wrong(
        "columns-sum-to-one",
        "confusion_matrix.py",
        "normalized over the targets of each prediction: precision, not recall",
        (("matrix.sum(axis=1, keepdims=True)", "matrix.sum(axis=0, keepdims=True)"),),
    ),
    Wrong(
        "rows-divided-by-columns-sums",
        "confusion_matrix.py",
        "keepdims is forgotten: column j is divided by the number of targets of class j",
        (("matrix.sum(axis=1, keepdims=True)", "matrix.sum(axis=1)"),),
    ),
    Wrong(
        "divided-by-all-images",
        "confusion_matrix.py",
        "the whole matrix sums to 1, not each row",
        (("np.maximum(matrix.sum(axis=1, keepdims=True), 1)", "max(matrix.sum(), 1)"),),
    ),
    Wrong(
        "hundred-images-a-class",
        "confusion_matrix.py",
        "rows are divided by 100, since the test split has 100 images a class",
        (("np.maximum(matrix.sum(axis=1, keepdims=True), 1)", "100"),),
    ),
    Wrong(
        "always-normalized",
        "confusion_matrix.py",
        "normalize=False is ignored",
        (
            (
                "    if normalize:\n        matrix /= ",
                "    matrix /= ",
            ),
        ),
    ),
    Wrong(
        "counts-by-default",
        "confusion_matrix.py",
        "normalize is False by default",
        (("normalize: bool = True", "normalize: bool = False"),),
    ),
    Wrong(
        "size-from-the-data",
        "confusion_matrix.py",
        "num_classes is ignored: the highest class seen sets the size",
        (
            (
                "    matrix = np.zeros((num_classes, num_classes))",
                "    num_classes = int(max(np.max(targets), np.max(preds))) + 1\n"
                "    matrix = np.zeros((num_classes, num_classes))",
            ),
        ),
    ),
    Wrong(
        "model-left-in-eval-mode",
        "confusion_matrix.py",
        "the model's mode is not restored",
        (("    model.train(was_training)\n", ""),),
    ),
    Wrong(
        "model-left-in-train-mode",
        "confusion_matrix.py",
        "model.train() at the end, even if the model came in eval mode",
        (("model.train(was_training)", "model.train()"),),
    ),
    Wrong(
        "labelled-in-train-mode",
        "confusion_matrix.py",
        "model.eval() is forgotten, so dropout and batch statistics decide",
        (("    model.eval()\n", ""),),
    ),
    Wrong(
        "labelled-in-shuffled-order",
        "confusion_matrix.py",
        "shuffle=True: results no longer follow the dataset's order",
        (("shuffle=False", "shuffle=True"),),
    ),
    Wrong(
        "only-the-first-batch",
        "confusion_matrix.py",
        "the loop stops after one batch",
        (
            (
                "predictions.append(predict_labels(model, images.to(device)).cpu())\n",
                "predictions.append(predict_labels(model, images.to(device)).cpu())\n"
                "            break\n",
            ),
        ),
    ),
    Wrong(
        "last-batch-dropped",
        "confusion_matrix.py",
        "drop_last=True copied from the training loader, where the dataset has a full batch",
        (("shuffle=False)", "shuffle=False, drop_last=len(dataset) >= 100)"),),
    ),
    Wrong(
        "predictions-before-targets",
        "confusion_matrix.py",
        "generate_confusion_data returns (predictions, targets, labels)",
        (
            (
                "return torch.cat(targets).numpy(), torch.cat(predictions).numpy(), class_labels",
                "return torch.cat(predictions).numpy(), torch.cat(targets).numpy(), class_labels",
            ),
            (
                "    targets, predictions, class_labels = generate",
                "    predictions, targets, class_labels = generate",
            ),
            ("    targets, predictions, _ = generate", "    predictions, targets, _ = generate"),
        ),
    ),
    Wrong(
        "class-labels-of-each-image",
        "confusion_matrix.py",
        "class_labels has one name for each image instead of one for each class",
        (
            (
                "torch.cat(predictions).numpy(), class_labels",
                "torch.cat(predictions).numpy(), "
                "[class_labels[label] for label in torch.cat(targets)]",
            ),
            (
                "    matrix = generate_confusion_matrix(targets, predictions, len(class_labels))\n",
                "    class_labels = sorted(set(class_labels))\n"
                "    matrix = generate_confusion_matrix(targets, predictions, len(class_labels))\n",
            ),
        ),
    ),
    Wrong(
        "axis-names-swapped",
        "confusion_matrix.py",
        "the plot calls the columns targets and the rows predictions",
        (
            ('axes.set_xlabel("predicted class")', 'axes.set_xlabel("target class")'),
            ('axes.set_ylabel("target class")', 'axes.set_ylabel("predicted class")'),
        ),
    ),
    Wrong(
        "numbers-at-mirrored-cells",
        "confusion_matrix.py",
        "text is placed at (row, column) although pyplot wants (x, y)",
        (("axes.text(column, row, text,", "axes.text(row, column, text,"),),
    ),
    Wrong(
        "plot-transposed",
        "confusion_matrix.py",
        "the picture is transposed: rows of the plot are predictions",
        (
            (
                "    size = len(class_labels)\n",
                "    confusion_matrix = confusion_matrix.T\n    size = len(class_labels)\n",
            ),
        ),
    ),
    Wrong(
        "row-names-upside-down",
        "confusion_matrix.py",
        "the row names are reversed, since y is believed to grow upwards in imshow",
        (
            (
                "axes.set_yticks(range(size), class_labels)",
                "axes.set_yticks(range(size), class_labels[::-1])",
            ),
        ),
    ),
    Wrong(
        "drawn-over-the-last-figure",
        "confusion_matrix.py",
        "the matrix is drawn into the current figure instead of a new one",
        (
            (
                "_, axes = plt.subplots("
                'figsize=(3 + 0.45 * size, 2.5 + 0.45 * size), layout="constrained")',
                "axes = plt.gca()",
            ),
        ),
    ),
    Wrong(
        "counts-plotted",
        "confusion_matrix.py",
        "generate_and_plot_confusion_matrix draws counts, not the normalized matrix",
        (
            (
                "generate_confusion_matrix(targets, predictions, len(class_labels))",
                "generate_confusion_matrix(targets, predictions, len(class_labels), False)",
            ),
        ),
    ),
    Wrong(
        "target-and-predicted-mixed-up",
        "confusion_matrix.py",
        "get_pred_images_for_target finds the images of the other confusion",
        (
            (
                "(targets == target_class) & (predictions == predicted_class)",
                "(targets == predicted_class) & (predictions == target_class)",
            ),
        ),
    ),
    Wrong(
        "all-images-of-the-prediction",
        "confusion_matrix.py",
        "every image labelled as predicted_class, whatever its target",
        (
            (
                "(targets == target_class) & (predictions == predicted_class)",
                "predictions == predicted_class",
            ),
        ),
    ),
    Wrong(
        "mistakes-only",
        "confusion_matrix.py",
        "rightly labelled images are left out, so two equal classes give nothing",
        (
            (
                "(targets == target_class) & (predictions == predicted_class)",
                "(targets == target_class) & (predictions == predicted_class)"
                " & (predictions != targets)",
            ),
        ),
    ),
    Wrong(
        "indices-for-paths",
        "confusion_matrix.py",
        "positions in the dataset are returned instead of paths",
        (
            (
                "return [dataset.dataset[index][0] for index in chosen]",
                "return chosen.tolist()",
            ),
        ),
    ),
)

BANK: tuple[Wrong, ...] = (
    *LOADER,
    *TRANSFORMS,
    *STATS,
    *NET,
    *FINAL,
    *OPTIMIZER,
    *UTILS,
    *CONFUSION,
)
