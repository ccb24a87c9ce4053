"""Hold the rules of dbt Labs' project evaluator; each yields the names of its offenders.

The evaluator comes from GitHub and computes its rules in the warehouse. These rules need the manifest alone.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Node = dict[str, Any]
Rule = Callable[["Project"], Iterator[str]]

MAX_FINAL_READERS = 3
"""Models without readers that may read one model: the evaluator's limit of fanout."""
MAX_PARENTS = 6
"""Models that one model may read: the evaluator reports 7."""
MAX_VIEWS_IN_A_ROW = 4
PREFIXES = {
    "staging": ("stg_",),
    "intermediate": ("int_",),
    "marts/core": ("dim_", "fct_", "audit_"),
    "marts/features": ("feat_",),
}
"""By folder, in the order in which models may read one another."""
RULES: dict[str, Rule] = {}
_HARD_CODED = re.compile(r"\b(?:from|join)\s+(?:[\"`\[]?\w+[\"`\]]?\.)+[\"`\[]?\w+", re.IGNORECASE)
_COMMENTS = re.compile(r"--[^\n]*|{#.*?#}", re.DOTALL)
_KEY_TESTS = {"unique", "unique_combination_of_columns"}


@dataclass(frozen=True)
class Project:
    """A manifest's nodes by unique id."""

    models: dict[str, Node]
    sources: dict[str, Node]
    exposures: dict[str, Node]
    tests: list[Node]

    @classmethod
    def of(cls, manifest: dict[str, Any]) -> "Project":
        """Read a manifest."""
        nodes = manifest["nodes"]
        return cls(
            {key: node for key, node in nodes.items() if node["resource_type"] == "model"},
            manifest["sources"],
            manifest["exposures"],
            [node for node in nodes.values() if node["resource_type"] == "test"],
        )

    def parents(self, model: str) -> set[str]:
        """Return the models and sources that a model reads."""
        return set(self.models[model]["depends_on"]["nodes"])

    def children(self, node: str) -> set[str]:
        """Return the models that read a node."""
        return {model for model in self.models if node in self.parents(model)}

    def exposed(self) -> set[str]:
        """Return the models that an exposure reads."""
        return {parent for exposure in self.exposures.values() for parent in exposure["depends_on"]["nodes"]}

    def layer(self, model: str) -> str:
        """Return a model's layer: the folder under `models/` that PREFIXES lists, or else its own folder."""
        folder = "/".join(self.models[model]["original_file_path"].split("/")[1:-1])
        return next((layer for layer in PREFIXES if f"{folder}/".startswith(f"{layer}/")), folder)

    def generic_tests(self, node: str) -> set[str]:
        """Return the kinds of tests that a model or source has."""
        tests = (test for test in self.tests if test.get("attached_node") == node)
        return {test["test_metadata"]["name"] for test in tests if test.get("test_metadata")}


def short(node: str) -> str:
    """Return `dim_products` for `model.reach.dim_products`, `landing.events` for `source.reach.landing.events`."""
    return ".".join(node.split(".")[2:])


def _rule(rule: Rule) -> Rule:
    RULES[rule.__name__] = rule
    return rule


@_rule
def a_model_outside_staging_reads_no_source(project: Project) -> Iterator[str]:
    for model in project.models:
        if project.layer(model) != "staging" and project.parents(model) & set(project.sources):
            yield short(model)


@_rule
def a_staging_model_reads_one_source_and_no_model(project: Project) -> Iterator[str]:
    for model in project.models:
        parents = project.parents(model)
        if project.layer(model) == "staging" and (len(parents) != 1 or not parents <= set(project.sources)):
            yield short(model)


@_rule
def a_model_reads_only_its_own_layer_and_those_before(project: Project) -> Iterator[str]:
    order = list(PREFIXES)
    for model in project.models:
        layers = {project.layer(parent) for parent in project.parents(model) & set(project.models)}
        if any(order.index(layer) > order.index(project.layer(model)) for layer in layers):
            yield short(model)


@_rule
def a_source_is_read_by_one_model(project: Project) -> Iterator[str]:
    for source in project.sources:
        if len(project.children(source)) != 1:
            yield short(source)


@_rule
def a_table_is_one_source(project: Project) -> Iterator[str]:
    relations = Counter((node["schema"], node["identifier"]) for node in project.sources.values())
    for source, node in project.sources.items():
        if relations[node["schema"], node["identifier"]] > 1:
            yield short(source)


@_rule
def a_model_has_a_parent(project: Project) -> Iterator[str]:
    for model in project.models:
        if not project.parents(model):
            yield short(model)


@_rule
def a_table_is_named_by_ref_or_source(project: Project) -> Iterator[str]:
    for model, node in project.models.items():
        if _HARD_CODED.search(_COMMENTS.sub("", node["raw_code"])):
            yield short(model)


@_rule
def a_model_has_few_final_readers(project: Project) -> Iterator[str]:
    for model in project.models:
        final = [child for child in project.children(model) if not project.children(child)]
        if len(final) > MAX_FINAL_READERS:
            yield short(model)


@_rule
def a_model_reads_few_models(project: Project) -> Iterator[str]:
    for model in project.models:
        if len(project.parents(model)) > MAX_PARENTS:
            yield short(model)


@_rule
def an_upstream_model_is_not_joined_again(project: Project) -> Iterator[str]:
    exposed = project.exposed()
    for model in project.models:
        parents = project.parents(model) & set(project.models)
        for between in parents:
            is_only_reader = project.children(between) == {model} and between not in exposed
            if is_only_reader and project.parents(between) & parents:
                yield f"{short(model)} <- {short(between)}"


@_rule
def views_are_not_chained(project: Project) -> Iterator[str]:
    def depth(node: str) -> int:
        if node not in project.models or project.models[node]["config"]["materialized"] not in ("view", "ephemeral"):
            return 0
        return 1 + max((depth(parent) for parent in project.parents(node)), default=0)

    for model in project.models:
        if depth(model) > MAX_VIEWS_IN_A_ROW:
            yield short(model)


@_rule
def a_primary_key_is_tested(project: Project) -> Iterator[str]:
    for model in project.models:
        if not project.generic_tests(model) & _KEY_TESTS:
            yield short(model)


@_rule
def a_source_has_freshness(project: Project) -> Iterator[str]:
    for source, node in project.sources.items():
        if not (node["freshness"] or {}).get("warn_after", {}).get("count"):
            yield short(source)


@_rule
def everything_is_described(project: Project) -> Iterator[str]:
    for node, facts in {**project.models, **project.sources}.items():
        if not facts["description"] or not all(column["description"] for column in facts["columns"].values()):
            yield short(node)


@_rule
def a_name_begins_as_its_folder_asks(project: Project) -> Iterator[str]:
    for model, node in project.models.items():
        layer = project.layer(model)
        expected = PREFIXES.get(layer, ())
        if layer == "staging":
            expected = tuple(f"stg_{short(parent).replace('.', '__')}" for parent in project.parents(model))
        if not node["name"].startswith(expected):
            yield short(model)


@_rule
def a_models_tests_are_in_its_folder(project: Project) -> Iterator[str]:
    def folder(node: Node) -> str:
        return str(node["original_file_path"]).rsplit("/", 1)[0]

    for test in project.tests:
        model = project.models.get(test.get("attached_node") or "")
        if model is not None and folder(test) != folder(model):
            yield test["name"]


@_rule
def an_exposure_reads_public_tables_of_the_marts(project: Project) -> Iterator[str]:
    for exposure in project.exposures.values():
        for parent in exposure["depends_on"]["nodes"]:
            config = project.models[parent]["config"]
            is_stored = config["materialized"] not in ("view", "ephemeral")
            if not (project.layer(parent).startswith("marts/") and config["access"] == "public" and is_stored):
                yield f"{exposure['name']} <- {short(parent)}"


@_rule
def a_mart_is_read_by_an_exposure(project: Project) -> Iterator[str]:
    exposed = project.exposed()
    for model in project.models:
        if project.layer(model).startswith("marts/") and model not in exposed:
            yield short(model)


@_rule
def a_model_is_public_where_it_has_a_contract(project: Project) -> Iterator[str]:
    for model, node in project.models.items():
        if (node["config"]["access"] == "public") != bool(node["config"]["contract"]["enforced"]):
            yield short(model)


@_rule
def a_model_has_an_owner(project: Project) -> Iterator[str]:
    for model, node in project.models.items():
        if not node["config"].get("group"):
            yield short(model)
