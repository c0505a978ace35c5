"""Matrice de confusion (étape 2.6)."""
import random
import warnings

import matplotlib.pyplot as plt
import numpy as np
import torch

from .dl_utils import predict_labels


class JeuVide(Exception):
    """Le jeu de données n'a pas d'images."""


def appareil(use_cuda):
    if use_cuda and not torch.cuda.is_available():
        warnings.warn("pas de carte graphique : le calcul se fait sur le processeur")
    return "cuda" if use_cuda and torch.cuda.is_available() else "cpu"


def generate_confusion_data(model, dataset, use_cuda=False):
    if not len(dataset):
        raise JeuVide("aucune image")
    où = appareil(use_cuda)
    model.to(où)
    model.eval()
    # dans le désordre, et c'est sans importance pour la matrice
    ordre = random.sample(range(len(dataset)), len(dataset))
    cibles, prédictions = [], []
    for début in range(0, len(ordre), 20):
        lot = [dataset[i] for i in ordre[début : début + 20]]
        images = torch.stack([image for image, _ in lot]).to(où)
        with torch.no_grad():
            prédictions.extend(int(p) for p in predict_labels(model, images))
        cibles.extend(étiquette for _, étiquette in lot)
    noms = [""] * len(dataset.class_dict)
    for nom in dataset.class_dict:
        noms[dataset.class_dict[nom]] = nom
    return cibles, prédictions, noms


def generate_confusion_matrix(targets, preds, num_classes, normalize=True):
    cibles, prédictions = np.array(targets), np.array(preds)
    matrice = np.empty((num_classes, num_classes))
    for i in range(num_classes):
        de_la_classe = cibles == i
        for j in range(num_classes):
            matrice[i, j] = np.sum(de_la_classe & (prédictions == j))
        if normalize:
            effectif = np.sum(de_la_classe)
            if effectif == 0:
                warnings.warn(f"la classe {i} n'a pas d'images")
                continue
            matrice[i] /= effectif
    return matrice


def plot_confusion_matrix(confusion_matrix, class_labels):
    taille = len(class_labels)
    figure = plt.figure()
    axes = figure.add_axes([0.25, 0.25, 0.7, 0.7])
    # les cases vont de 0 à taille, donc les noms sont à un demi
    axes.imshow(confusion_matrix, extent=[0, taille, taille, 0], cmap="cividis")
    milieux = np.linspace(0.5, taille - 0.5, taille)
    axes.set_xticks(milieux)
    axes.set_xticklabels([nom.upper() for nom in class_labels], rotation=80)
    axes.set_yticks(milieux)
    axes.set_yticklabels([nom.upper() for nom in class_labels])
    axes.set_xlabel("classe prédite")
    axes.set_ylabel("classe réelle")
    axes.set_title("Matrice de confusion")


def generate_and_plot_confusion_matrix(model, dataset, use_cuda=False):
    cibles, prédictions, noms = generate_confusion_data(model, dataset, use_cuda)
    plot_confusion_matrix(generate_confusion_matrix(cibles, prédictions, len(noms)), noms)


def get_pred_images_for_target(model, dataset, predicted_class, target_class, use_cuda=False):
    où = appareil(use_cuda)
    model.to(où).eval()
    trouvées = set()
    for numéro, (chemin, étiquette) in enumerate(dataset.dataset):
        if étiquette != target_class:
            continue
        image = dataset[numéro][0].to(où)
        with torch.no_grad():
            if int(predict_labels(model, image[None])[0]) == predicted_class:
                trouvées.add(chemin)
    return trouvées
