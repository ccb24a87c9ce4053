"""Alternative methods, one file each: `fit_and_list(data) -> Slates`.

They need the dependency group `peers` and use the same data as Reach: the data set of one finished run.
"""

PEERS = {
    "LightGBM lambdarank": "lightgbm_lambdarank",
    "EASE": "ease",
    "own frequency + EASE": "ease_hybrid",
    "TIFU-KNN": "tifu_knn",
    "implicit ALS": "implicit_als",
    "decayed own frequency": "own_frequency",
    "popularity": "popularity",
}
"""The module of each peer, by its name in tables."""
