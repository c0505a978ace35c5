"""Wrong accuracies, predictions, losses, and weights on disk."""

from .. import Wrong

ACCURACY = "return (logits.argmax(dim=1) == labels).float().mean().item()"
PREDICT = "logits: torch.Tensor = model(x)\n    return logits.argmax(dim=1)"

WRONG = [
    Wrong(
        "accuracy-in-percent",
        "accuracy from 0 to 100",
        [(ACCURACY, "return (logits.argmax(dim=1) == labels).float().mean().item() * 100")],
    ),
    Wrong(
        "accuracy-by-whole-division",
        "// gives 0 unless every answer is right",
        [(ACCURACY, "return float(int((logits.argmax(dim=1) == labels).sum()) // len(labels))")],
    ),
    Wrong(
        "accuracy-rounded",
        "accuracy is rounded to two digits",
        [(ACCURACY, "return round((logits.argmax(dim=1) == labels).float().mean().item(), 2)")],
    ),
    Wrong(
        "accuracy-of-every-pair",
        "[N, 1] == [N] broadcasts to [N, N]: each answer is compared with each label",
        [(ACCURACY, "return (logits.argmax(dim=1, keepdim=True) == labels).float().mean().item()")],
    ),
    Wrong(
        "accuracy-over-full-batches",
        "divides by 32 whatever the batch holds: too low for the last one",
        [(ACCURACY, "return (logits.argmax(dim=1) == labels).sum().item() / 32")],
    ),
    Wrong(
        "accuracy-over-classes",
        "divides by the number of classes",
        [(ACCURACY, "return (logits.argmax(dim=1) == labels).sum().item() / logits.shape[1]")],
    ),
    Wrong(
        "accuracy-across-the-batch",
        "argmax over the examples instead of over the classes",
        [
            (
                ACCURACY,
                "n = min(len(labels), logits.shape[1])\n"
                "    return (logits.argmax(dim=0)[:n] == labels[:n]).float().mean().item()",
            )
        ],
    ),
    Wrong(
        "accuracy-is-a-count",
        "the number of right answers, not their share",
        [(".float().mean().item()", ".float().sum().item()")],
    ),
    Wrong(
        "accuracy-is-a-tensor",
        ".item() is forgotten, so the history holds tensors",
        [(".float().mean().item()", ".float().mean()")],
        beyond=True,
    ),
    Wrong(
        "accuracy-divided-by-classes",
        "right answers are divided by the number of classes instead of the batch size",
        [(".float().mean().item()", ".float().sum().item() / logits.shape[1]")],
    ),
    Wrong(
        "accuracy-is-the-error-rate",
        "!= for ==: the share of wrong answers",
        [("(logits.argmax(dim=1) == labels)", "(logits.argmax(dim=1) != labels)")],
    ),
    Wrong(
        "accuracy-compares-the-score",
        "max(dim=1)[0] is the highest score, which is compared with the label",
        [("logits.argmax(dim=1) == labels", "logits.max(dim=1)[0] == labels")],
    ),
    Wrong(
        "accuracy-of-the-lowest-score",
        "argmin, since 'the smallest loss wins'",
        [("logits.argmax(dim=1) == labels", "logits.argmin(dim=1) == labels")],
    ),
    Wrong(
        "accuracy-for-integers",
        "the share is cast to an integer, so it is 0 or 1",
        [(ACCURACY, "return int((logits.argmax(dim=1) == labels).float().mean())")],
    ),
    Wrong(
        "accuracy-returns-nothing",
        "the accuracy is printed, not returned",
        [(ACCURACY, ACCURACY.replace("return ", "print(") + ")")],
    ),
    Wrong(
        "prediction-over-the-batch",
        "argmax over dim 0 finds the best image of each class",
        [(PREDICT, "return model(x).argmax(dim=0)")],
    ),
    Wrong(
        "prediction-is-the-score",
        "max instead of argmax: the highest score, not its class",
        [(PREDICT, "return model(x).max(dim=1).values")],
    ),
    Wrong(
        "prediction-in-a-column",
        "keepdim=True gives [N, 1], which compares with [N] as an N x N table",
        [(PREDICT, "return model(x).argmax(dim=1, keepdim=True)")],
    ),
    Wrong(
        "prediction-sets-eval-mode",
        "predict_labels calls model.eval(), so training goes on without dropout",
        [(PREDICT, "model.eval()\n    return model(x).argmax(dim=1)")],
        beyond=True,
    ),
    Wrong(
        "predict-scores-not-classes",
        "max()[0]: the highest scores instead of their places",
        [(PREDICT, "return model(x).max(dim=1)[0]")],
    ),
    Wrong(
        "predict-squeezed",
        "squeeze(): a batch of one image gives a number without a dimension",
        [(PREDICT, "return model(x).argmax(dim=1).squeeze()")],
    ),
    Wrong(
        "predict-in-floats",
        "the predicted classes are floating-point numbers",
        [(PREDICT, "return model(x).argmax(dim=1).float()")],
    ),
    Wrong(
        "prediction-of-the-whole-batch",
        "argmax() without dim: one index into all N x 15 scores",
        [(PREDICT, "return model(x).argmax()")],
    ),
    Wrong(
        "prediction-without-the-model",
        "x is taken for scores already",
        [(PREDICT, "return x.flatten(1).argmax(dim=1)")],
    ),
    Wrong(
        "labels-from-one",
        "classes are numbered from 1",
        [(PREDICT, "return model(x).argmax(dim=1) + 1")],
    ),
    Wrong(
        "prediction-by-threshold",
        "sigmoid above one half, as for several labels an image: N rows of 0 and 1",
        [(PREDICT, "return (torch.sigmoid(model(x)) > 0.5).long()")],
    ),
    Wrong(
        "probabilities-for-labels",
        "softmax is returned, not the most likely class",
        [(PREDICT, "return model(x).softmax(dim=1)")],
    ),
    Wrong(
        "sum-by-default",
        "is_normalize is False by default",
        [("is_normalize: bool = True", "is_normalize: bool = False")],
    ),
    Wrong(
        "is-normalize-inverted",
        "is_normalize=True is read as 'already normalized', so it gives the sum",
        [
            (
                "    criterion: Any = model.loss_criterion",
                "    is_normalize = not is_normalize\n    criterion: Any = model.loss_criterion",
            )
        ],
    ),
    Wrong(
        "own-criterion-ignored",
        "cross-entropy is hard-coded, the model's loss_criterion is not used",
        [("criterion: Any = model.loss_criterion", "criterion: Any = nn.CrossEntropyLoss()")],
    ),
    Wrong(
        "loss-ignores-criterion",
        "always cross-entropy, whatever the model's loss_criterion is",
        [
            (
                "    loss: torch.Tensor = criterion(model_output, target_labels)\n",
                "    loss = nn.functional.cross_entropy(\n"
                '        model_output, target_labels, reduction=getattr(criterion, "reduction", '
                '"mean")\n'
                "    )\n",
            )
        ],
    ),
    Wrong(
        "loss-changes-criterion",
        "sets the criterion's reduction and leaves it so",
        [
            (
                "    loss: torch.Tensor = criterion(model_output, target_labels)\n",
                '    criterion.reduction = "mean" if is_normalize else "sum"\n'
                "    loss = criterion(model_output, target_labels)\n",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "loss-detached",
        "the loss is detached 'for logging', so nothing can be learnt from it",
        [
            (
                "loss: torch.Tensor = criterion(model_output, target_labels)",
                "loss = criterion(model_output, target_labels).detach()",
            )
        ],
    ),
    Wrong(
        "loss-of-probabilities",
        "softmax before a criterion that takes it itself",
        [
            (
                "loss: torch.Tensor = criterion(model_output, target_labels)",
                "loss = criterion(model_output.softmax(dim=1), target_labels)",
            )
        ],
    ),
    Wrong(
        "loss-without-gradient",
        "the logits are detached: backward() has nothing to go through",
        [
            (
                "loss: torch.Tensor = criterion(model_output, target_labels)",
                "loss = criterion(model_output.detach(), target_labels)",
            )
        ],
    ),
    Wrong(
        "softmax-before-the-loss",
        "cross-entropy is given probabilities",
        [
            (
                "criterion(model_output, target_labels)",
                "criterion(torch.softmax(model_output, dim=1), target_labels)",
            )
        ],
    ),
    Wrong(
        "loss-per-example",
        "a criterion with reduction='none' gives N numbers instead of one",
        [("return loss.mean() if is_normalize else loss.sum()", "return loss")],
        beyond=True,
    ),
    Wrong(
        "is-normalize-ignored",
        "the mean is returned even when the sum is asked for",
        [("return loss * len(target_labels)", "return loss")],
    ),
    Wrong(
        "sum-by-number-of-classes",
        "the sum is the mean times 15, the number of classes, instead of the batch size",
        [("return loss * len(target_labels)", "return loss * model_output.shape[1]")],
    ),
    Wrong(
        "mean-divided-again",
        "the mean loss is divided by the batch size once more, as in the course's starter",
        [('if reduction == "sum" and is_normalize:', "if is_normalize:")],
    ),
    Wrong(
        "loss-divided-twice",
        "the course's own mistake: the mean is divided by the batch size once more",
        [
            (
                "        return loss / len(target_labels)\n    return loss\n",
                "        return loss / len(target_labels)\n"
                "    return loss / len(target_labels) if is_normalize else loss\n",
            )
        ],
    ),
    Wrong(
        "criterion-divided-by-batch",
        "loss = criterion(...); if is_normalize: loss / N, as most hand it in",
        [
            (
                '    reduction = getattr(criterion, "reduction", "mean")\n',
                "    return loss / len(target_labels) if is_normalize else loss\n"
                '    reduction = getattr(criterion, "reduction", "mean")\n',
            )
        ],
    ),
    Wrong(
        "loss-is-a-number",
        ".item(), so that loss.backward() is not there",
        [
            (
                "loss: torch.Tensor = criterion(model_output, target_labels)",
                "loss = criterion(model_output, target_labels).item()",
            )
        ],
    ),
    Wrong(
        "loss-of-each-example",
        "a loss for each example: F.cross_entropy(..., reduction='none')",
        [
            (
                '    reduction = getattr(criterion, "reduction", "mean")\n',
                "    return nn.functional.cross_entropy(\n"
                '        model_output, target_labels, reduction="none"\n'
                "    )\n"
                '    reduction = getattr(criterion, "reduction", "mean")\n',
            )
        ],
    ),
    Wrong(
        "loss-runs-the-model-again",
        "the scores are passed through the model once more",
        [
            (
                "criterion(model_output, target_labels)",
                "criterion(model(model_output), target_labels)",
            )
        ],
    ),
    Wrong(
        "loss-arguments-swapped",
        "criterion(labels, logits)",
        [("criterion(model_output, target_labels)", "criterion(target_labels, model_output)")],
    ),
    Wrong(
        "loss-wrapped-anew",
        "torch.tensor(loss, requires_grad=True): a new leaf, so no gradient reaches the net",
        [
            (
                "loss: torch.Tensor = criterion(model_output, target_labels)",
                "loss = criterion(model_output, target_labels)\n"
                "    loss = torch.tensor(float(loss), requires_grad=True)",
            )
        ],
    ),
    Wrong(
        "loss-divided-by-classes",
        "the sum is divided by the number of classes, not of examples",
        [
            (
                "        return loss / len(target_labels)\n    return loss\n",
                "        return loss / model_output.shape[1]\n    return loss\n",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "summing-criterion-not-normalized",
        "every criterion is believed to take the mean; one that sums is returned as it is",
        [("return loss / len(target_labels)", "return loss")],
        beyond=True,
    ),
    Wrong(
        "folder-not-made",
        "out_dir is believed to exist",
        [("    out_dir.mkdir(parents=True, exist_ok=True)\n", "")],
        beyond=True,
    ),
    Wrong(
        "file-always-named-simplenet",
        "the file name is hard-coded: Part 2's weights overwrite Part 1's",
        [('out_dir / f"trained_{class_name}_final.pt"', 'out_dir / "trained_SimpleNet_final.pt"')],
    ),
    Wrong(
        "other-keys-in-the-file",
        "the file's keys are made up, so nobody else can read it",
        [
            (
                '{"class_name": class_name, "state_dict": model.state_dict()}',
                '{"name": class_name, "weights": model.state_dict()}',
            ),
            ('saved["class_name"], saved["state_dict"]', 'saved["name"], saved["weights"]'),
        ],
    ),
    Wrong(
        "buffers-not-saved",
        "only the parameters are saved: batch norm's running averages are lost",
        [('"state_dict": model.state_dict()}', '"state_dict": dict(model.named_parameters())}')],
    ),
    Wrong(
        "saved-under-other-keys",
        "model_state_dict instead of state_dict, both when saving and when loading",
        [
            ('"state_dict": model.state_dict()}', '"model_state_dict": model.state_dict()}'),
            ('saved["state_dict"]', 'saved["model_state_dict"]'),
        ],
    ),
    Wrong(
        "save-halves-precision",
        "weights are saved as float16",
        [
            (
                '"state_dict": model.state_dict()}',
                '"state_dict": {k: v.half() for k, v in model.state_dict().items()}}',
            )
        ],
    ),
    Wrong(
        "whole-model-saved",
        "torch.save(model): the class is pickled, not a dict of weights",
        [
            (
                'torch.save({"class_name": class_name, "state_dict": model.state_dict()}, part)',
                "torch.save(model, part)",
            )
        ],
    ),
    Wrong(
        "weights-without-class-name",
        "the state_dict alone is saved",
        [
            (
                'torch.save({"class_name": class_name, "state_dict": model.state_dict()}, part)',
                "torch.save(model.state_dict(), part)",
            )
        ],
    ),
    Wrong(
        "class-name-is-a-description",
        "str(type(model)) gives <class '...SimpleNet'>",
        [
            (
                '"class_name": class_name, "state_dict"',
                '"class_name": str(type(model)), "state_dict"',
            )
        ],
    ),
    Wrong(
        "file-without-final",
        "trained_SimpleNet.pt: the name lacks _final",
        [('f"trained_{class_name}_final.pt"', 'f"trained_{class_name}.pt"')],
    ),
    Wrong(
        "saved-where-it-stands",
        "out_dir is forgotten: the file is written into the current folder",
        [('path = out_dir / f"trained', 'path = Path() / f"trained')],
    ),
    Wrong(
        "old-file-kept",
        "nothing is written where there is a file already",
        [
            (
                "    part = path.with_suffix",
                "    if path.exists():\n        return\n    part = path.with_suffix",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "weights-are-parameters-list",
        "list(model.parameters()) under state_dict: the names are lost",
        [('"state_dict": model.state_dict()}', '"state_dict": list(model.parameters())}')],
    ),
    Wrong(
        "given-model-not-filled",
        "a network of the saved class is built even if one is passed to be filled",
        [("    if model is None:\n", "    if model is None or class_name in NETS:\n")],
        beyond=True,
    ),
    Wrong(
        "load-always-simple-net",
        "builds a SimpleNet whatever class_name says",
        [("model = NETS[class_name]()", 'model = NETS["SimpleNet"]()')],
    ),
    Wrong(
        "load-updates-a-copy",
        "state_dict().update() fills a dict, not the network: it stays random",
        [
            (
                "        model.load_state_dict(state_dict)\n",
                "        model.state_dict().update(state_dict)\n",
            )
        ],
    ),
    Wrong(
        "load-returns-the-dict",
        "the dict of weights is returned, not a network",
        [("return model.eval()", "return state_dict")],
    ),
    Wrong(
        "weights-loaded-into-nothing",
        "a new network is made, but its weights are not loaded",
        [("        model.load_state_dict(state_dict)\n", "        pass\n")],
    ),
    Wrong(
        "missing-file-unexplained",
        "no word for a missing file",
        [
            (
                "    if not path.is_file():\n"
                '        raise FileNotFoundError(f"no weights at {path}: '
                'save_trained_model_weights writes them")\n',
                "    if not path.is_file():\n        return None\n",
            )
        ],
        beyond=True,
    ),
    Wrong(
        "loaded-without-strict",
        "strict=False hides that the weights are of another network",
        [("model.load_state_dict(state_dict)", "model.load_state_dict(state_dict, strict=False)")],
        beyond=True,
    ),
    Wrong(
        "loaded-in-train-mode",
        "the loaded network is not put into eval mode, so dropout is on",
        [("return model.eval()", "return model")],
        beyond=True,
    ),
]
