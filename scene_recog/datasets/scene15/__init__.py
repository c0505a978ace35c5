"""The 15-scene dataset: its contents, checking it image by image, and getting it.

Lazebnik, Schmid and Ponce, "Beyond Bags of Features", CVPR 2006, extending Oliva and Torralba
2001 (8 classes) and Fei-Fei and Perona 2005 (13 classes); split into train and test by the course.
The manifest lists every image with its SHA-256, so images are recognised by their content, wherever
they come from and whatever their names.
"""

from scene_recog.datasets.scene15.getting import (
    URLS,
    ImportReport,
    download_dataset,
    import_dataset,
)
from scene_recog.datasets.scene15.manifest import CLASSES, ManifestEntry, load_manifest
from scene_recog.datasets.scene15.matching import DifferentBytesError
from scene_recog.datasets.scene15.verify import Misplaced, VerifyReport, verify_dataset

__all__ = [
    "CLASSES",
    "URLS",
    "DifferentBytesError",
    "ImportReport",
    "ManifestEntry",
    "Misplaced",
    "VerifyReport",
    "download_dataset",
    "import_dataset",
    "load_manifest",
    "verify_dataset",
]
