"""Wrong transforms."""

from .. import Wrong

WRONG = [
    Wrong(
        "three-gray-channels",
        "networks are believed to want three channels, so gray is copied: [3, H, W]",
        [
            (
                "return transforms.Compose([transforms.Resize(_checked(inp_size)), ",
                "return transforms.Compose([transforms.Grayscale(3), "
                "transforms.Resize(_checked(inp_size)), ",
            )
        ],
    ),
    Wrong(
        "resize-by-one-side",
        "Resize gets a single int, which keeps the aspect ratio, so the images differ in size",
        [
            (
                "Compose([transforms.Resize(_checked(inp_size)), transforms.ToTensor()])",
                "Compose([transforms.Resize(_checked(inp_size)[0]), transforms.ToTensor()])",
            )
        ],
    ),
    Wrong(
        "crop-instead-of-resize",
        "the right size is got by cropping the centre, and the rest of the scene is lost",
        [
            (
                "Compose([transforms.Resize(_checked(inp_size)), transforms.ToTensor()])",
                "Compose([transforms.CenterCrop(_checked(inp_size)), transforms.ToTensor()])",
            )
        ],
    ),
    Wrong(
        "bytes-instead-of-unit-range",
        "PILToTensor is taken for ToTensor: uint8 values 0..255, not float 0..1",
        [("inp_size)), transforms.ToTensor()])", "inp_size)), transforms.PILToTensor()])")],
    ),
    Wrong(
        "scaled-to-unit-range-twice",
        "ToTensor is not known to divide by 255, so a second division is added",
        [
            (
                "inp_size)), transforms.ToTensor()])",
                "inp_size)), transforms.ToTensor(), transforms.Lambda(lambda x: x / 255)])",
            )
        ],
    ),
    Wrong(
        "fundamental-flips",
        "the fundamental transforms mirror at random, so Part 1's test images change at every read",
        [
            (
                "inp_size)), transforms.ToTensor()])",
                "inp_size)), transforms.RandomHorizontalFlip(), transforms.ToTensor()])",
            )
        ],
    ),
    Wrong(
        "augmentation-without-flip",
        "jitter only, no mirroring",
        [("            transforms.RandomHorizontalFlip(p=0.5),\n", "")],
    ),
    Wrong(
        "flip-never",
        "the flip is there with probability 0",
        [("transforms.RandomHorizontalFlip(p=0.5)", "transforms.RandomHorizontalFlip(p=0.0)")],
    ),
    Wrong(
        "always-mirrored",
        "p=1 is believed to switch the random flip on; every image is mirrored",
        [("RandomHorizontalFlip(p=0.5)", "RandomHorizontalFlip(p=1.0)")],
    ),
    Wrong(
        "upside-down",
        "a vertical instead of a horizontal flip: kitchens on the ceiling",
        [("RandomHorizontalFlip(p=0.5)", "RandomVerticalFlip(p=0.5)")],
    ),
    Wrong(
        "augmentation-without-jitter",
        "mirroring only, no jitter",
        [("            transforms.ColorJitter(brightness=0.2, contrast=0.2),\n", "")],
    ),
    Wrong(
        "jitter-without-strength",
        "ColorJitter() with its defaults changes nothing",
        [("transforms.ColorJitter(brightness=0.2, contrast=0.2)", "transforms.ColorJitter()")],
    ),
    Wrong(
        "jitter-that-gray-images-ignore",
        "ColorJitter of hue and saturation only: nothing happens to a grayscale image",
        [
            (
                "transforms.ColorJitter(brightness=0.2, contrast=0.2)",
                "transforms.ColorJitter(saturation=0.4, hue=0.1)",
            )
        ],
    ),
    Wrong(
        "jitter-fixed",
        "the jitter's range is one value: each image is brightened by the same factor",
        [
            (
                "transforms.ColorJitter(brightness=0.2, contrast=0.2)",
                "transforms.ColorJitter(brightness=(1.4, 1.4))",
            )
        ],
    ),
    Wrong(
        "jitter-of-colour-only",
        "ColorJitter of hue and saturation, which does nothing to a gray image",
        [("brightness=0.2, contrast=0.2", "hue=0.4, saturation=0.4")],
    ),
    Wrong(
        "augmented-image-not-a-tensor",
        "the augmentation forgets ToTensor",
        [
            ("contrast=0.2),\n            transforms.ToTensor(),\n", "contrast=0.2),\n"),
            (".transforms,\n", ".transforms,\n            transforms.ToTensor(),\n"),
        ],
    ),
    Wrong(
        "validation-augmented",
        "the normalization transforms, meant for validation, build on the augmentation",
        [
            (
                "            transforms.Resize(_checked(inp_size)),\n"
                "            transforms.ToTensor(),\n",
                "            *get_fundamental_augmentation_transforms(inp_size).transforms,\n",
            )
        ],
    ),
    Wrong(
        "normalization-alone-width-height",
        "only get_fundamental_normalization_transforms has height and width swapped",
        [
            (
                "transforms.Resize(_checked(inp_size)),\n"
                "            transforms.ToTensor(),\n"
                "            transforms.Normalize(",
                "transforms.Resize(_checked(inp_size)[::-1]),\n"
                "            transforms.ToTensor(),\n"
                "            transforms.Normalize(",
            )
        ],
    ),
    Wrong(
        "normalization-augments",
        "the transforms for validation mirror images at random",
        [
            (
                "            transforms.ToTensor(),\n            transforms.Normalize(",
                "            transforms.RandomHorizontalFlip(),\n"
                "            transforms.ToTensor(),\n"
                "            transforms.Normalize(",
            )
        ],
    ),
    Wrong(
        "mean-and-std-swapped",
        "get_fundamental_normalization_transforms subtracts the std and divides by the mean",
        [
            (
                "            transforms.ToTensor(),\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std),",
                "            transforms.ToTensor(),\n"
                "            transforms.Normalize(pixel_std, pixel_mean),",
            )
        ],
    ),
    Wrong(
        "statistics-hard-coded",
        "Normalize has the numbers of 15-scene, whatever is passed",
        [
            (
                "            transforms.ToTensor(),\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std),",
                "            transforms.ToTensor(),\n"
                "            transforms.Normalize(mean=[0.45547], std=[0.25316]),",
            )
        ],
    ),
    Wrong(
        "divided-by-variance",
        "the validation transform squares pixel_std, as if Normalize wanted the variance",
        [
            (
                "transforms.ToTensor(),\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std)",
                "transforms.ToTensor(),\n"
                "            transforms.Normalize(mean=pixel_mean, std=[s**2 for s in pixel_std])",
            )
        ],
    ),
    Wrong(
        "normalized-to-minus-one-and-one",
        "Normalize(0.5, 0.5) from a tutorial; the dataset's own figures are ignored",
        [
            (
                "transforms.ToTensor(),\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std)",
                "transforms.ToTensor(),\n            transforms.Normalize(mean=[0.5], std=[0.5])",
            )
        ],
    ),
    Wrong(
        "normalize-before-jitter",
        "get_all_transforms jitters after normalizing, which clips all below the mean to 0",
        [
            (
                "            *get_fundamental_augmentation_transforms(inp_size).transforms,\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std),\n",
                "            transforms.Resize(_checked(inp_size)),\n"
                "            transforms.ToTensor(),\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std),\n"
                "            *get_fundamental_augmentation_transforms(inp_size).transforms[1:3],\n",
            )
        ],
    ),
    Wrong(
        "all-normalizes-twice",
        "get_all_transforms normalizes what is already normalized",
        [
            (
                "            *get_fundamental_augmentation_transforms(inp_size).transforms,\n",
                "            *get_fundamental_augmentation_transforms(inp_size).transforms,\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std),\n",
            )
        ],
    ),
    Wrong(
        "normalized-before-jitter",
        "jitter comes after Normalize and clips the normalized values to 0..1",
        [
            (
                "*get_fundamental_augmentation_transforms(inp_size).transforms,\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std),\n",
                "*get_fundamental_normalization_transforms(\n"
                "                inp_size, pixel_mean, pixel_std\n"
                "            ).transforms,\n"
                "            *get_fundamental_augmentation_transforms(\n"
                "                inp_size\n"
                "            ).transforms[1:-1],\n",
            )
        ],
    ),
    Wrong(
        "training-not-augmented",
        "get_all_transforms builds on the fundamental transforms, without augmentation",
        [
            (
                "*get_fundamental_augmentation_transforms(inp_size)",
                "*get_fundamental_transforms(inp_size)",
            )
        ],
    ),
    Wrong(
        "figures-scaled-to-bytes",
        "mean and std are multiplied by 255 although ToTensor has already scaled the pixels",
        [
            (
                ".transforms,\n            transforms.Normalize(mean=pixel_mean, std=pixel_std)",
                ".transforms,\n"
                "            transforms.Normalize(\n"
                "                mean=[255 * m for m in pixel_mean], std=[255 * s for s in "
                "pixel_std]\n"
                "            )",
            )
        ],
    ),
    Wrong(
        "mean-and-std-swapped-in-training",
        "get_all_transforms passes the std as mean and the mean as std",
        [
            (
                ".transforms,\n            transforms.Normalize(mean=pixel_mean, std=pixel_std)",
                ".transforms,\n            transforms.Normalize(pixel_std, pixel_mean)",
            )
        ],
    ),
    Wrong(
        "training-not-normalized",
        "get_all_transforms forgets Normalize, so training and validation differ in scale",
        [
            (
                ".transforms,\n            transforms.Normalize(mean=pixel_mean, std=pixel_std),\n",
                ".transforms,\n",
            )
        ],
    ),
    Wrong(
        "divides-by-variance",
        "get_all_transforms divides by the square of the standard deviation",
        [
            (
                "transforms,\n            transforms.Normalize(mean=pixel_mean, std=pixel_std),",
                "transforms,\n"
                "            transforms.Normalize(\n"
                "                mean=pixel_mean, std=[std**2 for std in pixel_std]\n"
                "            ),",
            )
        ],
    ),
    Wrong(
        "height-and-width-swapped",
        "inp_size is taken as PIL's (width, height)",
        [("return (inp_size[0], inp_size[1])", "return (inp_size[1], inp_size[0])")],
    ),
    Wrong(
        "resize-shorter-side",
        "Resize gets one int and keeps the aspect ratio",
        [("return (inp_size[0], inp_size[1])", "return inp_size[0]")],
    ),
    Wrong(
        "resize-always-64",
        "inp_size is ignored: images are always 64x64",
        [("return (inp_size[0], inp_size[1])", "return (64, 64)")],
    ),
    Wrong(
        "no-tensor",
        "ToTensor is forgotten; the pipeline gives a PIL image",
        [("_checked(inp_size)), transforms.ToTensor()])", "_checked(inp_size))])")],
    ),
    Wrong(
        "vertical-flip-too",
        "images are mirrored both ways, as in tutorials on satellite images",
        [
            (
                "transforms.RandomHorizontalFlip(p=0.5),\n",
                "transforms.RandomHorizontalFlip(p=0.5),\n"
                "            transforms.RandomVerticalFlip(p=0.5),\n",
            )
        ],
    ),
    Wrong(
        "augmentation-normalizes",
        "the augmentation without normalization has Normalize(0.5, 0.5) in it",
        [
            (
                "contrast=0.2),\n            transforms.ToTensor(),\n",
                "contrast=0.2),\n            transforms.ToTensor(),\n"
                "            transforms.Normalize([0.5], [0.5]),\n",
            ),
            (
                "*get_fundamental_augmentation_transforms(inp_size).transforms,\n",
                "*get_fundamental_augmentation_transforms(inp_size).transforms[:-1],\n",
            ),
        ],
    ),
    Wrong(
        "double-precision",
        "the tensor is made float64, which the network's weights do not go with",
        [
            (
                "inp_size)), transforms.ToTensor()])",
                "inp_size)), transforms.ToTensor(), transforms.Lambda(lambda x: x.double())])",
            )
        ],
    ),
    Wrong(
        "shorter-side-and-centre",
        "resized by the shorter side and cropped in the middle, as for ImageNet",
        [
            (
                "[transforms.Resize(_checked(inp_size)), transforms.ToTensor()]",
                "[\n"
                "            transforms.Resize(min(_checked(inp_size))),\n"
                "            transforms.CenterCrop(inp_size),\n"
                "            transforms.ToTensor(),\n"
                "        ]",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "jitter-last-sometimes",
        "jitter for every second image, after Normalize",
        [
            (
                "*get_fundamental_augmentation_transforms(inp_size).transforms,\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std),\n",
                "transforms.Resize(_checked(inp_size)),\n"
                "            transforms.RandomHorizontalFlip(),\n"
                "            transforms.ToTensor(),\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std),\n"
                "            transforms.RandomApply([transforms.ColorJitter(0.2, 0.2)], p=0.4),\n",
            )
        ],
    ),
    Wrong(
        "jitter-drawn-once",
        "the jitter is drawn when the transforms are made, not for each image",
        [
            (
                "transforms.ColorJitter(brightness=0.2, contrast=0.2)",
                "transforms.ColorJitter(\n"
                "                brightness=[0.8 + 0.4 * float(torch.rand(()))] * 2\n"
                "            )",
            ),
            (
                "from torchvision import transforms\n",
                "import torch\nfrom torchvision import transforms\n",
            ),
        ],
    ),
    Wrong(
        "list-returned",
        "the steps are returned as a list, without Compose",
        [
            (
                "return transforms.Compose([transforms.Resize(_checked(inp_size)), "
                "transforms.ToTensor()])",
                "return [transforms.Resize(_checked(inp_size)), transforms.ToTensor()]",
            )
        ],
    ),
    Wrong(
        "whitened-by-its-own-mean",
        "each image is normalized by its own mean and std, not by the dataset's",
        [
            (
                "            transforms.ToTensor(),\n"
                "            transforms.Normalize(mean=pixel_mean, std=pixel_std),",
                "            transforms.ToTensor(),\n"
                "            transforms.Lambda(lambda x: (x - x.mean()) / (x.std() + 1e-6)),",
            )
        ],
    ),
    Wrong(
        "seldom-mirrored",
        "the flip has p=0.2, so most images are seen from one side only",
        [("RandomHorizontalFlip(p=0.5)", "RandomHorizontalFlip(p=0.2)")],
        beyond=True,
    ),
    Wrong(
        "random-crop-too",
        "more augmentation than asked for: a crop of random size",
        [
            (
                "            transforms.Resize(_checked(inp_size)),\n"
                "            transforms.RandomHorizontalFlip",
                "            transforms.RandomResizedCrop(_checked(inp_size), scale=(0.7, 1.0)),\n"
                "            transforms.RandomHorizontalFlip",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "mirrored-by-numpy",
        "a flip of one's own, drawn by numpy, which torch's seed does not repeat",
        [
            (
                "transforms.RandomHorizontalFlip(p=0.5)",
                "transforms.Lambda(lambda x: x.transpose(0) if RNG.random() < 0.5 else x)",
            ),
            (
                "from torchvision import transforms\n",
                "import numpy as np\nfrom torchvision import transforms\n\n"
                "RNG = np.random.default_rng(0)\n",
            ),
        ],
        beyond=True,
    ),
]
