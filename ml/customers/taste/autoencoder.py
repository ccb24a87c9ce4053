"""A denoising autoencoder with a multinomial likelihood (Liang et al. 2018), trained on the new categories bought next.

The likelihood is over the categories that a customer had not bought, because new ones are what the vector is for.
"""

import numpy as np

from ml.customers.taste.baskets import Examples, as_inputs
from ml.customers.taste.encoder import Encoder
from ml.errors import DivergenceError
from ml.keras_setup import keras, reproducible, tf

HIDDEN = 128
NOISE = 0.3
"""Share of the inputs that are set to 0 in training."""
EPOCHS = 8
BATCH = 512
LEARNING_RATE = 2e-3
EXCLUDED = -1e9
"""Logit of a category that was bought before."""
MAX_WEIGHT = 2.0
"""Weight of an example with ten categories or more; one with fewer counts in proportion."""


def fit_autoencoder(categories: list[str], examples: Examples, width: int, seed: int) -> Encoder:
    """Fit the network, and return its layers as arrays.

    Raises:
        DivergenceError: a weight is not finite.
    """
    reproducible(seed)
    inputs = as_inputs(examples.before).toarray()
    before = (examples.before > 0).toarray()
    new = ((examples.after > 0).toarray() & ~before).astype(np.float32)
    counts = new.sum(axis=1)
    # The label of a category bought before is negative: the loss leaves it out.
    labels = np.where(before, np.float32(-1), new / np.maximum(counts, 1)[:, None])
    layers = [keras.layers.Dense(units) for units in (HIDDEN, width, HIDDEN, len(categories))]
    customer = keras.Input((len(categories),))
    hidden = keras.activations.tanh(layers[0](keras.layers.Dropout(NOISE)(customer)))
    # Both sides of the vector have one hidden layer, as in `Encoder`.
    scores = layers[3](keras.activations.tanh(layers[2](layers[1](hidden))))
    model = keras.Model(customer, scores)
    steps = EPOCHS * -(-len(inputs) // BATCH)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)),
        _loss_of_new,
    )
    weights = np.minimum(counts / 5, MAX_WEIGHT)
    model.fit(inputs, labels, BATCH, EPOCHS, verbose=0, sample_weight=weights)
    arrays = [tuple(array.astype(np.float64) for array in layer.get_weights()) for layer in layers]
    if not all(np.isfinite(array).all() for layer in arrays for array in layer):
        raise DivergenceError("A weight of the taste autoencoder is not finite. PCA stays the taste vector.")
    return Encoder(categories, arrays[:2], arrays[2:])


def _loss_of_new(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    return tf.nn.softmax_cross_entropy_with_logits(tf.maximum(labels, 0.0), tf.where(labels < 0, EXCLUDED, logits))
