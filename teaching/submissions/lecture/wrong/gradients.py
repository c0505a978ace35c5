"""Wrong measurements of gradients."""

from ... import Wrong

GRADIENT = "gradient[place] = (up - down) / (2 * epsilon)"
UP = "up = loss(_wiggled(theta, place, epsilon))"
DOWN = "down = loss(_wiggled(theta, place, -epsilon))"
MOVED = "moved: Array = theta - rate * np.sign(effect)"
EFFECT = "effect[place] = loss(_wiggled(theta, place, epsilon)) - before"
COPY = "changed: Array = theta.copy()"

WRONG = [
    Wrong(
        "one-sided",
        "(loss(theta + epsilon) - loss(theta)) / epsilon",
        [(DOWN, "down = loss(theta)"), (GRADIENT, GRADIENT.replace("(2 * epsilon)", "epsilon"))],
    ),
    Wrong(
        "downwards-only",
        "(loss(theta) - loss(theta - epsilon)) / epsilon",
        [(UP, "up = loss(theta)"), (GRADIENT, GRADIENT.replace("(2 * epsilon)", "epsilon"))],
    ),
    Wrong(
        "distance-halved",
        "divided by epsilon instead of 2 epsilon",
        [(GRADIENT, GRADIENT.replace("(2 * epsilon)", "epsilon"))],
    ),
    Wrong("undivided", "the difference of the losses", [(GRADIENT, "gradient[place] = up - down")]),
    Wrong("sign-exchanged", "down - up", [(GRADIENT, GRADIENT.replace("up - down", "down - up"))]),
    Wrong(
        "half-steps",
        "half of epsilon to each side",
        [
            (UP, UP.replace("epsilon", "epsilon / 2")),
            (DOWN, DOWN.replace("epsilon", "epsilon / 2")),
            (GRADIENT, GRADIENT.replace("(2 * epsilon)", "epsilon")),
        ],
    ),
    Wrong(
        "all-weights-at-once",
        "all weights are changed together",
        [("    changed[place] += by\n", "    changed += by\n")],
    ),
    Wrong(
        "never-set-back",
        "theta itself is changed, weight after weight",
        [(COPY, "changed = theta")],
    ),
    Wrong(
        "first-dimension-only",
        "whole rows are changed",
        [("    changed[place] += by\n", "    changed[place[0]] += by\n")],
    ),
    Wrong(
        "flattened",
        "the gradient comes back as one row",
        [("    return gradient\n", "    return gradient.ravel()\n")],
    ),
    Wrong(
        "epsilon-fixed",
        "epsilon is 1e-6, whatever is given",
        [
            (
                "    gradient = np.zeros(theta.shape)\n",
                "    epsilon = 1e-6\n    gradient = np.zeros(theta.shape)\n",
            )
        ],
    ),
    Wrong(
        "epsilon-large",
        "epsilon is 1e-3 by default",
        [("epsilon: float = 1e-6)", "epsilon: float = 1e-3)")],
    ),
    Wrong(
        "relative-epsilon",
        "epsilon is multiplied by the weight",
        [("    changed[place] += by\n", "    changed[place] *= 1 + by\n")],
    ),
    Wrong("float32", "measured in float32", [(COPY, "changed = theta.astype(np.float32)")]),
    Wrong("uphill", "weights move with the loss", [(MOVED, MOVED.replace("theta -", "theta +"))]),
    Wrong(
        "by-slope",
        "moved by rate times the slope",
        [(MOVED, "moved: Array = theta - rate * effect / epsilon")],
    ),
    Wrong(
        "by-effect",
        "moved by rate times the change of the loss",
        [(MOVED, "moved: Array = theta - rate * effect")],
    ),
    Wrong(
        "moves-by-epsilon",
        "moved by epsilon instead of rate",
        [(MOVED, "moved: Array = theta - epsilon * np.sign(effect)")],
    ),
    Wrong(
        "moves-without-effect",
        "a weight without effect moves up",
        [(MOVED, "moved: Array = theta + rate * np.where(effect > 0, -1.0, 1.0)")],
    ),
    Wrong(
        "down-stays",
        "a weight moves only if wiggling it up was good",
        [(MOVED, "moved: Array = theta + rate * (effect < 0)")],
    ),
    Wrong(
        "one-after-the-other",
        "each weight has moved before the next is tried",
        [
            (
                EFFECT,
                "place_effect = loss(_wiggled(theta, place, epsilon)) - loss(theta)\n"
                "        theta = _wiggled(theta, place, -rate * float(np.sign(place_effect)))",
            ),
            (MOVED, "moved: Array = theta"),
        ],
    ),
    Wrong(
        "wiggle-in-place",
        "the caller's weights are moved",
        [(MOVED, "theta -= rate * np.sign(effect)\n    moved: Array = theta")],
    ),
    Wrong(
        "wiggle-tiny",
        "the wiggle is a thousandth of epsilon",
        [(EFFECT, EFFECT.replace("place, epsilon", "place, epsilon / 1000"))],
    ),
    Wrong(
        "wiggle-downwards",
        "the wiggle goes down, but the loss is read as if it had gone up",
        [(EFFECT, EFFECT.replace("place, epsilon", "place, -epsilon"))],
    ),
    Wrong(
        "wiggle-to-both-sides",
        "loss(theta + epsilon) - loss(theta - epsilon)",
        [(EFFECT, EFFECT.replace("before", "loss(_wiggled(theta, place, -epsilon))"))],
    ),
    Wrong("rate-too-large", "twice the rate", [(MOVED, MOVED.replace("rate", "2 * rate"))]),
    Wrong("wiggle-forgets-return", "nothing is returned", [("    return moved\n", "")]),
    Wrong(
        "measures-before-each",
        "the loss before is measured for every weight anew",
        [(EFFECT, EFFECT.replace("before", "loss(theta)"))],
        beyond=True,
    ),
    Wrong(
        "epsilon-unchecked",
        "epsilon 0 gives 0 / 0",
        [("if epsilon <= 0:", "if False:")],
        beyond=True,
    ),
]
