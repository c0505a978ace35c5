"""Known-wrong files: one for each file that students write, and a contract test that must fail.

After the tests of a student's file, the same process gets the wrong file in its place, and the test
is run again. If it passes, the answers do not come from the code.
"""

from __future__ import annotations

from typing import NamedTuple


class WrongTwin(NamedTuple):
    """A file that is known to be wrong.

    Attributes:
        source: its text.
        test: the name of a contract test, without parameters, that must fail for it: through its
            own assertion, with the public file and with every hidden one, each time, and for
            every parameter.
    """

    source: str
    test: str


WRONG_TWINS: dict[str, WrongTwin] = {
    "image_loader": WrongTwin(
        test="test_classes_are_a_dict_from_name_to_index",
        source="""\
class ImageLoader:
    def __init__(self, root_dir, split="train", transform=None):
        self.root, self.split, self.transform = root_dir, split, transform
        self.curr_folder, self.class_dict, self.dataset = f"{root_dir}/{split}", {}, []

    def get_classes(self):
        return {"nowhere": 7}

    def load_imagepaths_with_labels(self, class_labels):
        return []

    def __len__(self):
        return 0
""",
    ),
    "data_transforms": WrongTwin(
        test="test_output_is_one_float_channel_of_the_input_size",
        source="""\
import torch


def nonsense(inp_size, pixel_mean=None, pixel_std=None):
    return lambda image: torch.zeros(3, 1, 1, dtype=torch.float64)


get_fundamental_transforms = get_fundamental_augmentation_transforms = nonsense
get_fundamental_normalization_transforms = get_all_transforms = nonsense
""",
    ),
    "simple_net": WrongTwin(
        test="test_output_is_15_scores_per_image",
        source="""\
from torch import nn


class SimpleNet(nn.Module):
    def forward(self, x):
        return x[:, 0, :3, 0]
""",
    ),
    "dl_utils": WrongTwin(
        test="test_accuracy_of_all_none_and_most",
        source="""\
def compute_accuracy(logits, labels):
    return 2.5


def predict_labels(model, x):
    return [-1] * len(x)


def compute_loss(model, model_output, target_labels, is_normalize=True):
    return -1.0


def save_trained_model_weights(model, out_dir):
    pass


def load_trained_model_weights(path, model=None):
    return None
""",
    ),
    "optimizer": WrongTwin(
        test="test_learning_rate_is_the_config_s",
        source="""\
import torch


def get_optimizer(model, config):
    return torch.optim.Rprop(list(model.parameters())[:1], lr=123.0)
""",
    ),
    "stats_helper": WrongTwin(
        test="test_mean_is_over_all_pixels",
        source="""\
def compute_mean_and_std(dir_name):
    return -1.0, -2.0
""",
    ),
    "simple_net_final": WrongTwin(
        test="test_output_is_15_scores_per_image",
        source="""\
from torch import nn


class SimpleNetFinal(nn.Module):
    def forward(self, x):
        return x[:, 0, :3, 0]
""",
    ),
    "confusion_matrix": WrongTwin(
        test="test_matrix_counts_targets_in_rows",
        source="""\
import numpy as np


def generate_confusion_data(model, dataset, use_cuda=False):
    return [], [], []


def generate_confusion_matrix(targets, preds, num_classes, normalize=True):
    return np.full((num_classes, num_classes), -1.0)


def plot_confusion_matrix(confusion_matrix, class_labels):
    pass


def generate_and_plot_confusion_matrix(model, dataset, use_cuda=False):
    pass


def get_pred_images_for_target(model, dataset, predicted_class, target_class, use_cuda=False):
    return []
""",
    ),
    "lecture/layers": WrongTwin(
        test="test_softmax",
        source="""\
import numpy as np


def softmax(scores):
    return np.full(scores.shape, -1.0)
""",
    ),
    "lecture/gradients": WrongTwin(
        test="test_numeric_gradient_looks_to_both_sides",
        source="""\
import numpy as np


def numeric_gradient(loss, theta, epsilon=1e-6):
    return np.full(theta.shape, -123.0)


def wiggle(loss, theta, rate, epsilon):
    return np.full(theta.shape, -123.0)
""",
    ),
    "lecture/network": WrongTwin(
        test="test_perceptron_forward",
        source="""\
import numpy as np


class Perceptron:
    parameters = {}

    def __init__(self, sizes, generator):
        pass

    def load(self, state):
        pass

    def forward(self, x):
        return np.full((1, 1), -1.0)
""",
    ),
    "lecture/counts": WrongTwin(
        test="test_fully_connected",
        source="""\
def fully_connected_weights(inputs, units):
    return -1


def fully_connected_multiply_adds(inputs, units):
    return -1
""",
    ),
}
