"""Tables that are made of the same ids agree with each other."""

import numpy as np

from jppf_jax.labels.cpp import cpp
from jppf_jax.labels.ppp import ppp

SPECS = {"cpp_grouped": cpp(), "cpp_default": cpp(grouped=False), "ppp": ppp()}


def test_part_tables_agree_with_each_other():
  for spec in SPECS.values():
    for k in range(spec.num_classes):
      assert np.flatnonzero(spec.part_matrix[k]).tolist() == sorted(spec.class_parts[k])
      assert spec.channel_to_pid[k, list(spec.class_parts[k])].tolist() == list(spec.class_pids[k])
      for channel, pid in zip(spec.class_parts[k], spec.class_pids[k]):
        sid = spec.class_ids[k]
        if not spec.has_parts[k]:
          continue  # one part only: never written
        file_pid = spec.pid_to_file_pid[sid, pid]
        assert spec.sid_pid_to_channel[sid, file_pid] == channel
        assert spec.sid_pid_to_pid[sid, file_pid] == pid
