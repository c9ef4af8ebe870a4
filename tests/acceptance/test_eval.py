"""`openfunnel eval` as a user types it, on the project's gold set and on a larger one."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openfunnel.sandbox import ollama
from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.serve import running
from openfunnel.settings import PROJECT_ROOT

from .stage import PATIENCE_SECONDS, environment_of

GOLD = PROJECT_ROOT / "tests" / "fixtures" / "gold"
LABELS = json.loads((GOLD / "labels.json").read_text("utf-8"))
IDS = [one["id"] for one in LABELS]

Evaluate = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def evaluate(tmp_path: Path) -> Evaluate:
    """Run `openfunnel eval` in a home of its own, which is empty at the end: no server started."""
    home = tmp_path / "home"

    def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "openfunnel", "eval", str(folder), *arguments],
            cwd=PROJECT_ROOT,
            env=environment_of({"OPENFUNNEL_HOME": str(home), **environment}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert not home.exists()
        return done

    return run


def report_of(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_figures_of_the_rules_are_printed_overall_and_by_board(evaluate: Evaluate) -> None:
    done = evaluate(GOLD, "--extractor", "rules")

    assert done.returncode == 0, done.stderr
    assert f"{len(IDS)} labelled postings read: {len(IDS)} by rules" in done.stdout
    assert "technologies" in done.stdout
    assert "lever:brindille" in done.stdout
    assert "is missing" not in done.stdout


def test_every_labelled_posting_is_read(evaluate: Evaluate) -> None:
    report = report_of(evaluate(GOLD, "--extractor", "rules", "--json"))

    assert report["missing"] == []
    assert report["overall"]["postings"] == len(IDS)
    assert sum(board["postings"] for board in report["boards"].values()) == len(IDS)
    assert report["overall"]["evidence_verbatim"] == 1.0
    assert report["said_by"] == {"rules": len(IDS)}
    assert "misses" not in report


def test_predictions_are_labels(evaluate: Evaluate, tmp_path: Path) -> None:
    # Given what the rules say of a gold set
    file = tmp_path / "predictions.json"
    report_of(evaluate(GOLD, "--extractor", "rules", "--json", "--predictions", str(file)))
    predictions = json.loads(file.read_text("utf-8"))
    assert sorted(one["id"] for one in predictions) == sorted(IDS)
    for prediction in predictions:
        assert prediction.keys() == LABELS[0].keys()

    # When they are taken for its labels
    again = tmp_path / "again"
    again.mkdir()
    file.rename(again / "labels.json")
    (again / "postings.json").write_bytes((GOLD / "postings.json").read_bytes())
    report = report_of(evaluate(again, "--extractor", "rules", "--json", "--errors"))

    # Then the rules are always right
    assert report["misses"] == []
    assert report["overall"]["fields"]["technologies"]["f1"] == 1.0
    assert report["overall"]["stance_accuracy"] == 1.0


def test_every_miss_is_listed_with_its_words(evaluate: Evaluate, tmp_path: Path) -> None:
    # Given labels that nobody could agree with
    wrong = {"technologies": [{"name": "Telepathy", "stance": "required", "evidence": "I feel"}]}
    (tmp_path / "labels.json").write_text(json.dumps([LABELS[0] | wrong]), "utf-8")
    (tmp_path / "postings.json").write_bytes((GOLD / "postings.json").read_bytes())

    done = evaluate(tmp_path, "--extractor", "rules", "--errors")

    assert done.returncode == 0, done.stderr
    assert 'technologies: Telepathy is missing — "I feel"' in done.stdout
    assert "technologies: Python is too much" in done.stdout


def test_a_model_is_measured_like_the_rules(evaluate: Evaluate) -> None:
    # Given a model server on this machine, the only thing that eval reaches for
    with running(GeneratedWorld(1, 1), ollama=ollama.router()) as url:
        model = {"OLLAMA_HOST": url, "OPENFUNNEL_MODEL": ollama.MODEL}

        report = report_of(evaluate(GOLD, "--extractor", "ollama", "--json", **model))
        by_default = report_of(evaluate(GOLD, "--json", **model))

    assert report["extractor"] == by_default["extractor"] == f"ollama:{ollama.MODEL}"
    assert report["said_by"][f"ollama:{ollama.MODEL}"] > 0
    assert sum(report["said_by"].values()) == len(IDS)
    assert report["overall"]["evidence_verbatim"] == 1.0


def test_a_model_that_is_not_there_is_one_line_and_exit_code_1(evaluate: Evaluate) -> None:
    done = evaluate(GOLD, "--extractor", "ollama", OLLAMA_HOST="http://127.0.0.1:9")

    assert done.returncode == 1
    assert done.stderr.startswith("openfunnel: http://127.0.0.1:9 does not serve the model")
    assert "Traceback" not in done.stderr


def test_a_folder_without_labels_is_one_line_and_exit_code_1(
    evaluate: Evaluate, tmp_path: Path
) -> None:
    done = evaluate(tmp_path, "--extractor", "rules")

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"openfunnel: {tmp_path / 'labels.json'} cannot be used: No such file or directory."
    ]


LEAST = {
    "role_function": {"accuracy": 0.92},
    "seniority": {"accuracy": 0.95},
    "employment_type": {"accuracy": 0.95},
    "years_experience_min": {"accuracy": 0.93},
    "compensation": {"accuracy": 0.97},
    "technologies": {"precision": 0.93, "f1": 0.92},
    "initiatives": {"f1": 0.50},
}
"""Figures that the rules are to reach on real postings."""


def test_the_rules_read_real_postings_as_people_do(evaluate: Evaluate, shared: Path) -> None:
    report = report_of(evaluate(shared / "gold", "--extractor", "rules", "--json"))

    overall = report["overall"]
    assert report["missing"] == []
    too_low = {
        (name, figure): reached
        for name, figures in LEAST.items()
        for figure, least in figures.items()
        if (reached := overall["fields"][name][figure]) < least
    }
    assert too_low == {}
    assert overall["stance_accuracy"] >= 0.85
    assert overall["evidence_verbatim"] == 1.0
