import os
import torch

from scene_recog import simple_net, simple_net_final


def compute_accuracy(logits, labels):
    predicted = logits.argmax(-1)
    return torch.eq(predicted, labels).sum() / len(labels)


def predict_labels(model, x):
    with torch.no_grad():
        scores = model(x)
    labels = []
    for row in scores.tolist():
        labels.append(row.index(max(row)))
    return torch.tensor(labels)


def compute_loss(model, model_output, target_labels, is_normalize=True):
    loss = model.loss_criterion(model_output, target_labels)
    if is_normalize:
        return loss
    else:
        return loss * target_labels.size(0)


def save_trained_model_weights(model, out_dir):
    class_name = str(model.__class__).split(".")[-1].split("'")[0]
    file_name = out_dir + "/trained_" + class_name + "_final.pt"
    if os.path.exists(file_name):
        os.remove(file_name)
    torch.save({"class_name": class_name, "state_dict": model.state_dict()}, file_name)


def load_trained_model_weights(path):
    # the class stands in the file's name: trained_<class>_final.pt
    class_name = path.split("/")[-1].split("\\")[-1].replace("trained_", "").replace("_final.pt", "")
    if class_name == "SimpleNetFinal":
        model = simple_net_final.SimpleNetFinal()
    else:
        model = simple_net.SimpleNet()
    state = torch.load(path)["state_dict"]
    model.load_state_dict(state)
    return model
