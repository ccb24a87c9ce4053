"""Step 7: the check, and the launch."""

from console.pages.campaigns.steps.step import Step

STEP = Step("launch", "Check and launch")
