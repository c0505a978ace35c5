"""The lecture in numpy: layers, gradients, networks and counts. It imports nothing else of ours."""
