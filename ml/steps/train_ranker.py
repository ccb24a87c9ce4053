"""Train one ranker and write it; several run side by side, each in its own folder."""

from typing import Any

from ml.ranking.train import export, train
from ml.runs import Run
from ml.steps.candidates import load_examples
from ml.steps.plan import Plan
from ml.steps.train_retrieval import FOLDER as RETRIEVAL
from scoring.bundle import RANKER, VOCABULARY
from scoring.vocabulary import Vocabulary


def folder_of(name: str) -> str:
    return f"ranker_{name}"


def train_ranker(run: Run, name: str) -> dict[str, Any]:
    """Leave `ranker_<name>/` with the model in ONNX and its TensorBoard log."""
    plan = Plan.read(run)
    vocabulary = Vocabulary.load(run.path(RETRIEVAL) / VOCABULARY)
    with run.stage(folder_of(name)) as folder:
        model, curve = train(
            name, load_examples(run, plan), vocabulary, plan.config.ranking, plan.seed, folder / "tensorboard"
        )
        export(model, folder / RANKER)
    run.write_json(f"{folder_of(name)}_curve.json", curve)
    return {"ranker": name, "loss": curve[-1]["loss"]}
