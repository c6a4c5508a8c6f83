from jppf_jax.labels.formats import labelme, polygons


def test_regions_are_drawn_when_their_pixels_are_needed(monkeypatch):
  """A photo may have hundreds of them, each as large as the photo."""
  drawn = []
  monkeypatch.setattr(polygons, "polygon", lambda corners, size: drawn.append(corners))
  shapes = [{"label": "box", "points": [[0, 0], [5, 0], [5, 5]]}] * 3
  regions = labelme.LabelMeFile(None, "", b"", shapes).regions((9, 9))
  assert not drawn
  regions[1].draw()
  assert len(drawn) == 1
