"""The contents of the 15-scene dataset: every image, where it belongs, and its SHA-256."""

import csv
import gzip
import io
import re
from collections import defaultdict
from collections.abc import Iterable
from importlib import resources
from typing import NamedTuple

# fmt: off
CLASSES = (
    "bedroom", "coast", "forest", "highway", "industrial", "insidecity", "kitchen", "livingroom",
    "mountain", "office", "opencountry", "store", "street", "suburb", "tallbuilding",
)
# fmt: on
_ORIGINAL_PREFIXES = ("", "mit", "cal", "par")


class ManifestEntry(NamedTuple):
    """One image of the dataset: where it belongs, its size in bytes, its hash in hex."""

    split: str
    class_name: str
    file: str
    size: int
    sha256: str

    @property
    def path(self) -> str:
        """Path relative to the data folder, like `train/coast/image_0001.jpg`."""
        return f"{self.split}/{self.class_name}/{self.file}"


def load_manifest() -> list[ManifestEntry]:
    """The 4,485 images of the dataset, train first, sorted by class and file name."""
    packed = resources.files(__package__).joinpath("manifest.csv.gz").read_bytes()
    rows = csv.reader(io.StringIO(gzip.decompress(packed).decode("ascii")))
    next(rows)  # split,class,file,bytes,sha256
    return [
        ManifestEntry(split, name, file, int(size), digest)
        for split, name, file, size, digest in rows
    ]


def places_by_hash(manifest: Iterable[ManifestEntry]) -> dict[str, list[ManifestEntry]]:
    """The paths of each SHA-256; more than one if files of the dataset are identical."""
    places = defaultdict(list)
    for entry in manifest:
        places[entry.sha256].append(entry)
    return dict(places)


def class_of_folder(folder_name: str, classes: Iterable[str] = CLASSES) -> str | None:
    """The class of a folder like `coast`, `MITcoast`, `PARoffice` or `Living_Room`."""
    letters = re.sub(r"[\W_]", "", folder_name).lower()
    names = {prefix + name: name for name in classes for prefix in _ORIGINAL_PREFIXES}
    return names.get(letters)
