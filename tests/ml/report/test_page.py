"""From an evaluated run to its page: every step that adds evidence, on a small shop, without training."""

import contextlib
import json
import re
from pathlib import Path

import pytest

from ml.errors import NotEnoughDataError
from ml.evaluation import evaluated_run as evaluation_module
from ml.evaluation.diversity import CUSTOMERS, SETTINGS
from ml.evaluation.evaluated_run import CHALLENGER, EvaluatedRun
from ml.evaluation.results import DIVERSITY, SAMPLE_CUSTOMERS
from ml.report.page import _distinguishing
from ml.report.write import refresh_report, write_report
from ml.runs import artifacts
from ml.runs.run import Run
from ml.steps.evaluate import evaluate
from ml.steps.gate import gate
from ml.studies import cold_start as cold_start_study
from ml.studies import new_items as new_items_study
from ml.studies.ablation import ablate
from ml.studies.candidate_sources import evaluate_sources
from ml.studies.cold_start import NotBetterWithHistoryError, cold_start
from ml.studies.new_items import evaluate_new_items
from settings import Settings
from tests.support.ml.small_run import NEW, found, page, write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with an evaluation and a decision. Tests may add evidence, and none removes any."""
    settings = Settings(data=tmp_path_factory.mktemp("data"))
    run = write_run(settings.paths.runs)
    evaluate(settings, run)
    gate(run)
    return run


def test_the_page_needs_no_network(run: Run):
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//|@import|url\((?!#)", page(run))


def test_the_page_says_what_was_decided_and_why(run: Run):
    decision = found(run, artifacts.GATE)
    assert f"{'Ships' if decision['publish'] else 'Does not ship'}:" in page(run)
    for reason in decision["reasons"]:
        assert reason in page(run)


def test_every_method_and_every_score_stands_in_the_page(run: Run):
    methods = found(run, artifacts.RUN)["results"]["methods"]
    for method, values in methods.items():
        assert f'<th scope="row">{method}</th>' in page(run)
        for mean in values["means"].values():
            assert f"{mean:.4f}" in page(run)


def test_every_ranker_that_competed_is_there_and_the_chosen_one_is_marked(run: Run):
    rankers = found(run, artifacts.RANKERS)
    assert set(rankers["scores"]) > {rankers["chosen"]}
    for name in rankers["scores"]:
        mark = " ✓" if name == rankers["chosen"] else ""
        assert f'<th scope="row">{name}{mark}</th>' in page(run)


def test_the_page_says_what_diversity_costs(run: Run):
    slates = found(run, f"{artifacts.EVALUATION}/{DIVERSITY}")
    for rows in slates.values():
        assert [row["setting"] for row in rows] == list(SETTINGS)
        distances = [row["distance"] for row in rows]
        assert distances == sorted(distances)
        assert rows[0]["difference"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
        for row in rows:
            assert row["difference"]["mean"] == pytest.approx(row["ndcg"] - rows[0]["ndcg"])
            assert f"<td>{row['distance']:.4f}</td><td>{row['ndcg']:.4f}</td>" in page(run)


def test_pictures_are_described_in_words_and_share_no_ids(run: Run):
    pictures = re.findall(r"<svg [^>]*>", page(run))
    assert len(pictures) > 5
    assert all(re.search(r'role="img" aria-label="[^"]{20,}"', picture) for picture in pictures)
    ids = re.findall(r'\bid="([^"]+)"', page(run))
    assert len(ids) == len(set(ids))


def test_the_towers_learning_is_one_picture_of_its_phases(run: Run):
    assert "retrieval: loss by epoch: masked histories from 7 to 6; new purchases from 5 to 5." in page(run)


def test_product_names_are_text_and_never_markup(run: Run):
    assert "Product &lt;0&gt;" in page(run)
    assert "Product <0>" not in page(run)


def test_the_same_run_gives_the_same_page(run: Run):
    before = page(run)
    gate(run)
    assert page(run) == before


def test_the_page_names_the_command_that_opens_the_training_logs(run: Run):
    assert re.search(r"tensorboard --logdir \S*r1</code>", page(run))


def test_the_gates_result_leads_to_the_page(run: Run):
    assert gate(run)["report"] == str(run.path(artifacts.REPORT))


def test_a_section_without_evidence_is_not_there(run: Run, tmp_path: Path):
    settings = Settings(data=tmp_path)
    bare = write_run(settings.paths.runs, "bare")
    evaluate(settings, bare)
    gate(bare)
    for id in ("slices", "ablation", "cold-start", "new-items"):
        assert f'"{id}"' not in page(bare)
        assert f'"#{id}"' not in page(bare)


def test_encoders_that_competed_stand_beside_each_other(run: Run):
    assert "Encoders of the query tower" not in page(run)
    scores = {
        "pooled": {"explore Recall@100": 0.0979, "seconds": 41.6},
        "gru": {"explore Recall@100": 0.09, "seconds": 83.2},
    }
    run.write_json(artifacts.ENCODERS, {"chosen": "pooled", "snapshot": "2017-07-31", "scores": scores})
    write_report(run)
    assert re.search(r'<th scope="row">pooled ✓</th>\s*<td>0?\.0979</td><td>42</td>', page(run))
    assert '<th scope="row">gru</th>' in page(run)


def test_slices_and_calibration_appear_with_their_evidence(run: Run):
    difference = {"mean": 0.01, "low": -0.01, "high": 0.03, "p_worse": 0.8}
    row = {"slice": "baskets", "value": "1-10", "customers": 77, "score": "all NDCG@10", "means": {}}
    slices = [row | {"against": {"decayed own frequency": difference}}]
    bins = [{"predicted": 0.1, "observed": 0.12, "count": 40}, {"predicted": 0.9, "observed": 0.0, "count": 0}]
    folder = run.path(artifacts.EVALUATION)
    (folder / "slices.json").write_text(json.dumps(slices))
    (folder / "calibration.json").write_text(
        json.dumps({slate: {"ece": 0.0213, "bins": bins} for slate in ("all", "explore")})
    )
    gate(run)
    assert '<th scope="row">baskets: 1-10</th><td>all NDCG@10</td><td>77</td>' in page(run)
    assert "Expected calibration error: all 0.0213" in page(run)


def test_an_ablation_says_what_every_source_and_family_brings(run: Run):
    quotas = EvaluatedRun.of(run).spec.config.candidates_per_source
    ablate(run, sources=True, of_feature_groups=False, customers=1000)
    ablate(run, sources=False, of_feature_groups=True, customers=1000)
    result = found(run, artifacts.ABLATION)
    assert set(result["sources"]) == set(quotas)
    # The small ranker lives on what was bought before: nothing else can lose as much.
    lost = {group: row["scores"]["all NDCG@10"]["mean"] for group, row in result["feature_groups"].items()}
    assert lost["repeat"] == max(lost.values())
    assert lost["repeat"] > 0
    assert lost["manufacturer"] == 0
    assert result["sources"]["repeat_purchases"]["recall"]["all"]["low"] > 0
    assert '"#ablation"' in page(run)


def test_the_whole_system_scores_in_an_ablation_as_it_was_evaluated(run: Run):
    ablate(run, sources=True, of_feature_groups=False, customers=1000)
    evaluated = found(run, artifacts.RUN)["results"]
    result = found(run, artifacts.ABLATION)
    for score, estimate in result["means"].items():
        assert estimate["mean"] == pytest.approx(evaluated["methods"][CHALLENGER]["means"][score])
    assert result["candidate_recall"]["all"] == pytest.approx(evaluated["candidates"]["all"])


def test_hidden_histories_leave_a_curve_from_nothing_to_all(run: Run, capsys: pytest.CaptureFixture[str]):
    with contextlib.suppress(NotBetterWithHistoryError):  # three products a customer: more history need not help here
        cold_start(run, 1000)
    curve = found(run, artifacts.COLD_START)
    assert [point["baskets"] for point in curve["points"]] == ["0", "1", "3", "5", "all"]
    assert curve["customers"] == 40
    nothing = curve["points"][0]
    # Without any history, the fallback is popularity itself.
    assert nothing["against"]["popularity"]["all NDCG@10"]["mean"] == 0
    assert (
        curve["points"][-1]["methods"][CHALLENGER]["all NDCG@10"]["mean"]
        > (nothing["methods"][CHALLENGER]["all NDCG@10"]["mean"])
    )
    assert "baskets in the history" in capsys.readouterr().out
    assert '"#cold-start"' in page(run)


def test_nothing_learns_from_a_customer_whose_history_is_hidden(run: Run, monkeypatch: pytest.MonkeyPatch):
    known, hidden = [], []
    learn, hide = evaluation_module.catalogue_at, cold_start_study.cut
    monkeypatch.setattr(evaluation_module, "catalogue_at", lambda *args: known.append(args[-1]) or learn(*args))
    monkeypatch.setattr(
        cold_start_study, "cut", lambda customer, n: hidden.append((len(known), id(customer))) or hide(customer, n)
    )
    with contextlib.suppress(NotBetterWithHistoryError):
        cold_start(run, 1000)
    for fold, customers in enumerate(known, start=1):
        cut_here = {who for when, who in hidden if when == fold}
        assert len(cut_here) == 10
        assert not cut_here & {id(customer) for customer in customers}


def test_a_curve_that_falls_is_an_error_with_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ml.studies.cold_start.findings", lambda *_: ["With a history of 1 basket, it falls."])
    with pytest.raises(NotBetterWithHistoryError, match="With a history of 1 basket, it falls"):
        cold_start(run, 8)


def test_new_products_are_evaluated_for_those_who_bought_them(run: Run):
    evaluate_new_items(run)
    result = found(run, artifacts.NEW_ITEMS)
    assert (result["products"], result["customers"], result["purchases"]) == (len(NEW), 40, 40)
    # Both new products are ranked, so recall is whole and the first find is at place one or two.
    assert result["means"]["two_tower"]["Recall@20"]["mean"] == 1
    assert '"#new-items"' in page(run)


def test_each_source_is_evaluated_by_its_own_list_on_what_customers_never_had(run: Run):
    said = evaluate_sources(run)
    sources = found(run, artifacts.CANDIDATE_SOURCES)["sources"]
    assert "repeat_purchases" not in sources
    assert sources["popular"]["explore Recall@100"]["more"]["mean"] == 0
    # Everybody then bought p22, which is new; two dozen products fit into any list that is not empty.
    assert said["popular"] == sources["popular"]["explore Recall@100"]["mean"]["mean"] == 1
    assert "Each source by itself" in page(run)


def test_without_new_products_nothing_is_claimed(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(new_items_study, "new_items", lambda _: [])
    with pytest.raises(NotEnoughDataError, match="0 products were first sold in the week before 2017-12-04"):
        evaluate_new_items(run)


def test_the_page_explains_why_the_rule_and_popularity_are_one_list_when_exploring(run: Run):
    assert "On <em>explore</em>, decayed own frequency and popularity are the same list" in page(run)


def test_the_page_says_of_how_many_customers_the_diversity_figures_are(run: Run):
    evaluated = found(run, artifacts.RUN)["results"]["customers"]
    assert evaluated < CUSTOMERS
    assert f"The figures are of {evaluated} of the evaluated customers" in page(run)


def test_a_score_that_is_equal_for_every_ranker_is_left_out():
    rankers = {"a": {"NDCG": 0.2, "Recall": 0.5}, "b": {"NDCG": 0.3, "Recall": 0.5 + 1e-12}}
    assert _distinguishing(rankers) == ["NDCG"]
    assert _distinguishing({"a": rankers["a"]}) == ["NDCG", "Recall"]


def test_what_was_taken_once_is_a_sentence_and_no_picture(run: Run):
    # The towers' recall is taken at the end of each of two phases.
    assert "Measured once, so without a curve: retrieval: recall 0.0700 after masked histories, 0.0800 after" in page(
        run
    )
    assert "retrieval: recall by epoch" not in page(run)
    assert "retrieval: loss by epoch" in page(run)


def test_products_stand_with_their_ids(run: Run):
    [example] = found(run, f"{artifacts.EVALUATION}/{SAMPLE_CUSTOMERS}")[:1]
    shown = example["slates"]["all"][0]
    assert f"<small>{shown['product_id']}</small>" in page(run)


def test_the_page_names_the_version_that_the_run_published(run: Run):
    assert "No version of this run was published when this page was written" in page(run)
    run.write_json(artifacts.REGISTERED_MODEL, {"version": "r1-abc"})
    refresh_report(run)
    try:
        assert "This run published version <code>r1-abc</code>" in page(run)
    finally:
        (run.folder / artifacts.REGISTERED_MODEL).unlink()
        refresh_report(run)
