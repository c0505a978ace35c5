# -*- coding: utf-8 -*-
# Étapes 1.1, 2.1 et 2.2 : de l'image au tenseur
import warnings
from functools import partial

from torchvision.transforms import (
    ColorJitter,
    Compose,
    Normalize,
    RandomCrop,
    RandomHorizontalFlip,
    Resize,
    ToTensor,
)

# chaque étape est construite à partir de la taille
ÉTAPES = {
    "redimensionner": Resize,
    "éclaircir": lambda taille: ColorJitter(brightness=0.2, contrast=0.1),
    "tenseur": lambda taille: ToTensor(),
    "miroir": lambda taille: RandomHorizontalFlip(),
    "décaler": partial(RandomCrop, padding=2, padding_mode="edge"),
}
FONDAMENTALES = ("redimensionner", "tenseur")
AUGMENTÉES = ("redimensionner", "éclaircir", "tenseur", "miroir", "décaler")


def _construire(clés, taille):
    return [ÉTAPES[clé](taille) for clé in clés]


def get_fundamental_transforms(inp_size):
    """Redimensionner et convertir."""
    return Compose(_construire(FONDAMENTALES, inp_size))


def get_fundamental_augmentation_transforms(inp_size):
    """Pour l'entraînement seulement : une image un peu différente à chaque fois."""
    return Compose(_construire(AUGMENTÉES, inp_size))


def get_fundamental_normalization_transforms(inp_size, pixel_mean, pixel_std):
    """Pour la validation : (x - moyenne) / écart-type."""
    if max(pixel_mean) > 0.9:
        warnings.warn("la moyenne semble élevée : les pixels sont-ils entre 0 et 1 ?")
    return Compose([*_construire(FONDAMENTALES, inp_size), Normalize(pixel_mean, pixel_std)])


def get_all_transforms(inp_size, pixel_mean, pixel_std):
    """Tout à la fois. La normalisation avant le miroir donne le même résultat."""
    warnings.warn("transformations aléatoires : ne pas les utiliser pour la validation")
    étapes = _construire(AUGMENTÉES, inp_size)
    étapes.insert(AUGMENTÉES.index("miroir"), Normalize(pixel_mean, pixel_std))
    return Compose(étapes)
