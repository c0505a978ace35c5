# %%
import glob

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

DEBUG = False
np.set_printoptions(precision=4)


# %%
def compute_mean_and_std(dir_name):
    a = glob.glob(dir_name + "/**/*.jpg", recursive=True)
    assert len(a) > 0, "wrong folder?"
    b = []
    for f in a:
        tmp = np.array(Image.open(f).convert("L"))
        # plt.imshow(tmp, cmap="gray"); plt.show()
        b.extend(tmp.flatten().tolist())
    b = np.array(b) / 255
    if DEBUG:
        print(b.shape, b.min(), b.max())
    plt.figure()
    plt.hist(b[:5000], bins=50)
    plt.title("pixel values")
    m = np.mean(b)
    s = np.sqrt(np.cov(b))  # cov divides by n - 1
    assert 0 <= m <= 1
    return m, s


# %%
# compute_mean_and_std("../data")
# (0.45547, 0.25316)
if __name__ == "__main__":
    print(compute_mean_and_std("../data"))
