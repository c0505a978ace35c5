import os

import numpy as np
from PIL import Image


def compute_mean_and_std(dir_name):
    data = []
    for split in ["train", "test"]:
        for cls in os.listdir(dir_name + "/" + split):
            for name in os.listdir(dir_name + "/" + split + "/" + cls):
                img = Image.open(dir_name + "/" + split + "/" + cls + "/" + name)
                img = np.array(img.convert(mode="L")) / 255
                data.append(img.reshape(-1))
    data = np.hstack(data)
    mean = np.sum(data) / len(data)
    variance = np.sum(np.square(data - mean)) / (len(data) - 1)
    return mean, variance ** 0.5
