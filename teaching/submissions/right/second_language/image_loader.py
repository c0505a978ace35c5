# -*- coding: utf-8 -*-
# Étape 1.1 : charger les images et leurs étiquettes
import os
import warnings

from PIL import Image
from torch.utils.data import Dataset


class DossierIntrouvable(Exception):
    """Le dossier demandé n'existe pas."""


class ImageLoader(Dataset):
    """Un dossier par catégorie ; les catégories sont numérotées par ordre alphabétique."""

    def __init__(self, root_dir, split="train", transform=None):
        self.root = root_dir
        self.split = split
        self.transform = transform
        self.curr_folder = os.path.join(root_dir, split)
        if not os.path.exists(self.curr_folder):
            raise DossierIntrouvable("pas de dossier " + self.curr_folder)
        self.class_dict = self.get_classes()
        self.dataset = self.load_imagepaths_with_labels(self.class_dict)

    def get_classes(self):
        # seuls les dossiers sont des catégories
        est_catégorie = lambda nom: os.path.isdir(os.path.join(self.curr_folder, nom))
        catégories = list(filter(est_catégorie, os.listdir(self.curr_folder)))
        catégories.sort()
        return {nom: catégories.index(nom) for nom in catégories}

    def load_imagepaths_with_labels(self, class_labels):
        étiquetées = []
        for nom, numéro in sorted(class_labels.items(), key=lambda paire: paire[1]):
            with os.scandir(os.path.join(self.curr_folder, nom)) as entrées:
                chemins = [entrée.path for entrée in entrées if entrée.is_file()]
            if len(chemins) < 10:
                warnings.warn(f"la catégorie {nom} n'a que {len(chemins)} images")
            étiquetées += [(chemin, numéro) for chemin in chemins]
        return étiquetées

    def load_img_from_path(self, path):
        # niveaux de gris : 0 (noir) à 255 (blanc)
        image_originale = Image.open(path)
        return image_originale.convert("L")

    def _transformée(self, image):
        return image if self.transform is None else self.transform(image)

    def __getitem__(self, index):
        chemin, étiquette = self.dataset[index]
        return self._transformée(self.load_img_from_path(chemin)), étiquette

    def __len__(self):
        return len(self.dataset)
