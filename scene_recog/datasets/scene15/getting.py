"""Get the dataset from a local zip or folder, or by download."""

import dataclasses
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scene_recog.datasets.archive import open_source
from scene_recog.datasets.download import DownloadError, discard, fetch_zip, part_path
from scene_recog.datasets.scene15 import in_place
from scene_recog.datasets.scene15.manifest import ManifestEntry, load_manifest
from scene_recog.datasets.scene15.matching import DifferentBytesError, collect_images
from scene_recog.datasets.scene15.verify import compare

URLS = (
    # the course's zip, already split
    "https://faculty.cc.gatech.edu/~hays/compvision2021fall/projects/proj4_data.zip",
    # the original: MITcoast, CALsuburb, PARoffice, ...; not split
    "http://www-cvr.ai.uiuc.edu/ponce_grp/data/scene_categories/scene_categories.zip",
)


@dataclass(frozen=True)
class ImportReport:
    """What `import_dataset` and `download_dataset` did."""

    root: Path
    source: str  # zip, folder or address; empty if nothing had to be done
    images: int  # in the dataset now
    different: int = 0  # of these, accepted although their bytes differ
    ignored: int = 0  # images of the source that are not part of the dataset
    replaced: Path | None = None  # where the previous train and test went

    @property
    def already_complete(self) -> bool:
        """Whether the dataset was already there and nothing was done."""
        return not self.source


def import_dataset(
    source: str | Path,
    root: str | Path,
    *,
    replace: bool = False,
    accept_different_bytes: bool = False,
    manifest: Sequence[ManifestEntry] | None = None,
) -> ImportReport:
    """Build `root/train` and `root/test` from a zip or folder that holds the images.

    Images are recognised by content, in any layout. The rest are matched by class folder and file
    name: the course's layout, the original's (`MITcoast/...`) or numbered folders. The dataset is
    built in a temporary folder and moved into place at the end; nothing in `root` is ever deleted.
    Does nothing if the dataset is already there.

    Args:
        source: zip or folder.
        root: data folder, created if it is missing.
        replace: move other images in `root/train` or `root/test` to `root/replaced-<n>`.
        accept_different_bytes: accept images found by name although their bytes differ from the
            manifest (another encoding of the same photograph).
        manifest: images to expect; None for the 15-scene dataset.

    Raises:
        FileNotFoundError: no such source.
        ValueError: an unsafe, damaged or incomplete source; other images in `root` without
            `replace`; `root` cannot be written. `DifferentBytesError`: see above.
    """
    source, root = Path(source).expanduser(), Path(root).expanduser()
    manifest = load_manifest() if manifest is None else manifest
    if not source.exists():
        raise FileNotFoundError(f"no such zip or folder: {source}")
    with in_place.at_work_in(root):
        if _is_complete(root, manifest, replace):
            return ImportReport(root, "", len(manifest))
        return _build(source, root, manifest, accept_different_bytes)


def download_dataset(
    root: str | Path,
    *,
    urls: Sequence[str] = URLS,
    replace: bool = False,
    accept_different_bytes: bool = False,
    manifest: Sequence[ManifestEntry] | None = None,
    timeout: float = 30,
) -> ImportReport:
    """Download the dataset into `root/train` and `root/test`, and check it image by image.

    The addresses are tried in turn. Downloaded data is kept in `.part` files in `root` until the
    dataset is complete, so that another call continues where this one stopped.

    Args:
        root: data folder, made if need be.
        urls: addresses of zips, http or https.
        replace, accept_different_bytes, manifest: as for `import_dataset`.
        timeout: seconds without an answer after which an address counts as dead.

    Raises:
        ValueError: no address delivered the dataset (the message lists them and says how to
            continue); a bad address; other images in `root` without `replace`; `root` is read-only.
    """
    root = Path(root).expanduser()
    manifest = load_manifest() if manifest is None else manifest
    parts = {url: part_path(root, url) for url in urls}
    failures: list[str] = []
    kept: list[Path] = []
    with in_place.at_work_in(root):
        if _is_complete(root, manifest, replace):
            return ImportReport(root, "", len(manifest))
        for url, part in parts.items():
            try:
                fetch_zip(url, part, timeout=timeout)
                report = _build(part, root, manifest, accept_different_bytes)
            except DownloadError as error:
                failures.append(f"{url}: {error}")
            except DifferentBytesError as error:
                kept.append(
                    part.replace(part.with_suffix(""))
                )  # .zip: complete, nothing to continue
                discard(part)
                failures.append(f"{url}: {str(error).removeprefix(f'{part}: ')}")
            except ValueError as error:
                discard(part)  # complete and wrong: nothing to continue from
                failures.append(f"{url}: {str(error).removeprefix(f'{part}: ')}")
            else:
                for finished in parts.values():
                    discard(finished)
                return dataclasses.replace(report, source=url)
    kept += [part for part in parts.values() if part.exists()]
    sizes = [f"{path} ({path.stat().st_size:,} bytes)" for path in kept]
    raise ValueError(
        "\n  ".join(
            [
                "the dataset could not be downloaded:",
                *failures,
                f"kept: {', '.join(sizes) or 'nothing'}",
                "run it again to continue, or download the zip in a browser and run"
                f" `scene-recog data import PATH --data {root}`",
            ]
        )
    )


def _is_complete(root: Path, manifest: Sequence[ManifestEntry], replace: bool) -> bool:
    """Whether the dataset is complete; raises if there are other images that may not be moved."""
    report = compare(root, manifest)
    if report.foreign and not replace:
        example = [*report.corrupt, *report.extra, *(m.path for m in report.misplaced)][0]
        aside = in_place.free_folder(root)
        raise ValueError(
            f"{root} already holds {report.foreign:,} other images (such as {example}): move"
            f" them to {aside} with --replace, or use another folder with --data"
        )
    return report.ok


def _build(
    source: Path,
    root: Path,
    manifest: Sequence[ManifestEntry],
    accept_different_bytes: bool,
) -> ImportReport:
    """Build the dataset in a temporary folder in `root`, then move it into place."""
    work = in_place.work_folder(root)
    ready = in_place.ready_folder(root)
    try:
        with open_source(source) as images:
            different, ignored = collect_images(
                images, work, manifest, accept_different_bytes, str(source)
            )
        work.rename(ready)
        replaced = in_place.put_in_place(ready, root)
    finally:
        for leftover in (work, ready):
            shutil.rmtree(leftover, ignore_errors=True)
    return ImportReport(root, str(source), len(manifest), different, ignored, replaced)
