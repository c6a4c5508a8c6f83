"""From marks to the photo: colour, texture, shadow, haze, sky, lens and sensor."""

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image, ImageDraw, ImageFilter

from jppf_jax.street_scenes.camera import Camera
from jppf_jax.street_scenes.canvas import Canvas, Texture
from jppf_jax.street_scenes.light import Light

# Strength of fine, middle and coarse noise per texture.
_NOISE = np.zeros((len(Texture), 3), np.float32)
_NOISE[Texture.PLAIN] = 0.02, 0.01, 0.02
_NOISE[Texture.ASPHALT] = 0.10, 0.05, 0.08
_NOISE[Texture.PAVING] = 0.05, 0.06, 0.06
_NOISE[Texture.GRASS] = 0.22, 0.14, 0.15
_NOISE[Texture.LEAVES] = 0.22, 0.10, 0.06
_NOISE[Texture.MASONRY] = 0.05, 0.03, 0.05
_NOISE[Texture.METAL] = 0.01, 0.01, 0.04
_NOISE[Texture.CLOTH] = 0.05, 0.04, 0.04
_GROUND = (Texture.ASPHALT, Texture.PAVING, Texture.GRASS)


def photo(canvas: Canvas, light: Light, rng: np.random.Generator) -> UInt8[np.ndarray, "H W 3"]:
  """What a camera records."""
  scale = canvas.scale
  paint, _ = canvas.marks()
  colours, owners, _, depths = canvas.tables()
  texture = np.array(
    [canvas.objects[owner].texture if owner >= 0 else Texture.PLAIN for owner in owners]
  )
  on_ground = np.isin(texture, _GROUND)
  haze = np.array(light.haze)
  distance = np.where(on_ground | (texture == Texture.SKY), 0.0, depths)
  veil = (1 - np.exp(-distance / light.haze_distance))[:, None]
  table = np.rint(255 * (colours * (1 - veil) + haze * veil)).clip(0, 255).astype(np.uint8)
  small = np.asarray(Image.fromarray(table[paint]).reduce(scale), np.float32) / 255
  centre = paint[scale // 2 :: scale, scale // 2 :: scale]
  kind, ground = texture[centre], on_ground[centre]
  small *= 1 + _noise(canvas.camera, rng, kind, ground)[..., None]
  small *= 1 - (_shadows(canvas) * ground)[..., None]
  _, _, depth = canvas.camera.ground()
  veil = ((1 - np.exp(-depth / light.haze_distance)) * ground)[..., None]
  small += (haze.astype(np.float32) - small) * veil.astype(np.float32)
  sky = kind == Texture.SKY
  small[sky] = _sky(canvas.camera, light, rng)[sky]
  return _sensor(small, rng)


def _field(
  rng: np.random.Generator, shape: tuple[int, int], cells: int
) -> Float[np.ndarray, "H W"]:
  """Smooth noise with `cells` random values along the shorter side, deviation about 1."""
  height, width = shape
  unit = min(shape) / cells
  rows, columns = max(2, round(height / unit)), max(2, round(width / unit))
  noise = rng.standard_normal((rows, columns), np.float32)
  return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)) * 1.3


def _noise(
  camera: Camera,
  rng: np.random.Generator,
  kind: Int[np.ndarray, "H W"],
  ground: Bool[np.ndarray, "H W"],
) -> Float[np.ndarray, "H W"]:
  """Noise of the surfaces: in the image's plane for what stands, in the ground's for what lies."""
  x, z, depth = camera.ground()
  strength = _NOISE[kind]
  total = np.zeros(camera.size, np.float32)
  tile = rng.standard_normal((256, 256), np.float32)
  footprint = depth**2 / (
    camera.focal * camera.height
  )  # metres of ground that a pixel covers along the street
  for level, (cells, per_metre) in enumerate(((160, 24.0), (40, 3.0), (9, 0.5))):
    fade = 1 / (1 + (0.35 * footprint * per_metre) ** 2)
    lying = (
      tile[(z * per_metre).astype(np.int32) & 255, (x * per_metre).astype(np.int32) & 255] * fade
    )
    if level:
      smooth = (tile + np.roll(tile, 1, 0) + np.roll(tile, 1, 1) + np.roll(tile, 1, (0, 1))) / 2
      lying = (
        smooth[
          (z * per_metre * 2).astype(np.int32) & 255, (x * per_metre * 2).astype(np.int32) & 255
        ]
        * fade
      )
    standing = _field(rng, camera.size, min(cells, min(camera.size)))
    total += strength[..., level] * np.where(ground, lying, standing)
  slab = 0.6
  joint = ((np.mod(x, slab) < 0.06) | (np.mod(z, slab) < 0.06)) / (1 + (6 * footprint) ** 2)
  total -= np.where(kind == Texture.PAVING, 0.3 * joint, 0)
  return total.clip(-0.7, 0.9)


def _shadows(canvas: Canvas) -> Float[np.ndarray, "H W"]:
  """How much darker the ground is, 0..1, with soft edges."""
  height, width = canvas.camera.size
  mask = Image.new("L", (width, height), 0)
  draw = ImageDraw.Draw(mask)
  for polygon, strength in sorted(canvas.shadows, key=lambda shadow: shadow[1]):
    draw.polygon(polygon, fill=round(255 * strength))
  return np.asarray(mask.filter(ImageFilter.GaussianBlur(0.008 * height)), np.float32) / 255


def _sky(camera: Camera, light: Light, rng: np.random.Generator) -> Float[np.ndarray, "H W 3"]:
  """Lighter towards the horizon, with clouds."""
  height, _ = camera.size
  up = (1 - (np.arange(height) + 0.5) / max(camera.horizon, 1.0)).clip(0, 1)[:, None, None]
  sky = np.array(light.haze) * (1 - up**0.7) + np.array(light.sky) * up**0.7
  cloud = (
    0.6 * _field(rng, camera.size, 3)
    + 0.3 * _field(rng, camera.size, 8)
    + 0.15 * _field(rng, camera.size, 20)
  )
  cover = ((cloud + 2.2 * light.clouds - 0.9).clip(0, 1) * 0.7)[..., None]
  white = 0.93 - 0.12 * cloud.clip(-1, 1)[..., None] * light.clouds
  return (sky * (1 - cover) + white * cover).astype(np.float32)


def _sensor(
  image: Float[np.ndarray, "H W 3"], rng: np.random.Generator
) -> UInt8[np.ndarray, "H W 3"]:
  """White balance, exposure, contrast, lens and sensor."""
  height, width, _ = image.shape
  gain = rng.uniform(0.92, 1.08, 3) * rng.uniform(0.75, 1.12)
  gamma = rng.uniform(0.85, 1.2)
  rows, columns = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
  vignette = 1 - rng.uniform(0.0, 0.18) * (rows**2 + columns**2)[..., None] / 2
  image = (image * gain * vignette).clip(0, 1).astype(np.float32) ** np.float32(gamma)
  quantised = Image.fromarray(np.rint(255 * image).astype(np.uint8))
  blur = rng.uniform(0.0, 0.6) * height / 512 + rng.uniform(0.0, 0.3)
  image = np.asarray(quantised.filter(ImageFilter.GaussianBlur(blur)), np.float32)
  grain = rng.uniform(1.0, 4.5)
  image = image + grain * rng.standard_normal(image.shape, np.float32) * (0.6 + image / 400)
  return np.rint(image.clip(0, 255)).astype(np.uint8)
