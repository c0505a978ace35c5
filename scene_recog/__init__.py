"""scene-recog: scene recognition with SimpleNet, trained from scratch on the 15-scene dataset."""

__version__ = "0.1.0"
