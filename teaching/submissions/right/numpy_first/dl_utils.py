"""numpy wherever a gradient is not needed."""

import numpy as np
import torch

import scene_recog.simple_net
import scene_recog.simple_net_final


def to_numpy(t):
    return t.detach().cpu().numpy()


def compute_accuracy(logits, labels):
    """np.float64, the mean of a boolean array."""
    best = np.argmax(to_numpy(logits), axis=1)
    wrong = np.count_nonzero(best - to_numpy(labels))
    return np.float64(1) - np.float64(wrong) / best.size


def predict_labels(model, x):
    """np.ndarray of int64, shape (N,)"""
    scores = to_numpy(model(x))
    # the last column of argsort is the place of the largest
    return np.argsort(scores, axis=1)[:, -1]


def compute_loss(model, model_output, target_labels, is_normalize=True):
    # the criterion is a mean over the batch: times N for the sum
    factor = np.where(is_normalize, 1.0, np.prod(target_labels.shape))
    return model.loss_criterion(model_output, target_labels) * factor.item()


def save_trained_model_weights(model, out_dir):
    name = model._get_name()
    weights = {}
    for key, array in model.state_dict().items():
        weights[key] = torch.from_numpy(np.array(to_numpy(array)))
    torch.save({"state_dict": weights, "class_name": name}, "%s/trained_%s_final.pt" % (out_dir, name))


def load_trained_model_weights(path):
    saved = torch.load(path, map_location="cpu")
    nets = np.array(["SimpleNet", "SimpleNetFinal"])
    which = np.flatnonzero(nets == saved["class_name"])[0]
    net = [scene_recog.simple_net.SimpleNet, scene_recog.simple_net_final.SimpleNetFinal][which]()
    with torch.no_grad():
        state = net.state_dict()  # these tensors share memory with the net's
        for key in state:
            state[key].copy_(torch.from_numpy(np.asarray(saved["state_dict"][key])))
    return net
