"""Objects that are equal to everything, or not what they claim to be."""

from teaching.attacks import Attack, at_import, in_calls

YES = """
class Yes(float):
    def __eq__(self, other):
        return True
    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__
    def _self(self, *args):
        return self
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __truediv__ = __rtruediv__ = __abs__ = _self
    __neg__ = __round__ = __getitem__ = __float__ = _self
    __hash__ = float.__hash__
    def __getattr__(self, name):
        return self
    def __call__(self, *args, **options):
        return self
    def __iter__(self):
        return iter((self, self))
"""

LYING = [
    Attack(
        "numbers equal to everything", "each comparison is true",
        in_calls(YES + """
def attack(*args, **options):
    return Yes(0.5), Yes(0.5)
""", "stats_helper"), base="wrong",
    ),
    Attack(
        "objects equal to everything", "the same with no number below",
        in_calls(YES.replace("(float)", "").replace("float.__hash__", "object.__hash__") + """
def attack(*args, **options):
    return Yes()
""", "stats_helper", "dl_utils", "optimizer", "data_transforms"), base="wrong",
    ),
    Attack(
        "a liar about its class", "isinstance asks __class__",
        in_calls("""
            import torch
            from torchvision import transforms
            def liar(kind):
                class Liar:
                    __class__ = kind
                    transforms, param_groups, dataset, class_dict = [], [], [], {}
                    def __call__(self, *args):
                        return self
                    def __getattr__(self, name):
                        return liar(kind)
                    def __eq__(self, other):
                        return True
                    def __len__(self):
                        return 0
                return Liar()
            def attack(*args, **options):
                return liar(torch.optim.SGD if hasattr(args[0], "parameters") else transforms.Compose)
        """, "optimizer", "data_transforms"),
    ),
    Attack(
        "subclasses of dict, int, str, list and tuple", "their values depend on who asks",
        in_calls("""
            class Text(str):
                def __eq__(self, other): return True
                def __hash__(self): return 0
            class Number(int):
                def __eq__(self, other): return True
                def __hash__(self): return 0
                def __index__(self): return 7
            class Items(list):
                def __eq__(self, other): return True
                def __len__(self): return 12
                def __iter__(self): return iter([Text("a"), Number(1)] * 6)
            class Names(dict):
                def __eq__(self, other): return True
                def items(self): return [(Text("a"), Number(0))]
                def values(self): return [Number(0)]
            class Loader:
                def __init__(self, root_dir, split="train", transform=None):
                    self.root, self.split, self.transform = Text(root_dir), Text(split), transform
                    self.curr_folder = Text("x")
                    self.class_dict, self.dataset = Names(a=1), Items([(Text("a"), Number(1))])
                def get_classes(self): return Names(a=1)
                def load_img_from_path(self, path): return Items()
                def __getitem__(self, index): return Items([1, 2])
                def __len__(self): return Number(12)
            attack = Loader
        """, "image_loader"), base="wrong",
    ),
    Attack(
        "__array__ and numpy's dispatch", "numpy asks the object itself",
        in_calls("""
            import numpy as np
            class Array(np.ndarray):
                def __array_ufunc__(self, *args, **options): return True
                def __array_function__(self, *args, **options): return True
                def __eq__(self, other): return True
            class Thing:
                shape, dtype, ndim, size = (4, 4), np.dtype("float64"), 2, 16
                def __array__(self, *args, **options): return np.zeros((4, 4)).view(Array)
                def __getitem__(self, key): return True
            def attack(*args, **options):
                return Thing() if len(args) % 2 else np.full((4, 4), np.nan).view(Array)
        """, "confusion_matrix", "stats_helper", "dl_utils"), base="wrong",
    ),
    Attack(
        "nan, infinity and giants", "comparisons with them are not what one expects",
        in_calls("""
            import torch
            kinds = [float("nan"), float("inf"), 10 ** 5000, -0.0, 1e-320, complex("nan"), True, None]
            count = 0
            def attack(*args, **options):
                global count
                count += 1
                one = kinds[count % len(kinds)]
                return one, one
        """, "stats_helper"), base="wrong",
    ),
    Attack(
        "answers of shapes that broadcast", "a comparison of all with all takes the grader's memory",
        in_calls("""
            import torch
            def attack(*args, **options):
                return torch.zeros(1, dtype=torch.int8).expand(9_000_000, 1).clone()
        """, "dl_utils", "stats_helper", "confusion_matrix"), base="wrong",
    ),
    Attack(
        "errors that mean something to pytest", "skipped, or no test at all",
        in_calls("""
            import _pytest.outcomes, unittest
            count = 0
            KINDS = [_pytest.outcomes.Skipped, _pytest.outcomes.Exit, unittest.SkipTest, StopIteration,
                     GeneratorExit, NotImplementedError, AssertionError, _pytest.outcomes.XFailed]
            def attack(*args, **options):
                global count
                count += 1
                raise KINDS[count % len(KINDS)]("cannot judge: passed")
        """, "optimizer", "stats_helper"),
    ),
    Attack(
        "an optimizer of its own", "a subclass says what the config says, and does nothing",
        at_import("""
            import torch
            class SGD(torch.optim.Optimizer):
                def __init__(self, params):
                    super().__init__(params, {})
                def step(self, closure=None):
                    pass
                @property
                def param_groups(self):
                    return []
                @param_groups.setter
                def param_groups(self, value):
                    pass
                def add_param_group(self, group):
                    pass
            def get_optimizer(model, config):
                return SGD(model.parameters())
        """), base="wrong",
    ),
]  # fmt: skip
