"""Wrong optimizers."""

from .. import Wrong

MOMENTUM = 'options.setdefault("momentum", 0.9)'
BUILD = "    return OPTIMIZERS[optimizer_type](parameters, **options)"

WRONG = [
    Wrong(
        "adam-is-adamw",
        "AdamW is used for 'adam' too, so weight decay does not go through the gradient",
        [('"adam": torch.optim.Adam,', '"adam": torch.optim.AdamW,')],
        beyond=True,
    ),
    Wrong(
        "adamw-is-adam",
        "Adam with weight_decay is taken for AdamW",
        [('"adamw": torch.optim.AdamW,', '"adamw": torch.optim.Adam,')],
        beyond=True,
    ),
    Wrong(
        "config-emptied",
        "optimizer_type is popped from the caller's own config, which cannot be used again",
        [("options = dict(config)", "options = config")],
        beyond=True,
    ),
    Wrong(
        "unknown-type-is-sgd",
        "an else branch: any type but adam and adamw, misspelt or not, becomes SGD",
        [
            (
                "    if optimizer_type not in OPTIMIZERS:\n",
                "    if optimizer_type not in OPTIMIZERS:\n"
                '        optimizer_type = "sgd"\n'
                "    if optimizer_type not in OPTIMIZERS:\n",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "unknown-type-is-key-error",
        "an unknown type is a KeyError that lists nothing",
        [
            (
                "    if optimizer_type not in OPTIMIZERS:\n        raise ValueError(",
                "    OPTIMIZERS[optimizer_type]\n"
                "    if optimizer_type not in OPTIMIZERS:\n"
                "        raise ValueError(",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "error-does-not-say-what-is-allowed",
        "the error for an unknown type neither names it nor lists the three types",
        [
            (
                "f\"optimizer_type is {optimizer_type!r}: it must be one of {', "
                "'.join(OPTIMIZERS)}\"",
                '"unknown optimizer type"',
            )
        ],
        beyond=True,
    ),
    Wrong(
        "missing-lr-has-a-default",
        "a config without lr silently trains at 0.001",
        [
            (
                '    for key in ("lr", "weight_decay"):',
                '    options.setdefault("lr", 0.001)\n    for key in ("lr", "weight_decay"):',
            )
        ],
        beyond=True,
    ),
    Wrong(
        "weight-decay-optional",
        "a config without weight_decay is accepted",
        [('for key in ("lr", "weight_decay"):', 'for key in ("lr",):')],
        beyond=True,
    ),
    Wrong(
        "unknown-key-ignored",
        "the config is read with .get, so a misspelt key has no effect and no error",
        [
            (
                "    for key, value in options.items():\n",
                "    options = {key: value for key, value in options.items() if key in allowed}\n"
                "    for key, value in options.items():\n",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "negative-is-made-positive",
        "a negative learning rate is used without its sign instead of being an error",
        [
            (
                "    for key, value in options.items():\n",
                '    options["lr"] = abs(options["lr"])\n    for key, value in options.items():\n',
            )
        ],
        beyond=True,
    ),
    Wrong(
        "unknown-key-lists-nothing",
        "the error names the unknown key but does not say which are allowed",
        [
            (
                "        if key not in allowed:\n",
                "        if key not in allowed:\n"
                '            raise ValueError(f"unknown key {key!r} in config")\n',
            )
        ],
        beyond=True,
    ),
    Wrong(
        "negative-dampening-passes",
        "only lr, weight_decay and momentum are checked for negative values",
        [
            (
                "if any(number < 0 for",
                'if key in ("lr", "weight_decay", "momentum") and any(number < 0 for',
            )
        ],
        beyond=True,
    ),
    Wrong(
        "zero-rejected",
        "'not negative' is checked as 'positive', so weight_decay 0 is an error",
        [("if any(number < 0 for", "if any(number <= 0 for")],
    ),
    Wrong(
        "no-momentum-by-default",
        "without a momentum in the config, torch's default of 0 is used",
        [(MOMENTUM, 'options.setdefault("momentum", 0.0)')],
        beyond=True,
    ),
    Wrong(
        "momentum-fixed",
        "momentum is hard-coded to 0.9, whatever the config says",
        [(MOMENTUM, 'options["momentum"] = 0.9')],
        beyond=True,
    ),
    Wrong(
        "momentum-zero-is-absent",
        "`or`: a momentum of 0 is taken for none given and becomes 0.9",
        [(MOMENTUM, 'options["momentum"] = options.get("momentum") or 0.9')],
        beyond=True,
    ),
    Wrong(
        "nesterov-dropped",
        "nesterov is allowed in the config and silently dropped",
        [(MOMENTUM, 'options.setdefault("momentum", 0.9)\n        options.pop("nesterov", None)')],
        beyond=True,
    ),
    Wrong(
        "nesterov-by-default",
        "SGD is nesterov unless the config says no",
        [
            (
                MOMENTUM,
                'options.setdefault("momentum", 0.9)\n'
                '        options.setdefault("nesterov", options["momentum"] > 0)',
            )
        ],
        beyond=True,
    ),
    Wrong(
        "velocity-is-an-average",
        "dampening 1 - m: v = m v + (1 - m) g takes steps ten times too short",
        [
            (
                MOMENTUM,
                'options.setdefault("momentum", 0.9)\n'
                '        options.setdefault("dampening", options["momentum"])',
            )
        ],
        beyond=True,
    ),
    Wrong(
        "weight-decay-ignored",
        "weight_decay is read from the config and never passed on",
        [("    parameters = [", '    options.pop("weight_decay")\n    parameters = [')],
    ),
    Wrong(
        "betas-ignored",
        "betas in the config are dropped silently: Adam keeps its defaults",
        [("    parameters = [", '    options.pop("betas", None)\n    parameters = [')],
        beyond=True,
    ),
    Wrong(
        "classifier-only",
        "only the parameters of fc_layers are optimized, the filters stay random",
        [
            (
                "[p for p in model.parameters() if p.requires_grad]",
                "list(model.fc_layers.parameters())",
            )
        ],
    ),
    Wrong(
        "matrices-only",
        "only the weights are optimized, the biases are left out",
        [
            (
                "[p for p in model.parameters() if p.requires_grad]",
                '[p for name, p in model.named_parameters() if name.endswith("weight")]',
            )
        ],
    ),
    Wrong(
        "only-classifier-trained",
        "only the parameters of fc_layers are given to the optimizer",
        [("for p in model.parameters()", "for p in model.fc_layers.parameters()")],
    ),
    Wrong(
        "biases-not-trained",
        "only matrices and filters are given to the optimizer",
        [("if p.requires_grad]", "if p.requires_grad and p.ndim > 1]")],
    ),
    Wrong(
        "weight-decay-not-passed",
        "weight_decay is read but never reaches the optimizer",
        [
            (
                BUILD,
                '    options["weight_decay"] = 0.0\n'
                "    return OPTIMIZERS[optimizer_type](parameters, **options)",
            )
        ],
    ),
    Wrong(
        "weight-decay-for-sgd-only",
        "weight decay is thought to be a matter of SGD; Adam and AdamW keep torch's defaults",
        [
            (
                BUILD,
                '    if optimizer_type != "sgd":\n'
                '        del options["weight_decay"]\n'
                "    return OPTIMIZERS[optimizer_type](parameters, **options)",
            )
        ],
    ),
    Wrong(
        "lr-and-weight-decay-swapped",
        "the two numbers are passed in the wrong order",
        [
            (
                BUILD,
                '    options["lr"], options["weight_decay"] = options["weight_decay"], '
                'options["lr"]\n'
                "    return OPTIMIZERS[optimizer_type](parameters, **options)",
            )
        ],
    ),
    Wrong(
        "adam-keeps-its-own-lr",
        "Adam is believed to adapt its learning rate by itself, so lr is not passed to it",
        [
            (
                BUILD,
                '    if optimizer_type == "adam":\n'
                '        del options["lr"]\n'
                "    return OPTIMIZERS[optimizer_type](parameters, **options)",
            )
        ],
    ),
    Wrong(
        "nesterov-ignored",
        "nesterov is accepted in the config but has no effect",
        [
            (
                BUILD,
                '    options.pop("nesterov", None)\n'
                "    return OPTIMIZERS[optimizer_type](parameters, **options)",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "nothing-returned",
        "the optimizer is made, and the return is forgotten",
        [(BUILD, BUILD.replace("return", "_ ="))],
    ),
    Wrong(
        "class-instead-of-optimizer",
        "the class is returned, not an optimizer over the model's parameters",
        [(BUILD, "    return OPTIMIZERS[optimizer_type]")],
    ),
    Wrong(
        "lr-written-in",
        "the learning rate that worked once is written into the function",
        [(BUILD, f'    options["lr"] = 0.001\n{BUILD}')],
    ),
    Wrong(
        "lr-per-image",
        "the learning rate is divided by the batch size, as if the loss were a sum",
        [(BUILD, f'    options["lr"] /= 32\n{BUILD}')],
    ),
    Wrong(
        "weight-decay-in-momentum-s-place",
        "SGD(parameters, lr, weight_decay): the third argument is momentum",
        [
            (
                BUILD,
                '    if optimizer_type == "sgd":\n'
                '        return torch.optim.SGD(parameters, options["lr"], '
                f'options["weight_decay"])\n{BUILD}',
            )
        ],
    ),
    Wrong(
        "weight-decay-on-biases-only",
        "the two groups are mixed up: weight decay for vectors, none for matrices",
        [
            (
                BUILD,
                "    matrices = [p for p in parameters if p.ndim > 1]\n"
                "    vectors = [p for p in parameters if p.ndim <= 1]\n"
                '    parameters = [{"params": matrices, "weight_decay": 0.0}, {"params": vectors}]'
                f"\n{BUILD}",
            )
        ],
    ),
    Wrong(
        "uphill",
        "maximize=True: every step makes the loss larger",
        [(BUILD, f'    options["maximize"] = True\n{BUILD}')],
    ),
    Wrong(
        "copy-of-the-model",
        "the optimizer trains a deep copy, the model itself stays as it is",
        [("p in model.parameters()", 'p in __import__("copy").deepcopy(model).parameters()')],
    ),
    Wrong(
        "last-layer-only",
        "only the last linear layer is trained, as in transfer learning",
        [("p in model.parameters()", "p in model.fc_layers[-1].parameters()")],
    ),
    Wrong(
        "filters-only",
        "only the convolutions are trained",
        [("p in model.parameters()", "p in model.conv_layers.parameters()")],
    ),
    Wrong(
        "types-in-capitals-only",
        "'SGD' and 'Adam' are compared with 'sgd' and 'adam', and do not match",
        [
            ('    "sgd": torch.optim.SGD', '    "SGD": torch.optim.SGD'),
            ('    "adam": torch.optim.Adam,', '    "Adam": torch.optim.Adam,'),
            ('    "adamw": torch.optim.AdamW,', '    "AdamW": torch.optim.AdamW,'),
            ('    "sgd": {"mom', '    "SGD": {"mom'),
            ('    "adam": {"betas"', '    "Adam": {"betas"'),
            ('    "adamw": {"betas"', '    "AdamW": {"betas"'),
        ],
    ),
    Wrong(
        "learning-rate-by-another-key",
        "the config is read at 'learning_rate', which it does not have",
        [(BUILD, f'    options["lr"] = options["learning_rate"]\n{BUILD}')],
    ),
    Wrong(
        "sgd-only",
        "one optimizer is enough for the handout, but the others are refused",
        [
            (
                "    if optimizer_type not in OPTIMIZERS:\n",
                '    if optimizer_type != "sgd":\n'
                '        raise ValueError(f"{optimizer_type!r} is none of sgd, adam, adamw")\n'
                "    if optimizer_type not in OPTIMIZERS:\n",
            )
        ],
        beyond=True,
    ),
]
