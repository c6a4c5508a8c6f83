"""Where compiled programs are kept, and when they are not."""

import os
from pathlib import Path

import jax
import pytest
from absl import flags
from absl.testing import flagsaver

from jppf_jax.cli import compile_cache
from tests.cli import verbs

SETTINGS = ("jax_compilation_cache_dir", *compile_cache._SETTINGS)
CPU = (
  "processor : 0\nvendor_id : A\nmodel name : B\nflags : fpu avx2\ncpu MHz : 1000\n\nprocessor : 1"
)


@pytest.fixture
def cache(tmp_path, monkeypatch):
  """The user's cache folder; JAX has no folder for compiled programs until the test sets one."""
  before = {name: getattr(jax.config, name) for name in SETTINGS}
  monkeypatch.delenv(compile_cache.VARIABLE, raising=False)
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
  jax.config.update("jax_compilation_cache_dir", None)
  yield tmp_path / "cache"
  for name, value in before.items():
    jax.config.update(name, value)


def used(**values) -> str | None:
  """The folder that JAX uses after `compile_cache.use`, which returns its own."""
  flags.FLAGS.mark_as_parsed()
  chosen = jax.config.jax_compilation_cache_dir
  with flagsaver.as_parsed(**values):
    kept = compile_cache.use()
  found = jax.config.jax_compilation_cache_dir
  assert kept == (Path(found) if found and not chosen else None)
  return found


def test_programs_are_kept_in_the_user_s_cache_folder_by_machine(cache):
  folder = cache / "jppf_jax/compiled" / compile_cache.machine()
  assert used() == str(folder)
  assert folder.is_dir()
  assert jax.config.jax_persistent_cache_min_compile_time_secs < 1


def test_a_flag_switches_it_off(cache):
  assert used(compile_cache="false") is None
  assert not cache.exists()


def test_a_folder_that_the_user_chose_for_jax_wins(cache, monkeypatch):
  monkeypatch.setenv(compile_cache.VARIABLE, "/tmp/mine")
  assert used() is None  # JAX reads the variable itself
  monkeypatch.delenv(compile_cache.VARIABLE)
  jax.config.update("jax_compilation_cache_dir", str(cache / "mine"))
  assert used() == str(cache / "mine")


@pytest.mark.parametrize("home", ["/proc/nowhere", "/dev/null/cache"])
def test_a_folder_that_cannot_be_written_is_no_error(cache, monkeypatch, home, capsys):
  monkeypatch.setenv("XDG_CACHE_HOME", home)
  assert used() is None
  assert capsys.readouterr() == ("", "")


def test_the_folder_is_below_the_home_of_the_user(monkeypatch, tmp_path):
  monkeypatch.setenv("HOME", str(tmp_path))
  end = Path("jppf_jax/compiled", compile_cache.machine())
  for named in (None, "", "relative/path"):  # relative ones are to be ignored
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if named is not None:
      monkeypatch.setenv("XDG_CACHE_HOME", named)
    assert compile_cache.folder() == tmp_path / ".cache" / end
  monkeypatch.setattr("sys.platform", "darwin")
  assert compile_cache.folder() == tmp_path / "Library/Caches" / end


def test_without_a_home_there_is_no_folder(cache, monkeypatch):
  def homeless():
    raise RuntimeError("Could not determine home directory.")

  monkeypatch.delenv("XDG_CACHE_HOME")
  monkeypatch.setattr(Path, "home", homeless)
  assert compile_cache.folder() is None
  assert used() is None


@pytest.mark.parametrize(
  "other, same",
  [("avx2", False), ("vendor_id : A", False), ("model name : B", False), ("1000", True)],
)
def test_the_name_of_a_machine_follows_its_processor_and_instruction_sets(monkeypatch, other, same):
  monkeypatch.setattr(Path, "read_text", lambda path: CPU)
  before = compile_cache.machine()
  changed = CPU.replace(other, f"{other}x")
  monkeypatch.setattr(Path, "read_text", lambda path: changed)
  assert (compile_cache.machine() == before) is same


def test_a_system_without_proc_has_a_name_too(monkeypatch):
  def no_file(path):
    raise FileNotFoundError(path)

  monkeypatch.setattr(Path, "read_text", no_file)
  assert compile_cache.machine()


def test_the_next_start_finds_the_program(cache):
  used()

  def compiled() -> list[str]:
    jax.clear_caches()
    jax.jit(lambda x: jax.numpy.sort(x @ x) + 12_345)(jax.numpy.ones((17, 17))).block_until_ready()
    folder = cache / "jppf_jax/compiled" / compile_cache.machine()
    return sorted(path.name for path in folder.iterdir())

  jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
  jax.experimental.compilation_cache.compilation_cache.reset_cache()
  try:
    first = compiled()
    assert first
    assert compiled() == first
  finally:
    jax.experimental.compilation_cache.compilation_cache.reset_cache()


def test_the_folder_keeps_what_was_used_last_up_to_its_limit(cache, monkeypatch):
  old = cache / "jppf_jax/compiled/another-machine"
  old.mkdir(parents=True)
  for name, used_at in (("a", 3), ("b", 1), ("c", 2), ("d", 4)):
    (old / name).write_bytes(bytes(100))
    os.utime(old / name, (used_at, 1))
  monkeypatch.setattr(compile_cache, "LARGEST", 250)
  used()
  assert sorted(path.name for path in old.iterdir()) == ["a", "d"]


def test_a_file_that_another_process_removes_first_is_no_error(tmp_path, monkeypatch):
  (tmp_path / "a").write_bytes(bytes(100))
  unlink = Path.unlink
  monkeypatch.setattr(Path, "unlink", lambda path: (unlink(path), unlink(path)))
  compile_cache.trim(tmp_path, 0)
  assert not list(tmp_path.iterdir())
  compile_cache.trim(tmp_path / "nowhere", 0)


@pytest.mark.parametrize("verb", ["train", "evaluate", "predict", "demo"])
def test_every_verb_that_compiles_has_the_flag(verb):
  assert "--[no]compile_cache" in verbs.here(verb, "--help").out
