"""What students might try instead of the assignment. `python -m teaching.attacks` judges it all.

None of the attacks has a correct answer: whoever can compute that has done the assignment.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

FUNCTIONS = {  # of each file, what the tests call
    "image_loader": ["ImageLoader"],
    "data_transforms": [
        "get_fundamental_transforms", "get_fundamental_augmentation_transforms",
        "get_fundamental_normalization_transforms", "get_all_transforms",
    ],
    "stats_helper": ["compute_mean_and_std"],
    "simple_net": ["SimpleNet"],
    "simple_net_final": ["SimpleNetFinal"],
    "optimizer": ["get_optimizer"],
    "dl_utils": [
        "compute_accuracy", "predict_labels", "compute_loss", "save_trained_model_weights",
        "load_trained_model_weights",
    ],
    "confusion_matrix": [
        "generate_confusion_data", "generate_confusion_matrix", "plot_confusion_matrix",
        "generate_and_plot_confusion_matrix", "get_pred_images_for_target",
    ],
    "lecture/layers": [
        "linear", "linear_backward", "relu", "relu_backward", "softmax", "negative_log_likelihood",
        "negative_log_likelihood_backward", "convolve", "convolve_backward", "locally_connected",
        "locally_connected_backward", "pool", "pool_backward", "l2_pool_over_features",
        "l2_pool_over_features_backward", "local_contrast_normalize",
        "local_contrast_normalize_backward", "batch_normalize", "batch_normalize_backward",
        "RunningAverages", "layer_normalize", "layer_normalize_backward", "instance_normalize",
        "instance_normalize_backward", "dropout", "dropout_backward",
    ],
    "lecture/gradients": ["numeric_gradient", "wiggle"],
    "lecture/network": ["Perceptron", "SimpleNet", "SGD", "train_step", "drawn"],
    "lecture/counts": [
        "fully_connected_weights", "locally_connected_weights", "convolution_weights",
        "fully_connected_multiply_adds", "locally_connected_multiply_adds",
        "convolution_multiply_adds", "receptive_field", "receptive_fields", "alexnet",
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Attack:
    """One attempt.

    Attributes:
        name: in a few words.
        tries: its goal, in one line.
        adds: for some of the files of code, text to append to the base.
        files: other files in the submission, name -> contents.
        packed: makes a zip of the files instead of a folder.
        base: what the files hold without the attack: "starter" nothing, "wrong" `WRONG` below,
            "right" a solution (of the eight files).
        with_others: files of the base that are included too.
    """

    name: str
    tries: str
    adds: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    packed: Callable[[Mapping[str, bytes]], bytes] | None = None
    base: Literal["starter", "wrong", "right"] = "starter"
    with_others: tuple[str, ...] = ()


def at_import(code: str, *files: str) -> dict[str, str]:
    """Code that runs when one of these files is imported."""
    return {file: textwrap.dedent(code) for file in files or ("optimizer",)}


def in_calls(code: str, *files: str) -> dict[str, str]:
    """The same, with a function `attack` that is called instead of all required functions."""
    return {
        file: textwrap.dedent(code)
        + "".join(
            f"\ndef {name}(*args, **options):\n    return attack(*args, **options)\n"
            for name in FUNCTIONS[file]
        )
        for file in files or ("optimizer",)
    }


# Called instead of every layer: the shapes are right, the numbers are not.
ZEROS = """
import numpy as np
def zeros_for(args, options):
    arrays = [a for a in (*args, *options.values()) if isinstance(a, np.ndarray)]
    found = [np.zeros(a.shape) for a in arrays] or [np.zeros(1)]
    return found[1] if len(found) == 2 else tuple(found[1:]) if len(found) > 2 else found[0]
"""


def _all_zeros(file: str) -> str:
    return in_calls(ZEROS + "attack = lambda *args, **options: zeros_for(args, options)", file)[
        file
    ]


WRONG = {
    "lecture/layers": _all_zeros("lecture/layers"),
    "lecture/gradients": _all_zeros("lecture/gradients"),
    "optimizer": """
        import torch
        def get_optimizer(model, config):
            return torch.optim.SGD(model.parameters(), lr=0.5)
    """,
    "stats_helper": """
        def compute_mean_and_std(dir_name):
            return 0.5, 0.5
    """,
    "dl_utils": """
        import torch
        def compute_accuracy(logits, labels):
            return 0.123
        def predict_labels(model, x):
            return torch.full((len(x),), 14)
        def compute_loss(model, model_output, target_labels, is_normalize=True):
            return model_output.sum()
        def save_trained_model_weights(model, out_dir):
            torch.save({}, f"{out_dir}/trained_{type(model).__name__}_final.pt")
        def load_trained_model_weights(path):
            return torch.nn.Linear(3, 3)
    """,
    "image_loader": """
        from torch.utils.data import Dataset
        class ImageLoader(Dataset):
            def __init__(self, root_dir, split="train", transform=None):
                self.root, self.split, self.transform = root_dir, split, transform
                self.curr_folder, self.class_dict, self.dataset = "", {}, []
            def get_classes(self):
                return self.class_dict
            def load_imagepaths_with_labels(self, class_labels):
                return self.dataset
            def load_img_from_path(self, path):
                return None
            def __getitem__(self, index):
                return self.dataset[index]
            def __len__(self):
                return 0
    """,
    "data_transforms": """
        import torch
        from torchvision import transforms
        def get_fundamental_transforms(inp_size):
            return transforms.Compose([transforms.Resize((7, 7)), transforms.ToTensor()])
        def get_fundamental_augmentation_transforms(inp_size):
            return get_fundamental_transforms(inp_size)
        def get_fundamental_normalization_transforms(inp_size, pixel_mean, pixel_std):
            return get_fundamental_transforms(inp_size)
        def get_all_transforms(inp_size, pixel_mean, pixel_std):
            return get_fundamental_transforms(inp_size)
    """,
    "simple_net": """
        import torch
        from torch import nn
        class SimpleNet(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv_layers = nn.Sequential(nn.Conv2d(1, 3, 9), nn.AvgPool2d(8))
                self.fc_layers = nn.Sequential(nn.Flatten(), nn.Linear(147, 15))
                self.loss_criterion = nn.MSELoss()
            def forward(self, x):
                return self.fc_layers(self.conv_layers(x)).detach()
    """,
    "confusion_matrix": """
        import numpy as np
        def generate_confusion_data(model, dataset, use_cuda=False):
            return [0], [0], []
        def generate_confusion_matrix(targets, preds, num_classes, normalize=True):
            return np.full((num_classes, num_classes), 7)
        def plot_confusion_matrix(confusion_matrix, class_labels):
            pass
        def generate_and_plot_confusion_matrix(model, dataset, use_cuda=False):
            pass
        def get_pred_images_for_target(model, dataset, predicted_class, target_class, use_cuda=False):
            return []
    """,
}
WRONG = {file: textwrap.dedent(text) for file, text in WRONG.items()}
