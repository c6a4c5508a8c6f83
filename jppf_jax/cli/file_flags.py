"""The flags that the verbs about saved files share; absl allows one definition of each."""

from absl import flags

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
