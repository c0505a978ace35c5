"""Through what comes back in the lecture's tests: changed arrays, generators, and the layers that
the grader computes for a student's network."""

from teaching.attacks import ZEROS, Attack, at_import, in_calls

LAYERS, GRADIENTS, NETWORK = "lecture/layers", "lecture/gradients", "lecture/network"

# Where the sandbox's own code can be reached from a student's.
SESSION = """
import gc, sys
def sessions():
    return [each for each in gc.get_objects() if type(each).__name__ == "Session"]
def wire():
    return sys.modules["teaching.grading.wire"]
"""

LECTURE = [
    Attack(
        "arguments that become zero",
        "zero arguments make a result of zeros right",
        in_calls(
            ZEROS
            + """
def attack(*args, **options):
    for each in (*args, *options.values()):
        if isinstance(each, np.ndarray):
            each[...] = 0
    return zeros_for(args, options)
""",
            LAYERS,
            GRADIENTS,
        ),
        base="wrong",
    ),
    Attack(
        "arguments that become infinite",
        "nothing differs from not-a-number, or a test gives up",
        in_calls(
            ZEROS
            + """
def attack(*args, **options):
    for each in (*args, *options.values()):
        if isinstance(each, np.ndarray) and each.dtype.kind == "f":
            each[...] = np.nan
    return np.nan * np.asarray(zeros_for(args, options)[0])
""",
            LAYERS,
            GRADIENTS,
        ),
        base="wrong",
    ),
    Attack(
        "changes of arrays that were not given",
        "arrays of earlier calls become zero, too",
        in_calls(
            ZEROS
            + SESSION
            + """
def attack(*args, **options):
    for session in sessions():
        shapes = [a.shape for a in args if isinstance(a, np.ndarray)]
        session.changes = lambda: {"changed": {n: np.zeros(shapes[n % len(shapes)]) for n in range(50)}}
    return zeros_for(args, options)
""",
            LAYERS,
            GRADIENTS,
        ),
        base="wrong",
    ),
    Attack(
        "changes of another shape and kind",
        "a test that meets them stops in a good moment",
        in_calls(
            ZEROS
            + SESSION
            + """
import itertools
KINDS = itertools.cycle([np.zeros(0), np.array(["a"], dtype=object), "text", None, {"a": 1}, 1j * np.ones(3)])
def attack(*args, **options):
    for session in sessions():
        session.changes = lambda: {"changed": {0: next(KINDS), "x": next(KINDS)}}
    return zeros_for(args, options)
""",
            LAYERS,
            GRADIENTS,
        ),
        base="wrong",
    ),
    Attack(
        "a generator that always draws the same",
        "each mask is the one that is expected",
        in_calls(
            ZEROS
            + SESSION
            + """
def attack(x, probability=0.5, generator=None, *args, **options):
    state = np.random.default_rng(0).bit_generator.state
    wire().state_of = lambda value: value if isinstance(value, np.ndarray) else state
    return x, np.ones_like(x)
""",
            LAYERS,
        ),
        base="wrong",
    ),
    Attack(
        "a generator with a state that is none",
        "restoring it runs code, or breaks the test",
        in_calls(
            ZEROS
            + SESSION
            + """
import itertools
STATES = itertools.cycle([
    {}, {"bit_generator": "PCG64"}, {"bit_generator": "MT19937", "state": {"key": [0], "pos": -1}},
    {"bit_generator": "PCG64", "state": {"state": 10**400, "inc": -1}, "has_uint32": 9, "uinteger": "x"},
    {"bit_generator": "PCG64", "state": {"state": 0, "inc": 0}, "has_uint32": 0, "uinteger": 0},
])
def attack(x, *args, **options):
    wire().state_of = lambda value: value if isinstance(value, np.ndarray) else next(STATES)
    wire().is_same = lambda one, other: False
    return x, np.ones_like(x)
""",
            LAYERS,
        ),
        base="wrong",
    ),
    Attack(
        "the grader's layers as one's own",
        "what it computes for networks is the answer here",
        in_calls(
            ZEROS
            + SESSION
            + """
def attack(*args, **options):
    for session in sessions():
        for name in ("linear", "relu", "softmax", "convolve", "pool"):
            for verb in ("layer", "gradients"):
                try:
                    return session.ask(verb, (name, *args), {})
                except Exception:
                    pass
        try:
            return session.ask("loss", args, {})
        except Exception:
            pass
    return zeros_for(args, options)
""",
            LAYERS,
        ),
        base="wrong",
    ),
    Attack(
        "a network of one giant convolution",
        "the grader is busy until its time is up",
        at_import(
            """
            import numpy as np
            from scene_recog.lecture import layers
            maps, kernels = np.zeros((1, 1, 3000, 3000)), np.zeros((1, 1, 1500, 1500))
            layers.convolve(maps, kernels, np.zeros(1))
        """,
            NETWORK,
        ),
    ),
    Attack(
        "a convolution with endless padding",
        "the grader runs out of memory",
        in_calls(
            """
            import numpy as np
            from scene_recog.lecture import layers
            def attack(*args, **options):
                for padding in (10**5, 10**9, 2**62, -3):
                    try:
                        layers.convolve(np.zeros((1, 1, 2, 2)), np.zeros((1, 1, 1, 1)), np.zeros(1), 1, padding)
                    except RuntimeError:
                        pass
                return np.zeros((2, 15))
        """,
            NETWORK,
        ),
    ),
    Attack(
        "layers of strange arguments",
        "what the grader computes fails in a way that it did not expect",
        in_calls(
            """
            import numpy as np
            from scene_recog.lecture import layers
            STRANGE = [None, "x", -1, 0, 2**70, float("nan"), np.zeros(0), np.zeros((0, 3, 4, 4)), np.array(["a"]), {}, []]
            def attack(*args, **options):
                for one in STRANGE:
                    for other in STRANGE:
                        for call in (lambda: layers.pool(one, other), lambda: layers.linear(one, other, one),
                                     lambda: layers.convolve(one, other, one, other, one), lambda: layers.softmax(one),
                                     lambda: layers.pool(np.zeros((1, 1, 4, 4)), one, other, "l2"),
                                     lambda: layers.negative_log_likelihood(one, other)):
                            try:
                                call()
                            except Exception:
                                pass
                return np.zeros((2, 15))
        """,
            NETWORK,
        ),
    ),
    Attack(
        "arrays of a class that is equal to everything",
        "a subclass answers the comparison",
        in_calls(
            ZEROS
            + """
class Liar(np.ndarray):
    def __eq__(self, other): return np.ones(self.shape, bool).view(np.ndarray)
    def __sub__(self, other): return np.zeros(self.shape)
    __rsub__ = __abs__ = lambda self, *a: np.zeros(self.shape)
    def __array_ufunc__(self, *args, **options): return np.zeros(self.shape)
    def __array_function__(self, *args, **options): return True
def attack(*args, **options):
    found = zeros_for(args, options)
    return tuple(each.view(Liar) for each in found) if isinstance(found, tuple) else found.view(Liar)
""",
            LAYERS,
            GRADIENTS,
        ),
        base="wrong",
    ),
    Attack(
        "the tests' own functions",
        "the loss that is given is changed or called without end",
        in_calls(
            """
            import numpy as np
            def attack(loss, theta, *args, **options):
                for name in ("__code__", "__globals__", "__closure__", "__defaults__"):
                    try:
                        setattr(loss, name, getattr(attack, name))
                    except Exception:
                        pass
                for strange in (None, "x", np.zeros(10**6), np.full(theta.shape, np.nan), theta.astype(object)):
                    try:
                        loss(strange)
                    except Exception:
                        pass
                return np.zeros(theta.shape)
        """,
            GRADIENTS,
        ),
        base="wrong",
    ),
]
