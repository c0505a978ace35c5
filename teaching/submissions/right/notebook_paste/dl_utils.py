#!/usr/bin/env python
# coding: utf-8

# In[1]:

import torch
import torch.nn as nn
import numpy as np
import os
import importlib

torch.manual_seed(42)
device = 'cuda' if torch.cuda.is_available() else 'cpu'
print('dl_utils: using', device)

# In[2]:

def compute_accuracy(logits, labels):
    tmp = [int(a == b) for a, b in zip(logits.argmax(1), labels)]
    # tmp = (logits.argmax(1) == labels).float()
    acc = np.mean(tmp)
    assert 0 <= acc <= 1
    return acc

# In[3]:

def predict_labels(model, x):
    model.eval()
    with torch.no_grad():
        a = model(x)
        # b = nn.Softmax(dim=1)(a)
        b = nn.LogSoftmax(dim=1)(a)
    return b.max(dim=1).indices

# In[7]:

# is_normalize: mean or sum??
# -> piazza @412: our criterion is mean already!!!
def compute_loss(model, model_output, target_labels, is_normalize=True):
    N = model_output.shape[0]
    a = model.loss_criterion(model_output, target_labels)
    b = a * N
    # print(a, b)
    if is_normalize == True:
        return b / N
    return b

# In[8]:

def save_trained_model_weights(model, out_dir):
    tmp = {}
    tmp['class_name'] = type(model).__name__
    tmp['state_dict'] = model.state_dict()
    fn = f"{out_dir}/trained_{tmp['class_name']}_final.pt"
    torch.save(tmp, fn)
    print('saved', fn, os.path.getsize(fn), 'bytes')

# In[9]:

def load_trained_model_weights(path):
    tmp = torch.load(path, map_location='cpu')
    mod = 'simple_net' if tmp['class_name'] == 'SimpleNet' else 'simple_net_final'
    net = getattr(importlib.import_module('scene_recog.' + mod), tmp['class_name'])()
    print(net.load_state_dict(tmp['state_dict']))
    return net

# In[12]:

if __name__ == '__main__':
    a = torch.randn(10, 15)
    b = torch.randint(0, 15, (10,))
    print(compute_accuracy(a, b))
