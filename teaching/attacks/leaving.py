"""Leaving before the tests can fail."""

from teaching.attacks import Attack, at_import, in_calls

LEAVING = [
    Attack(
        "os._exit at import", "the process ends with 0, as after success",
        at_import("import os\nos._exit(0)\n"),
    ),
    Attack(
        "sys.exit at import", "the same, by an exception",
        at_import("import sys\nsys.exit(0)\n"),
    ),
    Attack(
        "os._exit in each call", "what was not counted cannot have failed",
        in_calls("import os\ndef attack(*args, **options):\n    os._exit(0)\n"),
    ),
    Attack(
        "SystemExit and KeyboardInterrupt", "pytest ends at them",
        in_calls("""
            def attack(*args, **options):
                raise (KeyboardInterrupt if len(args) % 2 else SystemExit)(0)
        """, "optimizer", "stats_helper"),
    ),
    Attack(
        "a thread that exits", "the process ends in the middle of a later test",
        in_calls("""
            import os, threading
            def attack(*args, **options):
                threading.Timer(0.05, os._exit, (0,)).start()
                return 0.5, 0.5
        """, "stats_helper"), base="wrong",
    ),
    Attack(
        "SIGKILL to itself", "the process ends by a signal",
        in_calls("""
            import os, signal
            def attack(*args, **options):
                os.kill(os.getpid(), signal.SIGKILL)
        """),
    ),
    Attack(
        "segmentation fault", "the process ends in C",
        in_calls("""
            import ctypes
            def attack(*args, **options):
                ctypes.string_at(0)
        """),
    ),
    Attack(
        "exec of /bin/true", "another program takes its place, with success",
        at_import('import os\nos.execv("/bin/true", ["true"])\n'),
    ),
    Attack(
        "SIGKILL to all others", "the grader's processes end, too",
        at_import("""
            import os, signal
            for number in (os.getppid(), 1, -1):
                try:
                    os.kill(number, signal.SIGKILL)
                except OSError:
                    pass
        """),
    ),
    Attack(
        "SIGSTOP to the first process", "the grader waits for an answer for ever",
        at_import("""
            import os, signal
            os.kill(os.getppid(), signal.SIGSTOP)
        """),
    ),
    Attack(
        "exit by __del__ and atexit", "the process ends when results are thrown away",
        in_calls("""
            import atexit, os
            class Result(float):
                def __del__(self):
                    os._exit(0)
            atexit.register(os._exit, 0)
            def attack(*args, **options):
                return Result(0.5), Result(0.5)
        """, "stats_helper"), base="wrong",
    ),
]  # fmt: skip
