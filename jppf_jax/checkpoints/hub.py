"""Fetches models from the public model hub with its own client, which is optional."""

from collections.abc import Sequence
from pathlib import Path

from jppf_jax.checkpoints.weights import WeightsError


def fetch(name: str, files: Sequence[str]) -> Path:
  """Returns the folder on disk that a model of the hub is copied to; the client keeps it there.

  Args:
    name: "owner/repo".
    files: names, or patterns of names, that are wanted; nothing else is fetched.

  Raises:
    WeightsError: the client is not installed.
    WeightsError: the client cannot fetch the model; says why.
  """
  try:
    from huggingface_hub import snapshot_download
  except ImportError as error:
    raise WeightsError(
      f"There is no folder {name} here. To fetch a model of that name from the model hub, install "
      "its client: pip install 'jppf_jax[hub]'."
    ) from error
  try:
    return Path(snapshot_download(name, allow_patterns=list(files)))
  except Exception as error:  # the client and the network below it have dozens of types
    reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".:")
    raise WeightsError(
      f"{name} is no folder here, and cannot be fetched from the model hub: {reason}."
    ) from error
