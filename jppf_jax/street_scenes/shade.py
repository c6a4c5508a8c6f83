"""From marks to the photo: colour, texture, shadow, haze, sky, lens and sensor."""

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image, ImageDraw, ImageFilter

from jppf_jax.street_scenes.camera import Camera
from jppf_jax.street_scenes.canvas import Canvas, Texture
from jppf_jax.street_scenes.light import Light

# Strength of fine, middle and coarse noise per texture, chosen by eye.
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

# Noise of surfaces, chosen by eye: fine, middle and coarse.
LEVELS = ((160, 24.0), (40, 3.0), (9, 0.5))  # cells along the shorter side; cells per metre
FIELD_SCALE = 1.3  # brings the deviation of interpolated noise back to about 1
TILE = 256  # side of the repeated noise on the ground; a power of 2
FADE = 0.35  # of noise on the ground whose cells are smaller than a pixel
NOISE_LIMITS = (-0.7, 0.9)
SLAB, JOINT_WIDTH = 0.6, 0.06  # metres
JOINT_SHADE, JOINT_FADE = 0.3, 6  # how much darker; of joints smaller than a pixel

# Shadows and sky, chosen by eye.
SHADOW_BLUR = 0.008  # share of the image's height
SKY_POWER = 0.7  # below 1: the haze stays close to the horizon
CLOUDS = ((0.6, 3), (0.3, 8), (0.15, 20))  # weight and cells of each layer
CLOUD_COVER, CLOUD_THRESHOLD, CLOUD_OPACITY = 2.2, 0.9, 0.7
CLOUD_WHITE, CLOUD_SHADE = 0.93, 0.12

# Lens and sensor, chosen by eye.
WHITE_BALANCE, EXPOSURE, GAMMA = (0.92, 1.08), (0.75, 1.12), (0.85, 1.2)
VIGNETTE = (0.0, 0.18)  # how much darker the corners are
BLUR, BLUR_HEIGHT, LEAST_BLUR = (0.0, 0.6), 512, (0.0, 0.3)  # pixels at this height; added pixels
GRAIN = (1.0, 4.5)  # deviation in grey levels
GRAIN_BASE, GRAIN_BRIGHT = 0.6, 400  # grain grows with the grey level divided by the second


def photo(canvas: Canvas, light: Light, rng: np.random.Generator) -> UInt8[np.ndarray, "H W 3"]:
  """Returns the image that a camera records."""
  camera = canvas.camera
  paint, _ = canvas.marks()
  colours, owners, _, depths = canvas.tables()
  textures = [canvas.objects[owner].texture if owner >= 0 else Texture.PLAIN for owner in owners]
  texture = np.array(textures)
  on_ground = np.isin(texture, _GROUND)
  haze = np.array(light.haze)
  distance = np.where(on_ground | (texture == Texture.SKY), 0.0, depths)
  hidden = (1 - np.exp(-distance / light.haze_distance))[:, None]
  hazy = np.rint(255 * (colours * (1 - hidden) + haze * hidden))
  table = hazy.clip(0, 255).astype(np.uint8)
  image = np.asarray(Image.fromarray(table[paint]).reduce(canvas.scale), np.float32) / 255
  centre = paint[canvas.centres, canvas.centres]
  kind, ground = texture[centre], on_ground[centre]
  image *= 1 + _noise(camera, rng, kind, ground)[..., None]
  image *= 1 - (_shadows(canvas) * ground)[..., None]
  _, _, depth = camera.ground()
  far = 1 - np.exp(-depth / light.haze_distance)
  veil = (far * ground)[..., None]
  image += (haze.astype(np.float32) - image) * veil.astype(np.float32)
  sky = kind == Texture.SKY
  image[sky] = _sky(camera, light, rng)[sky]
  return _sensor(image, rng)


def _field(
  rng: np.random.Generator, shape: tuple[int, int], cells: int
) -> Float[np.ndarray, "H W"]:
  """Smooth noise with `cells` random values along the shorter side, deviation about 1."""
  height, width = shape
  unit = min(shape) / cells
  rows, columns = max(2, round(height / unit)), max(2, round(width / unit))
  noise = Image.fromarray(rng.standard_normal((rows, columns), np.float32))
  smooth = noise.resize((width, height), Image.Resampling.BICUBIC)
  return np.asarray(smooth) * FIELD_SCALE


def _noise(
  camera: Camera,
  rng: np.random.Generator,
  kind: Int[np.ndarray, "H W"],
  ground: Bool[np.ndarray, "H W"],
) -> Float[np.ndarray, "H W"]:
  """Noise of the surfaces: upright ones in the image's plane, the ground in its own plane."""
  x, z, depth = camera.ground()
  strength = _NOISE[kind]
  total = np.zeros(camera.size, np.float32)
  tile = rng.standard_normal((TILE, TILE), np.float32)
  neighbours = tile + np.roll(tile, 1, 0) + np.roll(tile, 1, 1) + np.roll(tile, 1, (0, 1))
  smooth = neighbours / 2
  footprint = depth**2 / (camera.focal * camera.height)  # metres along the street per pixel
  for level, (cells, per_metre) in enumerate(LEVELS):
    fade = 1 / (1 + (FADE * footprint * per_metre) ** 2)
    fine = level == 0
    density = per_metre if fine else per_metre * 2
    lying = _tiled(tile if fine else smooth, x, z, density) * fade
    standing = _field(rng, camera.size, min(cells, min(camera.size)))
    total += strength[..., level] * np.where(ground, lying, standing)
  on_joint = (np.mod(x, SLAB) < JOINT_WIDTH) | (np.mod(z, SLAB) < JOINT_WIDTH)
  joint = on_joint / (1 + (JOINT_FADE * footprint) ** 2)
  total -= np.where(kind == Texture.PAVING, JOINT_SHADE * joint, 0)
  return total.clip(*NOISE_LIMITS)


def _tiled(
  tile: Float[np.ndarray, "n n"],
  x: Float[np.ndarray, "H W"],
  z: Float[np.ndarray, "H W"],
  per_metre: float,
) -> Float[np.ndarray, "H W"]:
  """Repeats a tile over the ground."""
  rows, columns = (z * per_metre).astype(np.int32), (x * per_metre).astype(np.int32)
  return tile[rows & (TILE - 1), columns & (TILE - 1)]


def _shadows(canvas: Canvas) -> Float[np.ndarray, "H W"]:
  """How much darker the ground is, 0..1, with soft edges."""
  height, width = canvas.camera.size
  mask = Image.new("L", (width, height), 0)
  draw = ImageDraw.Draw(mask)
  for polygon, strength in sorted(canvas.shadows, key=lambda shadow: shadow[1]):
    draw.polygon(polygon, fill=round(255 * strength))
  soft = mask.filter(ImageFilter.GaussianBlur(SHADOW_BLUR * height))
  return np.asarray(soft, np.float32) / 255


def _sky(camera: Camera, light: Light, rng: np.random.Generator) -> Float[np.ndarray, "H W 3"]:
  """Lighter towards the horizon, with clouds."""
  height, _ = camera.size
  rows = np.arange(height) + 0.5
  up = (1 - rows / max(camera.horizon, 1.0)).clip(0, 1)[:, None, None]
  clear = np.array(light.haze) * (1 - up**SKY_POWER) + np.array(light.sky) * up**SKY_POWER
  layers = [weight * _field(rng, camera.size, cells) for weight, cells in CLOUDS]
  cloud = layers[0] + layers[1] + layers[2]
  density = (cloud + CLOUD_COVER * light.clouds - CLOUD_THRESHOLD).clip(0, 1)
  cover = (density * CLOUD_OPACITY)[..., None]
  white = CLOUD_WHITE - CLOUD_SHADE * cloud.clip(-1, 1)[..., None] * light.clouds
  return (clear * (1 - cover) + white * cover).astype(np.float32)


def _sensor(
  image: Float[np.ndarray, "H W 3"], rng: np.random.Generator
) -> UInt8[np.ndarray, "H W 3"]:
  """White balance, exposure, contrast, lens and sensor."""
  height, width, _ = image.shape
  gain = rng.uniform(*WHITE_BALANCE, 3) * rng.uniform(*EXPOSURE)
  gamma = rng.uniform(*GAMMA)
  rows, columns = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
  from_centre = (rows**2 + columns**2)[..., None]
  vignette = 1 - rng.uniform(*VIGNETTE) * from_centre / 2
  exposed = (image * gain * vignette).clip(0, 1).astype(np.float32) ** np.float32(gamma)
  quantised = Image.fromarray(np.rint(255 * exposed).astype(np.uint8))
  blur = rng.uniform(*BLUR) * height / BLUR_HEIGHT + rng.uniform(*LEAST_BLUR)
  blurred = np.asarray(quantised.filter(ImageFilter.GaussianBlur(blur)), np.float32)
  noise = rng.uniform(*GRAIN) * rng.standard_normal(image.shape, np.float32)
  noisy = blurred + noise * (GRAIN_BASE + blurred / GRAIN_BRIGHT)
  return np.rint(noisy.clip(0, 255)).astype(np.uint8)
