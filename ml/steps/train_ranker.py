"""Train one ranker and write it; several can run in parallel, each with its own folder."""

from typing import Any

from ml.ranking.examples import load_examples
from ml.ranking.train import export, train
from ml.runs import artifacts
from ml.runs.run import Run
from ml.runs.spec import RunSpec
from scoring.bundle import RANKER, VOCABULARY
from scoring.vocabulary import Vocabulary


def train_ranker(run: Run, name: str) -> dict[str, Any]:
    """Write `ranker_<name>/` with the model in ONNX and its TensorBoard log.

    Args:
        run: A run with generated candidates.
        name: The ranker's file in `ml/ranking/models/`.

    Returns:
        The ranker's name and its last loss.
    """
    spec = RunSpec.read(run)
    vocabulary = Vocabulary.load(run.path(artifacts.RETRIEVAL) / VOCABULARY)
    with run.publish_folder(artifacts.ranker_folder(name)) as folder:
        model, curve = train(
            name, load_examples(run, spec), vocabulary, spec.config.ranking, spec.seed, folder / "tensorboard"
        )
        export(model, folder / RANKER)
    run.write_json(artifacts.ranker_curve(name), curve)
    return {"ranker": name, "loss": curve[-1]["loss"]}
