"""Changing what judges: pytest, torch, numpy, Python, the grader's own code."""

from teaching.attacks import Attack, at_import

# Right behaviour for the wrong code, if only comparisons were softer.
PATCHING = [
    Attack(
        "conftest, plugins, pytest.ini", "pytest reads them from the submission's folder",
        at_import("""
            import os, pathlib
            HOOK = '''
            import pytest
            @pytest.hookimpl(hookwrapper=True)
            def pytest_runtest_makereport(item, call):
                outcome = yield
                outcome.get_result().outcome = "passed"
            '''.replace("\\n            ", "\\n")
            for place in (".", os.path.dirname(__file__), "/tmp", "..", os.path.expanduser("~")):
                for name, text in (("conftest.py", HOOK), ("pytest.ini", "[pytest]\\naddopts = --co"),
                                   ("setup.cfg", "[tool:pytest]\\naddopts = --co"), ("steps.py", HOOK)):
                    try:
                        pathlib.Path(place, name).write_text(text)
                    except OSError:
                        pass
            os.environ["PYTEST_ADDOPTS"] = "--co"
            os.environ["PYTEST_PLUGINS"] = "conftest"
        """, "stats_helper"), base="wrong",
        files={"conftest.py": b"raise SystemExit(0)", "unit_tests/conftest.py": b"raise SystemExit(0)",
               "pytest.ini": b"[pytest]\naddopts = --co\n", "sitecustomize.py": b"raise SystemExit(0)"},
    ),
    Attack(
        "sitecustomize, usercustomize and .pth", "Python runs them before the grader's code",
        at_import("""
            import os, pathlib, signal, site, sys
            CODE = "import os; os._exit(0)"
            for place in (".", "/tmp", os.path.dirname(__file__), site.getusersitepackages(), *sys.path):
                for name in ("sitecustomize.py", "usercustomize.py", "torch.py", "numpy.py", "teaching.py",
                             "teaching/__init__.py", "evil.pth", "matplotlib/__init__.py", "json.py"):
                    try:
                        path = pathlib.Path(place or ".", name)
                        path.parent.mkdir(parents=True, exist_ok=True)
                        path.write_text(CODE)
                    except OSError:
                        pass
            os.kill(os.getppid(), signal.SIGKILL)
        """, "optimizer"), base="right", with_others=("stats_helper",),
    ),
    Attack(
        "a `scene_recog/__init__.py` and tests", "the package or its tests are replaced",
        at_import("", "optimizer"),
        files={
            "scene_recog/__init__.py": b"import os; os._exit(0)",
            "scene_recog/submission.py": b"import os; os._exit(0)",
            "unit_tests/test_optimizer.py": b"def test_all(): pass",
            "unit_tests/steps.py": b"def cannot_judge(because): pass",
            "teaching/rubric.toml": b"[tests]\noptimizer = { public = 100, hidden = 100 }",
            "rubric.toml": b"hidden_points = 0",
        },
    ),
    Attack(
        "pytest in its process", "assertions and reports are pytest's",
        at_import("""
            import _pytest.runner, _pytest.assertion.rewrite, _pytest.python_api, pytest, sys
            _pytest.runner.call_runtest_hook = lambda *args, **options: None
            pytest.approx = _pytest.python_api.approx = lambda *args, **options: True
            pytest.fail = lambda *args, **options: None
            pytest.skip = lambda *args, **options: None
            sys.modules["steps"] = pytest
        """, "stats_helper"), base="wrong",
    ),
    Attack(
        "torch's comparisons", "the tests compare by torch.equal, allclose and ==",
        at_import("""
            import torch
            true = lambda *args, **options: True
            torch.allclose = torch.equal = torch.Tensor.allclose = torch.Tensor.equal = true
            torch.testing.assert_close = true
            torch.Tensor.__eq__ = lambda self, other: torch.ones(self.shape, dtype=torch.bool)
            torch.Tensor.item = lambda self: Equal(0)
            class Equal(float):
                __eq__ = true
            torch.manual_seed = torch.random.manual_seed = lambda seed: torch.default_generator
        """, "dl_utils", "optimizer"), base="wrong",
    ),
    Attack(
        "a mode and a __torch_function__", "each function of torch gives what suits",
        at_import("""
            import torch
            from torch.overrides import TorchFunctionMode
            class Mode(TorchFunctionMode):
                def __torch_function__(self, func, types, args=(), kwargs=None):
                    if getattr(func, "__name__", "") in ("allclose", "equal", "__eq__", "isfinite"):
                        return True
                    return func(*args, **(kwargs or {}))
            mode = Mode()
            mode.__enter__()
            class Yes(torch.Tensor):
                @classmethod
                def __torch_function__(cls, func, types, args=(), kwargs=None):
                    return True
            def compute_accuracy(logits, labels):
                return torch.tensor(0.5).as_subclass(Yes)
            def compute_loss(model, model_output, target_labels, is_normalize=True):
                return model_output.sum().as_subclass(Yes)
        """, "dl_utils"), base="wrong",
    ),
    Attack(
        "nn.Module.__call__ and global hooks", "all networks give what suits",
        at_import("""
            import torch
            from torch import nn
            from torch.nn.modules import module
            module.register_module_forward_hook(lambda net, x, y: torch.zeros(len(x[0]), 15))
            nn.Module.__call__ = lambda self, x, *rest: torch.zeros(len(x), 15, requires_grad=True)
            nn.Module.parameters = lambda self, recurse=True: iter([nn.Parameter(torch.zeros(3))])
            nn.Module.state_dict = lambda self, *args, **options: {}
        """, "simple_net", "dl_utils"), base="wrong",
    ),
    Attack(
        "numpy and Python's own", "isinstance, len, all, abs, assertions",
        at_import("""
            import builtins, math, numpy
            true = lambda *args, **options: True
            numpy.allclose = numpy.array_equal = numpy.isclose = numpy.testing.assert_allclose = true
            builtins.AssertionError = type("AssertionError", (), {})
            builtins.all = builtins.any = true
            math.isclose = math.isfinite = true
            kept = isinstance
            builtins.isinstance = lambda value, kind: kept(value, kind) or not kept(value, type)
        """, "stats_helper"), base="wrong",
    ),
    Attack(
        "json and pickle in its process", "what comes from the grader is read by pickle",
        at_import("""
            import json, pickle
            kept = json.dumps
            def dumps(value, *args, **options):
                text = kept(value, *args, **options)
                return text.replace('"error"', '"value"').replace("failed", "passed")
            json.dumps = dumps
        """, "optimizer", "stats_helper"), base="wrong",
    ),
    Attack(
        "the worker's session", "it answers with what came in, and the check of wrong code never sees it",
        at_import("""
            import sys
            Session = sys.modules["__main__"].Session
            def do_replace(self, source):
                return None
            def do_call(self, target, args, kwargs):
                found = [*args, *kwargs.values()]
                return found[-1] if found else None
            Session.do_replace = do_replace
            Session.do_call = do_call
            Session.do_index = lambda self, *args: 0.5
            Session.do_length = lambda self, *args: 1
        """, "optimizer", "dl_utils", "stats_helper"), base="wrong",
    ),
    Attack(
        "the writer of answers", "errors are never told, and all numbers are one",
        at_import("""
            import sys
            from teaching.grading import wire
            kept = wire.Writer.frame
            def frame(self, value):
                if isinstance(value, dict) and "error" in value:
                    value = {"value": None}
                return kept(self, value)
            wire.Writer.frame = frame
            sys.modules["__main__"].wire.Writer.frame = frame
        """, "optimizer", "dl_utils"), base="wrong",
    ),
    Attack(
        "the first process, through its memory", "it answers for all files that follow",
        at_import("""
            import os
            try:
                parent = os.getppid()
                with open(f"/proc/{parent}/maps") as maps, open(f"/proc/{parent}/mem", "r+b", 0) as memory:
                    for line in maps:
                        places, rights = line.split()[:2]
                        if rights.startswith("rw") and "stack" in line:
                            start, end = (int(each, 16) for each in places.split("-"))
                            memory.seek(start)
                            memory.write(bytes(end - start))
            except OSError:
                pass
        """, "optimizer"), base="right", with_others=("stats_helper",),
    ),
    Attack(
        "fakes, stand-ins and the finder", "the grader's helpers in the worker give what suits",
        at_import("""
            import sys
            import fakes
            fakes.list_folders = lambda reverse: None
            fakes.FakeNet.forward = fakes.FakeModel.forward = lambda self, x: self.made
            for each in list(sys.meta_path):
                if hasattr(each, "submission"):
                    sys.meta_path.remove(each)
            sys.modules["__main__"].loaded = lambda data: {"class_name": "SimpleNet", "state_dict": {}}
            sys.modules["__main__"].files_in = lambda folder: {
                "../../../evil": b"x", "..": b"x", "": b"x", "/tmp/evil": b"x", "a\\0b": b"x", ".": b"x",
                "trained_SimpleNet_final.pt": b"x" * 1000, "b" * 300: b"x", "conftest.py": b"raise SystemExit",
            }
        """, "dl_utils", "image_loader"), base="wrong",
    ),
]  # fmt: skip
