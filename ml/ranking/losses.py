"""Compute listwise losses over each customer's candidates.

Candidates that are new to the customer and were not bought may be sampled. `weight` is then the number of candidates
that each one stands for, so that the losses estimate those over all candidates.
"""

from ml.keras_setup import tf

MASKED = -1e9


def softmax(scores: tf.Tensor, bought: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Return the mean negative log-likelihood of the bought candidates under a softmax (ListNet, Cao et al. 2007).

    Customers who bought none of their candidates have no weight in the mean.

    Args:
        scores: Logits `[customers, candidates]`.
        bought: 1.0 for a bought candidate, otherwise 0.0, same shape.
        weight: Number of candidates that each stands for, 0 for padding, same shape.

    Returns:
        A scalar, `[]`.
    """
    logits = tf.where(weight > 0, scores + tf.math.log(tf.maximum(weight, 1e-6)), MASKED)
    log_share = scores - tf.reduce_logsumexp(logits, axis=1, keepdims=True)
    found = tf.reduce_sum(bought, axis=1)
    loss = -tf.reduce_sum(bought * log_share, axis=1)
    return _mean_over_buyers(loss / tf.maximum(found, 1.0), found)


def approximate_ndcg(scores: tf.Tensor, bought: tf.Tensor, weight: tf.Tensor, temperature: float = 0.1) -> tf.Tensor:
    """Return one minus NDCG with ranks smoothed by a sigmoid (ApproxNDCG, Qin, Liu & Li 2010).

    Args:
        scores: Logits `[customers, candidates]`.
        bought: 1.0 for a bought candidate, otherwise 0.0, same shape.
        weight: Number of candidates that each stands for, 0 for padding, same shape.
        temperature: Divides score differences; a lower one follows the true ranks more closely.

    Returns:
        A scalar, `[]`.
    """
    difference = (scores[:, None, :] - scores[:, :, None]) / temperature
    beaten_by = tf.reduce_sum(tf.sigmoid(difference) * weight[:, None, :], axis=2)
    ranks = 1.0 + beaten_by - 0.5 * weight  # without a candidate's comparison with itself
    gain = tf.reduce_sum(bought / _log2(1.0 + ranks), axis=1)
    found = tf.reduce_sum(bought, axis=1)
    ranks_from_one = tf.range(1, tf.shape(scores)[1] + 1, dtype=tf.float32)
    discount = tf.where(ranks_from_one[None, :] <= found[:, None], 1.0 / _log2(1.0 + ranks_from_one)[None, :], 0.0)
    ideal = tf.reduce_sum(discount, axis=1)
    return _mean_over_buyers(1.0 - gain / tf.maximum(ideal, 1e-9), found)


def _log2(values: tf.Tensor) -> tf.Tensor:
    return tf.math.log(values) / tf.math.log(2.0)


def _mean_over_buyers(loss: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
    has_purchase = tf.cast(found > 0, tf.float32)
    return tf.reduce_sum(loss * has_purchase) / tf.maximum(tf.reduce_sum(has_purchase), 1.0)
