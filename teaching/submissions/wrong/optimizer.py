"""Wrong optimizers."""

from submissions import Wrong

MOMENTUM = 'options.setdefault("momentum", 0.9)'
BUILD = "    return OPTIMIZERS[optimizer_type](parameters, **options)"

WRONG = [
    Wrong(
        "adam-is-adamw",
        "AdamW is used for 'adam' too, so weight decay does not go through the gradient",
        [('"adam": torch.optim.Adam,', '"adam": torch.optim.AdamW,')],
    ),
    Wrong(
        "adamw-is-adam",
        "Adam with weight_decay is taken for AdamW",
        [('"adamw": torch.optim.AdamW,', '"adamw": torch.optim.Adam,')],
    ),
    Wrong(
        "config-emptied",
        "optimizer_type is popped from the caller's own config, which cannot be used again",
        [("options = dict(config)", "options = config")],
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
    ),
    Wrong(
        "weight-decay-optional",
        "a config without weight_decay is accepted",
        [('for key in ("lr", "weight_decay"):', 'for key in ("lr",):')],
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
    ),
    Wrong(
        "momentum-fixed",
        "momentum is hard-coded to 0.9, whatever the config says",
        [(MOMENTUM, 'options["momentum"] = 0.9')],
    ),
    Wrong(
        "momentum-zero-is-absent",
        "`or`: a momentum of 0 is taken for none given and becomes 0.9",
        [(MOMENTUM, 'options["momentum"] = options.get("momentum") or 0.9')],
    ),
    Wrong(
        "nesterov-dropped",
        "nesterov is allowed in the config and silently dropped",
        [(MOMENTUM, 'options.setdefault("momentum", 0.9)\n        options.pop("nesterov", None)')],
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
    ),
]
