"""Wrong SimpleNetFinals."""

from .. import Wrong

FORWARD = "logits: torch.Tensor = self.fc_layers(self.conv_layers(x))\n        return logits"

WRONG = [
    Wrong(
        "dropout-on-the-input",
        "dropout is the very first layer: half the input pixels are deleted",
        [
            ("            nn.Dropout(p=0.5),\n", ""),
            (
                "            nn.Conv2d(1, 16,",
                "            nn.Dropout(p=0.5),\n            nn.Conv2d(1, 16,",
            ),
        ],
    ),
    Wrong(
        "no-batch-norm",
        "the batch norm of step 2.5 is missing altogether",
        [
            ("            nn.BatchNorm2d(16),\n", ""),
            ("            nn.BatchNorm2d(32),\n", ""),
            ("            nn.BatchNorm2d(48),\n", ""),
            ("            nn.BatchNorm2d(64),\n", ""),
            ("            nn.BatchNorm2d(96),\n", ""),
        ],
    ),
    Wrong(
        "instance-norm",
        "InstanceNorm2d is taken for batch norm: each image is normalized by itself",
        [
            ("nn.BatchNorm2d(16)", "nn.InstanceNorm2d(16)"),
            ("nn.BatchNorm2d(32)", "nn.InstanceNorm2d(32)"),
            ("nn.BatchNorm2d(48)", "nn.InstanceNorm2d(48)"),
            ("nn.BatchNorm2d(64)", "nn.InstanceNorm2d(64)"),
            ("nn.BatchNorm2d(96)", "nn.InstanceNorm2d(96)"),
        ],
    ),
    Wrong(
        "no-running-averages",
        "track_running_stats=False: in eval mode an image's scores depend on its batch",
        [
            ("nn.BatchNorm2d(16)", "nn.BatchNorm2d(16, track_running_stats=False)"),
            ("nn.BatchNorm2d(32)", "nn.BatchNorm2d(32, track_running_stats=False)"),
            ("nn.BatchNorm2d(48)", "nn.BatchNorm2d(48, track_running_stats=False)"),
            ("nn.BatchNorm2d(64)", "nn.BatchNorm2d(64, track_running_stats=False)"),
            ("nn.BatchNorm2d(96)", "nn.BatchNorm2d(96, track_running_stats=False)"),
        ],
    ),
    Wrong(
        "two-convolutions-only",
        "Part 1's two stages with batch norm and dropout, instead of at least three",
        [
            ("            nn.Conv2d(16, 32, kernel_size=3, padding=1, bias=False),", "           "),
            ("            nn.BatchNorm2d(32),\n            nn.ReLU(),\n", ""),
            ("            nn.Conv2d(32, 48, kernel_size=3, padding=1, bias=False),", "           "),
            ("            nn.BatchNorm2d(48),\n            nn.ReLU(),\n", ""),
            ("            nn.Conv2d(48, 64, kernel_size=3, padding=1, bias=False),", "           "),
            ("            nn.BatchNorm2d(64),\n            nn.ReLU(),\n", ""),
            ("nn.Conv2d(64, 96,", "nn.Conv2d(16, 96,"),
        ],
    ),
    Wrong(
        "batch-norm-before-conv",
        "in the second stage batch norm comes before the convolution, none after it",
        [
            (
                "            nn.Conv2d(16, 32",
                "            nn.BatchNorm2d(16),\n            nn.Conv2d(16, 32",
            ),
            ("            nn.BatchNorm2d(32),\n", ""),
        ],
    ),
    Wrong(
        "batch-norm-without-memory",
        "no running averages: in eval mode an image's scores depend on the rest of its batch",
        [
            ("nn.BatchNorm2d(32)", "nn.BatchNorm2d(32, track_running_stats=False)"),
            ("nn.BatchNorm2d(48)", "nn.BatchNorm2d(48, track_running_stats=False)"),
        ],
    ),
    Wrong(
        "one-batch-norm-missing",
        "the third convolution has no batch norm",
        [("            nn.BatchNorm2d(48),\n", "")],
    ),
    Wrong(
        "norm-over-the-image",
        "instance norm instead of batch norm in one stage",
        [("nn.BatchNorm2d(64)", "nn.InstanceNorm2d(64, affine=True)")],
    ),
    Wrong(
        "no-dropout",
        "dropout is forgotten",
        [("            nn.Dropout(p=0.5),\n", "")],
    ),
    Wrong(
        "dropout-after-the-last-conv",
        "dropout is in the classifier, after the last convolution instead of before it",
        [
            ("            nn.Dropout(p=0.5),\n", ""),
            (
                "            nn.Flatten(),  # [N, 96]\n",
                "            nn.Flatten(),  # [N, 96]\n            nn.Dropout(p=0.5),\n",
            ),
        ],
    ),
    Wrong(
        "dropout-also-in-eval",
        "F.dropout without training=self.training keeps dropping at test time",
        [
            ("            nn.Dropout(p=0.5),\n", ""),
            (
                FORWARD,
                "x = nn.functional.dropout(self.conv_layers[:15](x), p=0.5)\n"
                "        return self.fc_layers(self.conv_layers[15:](x))",
            ),
        ],
    ),
    Wrong(
        "dropout-after-last-conv",
        "dropout comes after the last convolution, not before it",
        [
            ("            nn.Dropout(p=0.5),\n", ""),
            (
                "            nn.AdaptiveAvgPool2d(1)",
                "            nn.Dropout(p=0.5),\n            nn.AdaptiveAvgPool2d(1)",
            ),
        ],
    ),
    Wrong(
        "dropout-in-classifier",
        "dropout is between the linear layers, none before the last convolution",
        [
            ("            nn.Dropout(p=0.5),\n", ""),
            (
                "            nn.Linear(64, 15)",
                "            nn.Dropout(p=0.5),\n            nn.Linear(64, 15)",
            ),
        ],
    ),
    Wrong(
        "dropout-of-a-twentieth",
        "p=0.05, so one value in twenty is dropped instead of every other",
        [("nn.Dropout(p=0.5)", "nn.Dropout(p=0.05)")],
        beyond=True,
    ),
    Wrong(
        "dropout-of-a-tenth",
        "dropout of 0.1 instead of 0.5",
        [("nn.Dropout(p=0.5)", "nn.Dropout(p=0.1)")],
        beyond=True,
    ),
    Wrong(
        "features-squeezed",
        "squeeze() instead of flatten: a batch of one image gives [15] instead of [1, 15]",
        [
            ("            nn.Flatten(),  # [N, 96]\n", ""),
            (FORWARD, "return self.fc_layers(self.conv_layers(x).squeeze())"),
        ],
    ),
    Wrong(
        "batch-size-in-forward",
        "view(32, -1): only batches of 32 images pass, the last one of an epoch does not",
        [
            ("            nn.Flatten(),  # [N, 96]\n", ""),
            (FORWARD, "return self.fc_layers(self.conv_layers(x).view(32, -1))"),
        ],
    ),
    Wrong(
        "one-linear-layer",
        "the head is a single linear layer",
        [
            (
                "nn.Linear(96, 64),\n            nn.ReLU(),\n            nn.Linear(64, 15),\n",
                "nn.Linear(96, 15),\n",
            )
        ],
    ),
    Wrong(
        "fc-layers-end-in-log-softmax",
        "the last module of fc_layers is LogSoftmax, not the linear layer",
        [
            (
                "            nn.Linear(64, 15),\n",
                "            nn.Linear(64, 15),\n            nn.LogSoftmax(dim=1),\n",
            )
        ],
    ),
    Wrong(
        "sixteen-scores",
        "one output too many, for 'none of these'",
        [("nn.Linear(64, 15)", "nn.Linear(64, 16)")],
    ),
    Wrong(
        "softmax-as-last-layer",
        "a softmax ends fc_layers, so the loss applies it twice",
        [("nn.Linear(64, 15),\n", "nn.Linear(64, 15),\n            nn.Softmax(dim=1),\n")],
    ),
    Wrong(
        "criterion-by-another-name",
        "the loss is self.criterion, not self.loss_criterion",
        [("self.loss_criterion = ", "self.criterion = ")],
    ),
    Wrong(
        "summed-loss-in-part-two",
        "the criterion sums over the batch",
        [('nn.CrossEntropyLoss(reduction="mean")', 'nn.CrossEntropyLoss(reduction="sum")')],
    ),
    Wrong(
        "hinge-loss",
        "a multi-class hinge loss instead of cross-entropy",
        [('nn.CrossEntropyLoss(reduction="mean")', 'nn.MultiMarginLoss(reduction="mean")')],
    ),
    Wrong(
        "criterion-weighs-classes",
        "loss_criterion gives some classes more weight: not the plain mean cross-entropy",
        [
            (
                'nn.CrossEntropyLoss(reduction="mean")',
                "nn.CrossEntropyLoss(weight=torch.linspace(0.5, 1.5, 15))",
            )
        ],
    ),
    Wrong(
        "softmax-over-the-batch",
        "forward applies softmax along dim 0, mixing the images of a batch",
        [(FORWARD, "return self.fc_layers(self.conv_layers(x)).softmax(dim=0)")],
    ),
    Wrong(
        "dropout-at-test-time",
        "a second dropout by function, whose default is training=True: eval mode stays random",
        [(FORWARD, "return self.fc_layers(nn.functional.dropout(self.conv_layers(x), p=0.5))")],
    ),
    Wrong(
        "softmax-in-forward",
        "returns probabilities, and cross-entropy takes the softmax once more",
        [(FORWARD, "return self.fc_layers(self.conv_layers(x)).softmax(dim=1)")],
    ),
    Wrong(
        "forgotten-return",
        "forward computes the scores and returns nothing",
        [(FORWARD, "logits = self.fc_layers(self.conv_layers(x))")],
    ),
    Wrong(
        "head-without-activation",
        "no ReLU between the two linear layers, which makes them one",
        [("nn.Linear(96, 64),\n            nn.ReLU(),\n", "nn.Linear(96, 64),\n")],
    ),
    Wrong(
        "no-activation-after-first-conv",
        "batch norm is taken for an activation: the first two convolutions are one",
        [
            (
                "            nn.BatchNorm2d(16),\n            nn.ReLU(),\n",
                "            nn.BatchNorm2d(16),\n",
            )
        ],
    ),
    Wrong(
        "no-activation-before-the-head",
        "average pooling is linear, so the last convolution and the hidden layer are one",
        [
            (
                "            nn.BatchNorm2d(96),\n            nn.ReLU(),\n",
                "            nn.BatchNorm2d(96),\n",
            )
        ],
    ),
    Wrong(
        "batch-norm-at-the-start-only",
        "one batch norm, after the first convolution, is thought to be enough",
        [
            ("            nn.BatchNorm2d(32),\n", ""),
            ("            nn.BatchNorm2d(48),\n", ""),
            ("            nn.BatchNorm2d(64),\n", ""),
            ("            nn.BatchNorm2d(96),\n", ""),
        ],
    ),
    Wrong(
        "batch-norm-in-the-head-only",
        "BatchNorm1d between the linear layers, none after the convolutions",
        [
            ("            nn.BatchNorm2d(16),\n", ""),
            ("            nn.BatchNorm2d(32),\n", ""),
            ("            nn.BatchNorm2d(48),\n", ""),
            ("            nn.BatchNorm2d(64),\n", ""),
            ("            nn.BatchNorm2d(96),\n", ""),
            ("nn.Linear(96, 64),\n", "nn.Linear(96, 64),\n            nn.BatchNorm1d(64),\n"),
        ],
    ),
    Wrong(
        "layer-norm",
        "GroupNorm(1, ...) normalizes each image by itself, not over the batch",
        [("nn.BatchNorm2d(32)", "nn.GroupNorm(1, 32)")],
    ),
    Wrong(
        "images-normalized-by-their-batch",
        "forward subtracts the mean of the batch, in eval mode too",
        [(FORWARD, f"x = (x - x.mean()) / x.std()\n        {FORWARD}")],
    ),
    Wrong(
        "dropout-of-nothing",
        "nn.Dropout(0): nothing is dropped",
        [("nn.Dropout(p=0.5)", "nn.Dropout(p=0.0)")],
    ),
    Wrong(
        "dropout-of-everything",
        "p is taken for the share that is kept: p=1 drops everything",
        [("nn.Dropout(p=0.5)", "nn.Dropout(p=1.0)")],
    ),
    Wrong(
        "dropout-never-in-training",
        "forward switches the convolutional part to eval mode, so dropout never acts",
        [(FORWARD, f"self.conv_layers.eval()\n        {FORWARD}")],
    ),
    Wrong(
        "conv-layers-detached",
        "detach() after conv_layers: the filters stay random",
        [(FORWARD, "return self.fc_layers(self.conv_layers(x).detach())")],
    ),
    Wrong(
        "forward-without-gradient",
        "forward runs under torch.no_grad(), copied from the evaluation",
        [
            (
                "    def forward(self, x: torch.Tensor)",
                "    @torch.no_grad()\n    def forward(self, x: torch.Tensor)",
            )
        ],
    ),
    Wrong(
        "frozen-first-layer",
        "the first filters are frozen, as in transfer learning",
        [
            (
                "        self.loss_criterion =",
                "        self.conv_layers[0].weight.requires_grad = False\n"
                "        self.loss_criterion =",
            )
        ],
    ),
    Wrong(
        "layer-never-used",
        "a convolution is made in __init__, and forward skips it",
        [
            (
                "        self.loss_criterion =",
                "        self.extra = nn.Conv2d(96, 96, 3)\n        self.loss_criterion =",
            )
        ],
    ),
    Wrong(
        "sigmoid-on-the-scores",
        "scores are squeezed to 0..1 by a sigmoid",
        [(FORWARD, "return self.fc_layers(self.conv_layers(x)).sigmoid()")],
    ),
    Wrong(
        "flatten-does-not-fit",
        "the pooling was changed, and the first linear layer was not fitted to it",
        [("nn.AdaptiveAvgPool2d(1)", "nn.AdaptiveAvgPool2d(2)")],
    ),
    Wrong(
        "loss-for-each-image",
        'reduction="none": a loss for each image instead of their mean',
        [('nn.CrossEntropyLoss(reduction="mean")', 'nn.CrossEntropyLoss(reduction="none")')],
    ),
    Wrong(
        "pooling-for-an-activation",
        "max-pooling is the only thing between two stages; it passes negative values on",
        [
            (
                "            nn.BatchNorm2d(48),\n            nn.ReLU(),\n",
                "            nn.BatchNorm2d(48),\n",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "dropout-two-stages-early",
        "dropout comes after the second convolution, not directly before the last",
        [
            ("            nn.Dropout(p=0.5),\n", ""),
            (
                "            nn.Conv2d(32, 48,",
                "            nn.Dropout(p=0.5),\n            nn.Conv2d(32, 48,",
            ),
        ],
        beyond=True,
    ),
    Wrong(
        "batch-norm-without-scale",
        "affine=False: the maps stay at zero mean and unit variance",
        [("nn.BatchNorm2d(64)", "nn.BatchNorm2d(64, affine=False)")],
        beyond=True,
    ),
    Wrong(
        "three-linear-layers",
        "one linear layer more than the handout's head has",
        [
            (
                "            nn.Linear(64, 15),\n",
                "            nn.Linear(64, 32),\n            nn.ReLU(),\n"
                "            nn.Linear(32, 15),\n",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "maps-of-32",
        "nothing is pooled: 6 million weights in the first linear layer",
        [
            ("            nn.MaxPool2d(2),  # [N, 32, 16, 16]\n", ""),
            ("            nn.MaxPool2d(2),  # [N, 48, 8, 8]\n", ""),
            ("            nn.MaxPool2d(2),  # [N, 64, 4, 4]\n", ""),
            ("            nn.AdaptiveAvgPool2d(1),  # [N, 96, 1, 1]\n", ""),
            ("nn.Linear(96, 64)", "nn.Linear(96 * 32 * 32, 64)"),
        ],
        beyond=True,
    ),
    Wrong(
        "input-scaled-in-place",
        "forward halves the caller's images in place",
        [(FORWARD, f"x.mul_(0.5)\n        {FORWARD}")],
        beyond=True,
    ),
]
