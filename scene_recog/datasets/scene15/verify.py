"""Check a dataset on disk against the manifest, image by image."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from scene_recog.datasets.layout import (
    group_duplicates,
    list_images,
    require_split,
    sha256_of,
    straddles,
)
from scene_recog.datasets.scene15.manifest import ManifestEntry, load_manifest, places_by_hash


class Misplaced(NamedTuple):
    """An image of the dataset that is at `path` but belongs at the paths `belongs`."""

    path: str
    belongs: tuple[str, ...]


@dataclass(frozen=True)
class VerifyReport:
    """What `verify_dataset` found; paths are like `train/coast/image_0001.jpg`, sorted."""

    root: Path
    expected: int  # images in the manifest
    found: int  # images on disk
    missing: list[str] = field(default_factory=list)  # paths of the manifest without a file
    extra: list[str] = field(default_factory=list)  # images that are not part of the dataset
    corrupt: list[str] = field(default_factory=list)  # at a path of the manifest, wrong bytes
    misplaced: list[Misplaced] = field(default_factory=list)  # of the dataset, elsewhere
    duplicates: list[tuple[str, ...]] = field(default_factory=list)  # as `find_duplicates`

    @property
    def ok(self) -> bool:
        """Whether it is complete and correct. Duplicates do not matter: the dataset has them."""
        return not (self.missing or self.foreign)

    @property
    def foreign(self) -> int:
        """Number of images that are not part of the dataset, or not where they belong."""
        return len(self.extra) + len(self.corrupt) + len(self.misplaced)

    @property
    def across_splits(self) -> list[tuple[str, ...]]:
        """The duplicates with images in both train and test."""
        return [group for group in self.duplicates if straddles(group)]


def verify_dataset(
    root: str | Path, *, manifest: Sequence[ManifestEntry] | None = None
) -> VerifyReport:
    """Compare every image below `root/train` and `root/test` with the manifest, by its bytes.

    Args:
        root: folder that holds train/ and test/.
        manifest: images to expect; None for the 15-scene dataset.

    Raises:
        FileNotFoundError: there is no train folder.
    """
    root = require_split(root).parent
    return compare(root, load_manifest() if manifest is None else manifest)


def compare(root: Path, manifest: Sequence[ManifestEntry]) -> VerifyReport:
    """As `verify_dataset`, but without train/, every image counts as missing."""
    expected = {entry.path: entry.sha256 for entry in manifest}
    places = places_by_hash(manifest)
    digests = {path: _digest(root / path) for path in list_images(root)}
    extra, corrupt, misplaced = [], [], []
    for path, digest in digests.items():
        if expected.get(path) == digest:
            continue
        if digest in places:
            belongs = tuple(entry.path for entry in places[digest])
            misplaced.append(Misplaced(path, belongs))
        elif path in expected:
            corrupt.append(path)
        else:
            extra.append(path)
    return VerifyReport(
        root=root,
        expected=len(expected),
        found=len(digests),
        missing=sorted(expected.keys() - digests.keys()),
        extra=extra,
        corrupt=corrupt,
        misplaced=misplaced,
        duplicates=group_duplicates({path: d for path, d in digests.items() if d}),
    )


def _digest(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError:
        return ""  # unreadable, so not correct
