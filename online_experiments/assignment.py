"""Assign a customer to the variants of all running experiments, by salted hashes and without any table.

A customer has one slot in each layer. Experiments of one layer have different slots, so a customer takes part in at
most one of them. Within an experiment, its own salt decides the variant, so layers and experiments are independent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from experiments.assignment import Assignment, KeyedHash, experiment_key
from online_experiments.announcement import Announcement
from online_experiments.definition.experiment import SLOTS, Variant

_LAYER_SECRET = b"reach experiment layer"
"""Layers need no secret: which experiment a customer takes part in is in every answer."""


@dataclass(frozen=True)
class Assigned:
    """A customer's variant in one experiment.

    Attributes:
        announcement: The experiment.
        variant: The variant.
        is_override: Whether a tester chose it.
    """

    announcement: Announcement
    variant: Variant
    is_override: bool = False

    @property
    def propensity(self) -> float:
        """Return the probability of the variant among the experiment's customers."""
        return self.variant.share


class Assignments:
    """Assign customers to a fixed set of announced experiments; any process with the same files returns the same.

    Args:
        announcements: The experiments that are not over.
    """

    def __init__(self, announcements: Iterable[Announcement] = ()):
        # In the order of layers, so that an answer names its experiments in the same order everywhere.
        self._all = sorted(announcements, key=lambda one: (one.experiment.layer, one.id))
        self.by_id: Mapping[str, Announcement] = {one.id: one for one in self._all}
        self._layers = {
            name: KeyedHash(experiment_key(_LAYER_SECRET, name)) for name in {one.experiment.layer for one in self._all}
        }
        self._variants = {
            one.id: Assignment(experiment_key(bytes.fromhex(one.salt), one.id), one.experiment.shares)
            for one in self._all
        }

    def of(self, customer_id: str, slate: str, now: datetime, overrides: Mapping[str, str]) -> list[Assigned]:
        """Return the customer's variants in the experiments that cover a list.

        Args:
            customer_id: The customer.
            slate: The list's purpose.
            now: The instant, naive UTC.
            overrides: A tester's choice: variants by experiment, which also holds before an experiment starts. It
                replaces the other experiments of its layer.
        """
        found = []
        chosen_layers = {self.by_id[name].experiment.layer for name in overrides}
        for one in self._all:
            if slate not in one.experiment.slates:
                continue
            if chosen := overrides.get(one.id):
                found.append(Assigned(one, one.experiment.variant(chosen), is_override=True))
            elif one.experiment.layer not in chosen_layers and one.is_running(now) and self._is_in(one, customer_id):
                name = self._variants[one.id].variant_of(customer_id)
                found.append(Assigned(one, one.experiment.variant(name)))
        return found

    def _is_in(self, one: Announcement, customer_id: str) -> bool:
        first, end = one.experiment.slots
        if end - first == SLOTS:
            return True
        return first <= self._layers[one.experiment.layer].number(customer_id) * SLOTS < end
