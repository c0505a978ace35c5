"""One formula for every reduction; one-hot accuracy, a tensor; the state dict as a plain dict."""

from pathlib import Path

import torch
import torch.nn.functional as F

# isort: split
import scene_recog.simple_net as part1
import scene_recog.simple_net_final as part2


def compute_accuracy(logits, labels):
    predicted = F.one_hot(torch.argmax(logits, -1), logits.shape[1])
    wanted = F.one_hot(labels.long(), logits.shape[1])
    return torch.sum(predicted * wanted) / torch.sum(wanted)


def predict_labels(model, x):
    return torch.sort(model(x), dim=1, descending=True, stable=True)[1][:, 0]


def compute_loss(model, model_output, target_labels, is_normalize=True):
    criterion = model.loss_criterion
    n = target_labels.shape[0]
    loss = criterion(model_output, target_labels)
    total = loss * n if getattr(criterion, "reduction", "mean") == "mean" else torch.sum(loss)
    return total * (1.0 / n) if is_normalize else total


def save_trained_model_weights(model, out_dir):
    out_dir = Path(out_dir)
    if not out_dir.is_dir():
        out_dir.mkdir(parents=True)
    content = {}
    content["class_name"] = str(type(model).__name__)
    content["state_dict"] = dict(model.state_dict())
    torch.save(content, out_dir / "_".join(["trained", content["class_name"], "final.pt"]))


def load_trained_model_weights(path, model=None):
    if not Path(path).is_file():
        raise FileNotFoundError(f"no file {path}")
    try:
        with Path(path).open("rb") as file:
            content = torch.load(file, "cpu", weights_only=True)
        if model is None and content["class_name"] == "SimpleNet":
            model = part1.SimpleNet()
        elif model is None and content["class_name"] == "SimpleNetFinal":
            model = part2.SimpleNetFinal()
        with torch.no_grad():
            model.load_state_dict(content["state_dict"])
    except Exception as error:
        raise ValueError(f"cannot load {path}") from error
    return model.eval()
