"""The universal id (uid) of panoptic-parts label files: scene, instance and part in one int32.

| known                   | uid                            | digits |
|-------------------------|--------------------------------|--------|
| scene                   | sid                            | 1-2    |
| scene + instance        | sid * 1000 + iid               | 4-5    |
| scene + instance + part | sid * 100000 + iid * 100 + pid | 6-7    |

Scene ids (sid) are 0..99, instance ids (iid) 0..999, part ids (pid) 1..99. In decoded form -1 means
"not known". Source: the label format of `panoptic_parts` (de Geus et al., "Part-aware Panoptic
Segmentation", CVPR 2021).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Int32, Shaped

LARGEST = 99_999_99
MAX_SCENE_ID = 99
_FORMS = "1-2 digits (scene), 4-5 (scene, instance) or 6-7 (scene, instance, part)"


class Ids(NamedTuple):
  """Decoded uids; -1 if an instance or a part is not known."""

  sid: Int32[np.ndarray, "*S"]
  iid: Int32[np.ndarray, "*S"]
  pid: Int32[np.ndarray, "*S"]


def check(
  uids: Shaped[np.ndarray, "*S"], *, max_scene_id: int = MAX_SCENE_ID
) -> Int32[np.ndarray, "*S"]:
  """Returns `uids` as int32 after checking that each has a legal form.

  Legal are scene ids (0..99), scene and instance (4 or 5 digits), scene, instance and part (6 or 7
  digits).

  Args:
    uids: of any shape.
    max_scene_id: the largest scene id of the dataset.

  Raises:
    ValueError: the type is no integer type.
    ValueError: illegal uids; says how many, and shows the first.
    ValueError: scene ids above `max_scene_id`.
  """
  uids = np.asarray(uids)
  if uids.dtype.kind not in "iu":
    raise ValueError(f"Expected one whole number per pixel, found type {uids.dtype}.")
  out_of_range = (uids < 0) | (uids > LARGEST)
  _refuse(out_of_range, uids, "uids", _FORMS)
  uids = uids.astype(np.int32)  # 8 and 16 bits have no room for the divisors below
  three_digits = (uids >= 100) & (uids <= 999)
  _refuse(three_digits, uids, "uids", _FORMS)
  scene = np.where(uids >= 1_000, uids // 1_000, uids)
  scene = np.where(uids >= 100_000, uids // 100_000, scene)
  expected = f"scene ids up to {max_scene_id}, those of this dataset"
  _refuse(scene > max_scene_id, uids, "scene ids in their uids", expected)
  return uids


def decode(uids: Int[np.ndarray, "*S"]) -> Ids:
  """Returns scene, instance and part ids of uids of any shape.

  Differs from `panoptic_parts.decode_uids`: `SS_III_00` means the same as `SS_III`, so its part id
  is -1.

  Raises:
    ValueError: uids without a legal form: negative, three digits, or more than seven digits.
  """
  uids = check(uids)
  with_iid = uids >= 1_000
  with_pid = uids >= 100_000
  sid_iid = np.where(with_pid, uids // 100, uids)
  sid = np.where(with_iid, sid_iid // 1000, uids)
  iid = np.where(with_iid, sid_iid - sid * 1000, -1)
  pid = np.where(with_pid, uids - sid_iid * 100, 0)
  pid = np.where(pid == 0, -1, pid)
  return Ids(sid.astype(np.int32), iid.astype(np.int32), pid.astype(np.int32))


def encode(
  sid: Int[np.ndarray, "*S"], iid: Int[np.ndarray, "*S"], pid: Int[np.ndarray, "*S"]
) -> Int32[np.ndarray, "*S"]:
  """Returns the uids of decoded ids.

  Args:
    sid: scene ids, 0..99.
    iid: instance ids, 0..999; -1 = not known.
    pid: part ids, 1..99; -1 or 0 = not known.

  Raises:
    ValueError: an id outside its range.
    ValueError: a part without an instance; the format has no uid for it.
    ValueError: an instance of the void class 0; the format has no uid for it.
  """
  sid, iid, pid = np.asarray(sid), np.asarray(iid), np.asarray(pid)
  has_iid = iid >= 0
  has_pid = pid > 0
  _refuse((sid < 0) | (sid > 99), sid, "scene ids", "0..99")
  _refuse((iid < -1) | (iid > 999), iid, "instance ids", "0..999, or -1 for none")
  _refuse((pid < -1) | (pid > 99), pid, "part ids", "1..99, or -1 for none")
  lonely_part = has_pid & ~has_iid
  needed = "an instance id wherever there is a part"
  _refuse(lonely_part, pid, "part ids on pixels without an instance", needed)
  void_instance = (sid == 0) & has_iid
  _refuse(void_instance, iid, "instance ids on scene class 0 (void)", "-1 there")
  sid, iid, pid = (ids.astype(np.int32) for ids in (sid, iid, pid))
  sid_iid = np.where(has_iid, sid * 1000 + iid, sid)
  uids = np.where(has_pid, sid_iid * 100 + pid, sid_iid)
  return uids.astype(np.int32)


def _refuse(wrong: Bool[np.ndarray, "*S"], values: np.ndarray, what: str, expected: str) -> None:
  """Raises ValueError if any value is wrong; says how many, and shows the first."""
  if not wrong.any():
    return
  count = int(wrong.sum())
  first = int(values[wrong].flat[0])
  raise ValueError(
    f"{count} of {wrong.size} pixels have illegal {what}, e.g. {first}; expected {expected}. "
    "Is this a panoptic-parts label file?"
  )
