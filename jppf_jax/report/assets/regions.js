"use strict";
// Label maps: what the number of a pixel means, and its colour.

const VOID = 255;
const ERRORS = {
  class: { text: "wrong class", color: [222, 45, 38] },
  part: { text: "wrong part", color: [253, 154, 41] },
  instance: { text: "unmatched segment", color: [136, 86, 214] },
  nothing: { text: "nothing predicted", color: [40, 40, 40], stripe: [235, 235, 235] },
};
const DIMMED = 36; // opacity of what a filter leaves out, of 255

const LONGEST = 32; // letters of a name

// A name, or the two ends of a very long one; `short_name` of words.py does the same.
function shortName(name) {
  const letters = [...name];
  if (letters.length <= LONGEST) return name;
  const end = Math.floor(LONGEST / 3);
  return `${letters.slice(0, LONGEST - end - 1).join("")}…${letters.slice(-end).join("")}`;
}

async function inflate(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

// The map of one pane. `segments` are {class, instance, area, score, outcome, iou, match, shade}.
class LabelMap {
  constructor(numbers, [height, width], regions, segments, spec) {
    Object.assign(this, { numbers, height, width, regions, segments, spec });
  }

  static async read(image, key, method, spec) {
    const held = image.maps[key];
    const buffer = await inflate(held.data);
    const numbers = held.bytes === 1 ? new Uint8Array(buffer) : new Uint16Array(buffer);
    const compared = key === "truth" ? image.maps[method].truth : null;
    const segments = held.segments.map((row, place) => {
      const [class_, instance, area, score = null, outcome = "crowd", iou = null, match = -1] = row;
      const segment = { class: class_, instance, area, score, outcome, iou, match };
      if (compared !== null && place < compared.length) {
        [segment.outcome, segment.iou, segment.match] = compared[place];
      }
      return { ...segment, shade: shadeNumber(key, segment.match, place) };
    });
    return new LabelMap(numbers, image.size, held.regions, segments, spec);
  }

  // What a pixel is; null for void.
  at(x, y) {
    const [place, part] = this.regions[this.numbers[y * this.width + x]];
    if (place < 0) return null;
    const segment = this.segments[place];
    const { name, thing } = this.spec.classes[segment.class];
    const known = part > 0 && part < this.spec.parts.length;
    return {
      ...segment,
      place,
      name,
      thing,
      part: known ? this.spec.parts[part].name : part === VOID ? "unknown part" : null,
      color: known ? this.spec.parts[part].color : this.spec.classes[segment.class].color,
    };
  }

  // First and last column and row of a segment, as shares of the image; null if it has no pixel.
  boxOf(place) {
    let [left, top, right, bottom] = [this.width, this.height, -1, -1];
    const wanted = this.regions.map(([segment]) => segment === place);
    this.numbers.forEach((number, pixel) => {
      if (!wanted[number]) return;
      const x = pixel % this.width;
      const y = Math.floor(pixel / this.width);
      [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
    });
    if (right < 0) return null;
    return [left / this.width, top / this.height, right / this.width, bottom / this.height];
  }

  // The colours of all pixels, as of a canvas. `shown(segment, place)` says what is not dimmed.
  painted(layers, shown, errors) {
    const isShown = this.regions.map(([place]) => place < 0 || shown(this.segments[place], place));
    const table = this.regions.map(([place, part], number) => {
      const color = place < 0 ? null : this.colorOf(this.segments[place], part, layers);
      return color === null ? 0 : packed(color, isShown[number] ? 255 : DIMMED);
    });
    const image = new ImageData(this.width, this.height);
    const pixels = new Uint32Array(image.data.buffer);
    this.numbers.forEach((number, pixel) => (pixels[pixel] = table[number]));
    if (layers.has("instance")) this.outline(pixels, isShown);
    if (layers.has("difference") && errors) {
      const kinds = ERROR_NAMES.map((name) => ERRORS[name]);
      const colors = [
        kinds.map(({ color }) => packed(color, 255)),
        kinds.map(({ color, stripe }) => packed(stripe ?? color, 255)), // seen on dark and light
      ];
      const { width } = this;
      const broad = Math.max(1, Math.round(width / 160));
      errors.forEach((error, pixel) => {
        if (error === 0 || !isShown[this.numbers[pixel]]) return;
        const diagonal = (pixel % width) + Math.floor(pixel / width);
        pixels[pixel] = colors[Math.floor(diagonal / broad) % 2][error - 1];
      });
    }
    return image;
  }

  colorOf(segment, part, layers) {
    const { color, thing } = this.spec.classes[segment.class];
    if (layers.has("part") && part > 0 && part < this.spec.parts.length) {
      return this.spec.parts[part].color;
    }
    if (layers.has("instance") && thing) return shade(color, segment.shade);
    return layers.has("semantic") ? color : null;
  }

  // Draws a line around each instance; around those that are not shown a dim one.
  outline(pixels, isShown) {
    const isThing = this.segments.map((segment) => this.spec.classes[segment.class].thing);
    const instance = this.regions.map(([place]) => (place >= 0 && isThing[place] ? place : -1));
    const { numbers, width } = this;
    const isBright = this.regions.map((_, number) => instance[number] >= 0 && isShown[number]);
    const [white, dim] = [255, DIMMED].map((alpha) => packed([255, 255, 255], alpha));
    for (let pixel = 0; pixel < numbers.length - width; pixel++) {
      const own = numbers[pixel];
      const right = (pixel + 1) % width ? numbers[pixel + 1] : own;
      const below = numbers[pixel + width];
      if (instance[own] === instance[right] && instance[own] === instance[below]) continue;
      pixels[pixel] = isBright[own] || isBright[right] || isBright[below] ? white : dim;
    }
  }
}

const ERROR_NAMES = Object.keys(ERRORS);

// Where a prediction differs from the truth: 0 = nowhere, else 1 + the place in ERROR_NAMES.
function differences(predicted, truth) {
  const columns = truth.regions.length;
  const table = new Int8Array(predicted.regions.length * columns).fill(-1);
  return Uint8Array.from(predicted.numbers, (number, pixel) => {
    const pair = number * columns + truth.numbers[pixel];
    if (table[pair] < 0) {
      table[pair] = difference(predicted, number, truth, truth.numbers[pixel]);
    }
    return table[pair];
  });
}

function difference(predicted, number, truth, trueNumber) {
  const [place, part] = predicted.regions[number];
  const [truePlace, truePart] = truth.regions[trueNumber];
  if (truePlace < 0) return 0; // void is not scored
  const named = (name) => ERROR_NAMES.indexOf(name) + 1;
  if (place < 0) return named("nothing");
  const [segment, trueSegment] = [predicted.segments[place], truth.segments[truePlace]];
  if (segment.class !== trueSegment.class) return named("class");
  if (trueSegment.outcome === "crowd") return 0;
  if (segment.match !== truePlace) return named("instance");
  return truePart !== VOID && part !== truePart ? named("part") : 0;
}

function packed([red, green, blue], alpha) {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0; // little-endian RGBA
}

// Which shade a segment has: a predicted one has that of the true segment that it matches.
function shadeNumber(key, match, place) {
  return key !== "truth" && match >= 0 ? match : place;
}

// A shade of a colour, another one for each number.
function shade([red, green, blue], number) {
  const [high, low] = [Math.max(red, green, blue), Math.min(red, green, blue)];
  const saturation = high ? (high - low) / high : 0;
  let hue = 0;
  if (high > low) {
    if (high === red) hue = (green - blue) / (high - low);
    else if (high === green) hue = 2 + (blue - red) / (high - low);
    else hue = 4 + (red - green) / (high - low);
  }
  const turned = hue * 60 + [0, 24, -24, 12, -12][number % 5] + 360;
  const value = [0.95, 1, 0.65, 0.8][number % 4];
  const strength = saturation < 0.1 ? 0.1 : [0.8, 0.45, 0.95, 0.6][number % 4];
  const channel = (offset) => {
    const k = (offset + turned / 60) % 6;
    return Math.round(255 * value * (1 - strength * Math.max(0, Math.min(k, 4 - k, 1))));
  };
  return [channel(5), channel(3), channel(1)];
}
