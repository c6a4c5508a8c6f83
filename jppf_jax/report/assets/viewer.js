"use strict";
// One image: panes side by side that zoom and move together, and say what is under the pointer.

class Viewer {
  constructor(report) {
    this.report = report;
    this.layers = new Set(["photo", "semantic", "instance", "part"]);
    this.opacity = 0.65;
    this.zoom = { scale: 1, x: 0, y: 0 };
    this.filter = { class: null, outcome: null, segment: null };
    this.element = made("div", { className: "panes" });
    this.panes = report.panes.map((pane) => this.paneOf(pane));
    const compared = report.panes.some(({ key }) => key === "other");
    this.element.classList.toggle("compared", compared);
    const first = [report.main, "truth", "other"];
    for (const pane of this.panes) this.switchPane(pane.key, first.includes(pane.key));
  }

  paneOf({ key, title }) {
    const canvas = made("canvas");
    const photo = made("img", { alt: "" });
    const cross = made("span", { className: "cross", hidden: true });
    const inner = made("div", { className: "inner" }, photo, canvas, cross);
    const stage = made("div", { className: "stage", tabIndex: 0 }, inner);
    stage.setAttribute("role", "application"); // arrow keys come to it
    stage.setAttribute("aria-label", `${title}: arrow keys move a crosshair, Escape leaves`);
    const readout = made("output", { className: "readout" });
    const caption = made("figcaption", {}, made("b", { textContent: title }), readout);
    const figure = made("figure", { className: "pane" }, caption, stage);
    figure.dataset.pane = key;
    this.element.append(figure);
    const pane = { key, title, canvas, photo, cross, inner, stage, readout, figure, map: null };
    this.follow(pane);
    this.steer(pane);
    return pane;
  }

  switchPane(key, isShown) {
    const pane = this.panes.find((other) => other.key === key);
    pane.figure.hidden = !isShown;
    this.element.style.setProperty("--panes", this.panes.filter((p) => !p.figure.hidden).length);
  }

  async show(image) {
    this.image = image;
    this.filter.segment = null;
    this.place = null;
    const present = this.panes.filter(({ key }) => key in image.maps);
    const read = ({ key }) => LabelMap.read(image, key, this.report.main, this.report.spec);
    const maps = await Promise.all(present.map(read));
    if (this.image !== image) return; // another one was chosen meanwhile
    for (const pane of this.panes) {
      pane.map = maps[present.indexOf(pane)] ?? null;
      pane.photo.hidden = image.photo === null;
      if (image.photo !== null) pane.photo.src = photoOf(image);
      pane.photo.alt = `Photo ${image.id}`;
      [pane.canvas.height, pane.canvas.width] = image.size;
      pane.inner.style.aspectRatio = `${image.size[1]} / ${image.size[0]}`;
      pane.stage.style.maxWidth = `${(78 * image.size[1]) / image.size[0]}vh`; // fits the window
    }
    this.element.classList.toggle("upright", image.size[0] > image.size[1]);
    const truth = this.mapOf("truth");
    for (const pane of this.panes) {
      const predicted = pane.key === "truth" ? this.mapOf(this.report.main) : pane.map;
      pane.errors = predicted && truth ? differences(predicted, truth) : null;
    }
    this.setZoom({ scale: 1, x: 0, y: 0 });
    this.hover(null);
    this.paint();
  }

  mapOf(key) {
    return this.panes.find((pane) => pane.key === key)?.map ?? null;
  }

  paint() {
    for (const pane of this.panes) {
      if (pane.map === null) continue;
      const shown = (segment, place) => this.isShown(pane.key, segment, place);
      const painted = pane.map.painted(this.layers, shown, pane.errors);
      pane.canvas.getContext("2d").putImageData(painted, 0, 0);
      const hasPhoto = this.layers.has("photo") && this.image.photo !== null;
      pane.canvas.style.opacity = hasPhoto ? this.opacity : 1;
      pane.photo.style.visibility = hasPhoto ? "visible" : "hidden";
      pane.canvas.setAttribute("role", "img");
      pane.canvas.setAttribute("aria-label", `${pane.title} of ${this.image.id}`);
    }
  }

  isShown(key, segment, place) {
    const { class: class_, outcome, segment: chosen } = this.filter;
    if (chosen !== null) {
      const partner = chosen.match;
      return chosen.key === key ? place === chosen.place : place === partner;
    }
    if (class_ !== null && segment.class !== class_) return false;
    const isTruth = key === "truth";
    if (outcome === null || isTruth !== (outcome === "fn")) return true;
    return segment.outcome === outcome;
  }

  // Dims all but one segment and its partner, and moves to it; null shows all.
  choose(segment) {
    this.filter.segment = segment;
    const box = segment && this.mapOf(segment.key).boxOf(segment.place);
    if (box) {
      const [left, top, right, bottom] = box;
      const scale = Math.min(8, Math.max(1, 0.5 / Math.max(right - left, bottom - top)));
      const start = (low, high) => clamped((low + high) / 2 - 0.5 / scale, 0, 1 - 1 / scale);
      this.setZoom({ scale, x: start(left, right), y: start(top, bottom) });
    } else this.setZoom({ scale: 1, x: 0, y: 0 });
    this.paint();
  }

  // x and y are the share of the image that lies left of the pane, and above it.
  setZoom({ scale, x, y }) {
    const bounded = clamped(scale, 1, 16);
    this.zoom = {
      scale: bounded,
      x: clamped(x, 0, 1 - 1 / bounded),
      y: clamped(y, 0, 1 - 1 / bounded),
    };
    const { x: left, y: top } = this.zoom;
    const shift = `translate(${-100 * left * bounded}%, ${-100 * top * bounded}%)`;
    this.element.style.setProperty("--zoom", bounded);
    for (const pane of this.panes) {
      pane.inner.style.transform = `${shift} scale(${bounded})`;
      pane.inner.classList.toggle("large", bounded > 2);
    }
    this.onzoom?.(bounded);
  }

  zoomBy(factor, [atX, atY] = [0.5, 0.5]) {
    const { scale, x, y } = this.zoom;
    const next = clamped(scale * factor, 1, 16);
    const keep = 1 / scale - 1 / next;
    this.setZoom({ scale: next, x: x + atX * keep, y: y + atY * keep });
  }

  follow(pane) {
    const { stage } = pane;
    const shareOf = (event) => {
      const box = stage.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    };
    let held = null;
    stage.addEventListener("pointerdown", (event) => {
      const { scale, x, y } = this.zoom;
      const [atX, atY] = shareOf(event);
      this.hover([x + atX / scale, y + atY / scale]); // a finger does not hover
      held = { at: shareOf(event), ...this.zoom };
      if (this.zoom.scale > 1) stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener("pointerup", () => (held = null));
    stage.addEventListener("pointercancel", () => (held = null));
    stage.addEventListener("pointermove", (event) => {
      const [x, y] = shareOf(event);
      const { scale } = this.zoom;
      if (held !== null && event.buttons && scale > 1) {
        const [fromX, fromY] = held.at;
        const moved = { x: held.x - (x - fromX) / scale, y: held.y - (y - fromY) / scale };
        this.setZoom({ scale, ...moved });
      }
      this.hover([this.zoom.x + x / scale, this.zoom.y + y / scale]);
    });
    stage.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") this.hover(null);
    });
    stage.addEventListener("dblclick", (event) => this.zoomBy(2, shareOf(event)));
    const wheel = (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
      event.preventDefault();
      this.zoomBy(event.deltaY < 0 ? 1.25 : 0.8, shareOf(event));
    };
    stage.addEventListener("wheel", wheel, { passive: false });
  }

  // Keys of a pane that has the focus.
  steer(pane) {
    const { stage } = pane;
    stage.addEventListener("focus", () => {
      if (stage.matches(":focus-visible") && pane.map !== null) this.hover(this.steered());
    });
    stage.addEventListener("blur", () => this.hover(null));
    stage.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const acts = {
        ArrowLeft: () => this.moveCross(pane, -1, 0, event.shiftKey),
        ArrowRight: () => this.moveCross(pane, 1, 0, event.shiftKey),
        ArrowUp: () => this.moveCross(pane, 0, -1, event.shiftKey),
        ArrowDown: () => this.moveCross(pane, 0, 1, event.shiftKey),
        "+": () => this.zoomAtCross(2),
        "-": () => this.zoomAtCross(0.5),
        Escape: () => stage.blur(),
      };
      if (!(event.key in acts)) return;
      event.preventDefault(); // neither the page nor the gallery takes it
      acts[event.key]();
    });
  }

  // Where the crosshair of the keys is, as shares of the image: in the middle of the view, if it was
  // not yet moved or was left outside of the view.
  steered() {
    const { scale, x, y } = this.zoom;
    const isIn = (share, start) => share >= start && share < start + 1 / scale;
    const isSeen = this.place !== null && isIn(this.place[0], x) && isIn(this.place[1], y);
    return isSeen ? this.place : [x + 0.5 / scale, y + 0.5 / scale];
  }

  // Moves the crosshair by a pixel, or by ten; a view that is zoomed moves along.
  moveCross({ map }, right, down, isFar) {
    if (map === null) return;
    const step = isFar ? 10 : 1;
    const moved = (share, by, size) => {
      const pixel = Math.floor(share * size) + by * step;
      return (clamped(pixel, 0, size - 1) + 0.5) / size;
    };
    const [atX, atY] = this.steered();
    const at = [moved(atX, right, map.width), moved(atY, down, map.height)];
    const { scale, x, y } = this.zoom;
    const seen = (start, place, size) => {
      const margin = Math.max(0.5 / size, 0.05 / scale); // the crosshair is whole
      return clamped(start, place + margin - 1 / scale, place - margin);
    };
    this.setZoom({ scale, x: seen(x, at[0], map.width), y: seen(y, at[1], map.height) });
    this.hover(at);
  }

  zoomAtCross(factor) {
    const at = this.steered();
    const { scale, x, y } = this.zoom;
    this.zoomBy(factor, [(at[0] - x) * scale, (at[1] - y) * scale]);
    this.hover(at);
  }

  // Says in each pane what is at a place, given as shares of the image; null: nothing.
  hover(at) {
    this.place = at ?? this.place;
    for (const pane of this.panes) {
      pane.cross.hidden = at === null || pane.map === null;
      pane.readout.replaceChildren();
      if (pane.cross.hidden) continue;
      const { width, height } = pane.map;
      const x = clamped(Math.floor(at[0] * width), 0, width - 1);
      const y = clamped(Math.floor(at[1] * height), 0, height - 1);
      Object.assign(pane.cross.style, { left: `${100 * at[0]}%`, top: `${100 * at[1]}%` });
      pane.readout.append(...spoken(pane.map.at(x, y)));
    }
  }
}

function spoken(found) {
  if (found === null) return ["void"];
  const swatch = made("i", { className: "swatch" });
  swatch.style.background = `rgb(${found.color.join()})`;
  const name = made("strong", { textContent: shortName(found.name), title: found.name });
  const facts = [];
  if (found.part !== null) facts.push(shortName(found.part));
  if (found.thing && found.instance >= 0) facts.push(`instance ${found.instance}`);
  if (found.score !== null) facts.push(`score ${found.score.toFixed(2)}`);
  facts.push(found.outcome === "ignored" ? "not scored" : found.outcome.toUpperCase());
  if (found.iou !== null) facts.push(`IoU ${found.iou.toFixed(2)}`);
  return [swatch, name, ` ${facts.join(" · ")}`];
}

function made(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function clamped(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

const photos = new Map();

function photoOf(image) {
  if (!photos.has(image.id)) {
    const bytes = Uint8Array.from(atob(image.photo), (letter) => letter.charCodeAt(0));
    photos.set(image.id, URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" })));
  }
  return photos.get(image.id);
}
