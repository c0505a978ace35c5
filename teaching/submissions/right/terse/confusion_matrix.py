import matplotlib.pyplot as plt
import torch


def generate_confusion_data(model, dataset, use_cuda=False):
    dev = "cuda" if use_cuda and torch.cuda.is_available() else "cpu"
    model = model.to(dev).eval()
    t, p = zip(*[(y, model(x[None].to(dev)).argmax().item()) for x, y in dataset])
    return t, p, sorted(dataset.class_dict, key=dataset.class_dict.get)


def generate_confusion_matrix(targets, preds, num_classes, normalize=True):
    pairs = [(int(t), int(p)) for t, p in zip(targets, preds)]
    m = [[pairs.count((i, j)) for j in range(num_classes)] for i in range(num_classes)]
    return [[n / (sum(r) or 1) for n in r] for r in m] if normalize else m


def plot_confusion_matrix(confusion_matrix, class_labels):
    r = range(len(class_labels))
    plt.imshow(confusion_matrix)
    plt.xticks(r, class_labels, rotation=90)
    plt.yticks(r, class_labels)
    plt.colorbar()


def generate_and_plot_confusion_matrix(model, dataset, use_cuda=False):
    t, p, c = generate_confusion_data(model, dataset, use_cuda)
    plot_confusion_matrix(generate_confusion_matrix(t, p, len(c)), c)


def get_pred_images_for_target(model, dataset, predicted_class, target_class, use_cuda=False):
    t, p, _ = generate_confusion_data(model, dataset, use_cuda)
    return [f for (f, _), y, z in zip(dataset.dataset, t, p) if (y, z) == (target_class, predicted_class)]
