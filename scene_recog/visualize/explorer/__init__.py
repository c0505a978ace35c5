"""The explorer: one HTML page in which a run's own network runs live, in the browser.

The page needs no network connection and no server. What stands in which file:

    network.py       a network as data: its steps and weights; replay.py: are they all of it?
    images.py        which images the page offers
    page.py          puts the page together
    explorer.html    what is on the page, and explorer.css how it looks
    arithmetic.js    what each kind of layer computes, its gradient, where a number comes from
    pixels.js        from a picture to the network's input, as Pillow and torchvision do it
    experiments.js   Grad-CAM, occlusion, the smallest change that changes the answer
    worker.js        runs all of that beside the page
    dom.js           small helpers, and the colours
    words.js         titles, sentences of the lecture, questions for the report
    layers.js        draws the layers; detail.js: one value; answers.js: the probabilities
    picture.js       the picture and its changes; studies.js: evidence and smallest changes
    page.js          what is shown, and what happens when something changes
"""

from scene_recog.visualize.explorer.page import EXPLORER, write_explorer

__all__ = ["EXPLORER", "write_explorer"]
