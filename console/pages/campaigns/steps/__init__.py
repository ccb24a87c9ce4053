"""Define the seven steps to a campaign: each reads its part of the form and shows its section of the file."""

from console.pages.campaigns.steps import audience, experiment, goal, launch, left_out, offer, text
from console.pages.campaigns.steps.step import Step

STEPS: tuple[Step, ...] = (
    audience.STEP, goal.STEP, left_out.STEP, offer.STEP, text.STEP, experiment.STEP, launch.STEP,
)  # fmt: skip
BY_SLUG = {step.slug: step for step in STEPS}

__all__ = ["BY_SLUG", "STEPS", "Step"]
