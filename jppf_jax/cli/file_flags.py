"""The flags that the verbs about saved files share; absl allows one definition of each."""

from collections.abc import Sequence

from absl import app, flags

SPEC = flags.DEFINE_string(
  "spec",
  None,
  "SPEC: what ids mean: cpp, cpp_grouped, cpp_default, ppp, or a FILE.yaml (required)",
)
GT = flags.DEFINE_string("gt", None, "DIR: ground truth, uids as TIFF or PNG (required)")
PRED = flags.DEFINE_string(
  "pred", None, "DIR: predictions, three-channel PNGs or uid TIFFs (required)"
)
OUT = flags.DEFINE_string("out", None, "PATH: where the result goes (required)")
SPLIT = flags.DEFINE_string("split", None, "NAME: a split of the dataset")
PHOTOS = flags.DEFINE_string("photos", None, "DIR: photos")
FROM = flags.DEFINE_string("from", None, "SOURCE: who wrote the file (required)")


def one_of(flag: flags.FlagHolder[str | None], choices: Sequence[str]) -> str | None:
  """Returns the value of a flag whose choices differ from verb to verb; None if it is not given.

  Raises:
    UsageError: it is another value.
  """
  if flag.value is not None and flag.value not in choices:
    names = ", ".join(choices)
    raise app.UsageError(f"--{flag.name}={flag.value}: expected one of {names}.")
  return flag.value
