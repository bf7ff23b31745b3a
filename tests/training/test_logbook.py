"""Logs: what TensorBoard and MLflow read back is what was learnt, and no image or patient is named."""

import dataclasses
import importlib.util
import sys

import numpy as np
import pytest

from skiagraph.errors import MissingPackage, UnknownName, WriteFailed
from skiagraph.training import teach
from skiagraph.training.logbook import check_log, logged, opened_log

with_tensorboard = pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is None, reason="TensorBoard is not installed"
)
with_mlflow = pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is None,
    reason="MLflow is not installed: pip install skiagraph[mlflow]",
)
# MLflow maps its tables in a way that SQLAlchemy 2.1 calls deprecated.
of_mlflow = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def silent(*_):
    pass


@pytest.fixture(scope="module")
def learn(dataset, plan):
    """Learns with a log, and gives the history."""
    small = dataclasses.replace(plan, epochs=2)

    def learnt(*logs):
        return teach(dataset, small, rng=np.random.default_rng(0), watch=logged(silent, *logs)).history

    return learnt


@with_tensorboard
def test_tensorboard_reads_the_figures_of_each_epoch_and_of_the_end(learn, plan, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    log = opened_log("tensorboard", tmp_path / "logs", "heads", plan)
    history = learn(log)
    log.end({"dice": 0.75, "hd95": float("nan")}, {"bundle": "models/heads", "digest": "abc"})
    events = accumulator.EventAccumulator(str(tmp_path / "logs" / "heads"))
    events.Reload()
    for name in history[0]:
        found = events.Scalars(name)
        assert [e.step for e in found] == [1, 2]
        assert [e.value for e in found] == pytest.approx([figures[name] for figures in history])
    assert [e.value for e in events.Scalars("final/dice")] == [0.75]
    assert "final/hd95" not in events.Tags()["scalars"], "a figure that is none is not drawn"
    texts = {
        tag: events.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in events.Tags()["tensors"]
    }
    assert "| learning_rate | 0.01 |" in texts["plan/text_summary"]
    assert texts["digest/text_summary"] == "abc"


@with_mlflow
@of_mlflow
def test_mlflow_reads_the_figures_the_plan_and_the_facts(learn, plan, tmp_path):
    tracking = pytest.importorskip("mlflow.tracking")
    log = opened_log("mlflow", tmp_path / "logs", "heads", plan)
    history = learn(log)
    again = opened_log("mlflow", tmp_path / "logs", "heads", plan)
    again.epoch(3, {"dice": 0.5})
    again.end({"dice": 0.75}, {"bundle": "models/heads", "digest": "abc"})
    client = tracking.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'logs' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("skiagraph")
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status) == ("heads", "FINISHED"), (
        "one run, although it was opened twice"
    )
    assert run.data.params["learning_rate"] == "0.01"
    assert run.data.params["recipe.shape"] == "[32, 48]"
    assert run.data.tags["digest"] == "abc"
    assert run.data.metrics["final/dice"] == 0.75
    found = client.get_metric_history(run.info.run_id, "loss")
    assert {m.step: m.value for m in found} == pytest.approx(
        {n + 1: f["loss"] for n, f in enumerate(history)}
    )


@with_tensorboard
def test_no_image_and_no_patient_is_named(dataset, learn, plan, tmp_path):
    log = opened_log("tensorboard", tmp_path, "heads", plan)
    learn(log)
    log.end({}, {})
    written = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    for sample in dataset:
        assert sample.identifier.encode() not in written
        assert f"{sample.group}".encode() not in written


def test_a_package_that_is_missing_is_named_with_what_installs_it(plan, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    for open_it in (lambda: check_log("mlflow"), lambda: opened_log("mlflow", tmp_path, "heads", plan)):
        with pytest.raises(MissingPackage, match=r"skiagraph\[mlflow\]"):
            open_it()


def test_another_program_is_no_kind_of_log():
    with pytest.raises(UnknownName, match="tensorboard or mlflow"):
        check_log("paper")


def test_a_folder_that_cannot_be_made_is_named(plan, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(WriteFailed, match="logs"):
        opened_log("tensorboard", tmp_path / "file" / "logs", "heads", plan)
