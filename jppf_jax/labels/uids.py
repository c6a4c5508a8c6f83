"""The universal id (uid) of panoptic-parts label files: scene class, instance and part of a pixel
in one int32.

| known                   | uid                            | digits |
|-------------------------|--------------------------------|--------|
| scene                   | sid                            | 1-2    |
| scene + instance        | sid * 1000 + iid               | 4-5    |
| scene + instance + part | sid * 100000 + iid * 100 + pid | 6-7    |

sid 0..99, iid 0..999, pid 1..99. "Not known" is -1 in decoded form. Source: the label format of
`panoptic_parts` (de Geus et al., "Part-aware Panoptic Segmentation", CVPR 2021).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Int32

LARGEST = 99_999_99
MAX_SCENE_ID = 99
_FORMS = "1-2 digits (scene), 4-5 (scene, instance) or 6-7 (scene, instance, part)"


class Ids(NamedTuple):
  """Decoded uids; -1 where an instance or a part is not known."""

  sid: Int32[np.ndarray, "*S"]
  iid: Int32[np.ndarray, "*S"]
  pid: Int32[np.ndarray, "*S"]


def check(
  uids: Int[np.ndarray, "*S"], *, max_scene_id: int = MAX_SCENE_ID
) -> Int32[np.ndarray, "*S"]:
  """Returns `uids` as int32 after a check that each has a legal form.

  Legal are scene ids (0..99), scene and instance (4 or 5 digits), scene, instance and part (6 or 7
  digits).

  Args:
    uids: of any shape.
    max_scene_id: of the dataset.

  Raises:
    ValueError: no whole numbers.
    ValueError: illegal uids; says how many, and shows the first.
    ValueError: scene ids above `max_scene_id`.
  """
  uids = np.asarray(uids)
  if uids.dtype.kind not in "iu":
    raise ValueError(f"Expected one whole number per pixel, found type {uids.dtype}.")
  three_digits = (uids >= 100) & (uids <= 999)
  illegal = (uids < 0) | three_digits | (uids > LARGEST)
  _refuse(illegal, uids, "uids", _FORMS)
  scene = np.where(uids >= 100_000, uids // 100_000, np.where(uids >= 1_000, uids // 1_000, uids))
  expected = f"scene ids up to {max_scene_id}, those of this dataset"
  _refuse(scene > max_scene_id, uids, "scene ids in their uids", expected)
  return uids.astype(np.int32)


def decode(uids: Int[np.ndarray, "*S"]) -> Ids:
  """Returns scene, instance and part ids of uids of any shape.

  Differs from `panoptic_parts.decode_uids`: `SS_III_00` gives pid -1, exactly as `SS_III`, of which
  it is a synonym.

  Raises:
    ValueError: uids that no scene, instance and part can give: negative, three digits, or more than
      seven digits.
  """
  uids = check(uids)
  with_iid = uids >= 1_000
  with_pid = uids >= 100_000
  sid_iid = np.where(with_pid, uids // 100, uids)
  sid = np.where(with_iid, sid_iid // 1000, uids)
  iid = np.where(with_iid, sid_iid - sid * 1000, -1)
  pid = np.where(with_pid, uids - sid_iid * 100, 0)
  return Ids(
    sid.astype(np.int32), iid.astype(np.int32), np.where(pid == 0, -1, pid).astype(np.int32)
  )


def encode(
  sid: Int[np.ndarray, "*S"], iid: Int[np.ndarray, "*S"], pid: Int[np.ndarray, "*S"]
) -> Int32[np.ndarray, "*S"]:
  """Returns the uids of decoded ids; -1 (or pid 0) says that an instance or a part is not known.

  Raises:
    ValueError: an id outside its range, a part without an instance, an instance of the void class
      0: the format has no uid for these.
  """
  sid, iid, pid = np.asarray(sid), np.asarray(iid), np.asarray(pid)
  _refuse((sid < 0) | (sid > 99), sid, "scene ids", "0..99")
  _refuse((iid < -1) | (iid > 999), iid, "instance ids", "0..999, or -1 for none")
  _refuse((pid < -1) | (pid > 99), pid, "part ids", "1..99, or -1 for none")
  _refuse(
    (pid > 0) & (iid < 0),
    pid,
    "part ids on pixels without an instance",
    "an instance id wherever there is a part",
  )
  _refuse((sid == 0) & (iid >= 0), iid, "instance ids on scene class 0 (void)", "-1 there")
  sid, iid, pid = (ids.astype(np.int32) for ids in (sid, iid, pid))
  sid_iid = np.where(iid >= 0, sid * 1000 + iid, sid)
  return np.where(pid > 0, sid_iid * 100 + pid, sid_iid).astype(np.int32)


def _refuse(wrong: Bool[np.ndarray, "*S"], values: np.ndarray, what: str, expected: str) -> None:
  """Raises ValueError with the number of wrong values and the first of them."""
  if wrong.any():
    raise ValueError(
      f"{int(wrong.sum())} of {wrong.size} pixels have illegal {what}, e.g. {int(values[wrong].flat[0])}; "
      f"expected {expected}. Is this a panoptic-parts label file?"
    )
