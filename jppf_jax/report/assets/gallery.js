"use strict";
// The gallery: which images are listed, the image that is shown, and its controls.

const LAYERS = ["photo", "semantic", "instance", "part", "difference"];
const LAYER_NAMES = ["Photo", "Classes", "Instances", "Parts", "Differences"];

class Gallery {
  constructor(root, report) {
    this.report = report;
    this.viewer = new Viewer(report);
    this.listed = [];
    this.current = null;
    this.strip = made("div", { className: "strip" });
    this.strip.addEventListener("scroll", () => this.fade(), { passive: true });
    new ResizeObserver(() => this.fade()).observe(this.strip);
    this.heading = made("h3", { className: "image-name" });
    this.count = made("span", { className: "muted" });
    this.segments = made("div", { className: "segments" });
    root.append(
      this.choices(),
      this.strip,
      this.headline(),
      this.toolbar(),
      made("p", {
        className: "muted note",
        textContent:
          "Each instance has a shade of the colour of its class, each part a colour of its own.",
      }),
      this.viewer.element,
      this.legend(),
      this.segments,
      made("p", {
        className: "muted keys",
        textContent:
          "Keys: ← → image, 1–5 layers, + − zoom, 0 whole image. In a picture, which Tab or a click " +
          "reaches, the arrows move a crosshair (with Shift by 10 pixels), and Escape leaves. Ctrl + " +
          "wheel or double click zooms, dragging moves.",
      }),
    );
    this.visible = false;
    const watch = new IntersectionObserver(([entry]) => (this.visible = entry.isIntersecting));
    watch.observe(root);
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("click", (event) => this.followLink(event));
    this.list();
  }

  choices() {
    const { spec, images } = this.report;
    const occurring = new Set(images.flatMap((image) => Object.keys(image.classes)));
    const classes = spec.classes.map(({ name }, id) => [String(id), shortName(name)]);
    const orders = [["worst", "worst first"], ["best", "best first"], ["name", "by name"]];
    if (images.some(({ change }) => change !== null)) orders.push(["change", "changed most"]);
    const [chosen, class_] = choice("Class", [
      ["", "all classes"],
      ...classes.filter(([id]) => occurring.has(id)),
    ]);
    const [wanted, outcome] = choice("Segments", [["", "all"], ["fp", "FP only"], ["fn", "FN only"]]);
    const [sorted, order] = choice("Order", orders);
    this.controls = { class_, outcome, order };
    for (const select of [class_, outcome, order]) {
      select.addEventListener("change", () => this.list());
    }
    return made("div", { className: "controls" }, chosen, wanted, sorted, this.count);
  }

  headline() {
    const step = (text, name, by) => {
      const button = made("button", { type: "button", textContent: text, title: name });
      button.setAttribute("aria-label", name);
      button.addEventListener("click", () => this.step(by));
      return button;
    };
    const buttons = [step("←", "previous image", -1), step("→", "next image", 1)];
    return made("div", { className: "headline" }, this.heading, ...buttons);
  }

  toolbar() {
    this.layerButtons = LAYERS.map((layer, place) =>
      toggle(LAYER_NAMES[place], this.viewer.layers.has(layer), (on) => this.layer(layer, on)),
    );
    this.layerButtons.forEach((button, place) => (button.dataset.layer = LAYERS[place]));
    const panes = this.viewer.panes.map(({ key, title, figure }) => {
      const button = toggle(title, !figure.hidden, (on) => this.viewer.switchPane(key, on));
      button.dataset.shows = key;
      return button;
    });
    const opacity = made("input", { type: "range", min: 0, max: 100, value: 65 });
    opacity.addEventListener("input", () => {
      this.viewer.opacity = opacity.value / 100;
      this.viewer.paint();
    });
    const level = made("span", { className: "level", textContent: "100 %" });
    this.viewer.onzoom = (scale) => (level.textContent = `${Math.round(100 * scale)} %`);
    const zoom = (text, name, act) => {
      const button = made("button", { type: "button", textContent: text, title: name });
      button.setAttribute("aria-label", name);
      button.addEventListener("click", act);
      return button;
    };
    const group = (name, ...children) => {
      const element = made("div", { className: "group" }, ...children);
      element.setAttribute("role", "group");
      element.setAttribute("aria-label", name);
      return element;
    };
    return made(
      "div",
      { className: "toolbar" },
      group("layers", ...this.layerButtons),
      group("panes", ...panes),
      made(
        "div",
        { className: "together" }, // they wrap as one
        group("opacity", made("label", {}, "Opacity ", opacity)),
        group(
          "zoom",
          zoom("−", "zoom out", () => this.viewer.zoomBy(0.5)),
          level,
          zoom("+", "zoom in", () => this.viewer.zoomBy(2)),
        ),
      ),
    );
  }

  legend() {
    const entries = Object.values(ERRORS).map(({ text, color, stripe = color }) => {
      const swatch = made("i", { className: "swatch" });
      const [first, second] = [color, stripe].map((one) => `rgb(${one.join()})`);
      swatch.style.background = `repeating-linear-gradient(135deg, ${first} 0 2px, ${second} 2px 4px)`;
      return made("span", {}, swatch, text);
    });
    this.errors = made("p", { className: "legend", hidden: true }, ...entries);
    return this.errors;
  }

  layer(layer, on) {
    this.viewer.layers[on ? "add" : "delete"](layer);
    this.errors.hidden = !this.viewer.layers.has("difference");
    this.viewer.paint();
  }

  // Lists the images that the choices leave, and shows the first.
  list() {
    const { class_, outcome, order } = this.controls;
    const filter = { class: class_.value === "" ? null : Number(class_.value) };
    filter.outcome = outcome.value || null;
    Object.assign(this.viewer.filter, filter);
    const count = { fp: 2, fn: 3 }[filter.outcome];
    const rows = ({ classes }) =>
      filter.class === null ? Object.values(classes) : [classes[filter.class] ?? []];
    const kept = this.report.images.filter((image) =>
      rows(image).some((row) => (count === undefined ? row.length : row[count] > 0)),
    );
    const score = (image, unknown) => this.scoreOf(image) ?? unknown; // which comes last
    const orders = {
      worst: (a, b) => score(a, 2) - score(b, 2),
      best: (a, b) => score(b, -1) - score(a, -1),
      name: (a, b) => a.id.localeCompare(b.id),
      change: (a, b) => Math.abs(b.change ?? 0) - Math.abs(a.change ?? 0),
    };
    const all = this.report.images.length;
    this.listed = kept.sort(orders[order.value]);
    this.count.textContent = `${kept.length} of ${all === 1 ? "1 image" : `${all} images`}`;
    this.strip.replaceChildren(...this.listed.map((image) => this.thumbnail(image)));
    this.fade();
    this.open(this.listed[0] ?? null);
  }

  // Thumbnails fade at the ends where more of them are hidden.
  fade() {
    const { scrollLeft, scrollWidth, clientWidth, style } = this.strip;
    const hidden = { left: scrollLeft, right: scrollWidth - clientWidth - scrollLeft };
    for (const [end, pixels] of Object.entries(hidden)) {
      style.setProperty(`--${end}`, `${Math.min(Math.max(pixels, 0), 32)}px`);
    }
  }

  // The quality of an image, or that of the chosen class in it.
  scoreOf(image) {
    const class_ = this.viewer.filter.class;
    return class_ === null ? image.score : (image.classes[class_]?.[0] ?? null);
  }

  thumbnail(image) {
    const score = percent(this.scoreOf(image));
    const picture = made("span", { className: "thumb" });
    if (image.photo !== null) {
      picture.append(made("img", { src: photoOf(image), alt: "", loading: "lazy" }));
    }
    const text = made("span", { textContent: score });
    const button = made("button", { type: "button", title: image.id }, picture, text);
    button.setAttribute("aria-label", `${image.id}, ${this.report.quality} ${score}`);
    button.addEventListener("click", () => this.open(image));
    button.image = image;
    return button;
  }

  async open(image) {
    this.current = image;
    for (const button of this.strip.children) {
      const isCurrent = button.image === image;
      button.setAttribute("aria-current", isCurrent);
      if (isCurrent) {
        this.strip.scrollLeft = button.offsetLeft - (this.strip.clientWidth - button.clientWidth) / 2;
      }
    }
    this.viewer.element.hidden = image === null;
    this.heading.textContent = image === null ? "No image is left by these choices." : image.id;
    this.segments.replaceChildren();
    if (image === null) return;
    const about = made("span", { className: "muted" });
    about.textContent = ` ${this.report.quality} ${percent(image.score)}`;
    if (image.change !== null) {
      const points = Math.abs(100 * image.change).toFixed(1);
      const sign = Number(points) === 0 ? "±" : image.change > 0 ? "+" : "−";
      about.textContent += `, changed by ${sign}${points}`;
    }
    this.heading.append(about);
    await this.viewer.show(image);
    if (this.current === image) this.segments.replaceChildren(...this.mistakes());
  }

  // The segments of the image that the choices leave: false and missed ones as buttons.
  mistakes() {
    const { main, spec } = this.report;
    const { class: class_, outcome } = this.viewer.filter;
    const of = (key, kind) => {
      if (outcome !== null && outcome !== kind) return [];
      const segments = this.viewer.mapOf(key).segments.map((one, place) => ({ ...one, key, place }));
      return segments
        .filter((one) => one.outcome === kind && (class_ === null || one.class === class_))
        .sort((a, b) => b.area - a.area)
        .map((one) => this.mistake(one, spec.classes[one.class]));
    };
    const groups = [["False positives", of(main, "fp")], ["Missed", of("truth", "fn")]];
    return groups
      .filter(([, buttons]) => buttons.length)
      .map(([title, buttons]) =>
        made("div", {}, made("h4", { textContent: `${title} (${buttons.length})` }), ...buttons),
      );
  }

  mistake(segment, { name, color }) {
    const swatch = made("i", { className: "swatch" });
    swatch.style.background = `rgb(${color.join()})`;
    const score = segment.score === null ? "" : ` ${segment.score.toFixed(2)}`;
    const choose = (on) => {
      for (const other of this.segments.querySelectorAll("button")) {
        if (other !== button) other.setAttribute("aria-pressed", false);
      }
      this.viewer.choose(on ? segment : null);
    };
    const button = toggle("", false, choose);
    const shown = shortName(name);
    const whole = shown === name ? "" : `${name}, `;
    button.title = `${whole}${segment.area} pixels, best IoU ${segment.iou.toFixed(2)}`;
    button.append(swatch, `${shown}${score}`);
    return button;
  }

  step(by) {
    const place = this.listed.indexOf(this.current) + by;
    if (place >= 0 && place < this.listed.length) this.open(this.listed[place]);
  }

  key(event) {
    const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.defaultPrevented) return; // a pane took it
    if (!this.visible || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      ArrowLeft: () => this.step(-1),
      ArrowRight: () => this.step(1),
      "+": () => this.viewer.zoomBy(2),
      "-": () => this.viewer.zoomBy(0.5),
      0: () => this.viewer.setZoom({ scale: 1, x: 0, y: 0 }),
    };
    const layer = this.layerButtons[Number(event.key) - 1];
    const act = layer ? () => layer.click() : acts[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  }

  followLink(event) {
    const id = event.target.closest("[data-image]")?.dataset.image;
    const image = this.report.images.find((one) => one.id === id);
    if (image === undefined) return;
    this.open(image);
    document.getElementById("images").scrollIntoView();
  }
}

function choice(name, options) {
  const select = made("select");
  for (const [value, text] of options) select.append(new Option(text, value));
  return [made("label", {}, `${name} `, select), select];
}

function toggle(text, isOn, act) {
  const button = made("button", { type: "button", textContent: text, className: "toggle" });
  button.setAttribute("aria-pressed", isOn);
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", on);
    act(on);
  });
  return button;
}

function percent(value) {
  return value === null ? "–" : (100 * value).toFixed(1);
}

const gallery = document.getElementById("gallery"); // none if the page shows no images
if (gallery !== null) {
  new Gallery(gallery, JSON.parse(document.getElementById("report-data").textContent));
}
