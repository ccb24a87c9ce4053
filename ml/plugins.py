"""Find the plug-ins of training: the rankers that can compete, and the encoders of the query tower."""

from core.plugins import PluginFolder
from ml.errors import ConfigError

RANKERS = PluginFolder("ml.ranking.models", "ranker", "Keras model", ConfigError)
ENCODERS = PluginFolder("ml.retrieval.encoders", "encoder", "Keras layer", ConfigError)
