import dataclasses
import json

import jax
import pytest

import jppf_jax
from jppf_jax.cli import doctor, health
from tests.cli import verbs
from tests.cli.health_test import WELL


def test_this_machine_is_examined_and_the_finding_kept(tmp_path):
  out = tmp_path / "doctor.json"
  done = verbs.jppf("doctor", f"--out={out}")
  report = json.loads(out.read_text())
  assert done.returncode == (1 if report["problems"] else 0), done.stderr
  assert verbs.remarks(done.stderr) == []
  assert report["failure"] == "" and report["broken"] == {}
  assert report["versions"]["jppf_jax"] == jppf_jax.__version__
  assert report["versions"]["jax"] == jax.__version__
  assert report["prediction"]["segments"] > 3
  assert report["prediction"]["run"] > 0
  assert set(report["models"]) == {"clothing", "demo"}
  lines = done.stdout.splitlines()
  assert f"jax                  {jax.__version__}" in [line.rstrip() for line in lines]
  assert len([line for line in lines if line.startswith("extra ")]) == len(health.EXTRAS)
  assert lines[-1].rstrip() == "All is well." or lines[-1].startswith("Problem: ")


@pytest.fixture
def found(monkeypatch):
  """Lets the verb find what the test says."""

  def examined(**changes):
    made = dataclasses.replace(WELL, **changes)
    monkeypatch.setattr(health, "examine", lambda: made)

  return examined


def test_a_machine_without_faults_ends_with_status_0(found):
  found(variables={"JAX_PLATFORMS": "[cpu]"}, cache=health.Cache("/[a]/b", 3_000_000, True))
  done = verbs.here("doctor")
  assert done.status == 0
  assert "JAX_PLATFORMS=[cpu] chooses the devices" in done.out
  assert "/[a]/b, 3 MB" in done.out
  assert "no   NVIDIA GPUs: pip install 'jppf_jax[cuda]'" in done.out
  assert done.out.endswith("\nAll is well.\n")


def test_each_fault_is_a_line_at_the_end_and_the_status_is_1(found):
  found(failure="ValueError: x", prediction=None, memory=(1, 2))
  done = verbs.here("doctor")
  assert done.status == 1
  *_, first, second = done.out.splitlines()
  assert first.startswith("Problem: Only 0.0 GB of memory are free")
  assert second == "Problem: The prediction failed: ValueError: x."


def test_unknown_things_are_said_to_be_unknown(found):
  found(memory=None, cache=health.Cache("", 0, False), versions={**WELL.versions, "grain": ""})
  shown = " ".join(verbs.here("doctor").out.split())
  for words in ("memory unknown", "cache none: there is no home", "grain not installed"):
    assert words in shown


def test_what_was_found_is_shown_even_if_it_cannot_be_saved(found, tmp_path, monkeypatch):
  def fail(*_):
    raise OSError(28, "No space left on device")

  found(cache=health.Cache("gs://a", None, True))
  monkeypatch.setattr(doctor, "write_text", fail)
  done = verbs.here("doctor", f"--out={tmp_path / 'doctor.json'}")
  assert done.status == "jppf doctor: No space left on device"
  assert "gs://a\n" in done.out.replace(" ", "") and "All is well." in done.out


def test_another_json_is_not_replaced(found, tmp_path):
  found()
  other = tmp_path / "scores.json"
  other.write_text('{"pq": 1}')
  done = verbs.here("doctor", f"--out={other}")
  assert done.status.startswith(f"jppf doctor: Cannot write {other}: the JSON that is there is")
  assert other.read_text() == '{"pq": 1}'
