from tests.cli.verbs import jppf, smoke


def test_prints_one_table_and_where_the_pictures_are(tiny_run, tmp_path):
  workdir = tiny_run.copy(tmp_path / "run")
  done = jppf("evaluate", *smoke(tiny_run), f"--workdir={workdir}", "--pictures=1")
  assert done.returncode == 0, done.stderr
  folder = workdir / "evaluation" / "validation"
  for words in ("PartPQ All", "top-down merge", "Density", f"{folder}/"):
    assert words in done.stdout
  assert list(folder.glob("*.png"))
