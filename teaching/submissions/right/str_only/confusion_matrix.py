import matplotlib.pyplot as plt
import torch

from scene_recog.dl_utils import predict_labels


def generate_confusion_data(model, dataset, use_cuda=False):
    if use_cuda and torch.cuda.is_available():
        model.cuda()
    else:
        model.cpu()
    model.eval()
    results = {}
    for i in range(len(dataset)):
        path = dataset.dataset[i][0]
        x = dataset[i][0].unsqueeze(0)
        if use_cuda and torch.cuda.is_available():
            x = x.cuda()
        results[path] = int(predict_labels(model, x)[0])
    class_dict = dataset.get_classes()
    targets = []
    preds = []
    for path in results:
        # .../test/coast/image_0001.jpg: the class is the folder
        name = path.replace("\\", "/").split("/")[-2]
        targets.append(class_dict[name])
        preds.append(results[path])
    return targets, preds, sorted(class_dict.keys())


def generate_confusion_matrix(targets, preds, num_classes, normalize=True):
    keys = [str(t) + "->" + str(p) for t, p in zip(targets, preds)]
    matrix = []
    for i in range(num_classes):
        matrix.append([])
        for j in range(num_classes):
            matrix[i].append(float(keys.count(str(i) + "->" + str(j))))
        if normalize and sum(matrix[i]) > 0:
            total = sum(matrix[i])
            matrix[i] = [value / total for value in matrix[i]]
    return matrix


def plot_confusion_matrix(confusion_matrix, class_labels):
    percent = [[100 * value for value in row] for row in confusion_matrix]
    n = len(class_labels)
    plt.figure(figsize=(8, 8))
    plt.imshow(percent, cmap="hot")
    plt.title("confusion matrix (%)")
    plt.xticks([i for i in range(n)], class_labels, rotation="vertical")
    plt.yticks([i for i in range(n)], [str(i) + " " + class_labels[i] for i in range(n)])
    for i in range(n):
        for j in range(n):
            plt.text(j, i, str(round(percent[i][j])) + "%", color="blue", ha="center")
    plt.show()


def generate_and_plot_confusion_matrix(model, dataset, use_cuda=False):
    targets, preds, class_labels = generate_confusion_data(model, dataset, use_cuda)
    m = generate_confusion_matrix(targets, preds, len(class_labels), True)
    plot_confusion_matrix(m, class_labels)


def get_pred_images_for_target(model, dataset, predicted_class, target_class, use_cuda=False):
    if use_cuda and torch.cuda.is_available():
        model.cuda()
    model.eval()
    device = next(model.parameters()).device
    class_name = sorted(dataset.get_classes().keys())[target_class]
    found = []
    for path, label in dataset.dataset:
        if "/" + class_name + "/" not in path.replace("\\", "/"):
            continue
        x = dataset.transform(dataset.load_img_from_path(path))
        if predict_labels(model, x.unsqueeze(0).to(device))[0] == predicted_class:
            found.append(path)
    return found
