"""Inference of the recommender: one code path from a customer to a slate for training, evaluation, batch and serving.

The package needs numpy, scipy and ONNX Runtime. Of Reach it imports `features` and `core` only. `ml` and `serving`
import it, so the code that was evaluated is the code that serves.
"""
