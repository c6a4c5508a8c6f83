from tests.cli.verbs import jppf, smoke


def test_prints_one_table_and_where_the_pictures_are(tiny_run, tmp_path):
  workdir = tiny_run.copy(tmp_path / "run")
  done = jppf("evaluate", *smoke(tiny_run), f"--workdir={workdir}", "--pictures=1")
  assert done.returncode == 0, done.stderr
  assert (
    "PartPQ All" in done.stdout and "top-down merge" in done.stdout and "Density" in done.stdout
  )
  assert list((workdir / "evaluation" / "validation").glob("*.png"))
