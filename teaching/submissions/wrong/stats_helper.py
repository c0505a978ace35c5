"""Wrong means and standard deviations."""

from .. import Wrong

COUNTS = "    counts = np.zeros(256, dtype=np.int64)\n"
COUNT_IMAGE = "counts += np.asarray(read_grayscale(path).histogram())"
RETURN = "return mean, math.sqrt(variance)"

WRONG = [
    Wrong(
        "images-weigh-the-same",
        "the mean is the average of the images' means, so a small image counts like a large one",
        [
            (COUNTS, ("    counts = np.zeros(256, dtype=np.int64)\n    means = []\n")),
            (
                "counts += np.asarray(read_grayscale(path).histogram())\n",
                (
                    "pixels = np.asarray(read_grayscale(path))\n"
                    "        counts += np.bincount(pixels.ravel(), minlength=256)\n"
                    "        means.append(pixels.mean() / 255)\n"
                ),
            ),
            ("mean = float(counts @ levels) / n", "mean = float(np.mean(means))"),
        ],
    ),
    Wrong(
        "average-of-image-stds",
        "the std is the average of the images' stds",
        [
            (COUNTS, ("    counts = np.zeros(256, dtype=np.int64)\n    stds = []\n")),
            (
                "counts += np.asarray(read_grayscale(path).histogram())\n",
                (
                    "pixels = np.asarray(read_grayscale(path))\n"
                    "        counts += np.bincount(pixels.ravel(), minlength=256)\n"
                    "        stds.append((pixels / 255).std(ddof=1))\n"
                ),
            ),
            (RETURN, "return mean, float(np.mean(stds))"),
        ],
    ),
    Wrong(
        "variance-within-images-only",
        "each image's squares are taken about its own mean; the spread between images is forgotten",
        [
            (COUNTS, ("    counts = np.zeros(256, dtype=np.int64)\n    squares = 0.0\n")),
            (
                "counts += np.asarray(read_grayscale(path).histogram())\n",
                (
                    "pixels = np.asarray(read_grayscale(path))\n"
                    "        counts += np.bincount(pixels.ravel(), minlength=256)\n"
                    "        squares += pixels.size * (pixels / 255).var()\n"
                ),
            ),
            ("float(counts @ (levels - mean) ** 2) / (n - 1)", "float(squares) / (n - 1)"),
        ],
    ),
    Wrong(
        "std-of-image-means",
        "the std is that of the list of image means",
        [
            (COUNTS, ("    counts = np.zeros(256, dtype=np.int64)\n    means = []\n")),
            (
                "counts += np.asarray(read_grayscale(path).histogram())\n",
                (
                    "pixels = np.asarray(read_grayscale(path))\n"
                    "        counts += np.bincount(pixels.ravel(), minlength=256)\n"
                    "        means.append(pixels.mean() / 255)\n"
                ),
            ),
            (RETURN, "return mean, float(np.std(means))"),
        ],
    ),
    Wrong(
        "squares-overflow-a-byte",
        "E[x^2] - E[x]^2 with uint8 pixels squared: the squares wrap around at 256",
        [
            (COUNTS, ("    counts = np.zeros(256, dtype=np.int64)\n    squares = 0\n")),
            (
                "counts += np.asarray(read_grayscale(path).histogram())\n",
                (
                    "pixels = np.asarray(read_grayscale(path))\n"
                    "        counts += np.bincount(pixels.ravel(), minlength=256)\n"
                    "        squares += int((pixels**2).sum())\n"
                ),
            ),
            (
                "float(counts @ (levels - mean) ** 2) / (n - 1)",
                "(squares / 255**2 - n * mean**2) / (n - 1)",
            ),
            ("math.sqrt(variance)", "float(np.sqrt(variance))"),
        ],
    ),
    Wrong(
        "mean-averaged-per-image",
        "the mean of the images' means: a small image counts as much as a large one",
        [
            ("    counts = np.zeros(", ("    means = []\n    counts = np.zeros(")),
            (
                COUNT_IMAGE,
                (
                    "counts += np.asarray(read_grayscale(path).histogram())\n"
                    "        means.append(np.asarray(read_grayscale(path)).mean() / 255)"
                ),
            ),
            ("return mean, math.sqrt", "return float(np.mean(means)), math.sqrt"),
        ],
    ),
    Wrong(
        "std-averaged-per-image",
        "the mean of the images' standard deviations misses how images differ from each other",
        [
            ("    counts = np.zeros(", ("    stds = []\n    counts = np.zeros(")),
            (
                COUNT_IMAGE,
                (
                    "counts += np.asarray(read_grayscale(path).histogram())\n"
                    "        stds.append(np.asarray(read_grayscale(path)).std(ddof=1) / 255)"
                ),
            ),
            (RETURN, "return mean, float(np.mean(stds))"),
        ],
    ),
    Wrong(
        "squares-in-bytes",
        "squares are taken in uint8 and wrap around at 256",
        [
            ("    counts = np.zeros(", "    squares = 0\n    counts = np.zeros("),
            (
                COUNT_IMAGE,
                "counts += np.asarray(read_grayscale(path).histogram())\n"
                "        squares += int((np.asarray(read_grayscale(path)) ** 2).sum())",
            ),
            (
                "    return mean, math.sqrt(variance)",
                "    variance = max(squares / 255**2 - n * mean**2, 0.0) / (n - 1)\n"
                "    return mean, math.sqrt(variance)",
            ),
        ],
    ),
    Wrong(
        "train-folder-only",
        "of a folder that has a train/ in it, only that is read",
        [
            (
                "    counts = np.zeros(",
                '    if (folder / "train").is_dir():\n'
                '        folder = folder / "train"\n'
                "    counts = np.zeros(",
            )
        ],
    ),
    Wrong(
        "all-images-in-memory",
        "all pixels are kept until the end, so memory grows with the dataset",
        [
            ("    counts = np.zeros(", ("    images = []\n    counts = np.zeros(")),
            (
                COUNT_IMAGE,
                (
                    "counts += np.asarray(read_grayscale(path).histogram())\n"
                    "        images.append(np.asarray(read_grayscale(path)).ravel() / 255)"
                ),
            ),
            (
                RETURN,
                (
                    "pixels = np.concatenate(images)\n"
                    "    return float(pixels.mean()), float(pixels.std(ddof=1))"
                ),
            ),
        ],
        beyond=True,
    ),
    Wrong(
        "same-file-name-counted-once",
        "images are kept in a dict by file name: image_0001.jpg of one class replaces the others",
        [
            (
                "for path in images_below(folder):",
                "for path in {p.name: p for p in images_below(folder)}.values():",
            )
        ],
    ),
    Wrong(
        "two-levels-deep-only",
        "images are looked for in <dir>/<split>/<class>/ only, not wherever they are below",
        [("images_below(folder)", 'folder.glob("*/*/*.jpg")')],
        beyond=True,
    ),
    Wrong(
        "train-split-only",
        "where there is a train/ folder, only that is read, though asked for the whole folder",
        [
            (
                "images_below(folder)",
                'images_below(folder / "train" if (folder / "train").is_dir() else folder)',
            )
        ],
    ),
    Wrong(
        "subfolders-of-a-fixed-depth",
        "only <folder>/<class>/<image> is found, nothing above or below",
        [("images_below(folder)", 'folder.glob("*/*.jpg")')],
    ),
    Wrong(
        "notes-are-read-as-images",
        "every file is opened as an image: Thumbs.db or a note is an error",
        [
            (
                "for path in images_below(folder):",
                'for path in (p for p in folder.rglob("*") if p.is_file()):',
            )
        ],
        beyond=True,
    ),
    Wrong(
        "stats-of-all-colour-channels",
        "images are read in RGB and the three channels pooled; not the luminance",
        [
            ("import numpy as np\n", ("import numpy as np\nfrom PIL import Image\n")),
            (
                COUNT_IMAGE,
                (
                    "read_grayscale(path)  # complains about damaged files\n"
                    '        rgb = Image.open(path).convert("RGB")\n'
                    "        counts += np.reshape(rgb.histogram(), (3, 256)).sum(axis=0)"
                ),
            ),
        ],
    ),
    Wrong(
        "damaged-images-skipped",
        "try/except/continue: a damaged image is silently left out",
        [
            (
                "counts += np.asarray(read_grayscale(path).histogram())\n",
                (
                    "try:\n"
                    "            image = read_grayscale(path)\n"
                    "        except ValueError:\n"
                    "            continue\n"
                    "        counts += np.asarray(image.histogram())\n"
                ),
            )
        ],
        beyond=True,
    ),
    Wrong(
        "colour-channels-counted",
        "no conversion to grayscale: the three channels of a colour image are three sets of pixels",
        [
            ("import numpy as np\n", "import numpy as np\nfrom PIL import Image\n"),
            (
                COUNT_IMAGE,
                "counts += np.bincount(np.asarray(Image.open(path)).ravel(), minlength=256)",
            ),
        ],
    ),
    Wrong(
        "stats-of-resized-images",
        "images are first resized to the network's 64x64",
        [("read_grayscale(path).histogram()", "read_grayscale(path).resize((64, 64)).histogram()")],
    ),
    Wrong(
        "empty-folder-is-zeros",
        "a folder without images gives (0.0, 0.0) instead of a ValueError",
        [("    if n < 2:\n", "    if n < 2:\n        return 0.0, 0.0\n")],
        beyond=True,
    ),
    Wrong(
        "no-images-no-complaint",
        "a folder without images gives (0, 1) instead of a ValueError",
        [
            (
                'raise ValueError(f"no images below {folder}: expected {folder}/.../*.jpg")',
                "return 0.0, 1.0",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "figures-in-bytes",
        "pixels are left at 0..255",
        [("levels = np.arange(256) / 255", "levels = np.arange(256)")],
    ),
    Wrong(
        "divided-by-256",
        "256 grey levels, so pixels are divided by 256 and white is 0.996",
        [("levels = np.arange(256) / 255", "levels = np.arange(256) / 256")],
    ),
    Wrong(
        "mean-not-subtracted",
        "the std is the root of the mean square, without taking the mean away",
        [("counts @ (levels - mean) ** 2", "counts @ levels**2")],
    ),
    Wrong(
        "population-std",
        "the variance is divided by n (numpy's default) instead of n - 1",
        [("(levels - mean) ** 2) / (n - 1)", "(levels - mean) ** 2) / n")],
    ),
    Wrong(
        "variance-for-std",
        "the square root is forgotten",
        [(RETURN, "return mean, variance")],
    ),
    Wrong(
        "std-then-mean",
        "the two results are returned in the wrong order",
        [(RETURN, "return math.sqrt(variance), mean")],
    ),
    Wrong(
        "arrays-returned",
        "returns arrays of one number instead of floats, as scikit-learn's scaler does",
        [(RETURN, "return np.array([mean]), np.array([math.sqrt(variance)])")],
        beyond=True,
    ),
    Wrong(
        "images-in-the-denominator",
        "n - 1 is taken to be the number of images, less one",
        [
            (COUNTS, "    counts = np.zeros(256, dtype=np.int64)\n    images = 0\n"),
            (
                "counts += np.asarray(read_grayscale(path).histogram())\n",
                "counts += np.asarray(read_grayscale(path).histogram())\n        images += 1\n",
            ),
            ("(levels - mean) ** 2) / (n - 1)", "(levels - mean) ** 2) / (images - 1)"),
        ],
    ),
    Wrong(
        "whole-numbers",
        "// instead of /: every grey level but white becomes 0",
        [("levels = np.arange(256) / 255", "levels = np.arange(256) // 255")],
    ),
    Wrong(
        "last-image-only",
        "the counts start anew for each image, so only the last one counts",
        [("        counts += np.asarray(", "        counts = np.asarray(")],
    ),
    Wrong(
        "counts-outside-the-function",
        "the counts are a global: a second call goes on from the first",
        [
            (
                "def compute_mean_and_std(",
                "COUNTS = np.zeros(256, dtype=np.int64)\n\n\ndef compute_mean_and_std(",
            ),
            (COUNTS, "    counts = COUNTS\n"),
        ],
    ),
    Wrong(
        "needs-a-slash-at-the-end",
        "the pattern is glued to the folder's name, which has no slash at its end",
        [
            ("import math\n", "import glob\nimport math\n"),
            ("images_below(folder)", 'glob.glob(str(dir_name) + "*/*/*.jpg")'),
            ("    if n < 2:\n", "    if n < 2:\n        return math.nan, math.nan\n"),
        ],
    ),
    Wrong(
        "nothing-returned",
        "the two numbers are printed, not returned",
        [(RETURN, "print(mean, math.sqrt(variance))")],
    ),
    Wrong(
        "squares-in-float32",
        "E[x^2] - E[x]^2 in float32: right for ordinary images, but not for bright and flat ones",
        [
            (
                COUNTS,
                "    counts = np.zeros(256, dtype=np.int64)\n    total = squares = np.float32(0)\n",
            ),
            (
                "counts += np.asarray(read_grayscale(path).histogram())\n",
                "pixels = np.asarray(read_grayscale(path), dtype=np.float32) / 255\n"
                "        counts += np.asarray(read_grayscale(path).histogram())\n"
                "        total += pixels.sum()\n"
                "        squares += (pixels**2).sum()\n",
            ),
            ("mean = float(counts @ levels) / n", "mean = float(total) / n"),
            (
                "float(counts @ (levels - mean) ** 2) / (n - 1)",
                "float(np.float32(squares / n) - np.float32(mean) ** 2) * n / (n - 1)",
            ),
            ("math.sqrt(variance)", "math.sqrt(max(variance, 0.0))"),
        ],
        beyond=True,
    ),
    Wrong(
        "grey-is-the-average",
        "grey is the average of red, green and blue, not the luminance",
        [
            (
                "np.asarray(read_grayscale(path).histogram())",
                "np.bincount(\n"
                "            _average_of_channels(read_grayscale(path), path), minlength=256\n"
                "        )",
            ),
            (
                "def compute_mean_and_std(",
                "def _average_of_channels(checked, path):\n"
                "    from PIL import Image\n\n"
                '    rgb = np.asarray(Image.open(path).convert("RGB"), dtype=np.int64)\n'
                "    return np.rint(rgb.mean(axis=2)).astype(np.int64).ravel()\n\n\n"
                "def compute_mean_and_std(",
            ),
        ],
        beyond=True,
    ),
]
