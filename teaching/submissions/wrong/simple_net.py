"""Wrong SimpleNets."""

from .. import Wrong

FORWARD = "logits: torch.Tensor = self.fc_layers(self.conv_layers(x))\n        return logits"

WRONG = [
    Wrong(
        "first-kernel-three",
        "3x3 in the first convolution; the sizes happen to fit all the same",
        [("nn.Conv2d(1, 10, kernel_size=5)", "nn.Conv2d(1, 10, kernel_size=3)")],
    ),
    Wrong(
        "convolutions-padded",
        "'same' padding, so the maps are 64x64 and 21x21 instead of 60x60 and 16x16",
        [
            ("nn.Conv2d(1, 10, kernel_size=5)", "nn.Conv2d(1, 10, kernel_size=5, padding=2)"),
            ("nn.Conv2d(10, 20, kernel_size=5)", "nn.Conv2d(10, 20, kernel_size=5, padding=2)"),
            ("nn.Linear(500, 100)", "nn.Linear(980, 100)"),
        ],
    ),
    Wrong(
        "no-biases-in-convolutions",
        "bias=False copied from a net with batch norm: 30 parameters too few",
        [
            ("nn.Conv2d(1, 10, kernel_size=5)", "nn.Conv2d(1, 10, kernel_size=5, bias=False)"),
            ("nn.Conv2d(10, 20, kernel_size=5)", "nn.Conv2d(10, 20, kernel_size=5, bias=False)"),
        ],
    ),
    Wrong(
        "first-conv-padded",
        "padding 2 keeps 64x64 maps; after the second stage the shape is 5x5 all the same",
        [("nn.Conv2d(1, 10, kernel_size=5)", "nn.Conv2d(1, 10, kernel_size=5, padding=2)")],
    ),
    Wrong(
        "pool-by-two",
        "the usual 2x2 pooling instead of 3x3",
        [
            ("nn.MaxPool2d(3),  # [N, 10", "nn.MaxPool2d(2),  # [N, 10"),
            ("nn.MaxPool2d(3),  # [N, 20", "nn.MaxPool2d(2),  # [N, 20"),
            ("nn.Linear(500, 100)", "nn.Linear(3380, 100)"),
        ],
    ),
    Wrong(
        "pools-overlap",
        "3x3 pooling with stride 2, as in AlexNet",
        [
            ("nn.MaxPool2d(3),  # [N, 10", "nn.MaxPool2d(3, stride=2),  # [N, 10"),
            ("nn.MaxPool2d(3),  # [N, 20", "nn.MaxPool2d(3, stride=2),  # [N, 20"),
            ("nn.Linear(500, 100)", "nn.Linear(2880, 100)"),
        ],
    ),
    Wrong(
        "pool-averages",
        "average pooling instead of max-pooling; same shapes, same number of parameters",
        [
            ("nn.MaxPool2d(3),  # [N, 10", "nn.AvgPool2d(3),  # [N, 10"),
            ("nn.MaxPool2d(3),  # [N, 20", "nn.AvgPool2d(3),  # [N, 20"),
        ],
    ),
    Wrong(
        "pool-padded",
        "the first max-pool is padded by 1: 20x20 as before, but of other blocks",
        [("nn.MaxPool2d(3),  # [N, 10, 20, 20]", "nn.MaxPool2d(3, padding=1),")],
    ),
    Wrong(
        "pool-2-stride-3",
        "max-pool looks at 2x2 of each 3x3 block: all shapes as before",
        [
            ("nn.MaxPool2d(3),  # [N, 10, 20, 20]", "nn.MaxPool2d(2, stride=3),"),
            ("nn.MaxPool2d(3),  # [N, 20, 5, 5]", "nn.MaxPool2d(2, stride=3),"),
        ],
    ),
    Wrong(
        "no-relu-after-first-conv",
        "the first stage is linear but for the pooling",
        [("            nn.ReLU(),\n            nn.Conv2d(10, 20", "            nn.Conv2d(10, 20")],
    ),
    Wrong(
        "second-kernel-three",
        "3x3 in the second convolution, and the first linear layer fitted to it",
        [
            ("nn.Conv2d(10, 20, kernel_size=5)", "nn.Conv2d(10, 20, kernel_size=3)"),
            ("nn.Linear(500, 100)", "nn.Linear(720, 100)"),
        ],
    ),
    Wrong(
        "ten-maps-twice",
        "the second convolution has 10 maps instead of 20",
        [
            ("nn.Conv2d(10, 20, kernel_size=5)", "nn.Conv2d(10, 10, kernel_size=5)"),
            ("nn.Linear(500, 100)", "nn.Linear(250, 100)"),
        ],
    ),
    Wrong(
        "second-stage-not-pooled",
        "pool and ReLU come once only, the 16x16 maps go straight to the classifier",
        [
            ("            nn.MaxPool2d(3),  # [N, 20, 5, 5]\n            nn.ReLU(),\n", ""),
            ("nn.Linear(500, 100)", "nn.Linear(5120, 100)"),
        ],
    ),
    Wrong(
        "second-pool-averages",
        "average pooling in the second stage",
        [("nn.MaxPool2d(3),  # [N, 20, 5, 5]", "nn.AvgPool2d(3),")],
    ),
    Wrong(
        "second-stage-without-relu",
        "no ReLU after the second pooling",
        [("# [N, 20, 5, 5]\n            nn.ReLU(),\n", "# [N, 20, 5, 5]\n")],
    ),
    Wrong(
        "dropout-in-part-one",
        "dropout of Part 2 is already in SimpleNet, which is to be figure 2 exactly",
        [
            (
                "            nn.Flatten(),",
                "            nn.Dropout(p=0.5),\n            nn.Flatten(),",
            )
        ],
    ),
    Wrong(
        "classifier-without-relu",
        "no ReLU between the linear layers, which makes them one",
        [("nn.Linear(500, 100),\n            nn.ReLU(),\n", "nn.Linear(500, 100),\n")],
    ),
    Wrong(
        "sigmoid-for-relu",
        "sigmoid as the classifier's activation",
        [
            (
                "nn.Linear(500, 100),\n            nn.ReLU(),\n",
                "nn.Linear(500, 100),\n            nn.Sigmoid(),\n",
            )
        ],
    ),
    Wrong(
        "dropout-in-part-1",
        "a dropout that figure 2 does not have; only training mode shows it",
        [
            (
                "            nn.Linear(100, 15)",
                "            nn.Dropout(),\n            nn.Linear(100, 15)",
            )
        ],
    ),
    Wrong(
        "relu-on-the-scores",
        "a ReLU after the last linear layer: scores are never negative",
        [("nn.Linear(100, 15),\n", "nn.Linear(100, 15),\n            nn.ReLU(),\n")],
    ),
    Wrong(
        "sixteen-classes",
        "the last layer has 16 outputs",
        [("nn.Linear(100, 15)", "nn.Linear(100, 16)")],
    ),
    Wrong(
        "nll-on-raw-scores",
        "NLLLoss is taken for cross-entropy; without log-softmax the loss can go below zero",
        [('nn.CrossEntropyLoss(reduction="mean")', 'nn.NLLLoss(reduction="mean")')],
    ),
    Wrong(
        "summed-loss",
        "the criterion sums over the batch",
        [('nn.CrossEntropyLoss(reduction="mean")', 'nn.CrossEntropyLoss(reduction="sum")')],
    ),
    Wrong(
        "criterion-smooths-labels",
        "label smoothing in loss_criterion: not the plain mean cross-entropy",
        [
            (
                'nn.CrossEntropyLoss(reduction="mean")',
                'nn.CrossEntropyLoss(reduction="mean", label_smoothing=0.1)',
            )
        ],
    ),
    Wrong(
        "softmax-in-forward",
        "forward returns probabilities, and cross-entropy applies softmax a second time",
        [(FORWARD, "return torch.softmax(self.fc_layers(self.conv_layers(x)), dim=1)")],
    ),
    Wrong(
        "log-softmax-in-forward",
        "forward returns log-probabilities instead of raw scores; the loss stays the same",
        [(FORWARD, "return torch.log_softmax(self.fc_layers(self.conv_layers(x)), dim=1)")],
    ),
    Wrong(
        "log-softmax-of-scores",
        "returns log-probabilities: same loss and same accuracy, but not raw scores",
        [(FORWARD, "return self.fc_layers(self.conv_layers(x)).log_softmax(dim=1)")],
    ),
    Wrong(
        "relu-on-scores",
        "a ReLU after the last linear layer: no score is below 0",
        [(FORWARD, "return torch.relu(self.fc_layers(self.conv_layers(x)))")],
    ),
    Wrong(
        "scores-squeezed",
        "squeeze(): a batch of one image gives [15] instead of [1, 15]",
        [(FORWARD, "return self.fc_layers(self.conv_layers(x)).squeeze()")],
    ),
    Wrong(
        "forgotten-return",
        "forward computes the scores and returns nothing",
        [(FORWARD, "logits = self.fc_layers(self.conv_layers(x))")],
    ),
    Wrong(
        "no-activation-at-all",
        "there is no ReLU anywhere; the pooling is thought to be enough",
        [
            (
                "            nn.ReLU(),\n            nn.Conv2d(10, 20",
                "            nn.Conv2d(10, 20",
            ),
            ("# [N, 20, 5, 5]\n            nn.ReLU(),\n", "# [N, 20, 5, 5]\n"),
            ("nn.Linear(500, 100),\n            nn.ReLU(),\n", "nn.Linear(500, 100),\n"),
        ],
    ),
    Wrong(
        "no-activation-in-conv-layers",
        "max-pooling is taken for an activation",
        [
            (
                "            nn.ReLU(),\n            nn.Conv2d(10, 20",
                "            nn.Conv2d(10, 20",
            ),
            ("# [N, 20, 5, 5]\n            nn.ReLU(),\n", "# [N, 20, 5, 5]\n"),
        ],
    ),
    Wrong(
        "tanh-for-relu",
        "tanh as the classifier's activation",
        [
            (
                "nn.Linear(500, 100),\n            nn.ReLU(),\n",
                "nn.Linear(500, 100),\n            nn.Tanh(),\n",
            )
        ],
    ),
    Wrong(
        "leaky-relu",
        "LeakyReLU, which is good practice but not in figure 2",
        [
            (
                "nn.Linear(500, 100),\n            nn.ReLU(),\n",
                "nn.Linear(500, 100),\n            nn.LeakyReLU(),\n",
            )
        ],
    ),
    Wrong(
        "batch-norm-in-part-one",
        "batch norm of Part 2 is already in SimpleNet",
        [
            (
                "            nn.MaxPool2d(3),  # [N, 10",
                "            nn.BatchNorm2d(10),\n            nn.MaxPool2d(3),  # [N, 10",
            )
        ],
    ),
    Wrong(
        "one-linear-layer",
        "500 values go straight to 15 scores",
        [
            (
                "nn.Linear(500, 100),\n            nn.ReLU(),\n            nn.Linear(100, 15),\n",
                "nn.Linear(500, 15),\n",
            )
        ],
    ),
    Wrong(
        "hidden-layer-of-120",
        "the hidden layer has the size of LeNet-5's",
        [
            ("nn.Linear(500, 100)", "nn.Linear(500, 120)"),
            ("nn.Linear(100, 15)", "nn.Linear(120, 15)"),
        ],
    ),
    Wrong(
        "color-images",
        "the first convolution expects three color channels",
        [("nn.Conv2d(1, 10,", "nn.Conv2d(3, 10,")],
    ),
    Wrong(
        "flatten-does-not-fit",
        "the first linear layer is made for 4x4 maps",
        [("nn.Linear(500, 100)", "nn.Linear(20 * 4 * 4, 100)")],
    ),
    Wrong(
        "not-flattened",
        "flatten is forgotten",
        [("            nn.Flatten(),  # [N, 500]\n", "")],
    ),
    Wrong(
        "batch-flattened-too",
        "flatten from dimension 0 on: all images of a batch become one",
        [("nn.Flatten(),", "nn.Flatten(start_dim=0),")],
    ),
    Wrong(
        "batch-size-in-forward",
        "view(32, -1): only batches of 32 images pass",
        [
            ("            nn.Flatten(),  # [N, 500]\n", ""),
            (FORWARD, "return self.fc_layers(self.conv_layers(x).view(32, -1))"),
        ],
    ),
    Wrong(
        "layers-in-a-list",
        "conv_layers is an nn.ModuleList, called one by one",
        [
            (
                FORWARD,
                "for layer in self.conv_layers:\n            x = layer(x)\n"
                "        return self.fc_layers(x)",
            ),
            ("self.conv_layers = nn.Sequential(", "self.conv_layers = nn.ModuleList(["),
            (
                "            nn.ReLU(),\n        )\n        self.fc_layers",
                "            nn.ReLU(),\n        ])\n        self.fc_layers",
            ),
        ],
    ),
    Wrong(
        "criterion-by-another-name",
        "the loss is self.criterion, not self.loss_criterion",
        [("self.loss_criterion = ", "self.criterion = ")],
    ),
    Wrong(
        "loss-for-each-image",
        'reduction="none": a loss for each image instead of their mean',
        [('nn.CrossEntropyLoss(reduction="mean")', 'nn.CrossEntropyLoss(reduction="none")')],
    ),
    Wrong(
        "mean-squared-error",
        "the loss compares scores with labels as numbers",
        [
            (
                'nn.CrossEntropyLoss(reduction="mean")',
                "lambda scores, y: ((scores.argmax(1) - y) ** 2.0).mean()",
            )
        ],
    ),
    Wrong(
        "conv-layers-detached",
        "detach() between the parts: the filters stay random",
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
        "frozen-filters",
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
        "new-layer-in-forward",
        "the last linear layer is made anew at each forward, so it never learns",
        [(FORWARD, f"self.fc_layers[-1] = nn.Linear(100, 15)\n        {FORWARD}")],
    ),
    Wrong(
        "images-centred-in-forward",
        "forward subtracts each image's mean, in place; figure 2 takes the pixels as they are",
        [(FORWARD, f"x.sub_(x.mean())\n        {FORWARD}")],
    ),
    Wrong(
        "second-pool-adaptive",
        "AdaptiveMaxPool2d(5): 5x5 maps, but of other blocks, since 16 is no multiple of 5",
        [("nn.MaxPool2d(3),  # [N, 20, 5, 5]", "nn.AdaptiveMaxPool2d(5),")],
    ),
    Wrong(
        "input-emptied",
        "forward empties the caller's images when it is done with them, to free memory",
        [
            (
                FORWARD,
                "logits = self.fc_layers(self.conv_layers(x.clone()))\n"
                "        x.zero_()\n        return logits",
            )
        ],
        beyond=True,
    ),
]
