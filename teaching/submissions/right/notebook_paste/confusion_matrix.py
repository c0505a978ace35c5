# coding: utf-8

# In[1]:

import numpy as np
import torch
import torch.nn as nn
import matplotlib.pyplot as plt
# %matplotlib inline
from torch.utils.data import DataLoader

np.random.seed(0)
BS = 25
plt.rcParams['figure.figsize'] = (8, 8)
last_paths = []

# In[2]:

class WithPath(torch.utils.data.Dataset):
    """image, label, path - so that I can shuffle"""
    def __init__(self, ds):
        self.ds = ds
    def __len__(self):
        return len(self.ds)
    def __getitem__(self, i):
        a, b = self.ds[i]
        return a, b, self.ds.dataset[i][0]

# In[3]:

def generate_confusion_data(model, dataset, use_cuda=False):
    global last_paths
    last_paths = []
    a, b = [], []
    if use_cuda and torch.cuda.is_available():
        model = model.cuda()
    model.eval()
    for x, y, p in DataLoader(WithPath(dataset), BS, shuffle=True):
        if use_cuda and torch.cuda.is_available():
            x = x.cuda()
        out = nn.functional.softmax(model(x), dim=1)
        a += y
        b += out.argmax(1).cpu()
        last_paths += p
    # print(len(a), len(b))
    assert len(a) == len(dataset)
    tmp = {v: k for k, v in dataset.get_classes().items()}
    return np.array(a), np.array(b), [tmp[i] for i in range(len(tmp))]

# In[5]:

def generate_confusion_matrix(targets, preds, num_classes, normalize=True):
    a = np.array(targets).astype(int)
    b = np.array(preds).astype(int)
    # sort by target, then cut into one piece for each class
    order = np.argsort(a, kind='stable')
    cuts = np.searchsorted(a[order], np.arange(1, num_classes))
    cm = []
    for piece in np.split(b[order], cuts):
        tmp = np.bincount(piece, minlength=num_classes)
        if normalize and len(piece):
            tmp = tmp / len(piece)
        cm.append(tmp)
    cm = np.vstack(cm)
    assert cm.shape == (num_classes, num_classes)
    return cm

# In[6]:

def plot_confusion_matrix(confusion_matrix, class_labels):
    # I want (0, 0) at the bottom left of the axes, but bedroom on top
    plt.figure()
    plt.imshow(np.flipud(confusion_matrix), origin='lower', cmap='jet')
    plt.xticks(np.arange(len(class_labels)), class_labels, rotation=90)
    plt.yticks(np.arange(len(class_labels)), class_labels[::-1])
    plt.xlabel('pred')
    plt.ylabel('gt')
    plt.colorbar()
    plt.figure()
    plt.bar(class_labels, np.diag(confusion_matrix))
    plt.title('per-class accuracy')
    plt.xticks(rotation=90)
    plt.figure(plt.get_fignums()[-2])

# In[8]:

def generate_and_plot_confusion_matrix(model, dataset, use_cuda=False):
    a, b, c = generate_confusion_data(model, dataset, use_cuda)
    cm = generate_confusion_matrix(a, b, len(c))
    print('mean accuracy', np.mean(np.diag(cm)))
    plot_confusion_matrix(cm, c)

# In[9]:

def get_pred_images_for_target(model, dataset, predicted_class, target_class, use_cuda=False):
    a, b, _ = generate_confusion_data(model, dataset, use_cuda)
    tmp = []
    for t, p, path in zip(a, b, last_paths):
        if t == target_class and p == predicted_class:
            tmp.append(path)
    return np.array(tmp)

# In[ ]:

if __name__ == '__main__':
    print(generate_confusion_matrix([0, 0, 1], [0, 1, 1], 2))
