# -*- coding: utf-8 -*-
# Étape 2.2 : moyenne et écart-type de tous les pixels
import warnings

import torch
from torchvision.transforms import ToTensor

from .image_loader import ImageLoader


def compute_mean_and_std(dir_name):
    """Calcule la moyenne et l'écart-type (en niveaux de gris, de 0 à 1)."""
    données = []
    for partie in ("train", "test"):
        # on réutilise le chargeur d'images de l'étape 1.1
        chargeur = ImageLoader(dir_name, split=partie, transform=ToTensor())
        données += [chargeur[i][0].flatten() for i in range(len(chargeur))]
    if not données:
        raise ValueError("aucune image trouvée dans " + dir_name)
    if len(données) < 100:
        warnings.warn("très peu d'images : les statistiques seront imprécises")
    écart_type, moyenne = torch.std_mean(torch.cat(données).double())
    return moyenne.item(), écart_type.item()
