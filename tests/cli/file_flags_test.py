from jppf_jax.cli import file_flags, merge, score


def test_verbs_share_the_flags_so_that_one_process_can_load_both():
  assert score.SPEC is merge.SPEC is file_flags.SPEC
  assert score.OUT is merge.OUT is file_flags.OUT
