"""Wrong confusion matrices."""

from submissions import Wrong

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
    ),
    Wrong(
        "cuda-not-asked-for",
        "use_cuda=True fails on a machine without a GPU",
        [("if use_cuda and torch.cuda.is_available():", "if use_cuda:")],
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
    ),
    Wrong(
        "model-left-in-train-mode",
        "model.train() at the end, even if the model came in eval mode",
        [("model.train(was_training)", "model.train()")],
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
        "numbers-at-mirrored-cells",
        "text is placed at (row, column) although pyplot wants (x, y)",
        [("axes.text(column, row, text,", "axes.text(row, column, text,")],
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
]
