"""Train one ranker and write it; several run side by side, each in its own folder."""

from typing import Any

from ml.ranking.train import export, train
from ml.runs import artifacts as places
from ml.runs.run import Run
from ml.runs.spec import Plan
from ml.steps.candidates import load_examples
from scoring.bundle import RANKER, VOCABULARY
from scoring.vocabulary import Vocabulary


def train_ranker(run: Run, name: str) -> dict[str, Any]:
    """Leave `ranker_<name>/` with the model in ONNX and its TensorBoard log."""
    plan = Plan.read(run)
    vocabulary = Vocabulary.load(run.path(places.RETRIEVAL) / VOCABULARY)
    with run.stage(places.ranker(name)) as folder:
        model, curve = train(
            name, load_examples(run, plan), vocabulary, plan.config.ranking, plan.seed, folder / "tensorboard"
        )
        export(model, folder / RANKER)
    run.write_json(places.ranker_curve(name), curve)
    return {"ranker": name, "loss": curve[-1]["loss"]}
