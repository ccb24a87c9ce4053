"""What training, evaluation, batch and the service compute in common: one code path from a customer to a slate.

numpy, scipy and ONNX Runtime only. This room knows the declared `features` and no other room; `ml` and `serving` both
stand on it, so what was judged is what is served.
"""
