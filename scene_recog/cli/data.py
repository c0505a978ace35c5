"""`scene-recog data ...`: get, check, describe and show a dataset.

Nothing heavy is imported before a command runs, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from scene_recog.cli.common import load_torch, print_json
from scene_recog.system.progress import notice

if TYPE_CHECKING:
    from scene_recog.cli.common import Verbs
    from scene_recog.datasets.scene15 import ImportReport, VerifyReport

_LISTED = 10  # findings of each kind in the table; --json lists all


def add_parsers(verbs: Verbs) -> None:
    """Add `data` and its verbs; each sets `run`, a function from the arguments to an exit code."""
    data = verbs.add_parser("data", help="get, check, describe and show a dataset")
    verbs = data.add_subparsers(title="commands", metavar="COMMAND")
    data.set_defaults(run=lambda _: print(data.format_help()) or 0)

    folder = argparse.ArgumentParser(add_help=False)
    folder.add_argument(
        "--data", metavar="DIR", default="data", help="folder of the dataset (default: %(default)s)"
    )
    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="print JSON, for scripts")
    getting = argparse.ArgumentParser(add_help=False)
    getting.add_argument(
        "--replace",
        action="store_true",
        help="if the folder already holds other images, move them to DIR/replaced-N",
    )
    getting.add_argument(
        "--accept-different-bytes",
        action="store_true",
        help="accept images that have the right names but are encoded differently",
    )

    verb = verbs.add_parser(
        "download", parents=[folder, getting], help="download the 15-scene dataset (87 MB)"
    )
    verb.add_argument(
        "--url",
        metavar="URL",
        nargs="+",
        action="extend",
        help="addresses of zips to try instead of the known ones",
    )
    verb.set_defaults(run=_download)

    verb = verbs.add_parser(
        "import", parents=[folder, getting], help="the same from a zip or folder on your disk"
    )
    verb.add_argument("path", metavar="PATH", help="zip or folder with the images, in any layout")
    verb.set_defaults(run=_import)

    verb = verbs.add_parser(
        "verify",
        parents=[folder, as_json],
        help="check every image of the 15-scene dataset; list duplicates",
    )
    verb.set_defaults(run=_verify)

    verb = verbs.add_parser(
        "stats", parents=[folder, as_json], help="counts, image sizes, mean and std of the pixels"
    )
    verb.set_defaults(run=_stats)

    verb = verbs.add_parser(
        "cache",
        parents=[folder, as_json],
        help="list the decoded images that training has cached, or delete them",
    )
    verb.add_argument("--clear", action="store_true", help="delete them; training recreates them")
    verb.set_defaults(run=_cache)

    verb = verbs.add_parser("show", parents=[folder], help="draw a few images of every class")
    verb.add_argument("--split", choices=("train", "test"), default="train")
    verb.add_argument("--per-class", metavar="N", type=int, default=5, help="default: %(default)s")
    verb.add_argument("--seed", metavar="N", type=int, default=0, help="which images are drawn")
    verb.add_argument(
        "--out", metavar="FILE", default="contact_sheet.png", help="default: %(default)s"
    )
    verb.set_defaults(run=_show)


def _download(args: argparse.Namespace) -> int:
    from scene_recog.datasets.scene15 import URLS, download_dataset

    report = download_dataset(
        args.data,
        urls=args.url or URLS,
        replace=args.replace,
        accept_different_bytes=args.accept_different_bytes,
    )
    return _print_import(report)


def _import(args: argparse.Namespace) -> int:
    from scene_recog.datasets.scene15 import import_dataset

    report = import_dataset(
        args.path,
        args.data,
        replace=args.replace,
        accept_different_bytes=args.accept_different_bytes,
    )
    return _print_import(report)


def _print_import(report: ImportReport) -> int:
    if report.already_complete:
        print(f"{report.root} already holds the whole dataset: {report.images:,} images verified")
        return 0
    print(f"{report.root}: {report.images:,} images in train/ and test/, from {report.source}")
    if report.different:
        notice(f"{report.different:,} of them are encoded differently: data verify lists them")
    if report.ignored:
        notice(f"left out {report.ignored:,} images that are not part of the dataset")
    if report.replaced:
        notice(f"moved the earlier images to {report.replaced}")
    return 0


def _verify(args: argparse.Namespace) -> int:
    from scene_recog.datasets import find_dataset
    from scene_recog.datasets.scene15 import verify_dataset

    report = verify_dataset(find_dataset(args.data))
    if args.json:
        print_json(
            asdict(report)
            | {
                "root": str(report.root),
                "ok": report.ok,
                "misplaced": [m._asdict() for m in report.misplaced],
                "straddling": report.across_splits,
            }
        )
    else:
        _print_verify(report)
    return 0 if report.ok else 1


def _print_verify(report: VerifyReport) -> None:
    state = "complete and correct" if report.ok else "incomplete or wrong"
    print(f"{report.root}: {state}, {report.found:,} images of {report.expected:,}")
    _print_list("missing", report.missing)
    _print_list("extra, not part of the dataset", report.extra)
    _print_list("corrupt, bytes differ", report.corrupt)
    _print_list(
        "in the wrong place",
        [f"{path} (belongs at {', '.join(belongs)})" for path, belongs in report.misplaced],
    )
    groups, across_splits = report.duplicates, report.across_splits
    if groups:
        one_class = sum(len({path.split("/")[1] for path in group}) == 1 for group in across_splits)
        print(
            f"{len(groups):,} groups of byte-identical images, {len(across_splits):,} of them"
            f" across train and test ({one_class:,} within one class):"
        )
        for group in groups:
            print(f"  {' = '.join(group)}")


def _print_list(title: str, lines: list[str]) -> None:
    if lines:
        print(f"{title}: {len(lines):,}")
        for line in lines[:_LISTED]:
            print(f"  {line}")
        if len(lines) > _LISTED:
            print(f"  ... and {len(lines) - _LISTED:,} more (--json lists all)")


def _stats(args: argparse.Namespace) -> int:
    load_torch()

    from scene_recog.datasets import find_dataset
    from scene_recog.loading.statistics import dataset_stats

    root = find_dataset(args.data)
    notice(f"reading the images in {root} ...")
    stats = dataset_stats(root)
    if args.json:
        print_json(asdict(stats))
        return 0
    splits = list(next(iter(stats.counts.values())))
    width = max(len("class"), *map(len, stats.counts))
    print(f"{'class':{width}}" + "".join(f"{name:>8}" for name in [*splits, "all"]))
    totals = [sum(counts[split] for counts in stats.counts.values()) for split in splits]
    for name, numbers in [
        *((name, list(counts.values())) for name, counts in stats.counts.items()),
        ("all", totals),
    ]:
        print(f"{name:{width}}" + "".join(f"{n:8,}" for n in [*numbers, sum(numbers)]))
    print()
    for title, (columns, rows) in (
        ("smallest", stats.smallest),
        ("median", stats.median),
        ("largest", stats.largest),
    ):
        print(f"{title + ' width, height':24}{columns:g} x {rows:g}")
    columns, rows = stats.most_common
    print(f"{'most common size':24}{columns} x {rows} ({stats.most_common_count:,} images)")
    print(f"{'pixels in [0, 1]':24}mean {stats.mean:.5f}, standard deviation {stats.std:.5f}")
    return 0


def _cache(args: argparse.Namespace) -> int:
    load_torch()

    from scene_recog.datasets import DEFAULT_DATA_DIR, SKETCHES_DIR
    from scene_recog.datasets.search import locate_dataset
    from scene_recog.loading.cache import cache_files, clear_cache, default_cache_dirs

    named = root = Path(args.data).expanduser()
    with suppress(ValueError):  # several datasets, or one without splits: use the folder as given
        root = locate_dataset(named) or named
    folders = default_cache_dirs(root)
    places = [named / SKETCHES_DIR.name]  # earlier versions drew there
    if named == DEFAULT_DATA_DIR:
        places.append(SKETCHES_DIR)
    for sketches in places:
        if sketches.is_dir():
            folders.insert(1, default_cache_dirs(sketches)[0])
    files = [file for folder in folders for file in cache_files(folder)]
    total = sum(file.bytes for file in files)
    freed = sum(clear_cache(folder) for folder in folders) if args.clear else 0
    if args.json:
        entries = [
            asdict(file) | {"path": str(file.path), "last_use": file.last_use.isoformat()}
            for file in files
        ]
        print_json(
            {"folders": [str(f) for f in folders], "files": entries, "bytes": total, "freed": freed}
        )
        return 0
    where = ", ".join(str(folder) for folder in folders)
    if args.clear:
        print(f"freed {freed / 1e6:,.1f} MB in {where}")
        return 0
    if not files:
        print(f"no decoded images are cached (looked in {where})")
        return 0
    width = max(len("images of"), *(len(file.what) for file in files))
    print(f"{'images of':{width}} {'number':>7} {'pixels':>9} {'MB':>9}  last use")
    for file in files:
        pixels = f"{file.height}x{file.width}"
        used = file.last_use.astimezone().strftime("%Y-%m-%d %H:%M")
        print(
            f"{file.what:{width}} {file.images:7,} {pixels:>9} {file.bytes / 1e6:9,.1f}  "
            f"{used}  {file.path}"
        )
    print(f"{total / 1e6:,.1f} MB in all; --clear deletes them, training recreates them")
    return 0


def _show(args: argparse.Namespace) -> int:
    from scene_recog.datasets import find_dataset
    from scene_recog.visualize.contact_sheet import contact_sheet, save_contact_sheet

    sheet = contact_sheet(find_dataset(args.data), args.split, args.per_class, args.seed)
    print(save_contact_sheet(sheet, args.out))
    return 0
