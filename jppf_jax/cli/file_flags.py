"""The flags that the verbs about saved files share; absl allows one definition of each."""

from absl import flags

SPEC = flags.DEFINE_string(
  "spec", None, "What the ids mean: cpp, cpp_grouped, cpp_default, ppp, or FILE.yaml."
)
OUT = flags.DEFINE_string(
  "out", None, "Where the result goes: a file or a folder, as the verb says."
)
