import pytest

from jppf_jax.checkpoints import hub, model_folder
from jppf_jax.checkpoints.weights import WeightsError


@pytest.fixture(autouse=True)
def no_hub(monkeypatch):
  """The hub says which model it was asked for, and for which files."""

  def fetch(name, files):
    raise WeightsError(f"asked for {name}, {' '.join(files)}")

  monkeypatch.setattr(hub, "fetch", fetch)


def write_model(folder, weights="model.safetensors"):
  folder.mkdir(parents=True)
  for name in ("config.json", weights):
    (folder / name).write_text("")
  return folder


def test_a_name_of_the_package_is_found_before_a_folder_of_that_name(tmp_path, monkeypatch):
  write_model(tmp_path / "demo")
  monkeypatch.chdir(tmp_path)
  assert model_folder.find("demo") == model_folder.PACKAGED / "demo"
  assert model_folder.find("./demo").resolve() == tmp_path / "demo"


def test_every_shipped_model_has_its_files_and_the_best_for_photos_comes_first(
  monkeypatch, tmp_path
):
  names = list(model_folder.shipped())
  assert names[-1] == "demo"
  for name in names:
    files = {path.name for path in (model_folder.PACKAGED / name).iterdir()}
    assert {"README.md", "config.json", "model.safetensors"} <= files
  for name in ("demo", "clothing", "unknown"):
    (tmp_path / name).mkdir()
  monkeypatch.setattr(model_folder, "PACKAGED", tmp_path)
  assert list(model_folder.shipped()) == ["clothing", "demo"]


@pytest.mark.parametrize("weights", ["model.safetensors", "weights.safetensors"])
def test_folders_of_models_and_of_runs_are_found(tmp_path, weights):
  folder = write_model(tmp_path / "a/b", weights)
  assert model_folder.find(str(folder)) == folder
  assert model_folder.weights_in(folder) == folder / weights


def test_weights_of_a_run_are_chosen_by_name(tmp_path):
  folder = write_model(tmp_path / "run", "weights.safetensors")
  average = folder / "weights_ema.safetensors"
  with pytest.raises(WeightsError, match="has no weights_ema.* --config.train.ema_decay=0.999"):
    model_folder.weights_in(folder, "ema")
  average.write_text("")
  assert model_folder.weights_in(folder, "ema") == average
  with pytest.raises(WeightsError, match="has no weights_best.* --config.train.evaluate_every=500"):
    model_folder.weights_in(folder, "best")
  with pytest.raises(WeightsError, match="Weights of a run are last, ema, best; got 'bset'"):
    model_folder.weights_in(folder, "bset")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_what_a_folder_lacks_is_named(tmp_path, name):
  folder = write_model(tmp_path / "a")
  (folder / name).unlink()
  lacks = {"model.safetensors": "weights.safetensors"}.get(name, name)
  with pytest.raises(WeightsError, match=rf"a holds no model: there is no {lacks}\."):
    model_folder.find(folder)


def test_a_file_and_an_unknown_name_are_refused(tmp_path):
  (tmp_path / "w.safetensors").write_text("")
  with pytest.raises(WeightsError, match=r"w\.safetensors is a file; name the folder"):
    model_folder.find(tmp_path / "w.safetensors")
  with pytest.raises(WeightsError, match=r"no model 'dmeo': .*the package \(.*demo\), a folder"):
    model_folder.find("dmeo")


def test_owner_and_repo_are_asked_of_the_hub_and_deeper_paths_are_not():
  with pytest.raises(WeightsError, match=r"asked for we/our-model\.1, config.json model.safetens"):
    model_folder.find("we/our-model.1")
  for path in ("a/b/c", "/a/b", "a b/c"):
    with pytest.raises(WeightsError, match="There is no model"):
      model_folder.find(path)


def test_what_the_hub_gives_must_be_a_model(tmp_path, monkeypatch):
  folder = write_model(tmp_path / "cache")
  monkeypatch.setattr(hub, "fetch", lambda name, files: folder)
  assert model_folder.find("we/model") == folder
  (folder / "config.json").unlink()
  with pytest.raises(WeightsError, match="holds no model"):
    model_folder.find("we/model")


@pytest.mark.parametrize("name", ["weights.safetensors", "checkpoints"])
def test_the_folder_of_a_run_is_not_for_models(tmp_path, name):
  model_folder.require_no_run(tmp_path)
  (tmp_path / name).mkdir()
  with pytest.raises(FileExistsError, match="is the folder of a run; name another for the model"):
    model_folder.require_no_run(tmp_path)
