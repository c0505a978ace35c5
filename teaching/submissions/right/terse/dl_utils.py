import torch
from scene_recog.simple_net import *
from scene_recog.simple_net_final import *


def compute_accuracy(logits, labels):
    return (logits.max(1)[1] == labels).double().mean().item()


def predict_labels(model, x):
    return model(x).argmax(1)


def compute_loss(model, model_output, target_labels, is_normalize=True):
    return model.loss_criterion(model_output, target_labels) * len(target_labels) ** (not is_normalize)


def save_trained_model_weights(model, out_dir):
    n = type(model).__name__
    torch.save(dict(class_name=n, state_dict=model.state_dict()), f"{out_dir}/trained_{n}_final.pt")


def load_trained_model_weights(path):
    d = torch.load(path)
    m = globals()[d["class_name"]]()
    m.load_state_dict(d["state_dict"])
    return m
