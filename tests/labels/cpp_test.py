import numpy as np

from jppf_jax.labels.cpp import cpp


def test_cpp_uses_the_train_ids_of_cityscapes():
  spec = cpp()
  stuff, things = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23], [24, 25, 26, 27, 28, 31, 32, 33]
  assert spec.class_ids.tolist() == stuff + things
  assert spec.class_names[13] == "car" and spec.colors[13].tolist() == [0, 0, 142]
  assert spec.sid_to_train[[0, 6, 7, 29, 33, 34, 99]].tolist() == [255, 255, 0, 255, 18, 255, 255]


def test_pid_5_of_persons_is_kept_for_evaluation_and_ignored_in_training():
  spec = cpp()
  assert spec.sid_pid_to_pid[24, 5] == 5 and spec.sid_pid_to_channel[24, 5] == 255


def test_the_two_cpp_specs_differ_only_in_their_channels():
  grouped, default = cpp(), cpp(grouped=False)
  np.testing.assert_array_equal(grouped.sid_pid_to_pid, default.sid_pid_to_pid)
  assert grouped.class_parts[13] == grouped.class_parts[14] == (5, 6, 7, 8, 9)
  assert default.class_parts[13] == (9, 10, 11, 12, 13)
  assert default.class_parts[14] == (14, 15, 16, 17, 18)
