"""A folder of another tool becomes a folder of photos and uid TIFFs, which `jppf init` reads."""

from pathlib import Path

from tqdm import tqdm

from jppf_jax.conversion import report as reports
from jppf_jax.conversion.compose import Composed, compose
from jppf_jax.conversion.photo_files import Upright, upright
from jppf_jax.conversion.report import Report
from jppf_jax.conversion.sources import Labels, find
from jppf_jax.labels import spec_names
from jppf_jax.labels.formats.files import write_uids
from jppf_jax.labels.other_names import Names
from jppf_jax.labels.registry import SPECS
from jppf_jax.saving import require_folder, require_outside, whole_file, write_text

PHOTOS, LABELS, REPORT = "photos", "labels", "conversion"


def convert(
  tool: str,
  source: str | Path,
  spec: str,
  out: str | Path,
  *,
  photos: str | Path | None = None,
  split: str = "",
) -> Report:
  """Converts the labels of a tool, with their photos.

  Writes `photos/NAME.jpg` (or `.png`) and `labels/NAME.tif`; the taxonomy, if it is a file; and
  what could not be expressed: `conversion.txt`, `conversion.json`, pictures in `conversion/`.

  Args:
    tool: one of `sources.TOOLS`.
    source: the tool's folder, or COCO's JSON.
    spec: name or YAML of the taxonomy, see `labels.other_names`.
    out: the folder for the results.
    photos: the folder of the photos, if they do not lie in `source`.
    split: a folder of this name is made in `photos` and in `labels`; none if empty.

  Returns:
    What became of each photo.

  Raises:
    FileNotFoundError: there is no such folder, or nothing of the tool in it.
    FileExistsError: `out` lies in a folder that is read.
    ValueError: the spec is wrong, or a file that all photos need.
  """
  source, out = Path(source), Path(out)
  require_folder(out)
  names = spec_names.load(spec)
  found = find(tool, source, names, Path(photos) if photos else None)
  require_outside(out, [source, *([photos] if photos else [])])
  report = Report()
  if found.left_out:
    report.notes[found.left_out] += 1
  stem = f"{REPORT}_{split}" if split else REPORT
  for labels in tqdm(found.labels, desc="convert", unit="photo"):
    try:
      _convert(labels, names, out, split, report, drawn_upright=found.drawn_upright)
    except (ValueError, OSError, MemoryError) as error:
      reason = str(error) or "it needs more memory than there is"
      report.failures.append(labels.complaint(reason))
  report.without_labels = found.photos_without_labels()
  if spec not in SPECS:
    write_text(out / Path(spec).name, Path(spec).read_text(encoding="utf-8"))
  reports.save(report, out, stem, names)
  return report


def _convert(
  labels: Labels, names: Names, out: Path, split: str, report: Report, *, drawn_upright: bool
) -> None:
  """Converts one photo with its labels; counts in the report what happens."""
  content, labelled = labels.load()
  for region in labelled.regions:
    report.seen |= {region.name, f"{region.parent}/{region.name}"}
  if not labelled.regions and not names.fills:
    report.empty.append(labels.where)
    return
  photo = upright(content, labelled.size, drawn_upright=drawn_upright)
  composed = compose(labelled.size, labelled.regions, names)
  if labelled.note:
    report.notes[f"a photo {labelled.note}"] += 1
  folder = out / PHOTOS / split
  for other in {".jpg", ".png"} - {photo.suffix}:  # of an earlier conversion
    (folder / f"{labels.name}{other}").unlink(missing_ok=True)
  with whole_file(folder / f"{labels.name}{photo.suffix}") as partial:
    partial.write_bytes(photo.content)
  write_uids(out / LABELS / split / f"{labels.name}.tif", photo.aligned(composed.uids))
  report.written.append(labels.name)
  if not labelled.regions:
    report.without_shapes.append(labels.name)
  if outside := sum(region.outside for region in labelled.regions):
    report.outside[labels.name] = outside
  report.add(labels.name, composed.problems)
  if reports.is_worth_a_picture(composed) and report.pictures < reports.MOST_PICTURES:
    _draw(out / REPORT / f"{labels.name}.jpg", photo, composed)
    report.pictures += 1


def _draw(path: Path, photo: Upright, composed: Composed) -> None:
  places = photo.aligned(composed.places)
  problems = [one._replace(box=photo.aligned_box(one.box)) for one in composed.problems]
  picture = reports.draw(photo.pixels, places, problems)
  reports.save_picture(path, picture)
