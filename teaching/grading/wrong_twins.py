from typing import NamedTuple


class W(NamedTuple):
    source: str
    test: str


WRONG_TWINS = {
    "optimizer": W(
        "import torch\ndef get_optimizer(model, config):\n    return torch.optim.SGD(model.parameters(), lr=0.5)\n",
        "test_learning_rate_is_the_config_s",
    ),
    "stats_helper": W(
        "def compute_mean_and_std(d):\n    return 0.5, 0.5\n", "test_mean_is_over_all_pixels"
    ),
}
