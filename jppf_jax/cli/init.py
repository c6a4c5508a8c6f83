"""`jppf init DIR`: looks at a folder of photos and labels, and writes spec, builder and config.

If the labels are uids (one number per pixel, as PNG or TIFF), the three files are written into DIR,
with a comment for each value. If they are those of a tool (LabelMe, COCO, CVAT, VOC, Cityscapes), a
spec is drafted from their names. It says what to type next. No file is replaced.

Example: `jppf init warehouse`
"""

import shlex
import sys

from absl import app

from jppf_jax.cli import command
from jppf_jax.cli.errors import plainly
from jppf_jax.cli.file_flags import PHOTOS, SPEC

FLAGS = (
  (SPEC, "SPEC: what ids mean (default: the YAML in DIR, or a draft)"),
  (PHOTOS, "DIR: the photos of a tool's labels (default: in DIR)"),
)


def main(argv: list[str]) -> None:
  """Looks at the folder that the command line names."""
  if len(argv) != 2:
    raise app.UsageError("Needs one folder of photos and labels.")
  from jppf_jax.conversion import init

  with plainly("init", ValueError, OSError):
    result = init.init(argv[1], spec=SPEC.value or "", photos=PHOTOS.value)
  print("\n".join(result.lines))
  for path in result.written:
    print(f"Written: {path}")
  print("Next:")
  for words in result.commands:
    print(f"  {shlex.join(words)}")


if __name__ == "__main__":
  command.run_module(sys.modules[__name__])
