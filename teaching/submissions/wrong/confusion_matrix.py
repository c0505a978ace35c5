"""Wrong confusion matrices."""

from .. import Wrong

DIVIDE = "matrix /= np.maximum(matrix.sum(axis=1, keepdims=True), 1)"

WRONG = [
    Wrong(
        "labels-of-seen-classes",
        "class_labels leaves out classes without images, so that later names shift",
        [
            (
                "    if use_cuda and",
                "    seen = {label for _, label in dataset.dataset}\n"
                "    class_labels = [name for name in class_labels if class_dict[name] in seen]\n"
                "    if use_cuda and",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "cuda-not-asked-for",
        "use_cuda=True fails on a machine without a GPU",
        [("if use_cuda and torch.cuda.is_available():", "if use_cuda:")],
        beyond=True,
    ),
    Wrong(
        "labelled-in-train-mode",
        "model.eval() is forgotten, so dropout and batch statistics decide",
        [("    model.eval()\n", "")],
    ),
    Wrong(
        "gradients-left-off",
        "gradients are switched off for good",
        [
            (
                "    with torch.inference_mode():\n",
                "    torch.set_grad_enabled(False)\n    if True:\n",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "last-small-batch-dropped",
        "the last batch is left out unless it is full (of 4)",
        [("batch_size=100, shuffle=False", "batch_size=4, shuffle=False, drop_last=True")],
    ),
    Wrong(
        "labelled-in-shuffled-order",
        "shuffle=True: results no longer follow the dataset's order",
        [("shuffle=False", "shuffle=True")],
    ),
    Wrong(
        "shuffled-but-paths-right",
        "shuffle=True, while the paths are found with a loop of their own",
        [
            ("shuffle=False", "shuffle=True"),
            (
                "    targets, predictions, _ = generate_confusion_data(model, dataset, use_cuda)\n",
                "    generate_confusion_data(model, dataset, use_cuda)\n"
                "    model.eval()\n"
                "    pairs = [dataset[index] for index in range(len(dataset))]\n"
                "    targets = np.array([label for _, label in pairs])\n"
                "    predictions = np.array([int(model(x[None]).argmax()) for x, _ in pairs])\n",
            ),
        ],
        beyond=True,
    ),
    Wrong(
        "names-in-the-dict-s-order",
        "list(class_dict), which is by index only if the dict was filled so",
        [
            (
                "class_labels = sorted(class_dict, key=lambda name: class_dict[name])",
                "class_labels = list(class_dict)",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "names-and-indices",
        "class_labels is the dict's items",
        [
            (
                "class_labels = sorted(class_dict, key=lambda name: class_dict[name])",
                "class_labels = [str(item) for item in class_dict.items()]",
            )
        ],
    ),
    Wrong(
        "only-the-last-batch",
        "the lists are replaced in each step, not extended",
        [
            ("targets.append(labels)", "targets = [labels]"),
            (
                "predictions.append(predict_labels(model, images.to(device)).cpu())",
                "predictions = [predict_labels(model, images.to(device)).cpu()]",
            ),
        ],
    ),
    Wrong(
        "last-batch-misplaced",
        "batch i is written at i * len(images), which is wrong for the last, smaller batch",
        [
            (
                "    targets, predictions = [], []\n",
                "    targets = [torch.zeros(len(dataset), dtype=torch.long)]\n"
                "    predictions = [torch.zeros(len(dataset), dtype=torch.long)]\n",
            ),
            (
                "for images, labels in DataLoader(",
                "for i, (images, labels) in enumerate(DataLoader(",
            ),
            ("shuffle=False):", "shuffle=False)):\n            n = len(images)"),
            ("targets.append(labels)", "targets[0][i * n : (i + 1) * n] = labels"),
            (
                "predictions.append(predict_labels(model, images.to(device)).cpu())",
                "predictions[0][i * n : (i + 1) * n] = predict_labels(model, images.to(device))",
            ),
        ],
    ),
    Wrong(
        "batches-not-joined",
        "lists of batches are returned, not one class for each image",
        [
            (
                "return torch.cat(targets).numpy(), torch.cat(predictions).numpy(), class_labels",
                "return targets, predictions, class_labels",
            )
        ],
    ),
    Wrong(
        "scores-for-predictions",
        "the highest score is kept, not its class",
        [
            (
                "predictions.append(predict_labels(model, images.to(device)).cpu())",
                "predictions.append(model(images.to(device)).max(dim=1)[0].cpu())",
            )
        ],
    ),
    Wrong(
        "targets-twice",
        "predictions are the labels: a perfect matrix",
        [
            (
                "predictions.append(predict_labels(model, images.to(device)).cpu())",
                "predictions.append(labels)",
            )
        ],
    ),
    Wrong(
        "last-batch-dropped",
        "drop_last=True copied from the training loader, where the dataset has a full batch",
        [("shuffle=False)", "shuffle=False, drop_last=len(dataset) >= 100)")],
    ),
    Wrong(
        "only-the-first-batch",
        "the loop stops after one batch",
        [
            (
                "predictions.append(predict_labels(model, images.to(device)).cpu())\n",
                "predictions.append(predict_labels(model, images.to(device)).cpu())\n"
                "            break\n",
            )
        ],
    ),
    Wrong(
        "model-left-in-eval-mode",
        "the model's mode is not restored",
        [("    model.train(was_training)\n", "")],
        beyond=True,
    ),
    Wrong(
        "model-left-in-train-mode",
        "model.train() at the end, even if the model came in eval mode",
        [("model.train(was_training)", "model.train()")],
        beyond=True,
    ),
    Wrong(
        "predictions-before-targets",
        "generate_confusion_data returns (predictions, targets, labels)",
        [
            (
                "return torch.cat(targets).numpy(), torch.cat(predictions).numpy(), class_labels",
                "return torch.cat(predictions).numpy(), torch.cat(targets).numpy(), class_labels",
            ),
            (
                "    targets, predictions, class_labels = generate",
                "    predictions, targets, class_labels = generate",
            ),
            ("    targets, predictions, _ = generate", "    predictions, targets, _ = generate"),
        ],
    ),
    Wrong(
        "targets-and-predictions-swapped",
        "generate_confusion_data returns predictions first",
        [
            (
                "return torch.cat(targets).numpy(), torch.cat(predictions).numpy(), class_labels",
                "return torch.cat(predictions).numpy(), torch.cat(targets).numpy(), class_labels",
            )
        ],
    ),
    Wrong(
        "class-labels-of-each-image",
        "class_labels has one name for each image instead of one for each class",
        [
            (
                "torch.cat(predictions).numpy(), class_labels",
                "torch.cat(predictions).numpy(), [class_labels[label] for label in "
                "torch.cat(targets)]",
            ),
            (
                "    matrix = generate_confusion_matrix(targets, predictions, len(class_labels))\n",
                "    class_labels = sorted(set(class_labels))\n"
                "    matrix = generate_confusion_matrix(targets, predictions, len(class_labels))\n",
            ),
        ],
    ),
    Wrong(
        "counts-by-default",
        "normalize is False by default",
        [("normalize: bool = True", "normalize: bool = False")],
    ),
    Wrong(
        "size-from-the-data",
        "num_classes is ignored: the highest class seen sets the size",
        [
            (
                "    matrix = np.zeros((num_classes, num_classes))",
                "    num_classes = int(max(np.max(targets), np.max(preds))) + 1\n"
                "    matrix = np.zeros((num_classes, num_classes))",
            )
        ],
    ),
    Wrong(
        "num-classes-from-the-data",
        "the size is the highest class seen: a last class without images is missing",
        [
            (
                "    matrix = np.zeros((",
                "    num_classes = 1 + int(max(np.max(targets), np.max(preds)))\n"
                "    matrix = np.zeros((",
            )
        ],
    ),
    Wrong(
        "counts-in-bytes",
        "uint8 counts begin again at 0 after 255",
        [
            (
                "np.zeros((num_classes, num_classes))",
                "np.zeros((num_classes, num_classes), dtype=np.uint8)",
            ),
            (DIVIDE, "matrix = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)"),
        ],
    ),
    Wrong(
        "pairs-counted-once",
        "matrix[targets, preds] += 1 counts a repeated pair only once",
        [
            (
                "np.add.at(matrix, (np.asarray(targets), np.asarray(preds)), 1)",
                "matrix[np.asarray(targets), np.asarray(preds)] += 1",
            )
        ],
    ),
    Wrong(
        "matrix-transposed",
        "rows are predictions, columns targets",
        [
            (
                "(np.asarray(targets), np.asarray(preds)), 1)",
                "(np.asarray(preds), np.asarray(targets)), 1)",
            )
        ],
    ),
    Wrong(
        "mistakes-counted-only",
        "pairs of equal classes are left out: the diagonal is empty",
        [
            (
                "    if normalize:\n",
                "    np.fill_diagonal(matrix, 0)\n    if normalize:\n",
            )
        ],
    ),
    Wrong(
        "hits-counted-only",
        "only right labels are counted: no mistakes to see",
        [
            (
                "    if normalize:\n",
                "    matrix = np.diag(np.diag(matrix))\n    if normalize:\n",
            )
        ],
    ),
    Wrong(
        "integers-divided-in-place",
        "an integer matrix cannot hold the shares",
        [
            (
                "np.zeros((num_classes, num_classes))",
                "np.zeros((num_classes, num_classes), dtype=int)",
            )
        ],
    ),
    Wrong(
        "always-normalized",
        "normalize=False is ignored",
        [("    if normalize:\n        matrix /= ", "    matrix /= ")],
    ),
    Wrong(
        "normalize-changes-nothing",
        "normalize=False changes nothing",
        [("    if normalize:\n", "    if True:\n")],
    ),
    Wrong(
        "matrix-sums-to-one",
        "normalized by the number of all images",
        [(DIVIDE, "matrix /= np.maximum(matrix.sum(), 1)")],
    ),
    Wrong(
        "empty-row-is-nan",
        "0 / 0 in a row without targets",
        [
            (
                DIVIDE,
                'with np.errstate(invalid="ignore"):\n'
                "            matrix /= matrix.sum(axis=1, keepdims=True)",
            )
        ],
    ),
    Wrong(
        "empty-row-has-a-diagonal",
        "a class without targets is given an accuracy of 1",
        [
            (
                DIVIDE,
                "matrix /= np.maximum(matrix.sum(axis=1, keepdims=True), 1)\n"
                "        empty = np.flatnonzero(matrix.sum(axis=1) == 0)\n"
                "        matrix[empty, empty] = 1",
            )
        ],
    ),
    Wrong(
        "empty-rows-are-nan",
        "a class without targets is divided by zero",
        [("np.maximum(matrix.sum(axis=1, keepdims=True), 1)", "matrix.sum(axis=1, keepdims=True)")],
    ),
    Wrong(
        "empty-row-is-uniform",
        "a class without targets gets 1 / C everywhere",
        [
            (
                DIVIDE,
                "matrix[matrix.sum(axis=1) == 0] = 1\n"
                "        matrix /= matrix.sum(axis=1, keepdims=True)",
            )
        ],
    ),
    Wrong(
        "empty-class-is-an-error",
        "a class without targets is refused",
        [
            (
                DIVIDE,
                "if (matrix.sum(axis=1) == 0).any():\n"
                '            raise ValueError("each class needs images")\n'
                "        matrix /= matrix.sum(axis=1, keepdims=True)",
            )
        ],
    ),
    Wrong(
        "rows-in-percent",
        "rows sum to 100",
        [(DIVIDE, "matrix *= 100 / np.maximum(matrix.sum(axis=1, keepdims=True), 1)")],
    ),
    Wrong(
        "shares-rounded",
        "shares are rounded to two digits, as they are printed",
        [
            (
                DIVIDE,
                "matrix = np.round(matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1), 2)",
            )
        ],
    ),
    Wrong(
        "divided-by-the-diagonal",
        "rows are divided by their right answers",
        [(DIVIDE, "matrix /= np.maximum(np.diag(matrix)[:, None], 1)")],
    ),
    Wrong(
        "divided-by-the-largest",
        "the whole matrix is divided by its largest number, so that colours run from 0 to 1",
        [(DIVIDE, "matrix /= max(matrix.max(), 1)")],
    ),
    Wrong(
        "divided-by-all-images",
        "the whole matrix sums to 1, not each row",
        [("np.maximum(matrix.sum(axis=1, keepdims=True), 1)", "max(matrix.sum(), 1)")],
    ),
    Wrong(
        "hundred-images-a-class",
        "rows are divided by 100, since the test split has 100 images a class",
        [("np.maximum(matrix.sum(axis=1, keepdims=True), 1)", "100")],
    ),
    Wrong(
        "columns-sum-to-one",
        "normalized over the targets of each prediction: precision, not recall",
        [("matrix.sum(axis=1, keepdims=True)", "matrix.sum(axis=0, keepdims=True)")],
    ),
    Wrong(
        "rows-divided-by-columns-sums",
        "keepdims is forgotten: column j is divided by the number of targets of class j",
        [("matrix.sum(axis=1, keepdims=True)", "matrix.sum(axis=1)")],
    ),
    Wrong(
        "plot-transposed",
        "the picture is transposed: rows of the plot are predictions",
        [
            (
                "    size = len(class_labels)\n",
                "    confusion_matrix = confusion_matrix.T\n    size = len(class_labels)\n",
            )
        ],
    ),
    Wrong(
        "picture-transposed",
        "the drawn matrix has the targets in its columns",
        [
            (
                "    size = len(class_labels)\n",
                "    size = len(class_labels)\n    confusion_matrix = confusion_matrix.T\n",
            )
        ],
    ),
    Wrong(
        "plot-changes-its-argument",
        "turns the caller's matrix into percent",
        [
            (
                "    size = len(class_labels)\n",
                "    size = len(class_labels)\n    confusion_matrix *= 100\n",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "drawn-over-the-last-figure",
        "the matrix is drawn into the current figure instead of a new one",
        [
            (
                "_, axes = plt.subplots(figsize=(3 + 0.45 * size, 2.5 + 0.45 * size), "
                'layout="constrained")',
                "axes = plt.gca()",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "row-names-upside-down",
        "the row names are reversed, since y is believed to grow upwards in imshow",
        [
            (
                "axes.set_yticks(range(size), class_labels)",
                "axes.set_yticks(range(size), class_labels[::-1])",
            )
        ],
    ),
    Wrong(
        "row-names-from-bottom",
        "the names at the rows run from the bottom to the top",
        [
            (
                "axes.set_yticks(range(size), class_labels)",
                "axes.set_yticks(range(size), list(class_labels)[::-1])",
            )
        ],
    ),
    Wrong(
        "axis-names-swapped",
        "the plot calls the columns targets and the rows predictions",
        [
            ('axes.set_xlabel("predicted class")', 'axes.set_xlabel("target class")'),
            ('axes.set_ylabel("target class")', 'axes.set_ylabel("predicted class")'),
        ],
    ),
    Wrong(
        "axis-names-missing",
        "the plot does not say which axis is the prediction",
        [
            ('    axes.set_xlabel("predicted class")\n', ""),
            ('    axes.set_ylabel("target class")\n', ""),
        ],
        beyond=True,
    ),
    Wrong(
        "indices-for-names",
        "the ticks are numbered, class_labels is not used",
        [
            (
                "    axes.set_xticks(range(size), class_labels, rotation=90)\n"
                "    axes.set_yticks(range(size), class_labels)\n",
                "    axes.set_xticks(range(size))\n    axes.set_yticks(range(size))\n",
            )
        ],
    ),
    Wrong(
        "names-on-one-axis",
        "only the columns are named",
        [("    axes.set_yticks(range(size), class_labels)\n", "")],
    ),
    Wrong(
        "names-without-ticks",
        "tick labels without ticks: matplotlib puts the names where its own ticks are",
        [
            (
                "axes.set_xticks(range(size), class_labels, rotation=90)",
                "axes.set_xticklabels(class_labels, rotation=90)",
            ),
            ("axes.set_yticks(range(size), class_labels)", "axes.set_yticklabels(class_labels)"),
        ],
    ),
    Wrong(
        "nothing-drawn",
        "axes with names and numbers, but no matrix",
        [('    axes.imshow(confusion_matrix, cmap="Blues", vmin=0)\n', "")],
    ),
    Wrong(
        "figure-closed",
        "the figure is closed before anybody sees it",
        [
            (
                "    is_share = confusion_matrix.max() <= 1\n",
                "    plt.close()\n    is_share = confusion_matrix.max() <= 1\n",
            )
        ],
    ),
    Wrong(
        "upside-down-picture",
        "imshow(origin='lower') of a flipped matrix, with unflipped names",
        [("axes.imshow(confusion_matrix, ", "axes.imshow(confusion_matrix[::-1], ")],
    ),
    Wrong(
        "numbers-at-mirrored-cells",
        "text is placed at (row, column) although pyplot wants (x, y)",
        [("axes.text(column, row, text,", "axes.text(row, column, text,")],
        beyond=True,
    ),
    Wrong(
        "plot-of-counts",
        "generate_and_plot_confusion_matrix draws counts, not shares",
        [
            (
                "matrix = generate_confusion_matrix(targets, predictions, len(class_labels))",
                "matrix = generate_confusion_matrix(\n"
                "        targets, predictions, len(class_labels), normalize=False\n"
                "    )",
            )
        ],
    ),
    Wrong(
        "counts-plotted",
        "generate_and_plot_confusion_matrix draws counts, not the normalized matrix",
        [
            (
                "generate_confusion_matrix(targets, predictions, len(class_labels))",
                "generate_confusion_matrix(targets, predictions, len(class_labels), False)",
            )
        ],
    ),
    Wrong(
        "plotted-with-roles-swapped",
        "predictions are passed for targets",
        [
            (
                "generate_confusion_matrix(targets, predictions, len(class_labels))",
                "generate_confusion_matrix(predictions, targets, len(class_labels))",
            )
        ],
    ),
    Wrong(
        "target-and-predicted-mixed-up",
        "get_pred_images_for_target finds the images of the other confusion",
        [
            (
                "(targets == target_class) & (predictions == predicted_class)",
                "(targets == predicted_class) & (predictions == target_class)",
            )
        ],
    ),
    Wrong(
        "all-images-of-the-prediction",
        "every image labelled as predicted_class, whatever its target",
        [
            (
                "(targets == target_class) & (predictions == predicted_class)",
                "predictions == predicted_class",
            )
        ],
    ),
    Wrong(
        "mistakes-only",
        "rightly labelled images are left out, so two equal classes give nothing",
        [
            (
                "(targets == target_class) & (predictions == predicted_class)",
                "(targets == target_class) & (predictions == predicted_class) & (predictions != "
                "targets)",
            )
        ],
    ),
    Wrong(
        "indices-for-paths",
        "positions in the dataset are returned instead of paths",
        [("return [dataset.dataset[index][0] for index in chosen]", "return chosen.tolist()")],
    ),
    Wrong(
        "entries-instead-of-paths",
        "get_pred_images_for_target returns (path, index) pairs",
        [("[dataset.dataset[index][0] for index", "[dataset.dataset[index] for index")],
    ),
    Wrong(
        "only-the-first-image",
        "get_pred_images_for_target returns at most one path",
        [("for index in chosen]", "for index in chosen[:1]]")],
    ),
    Wrong(
        "names-without-folder",
        "file names are returned: every class has an image_0001.jpg",
        [("[dataset.dataset[index][0] for", '[dataset.dataset[index][0].split("/")[-1] for')],
    ),
    Wrong(
        "paths-found-in-train-mode",
        "a loop of its own, without model.eval()",
        [
            (
                "    targets, predictions, _ = generate_confusion_data(model, dataset, use_cuda)\n",
                "    model.train()\n"
                "    pairs = [dataset[index] for index in range(len(dataset))]\n"
                "    targets = np.array([label for _, label in pairs])\n"
                "    predictions = np.array([int(model(x[None]).argmax()) for x, _ in pairs])\n",
            )
        ],
    ),
    Wrong(
        "all-images-of-the-target",
        "every image of target_class, whatever the model says",
        [
            (
                "(targets == target_class) & (predictions == predicted_class)",
                "targets == target_class",
            )
        ],
    ),
    Wrong(
        "either-is-enough",
        "| for &",
        [("(targets == target_class) & (pred", "(targets == target_class) | (pred")],
    ),
]
