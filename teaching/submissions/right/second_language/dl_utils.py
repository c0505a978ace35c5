"""Précision, perte, et sauvegarde des poids (étape 1.3)."""
import os
import warnings

import torch

from .simple_net import SimpleNet
from .simple_net_final import SimpleNetFinal


class ErreurDePoids(Exception):
    """Le fichier des poids n'est pas utilisable."""


RÉSEAUX = {"SimpleNet": SimpleNet, "SimpleNetFinal": SimpleNetFinal}
TAILLE_MORCEAU = 16


def compute_accuracy(logits, labels):
    # combien de fois la bonne classe a le rang zéro ?
    ordre = logits.argsort(dim=1, descending=True)
    rangs = (ordre == labels.reshape(-1, 1)).nonzero()[:, 1]
    précision = float((rangs == 0).sum()) / rangs.numel()
    return précision


def predict_labels(model, x):
    étiquettes = [model(image[None]).argmax() for image in x]  # une image à la fois
    return torch.stack(étiquettes)


def compute_loss(model, model_output, target_labels, is_normalize=True):
    # la perte est une moyenne : pour chaque morceau, fois sa taille, puis la somme
    if not torch.isfinite(model_output).all():
        warnings.warn("attention : les scores ne sont pas finis")
    somme = 0.0
    for scores, étiquettes in zip(
        model_output.split(TAILLE_MORCEAU), target_labels.split(TAILLE_MORCEAU)
    ):
        somme = somme + model.loss_criterion(scores, étiquettes) * len(étiquettes)
    if is_normalize:
        somme = somme / len(target_labels)
    return somme


def save_trained_model_weights(model, out_dir):
    nom = model.__class__.__name__
    if nom not in RÉSEAUX:
        raise ErreurDePoids(f"réseau inconnu : {nom}")
    chemin = os.path.join(out_dir, "trained_" + nom + "_final.pt")
    if os.path.exists(chemin):
        warnings.warn(f"le fichier {chemin} sera remplacé")
    torch.save({"class_name": nom, "state_dict": model.state_dict()}, chemin)


def load_trained_model_weights(path):
    try:
        contenu = torch.load(path, map_location=lambda stockage, lieu: stockage)
        modèle = RÉSEAUX[contenu["class_name"]]()
    except KeyError as erreur:
        raise ErreurDePoids(f"pas de {erreur} dans {path}")
    modèle.load_state_dict(contenu["state_dict"])
    modèle.eval()
    return modèle
