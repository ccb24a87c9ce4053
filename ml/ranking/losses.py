"""Listwise losses over each customer's candidates."""

from ml.retrieval.legacy_keras import tf

MASKED = -1e9


def softmax(scores: tf.Tensor, bought: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Mean negative log-likelihood of the bought candidates under a softmax over all of them (ListNet, Cao 2007).

    scores: `[customers, candidates]` logits; bought, mask: float, same shape. Customers who bought none of their
    candidates count nothing.
    """
    log_share = tf.nn.log_softmax(tf.where(mask > 0, scores, MASKED), axis=1)
    found = tf.reduce_sum(bought, axis=1)
    loss = -tf.reduce_sum(bought * tf.where(mask > 0, log_share, 0.0), axis=1)
    return _mean_over_judged(loss / tf.maximum(found, 1.0), found)


def approximate_ndcg(scores: tf.Tensor, bought: tf.Tensor, mask: tf.Tensor, temperature: float = 0.1) -> tf.Tensor:
    """One minus NDCG with ranks made smooth by a sigmoid (Qin, Liu & Li 2010), as `[]`.

    Arguments as for `softmax`; a lower temperature follows the true ranks more closely.
    """
    difference = (scores[:, None, :] - scores[:, :, None]) / temperature
    beaten_by = tf.sigmoid(difference) * mask[:, None, :]
    ranks = 0.5 + tf.reduce_sum(beaten_by, axis=2)  # a candidate's comparison with itself adds the other half
    gain = tf.reduce_sum(bought * mask / _log2(1.0 + ranks), axis=1)
    found = tf.reduce_sum(bought, axis=1)
    places = tf.range(1, tf.shape(scores)[1] + 1, dtype=tf.float32)
    discount = tf.where(places[None, :] <= found[:, None], 1.0 / _log2(1.0 + places)[None, :], 0.0)
    ideal = tf.reduce_sum(discount, axis=1)
    return _mean_over_judged(1.0 - gain / tf.maximum(ideal, 1e-9), found)


def _log2(values: tf.Tensor) -> tf.Tensor:
    return tf.math.log(values) / tf.math.log(2.0)


def _mean_over_judged(loss: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
    judged = tf.cast(found > 0, tf.float32)
    return tf.reduce_sum(loss * judged) / tf.maximum(tf.reduce_sum(judged), 1.0)
