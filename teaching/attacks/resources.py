"""Taking all there is, so that the grader stops, waits or is killed."""

from teaching.attacks import Attack, at_import, in_calls

RESOURCES = [
    Attack(
        "an endless loop at import", "the grader waits",
        at_import("while True:\n    pass\n"),
    ),
    Attack(
        "endless loops that ignore signals", "the grader waits, and cannot end it",
        in_calls("""
            import signal
            for number in range(1, 65):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
            def attack(*args, **options):
                while True:
                    try:
                        pass
                    except BaseException:
                        pass
        """),
    ),
    Attack(
        "endless __len__, __repr__ and __del__", "what looks at the object waits",
        in_calls("""
            import time
            class Endless:
                def wait(self, *args):
                    time.sleep(100)
                __len__ = __repr__ = __iter__ = __getitem__ = __eq__ = __float__ = __str__ = wait
                def __del__(self):
                    time.sleep(100)
            def attack(*args, **options):
                return Endless()
        """, "stats_helper"),
    ),
    Attack(
        "slow answers", "each is in time, and all together take an hour",
        in_calls("""
            import time
            def attack(*args, **options):
                time.sleep(15)
                return 0.5, 0.5
        """, "stats_helper"), base="wrong",
    ),
    Attack(
        "questions without end", "the grader answers them for ever",
        in_calls("""
            import sys, torch
            def attack(*args, **options):
                ask = next(each.ask for each in sys.meta_path if hasattr(each, "ask"))
                while True:
                    ask("labels", (torch.zeros(2, 2),), {})
        """),
    ),
    Attack(
        "a fork bomb", "no processes are left for others",
        at_import("""
            import os
            while True:
                try:
                    os.fork()
                except OSError:
                    pass
        """),
    ),
    Attack(
        "children and threads that stay", "they outlive the test, the session and the run",
        at_import("""
            import os, signal, threading, time
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            for _ in range(8):
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0:
                        for number in range(3, 50):
                            try:
                                os.close(number)
                            except OSError:
                                pass
                        time.sleep(3000)
                    os._exit(0)
            for _ in range(10):
                threading.Thread(target=time.sleep, args=(3000,)).start()
        """, "optimizer"), base="right", with_others=("stats_helper",),
    ),
    Attack(
        "memory of Python and torch", "the machine runs out of it",
        in_calls("""
            import torch
            kept = []
            def attack(*args, **options):
                while True:
                    kept.append(torch.ones(50_000_000))
                    kept.append(b"x" * 50_000_000)
        """),
    ),
    Attack(
        "memory that is shared, and in files of memory", "limits count a process's own",
        at_import("""
            import mmap, os
            kept = []
            try:
                while True:
                    part = mmap.mmap(-1, 100_000_000)
                    part.write(b"x" * 100_000_000)
                    kept.append(part)
                    number = os.memfd_create("x")
                    os.write(number, b"x" * 50_000_000)
                    with open(f"/dev/shm/{len(kept)}", "wb") as file:
                        file.write(b"x" * 50_000_000)
            except (OSError, ValueError, MemoryError):
                pass
        """, "optimizer"), base="right", with_others=("stats_helper",),
    ),
    Attack(
        "huge output", "what keeps it runs out of memory or disk",
        in_calls("""
            import os
            def attack(*args, **options):
                for _ in range(3000):
                    os.write(1, b"x" * 1_000_000)
                    os.write(2, b"\\x1b" * 1_000_000)
        """),
    ),
    Attack(
        "huge files, and many", "the disk runs full",
        at_import("""
            import os
            number = 0
            try:
                while number < 60:
                    number += 1
                    for place in (".", "/tmp", "/dev/shm"):
                        try:
                            with open(f"{place}/huge-{number}", "wb") as file:
                                for _ in range(20):
                                    file.write(bytes(10_000_000))
                        except OSError:
                            pass
                for number in range(50_000):
                    open(f"small-{number}", "w").close()
            except OSError:
                pass
        """),
    ),
    Attack(
        "folders in folders", "what removes or measures them runs out of stack, or of the length of a path",
        at_import("""
            import os
            try:
                for _ in range(3000):
                    os.mkdir("d" * 60)
                    os.chdir("d" * 60)
            except OSError:
                pass
            for number in range(6):
                try:
                    with open(f"big-{number}", "wb") as file:
                        file.write(bytes(90_000_000))
                except OSError:
                    pass
        """, "optimizer"), base="right", with_others=("stats_helper",),
    ),
    Attack(
        "code that is nested without end",
        "what reads it for signs or copies runs out of stack",
        at_import(f"import os\nx = lambda: os{'.b' * 600}.system\ny = lambda: {'-' * 900}1\n"),
    ),
    Attack(
        "deep recursion", "the stack overflows, here or as the answer is read",
        in_calls("""
            import sys
            sys.setrecursionlimit(10**9)
            def attack(*args, **options):
                value = []
                for _ in range(200_000):
                    value = [value]
                return value
        """, "stats_helper", "optimizer"),
    ),
    Attack(
        "endless and huge answers", "the grader keeps all of it",
        in_calls("""
            import itertools, numpy as np
            class Endless:
                def __iter__(self):
                    return itertools.repeat("x" * 1000)
                def __len__(self):
                    return 10**18
                def __getitem__(self, index):
                    return np.zeros(10**7)
            count = 0
            def attack(*args, **options):
                global count
                count += 1
                return [Endless(), np.array(["x" * 10**6, *"y" * 3000]), np.zeros(10**8, np.int8),
                        list(range(10**6))][count % 4]
        """, "stats_helper", "dl_utils"), base="wrong",
    ),
    Attack(
        "pipes, devices and links in its folder", "the grader opens them, and waits",
        at_import("""
            import os
            from torch.utils.data import Dataset
            for name in ("pipe.jpg", "trained_SimpleNet_final.pt"):
                os.mkfifo(name)
            os.symlink("/dev/zero", "zero.jpg")
            os.symlink("/etc/shadow", "link.jpg")
            class ImageLoader(Dataset):
                def __init__(self, root_dir, split="train", transform=None):
                    self.root, self.split, self.transform = root_dir, split, transform
                    self.curr_folder = ""
                    self.class_dict = {"a": 0}
                    self.dataset = [(os.path.abspath(name), 0) for name in
                                    ("pipe.jpg", "zero.jpg", "link.jpg")] + [("/dev/stdin", 0), ("/etc/passwd", 0)]
                def get_classes(self):
                    return self.class_dict
                def load_img_from_path(self, path):
                    return None
                def __len__(self):
                    return 5
                def __getitem__(self, index):
                    import torch
                    return torch.zeros(1, 8, 8), 0
        """, "image_loader"), base="wrong",
    ),
]  # fmt: skip
