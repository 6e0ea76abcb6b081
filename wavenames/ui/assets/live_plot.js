// A Plotly chart that stays mounted through every rerun of the page. Streamlit calls the function exported here again
// whenever the figure or the theme changes; the first call makes the plot, all later ones hand it the new figure, so
// that zoom, pan and hidden traces (kept by Plotly under layout.uirevision) survive.

const charts = new WeakMap(); // the element that Streamlit gives us -> its chart
const touch = matchMedia("(pointer: coarse)");
const still = matchMedia("(prefers-reduced-motion: reduce)");
let library = null; // a promise of Plotly, shared by all charts of the page

// The library is a file of the plotly Python package, served beside this one. Its address carries its version, so a copy
// that the browser holds is good for ever; "force-cache" says so, since the server sends no lifetime.
async function loadPlotly(version) {
  const url = new URL(`../wavenames.plotly/plotly.min.js?v=${version}`, import.meta.url);
  const answer = await fetch(url, { cache: "force-cache" });
  if (!answer.ok) throw new Error(`the plotting library did not arrive (${answer.status})`);
  const source = URL.createObjectURL(new Blob([await answer.blob()], { type: "text/javascript" }));
  await new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = resolve;
    script.onerror = () => reject(new Error("the plotting library did not start"));
    document.head.append(script);
  });
  URL.revokeObjectURL(source);
  return window.Plotly;
}

function element(tag, className, parent) {
  const node = document.createElement(tag);
  node.className = className;
  parent.append(node);
  return node;
}

// Everything that a figure leaves open: colours and type come from the theme in use, so figures name neither.
function template(style) {
  const read = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  const text = read("--st-text-color", "#808080");
  const line = read("--st-border-color", "rgba(128, 128, 128, 0.3)");
  const clear = "rgba(0, 0, 0, 0)";
  const axis = {
    automargin: true, zeroline: false, gridcolor: line, gridwidth: 1, linecolor: line, ticks: "",
    title: { standoff: 10, font: { size: 13 } }, tickfont: { size: 12 },
  };
  return {
    layout: {
      paper_bgcolor: clear, plot_bgcolor: clear,
      font: { family: read("--st-font", "sans-serif"), size: 13, color: text },
      xaxis: { ...axis, showgrid: false, showline: true }, yaxis: axis,
      margin: { l: 48, r: 16, t: 28, b: 40 },
      legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", bgcolor: clear },
      hoverlabel: { bgcolor: read("--st-background-color", "#ffffff"), bordercolor: line, font: { family: read("--st-font", "sans-serif"), color: text } },
      modebar: { bgcolor: clear, color: text, activecolor: read("--st-primary-color", text) },
      colorway: ["#808080"],
      // A finger that drags over a chart means to scroll the page; zooming stands in the bar above the chart.
      dragmode: touch.matches ? false : "zoom",
    },
  };
}

// A frame says of each trace only what it changes.
function merged(base, change) {
  const whole = { ...base };
  for (const [name, value] of Object.entries(change)) {
    const both = [base[name], value].every((each) => each?.constructor === Object && !("bdata" in each));
    whole[name] = both ? merged(base[name], value) : value;
  }
  return whole;
}

function save(address, name) {
  const link = element("a", "", document.body);
  link.href = address;
  link.download = name;
  link.click();
  link.remove();
}

// The page's typeface with the font itself in it: a picture loads nothing.
async function typeface(family) {
  const sheets = [...document.styleSheets].filter((sheet) => !sheet.href || new URL(sheet.href).origin === location.origin);
  const faces = sheets.flatMap((sheet) => [...sheet.cssRules]).filter((rule) => rule instanceof CSSFontFaceRule
    && rule.style.fontStyle !== "italic" && family.startsWith(rule.style.fontFamily));
  return (await Promise.all(faces.map(async (rule) => {
    const [, address] = /url\("([^"]+)"\)/.exec(rule.style.getPropertyValue("src"));
    const font = await (await fetch(new URL(address, rule.parentStyleSheet.href ?? document.baseURI))).blob();
    const reader = new FileReader();
    await new Promise((resolve) => { reader.onload = resolve; reader.readAsDataURL(font); });
    return rule.cssText.replace(address, () => reader.result);
  }))).join("");
}

// An SVG as PNG, twice as fine as the screen.
async function png(svg, { width, height }) {
  const address = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  const image = new Image(width, height);
  image.src = address;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [2 * width, 2 * height];
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(address);
  return canvas.toDataURL();
}

const RIM = ["paint-order", "stroke", "stroke-width", "stroke-linejoin"]; // of a label: live_plot.css says what it is

// What a cell of a spreadsheet may hold: a number with the digits that it came with, or text that starts no formula.
function cell(value) {
  if (typeof value === "number") return Number.isNaN(value) ? "" : String(Number(value.toPrecision(7)));
  const text = String(value ?? "").replace(/^(?![+\-]?\d+(\.\d+)?$)[=+\-@\t\r]/, "'$&");
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// One line a point of what is drawn: its curve, where it lies, what is written there, how sure it is.
function table(traces, layout) {
  const axes = new Set(traces.map((trace) => trace.xaxis ?? "x"));
  const titled = (axis) => layout[axis]?.title?.text?.replaceAll("<br>", " ");
  const named = (axis, otherwise) => (axes.size === 1 && titled(axis)) || otherwise;
  const rows = [["series", named("xaxis", "x"), named("yaxis", "y"), "value", "text", "error"]];
  for (const trace of traces) {
    if (trace.visible !== true) continue;
    const { x = [], y = [], z, text, error_y } = trace;
    const gap = (i) => [x[i], y[i]].every((at) => at == null || Number.isNaN(at)); // where a line breaks off
    const said = (...at) => (Array.isArray(text) ? at.reduce((row, i) => row?.[i], text) : "");
    if (z) z.forEach((row, j) => row.forEach((v, i) => rows.push([trace.name, x[i] ?? i, y[j] ?? j, v, said(j, i), ""])));
    else for (let i = 0; i < x.length; i++) {
      if (!gap(i)) rows.push([trace.name, x[i], y[i], "", said(i), error_y?.visible ? error_y.array?.[i] : ""]);
    }
  }
  const used = rows[0].map((_, column) => column < 3 || rows.slice(1).some((row) => (row[column] ?? "") !== ""));
  return rows.map((row) => row.filter((_, column) => used[column]));
}

const SPEEDS = [0.5, 1, 2, 4];
const TICK = 500; // milliseconds that a frame stands at speed 1

// Play, scrub and speed for a chart with frames, all in the browser.
class Player {
  constructor(parent, onMove) {
    this.root = element("div", "wn-plot-player", parent);
    this.onMove = onMove;
    this.button = element("button", "", this.root);
    this.button.type = "button";
    this.button.onclick = () => (this.timer ? this.pause() : this.play());
    this.range = element("input", "", this.root);
    this.range.type = "range";
    this.range.min = 0;
    this.range.oninput = () => { this.pause(); this.go(Number(this.range.value)); };
    this.label = element("output", "", this.root);
    this.speed = element("select", "", this.root);
    this.speed.setAttribute("aria-label", "Speed");
    for (const speed of SPEEDS) this.speed.add(new Option(`${speed}×`, speed, speed === 1, speed === 1));
    this.frames = [];
    this.pause();
  }

  // New frames: who looked at the last one goes on looking at the last one.
  take(frames) {
    const atEnd = this.at === undefined || this.at === this.frames.length - 1;
    this.frames = frames;
    this.root.hidden = frames.length === 0;
    this.range.max = Math.max(frames.length - 1, 0);
    if (frames.length === 0) { this.at = undefined; this.pause(); } else this.point(atEnd ? frames.length - 1 : Math.min(this.at, frames.length - 1));
  }

  point(at) {
    this.at = at;
    this.range.value = at;
    this.label.textContent = this.frames[at].label;
    this.range.setAttribute("aria-label", "Frame");
    this.range.setAttribute("aria-valuetext", this.frames[at].label);
  }

  go(at, ease = 0) {
    this.point(at);
    this.onMove(ease);
  }

  play() {
    if (this.at === this.frames.length - 1) this.go(0);
    const next = () => {
      if (this.at >= this.frames.length - 1) {
        this.pause();
        return this.onMove(0); // what was given meanwhile for this last frame has not been drawn
      }
      const stay = TICK / Number(this.speed.value);
      this.go(this.at + 1, stay);
      this.timer = setTimeout(next, stay);
    };
    this.timer = setTimeout(next, TICK / Number(this.speed.value));
    this.button.textContent = "Pause";
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = null;
    this.button.textContent = "Play";
  }
}

class Chart {
  constructor(parent) {
    this.root = element("figure", "wn-plot", parent);
    this.plot = element("div", "wn-plot-area", this.root);
    this.player = new Player(this.root, (ease) => this.turn(ease));
    this.beside = element("div", "wn-plot-beside", this.root);
    const line = element("div", "wn-plot-line", this.root);
    const twin = element("details", "wn-plot-text", line);
    element("summary", "", twin).textContent = "As text";
    this.words = element("p", "", twin);
    this.words.tabIndex = 0; // long ones scroll, by the keys too
    for (const [label, what] of [["Picture", () => this.picture()], ["Data", () => this.data()]]) {
      const button = element("button", "", line);
      button.type = "button";
      button.textContent = label;
      button.onclick = what;
    }
    this.said = element("span", "wn-plot-said", this.root); // what the keys walk over, for a screen reader
    this.said.setAttribute("aria-live", "polite");
    this.next = null; // the figure that waits to be drawn
    this.drawing = false;
    this.gone = false; // taken off the page
    this.held = false; // a button is down on the plot: a redraw would break the zoom box
    this.plot.addEventListener("pointerdown", () => { this.held = true; });
    this.release = () => { this.held = false; setTimeout(() => this.draw()); };
    addEventListener("pointerup", this.release);
    addEventListener("pointercancel", this.release);
    this.resize = new ResizeObserver(() => {
      if (this.made && this.plot.clientWidth > 0) this.fit();
    });
    this.resize.observe(this.plot);
  }

  update(data, clicked) {
    this.clicked = data.clickable ? clicked : null;
    this.given = data;
    this.player.take(data.frames ?? []);
    const name = data.text.split("\n", 1)[0];
    this.root.setAttribute("aria-label", name);
    this.plot.style.height = `${data.height}px`;
    this.plot.classList.toggle("wn-clickable", data.clickable);
    if (data.clickable) {
      this.plot.tabIndex = 0;
      this.plot.setAttribute("role", "group");
      this.plot.setAttribute("aria-label", `${name}: arrow keys move, Enter chooses`);
    } else for (const attribute of ["tabindex", "role", "aria-label"]) this.plot.removeAttribute(attribute);
    if (!this.player.timer) this.turn(0); // while it plays, the next frame is drawn from what was given now
  }

  // Draw what was given, as the frame that the player stands at has it; `ease` milliseconds are taken to move there.
  turn(ease) {
    const frame = this.given.frames?.[this.player.at];
    this.words.textContent = frame?.text || this.given.text;
    this.root.classList.toggle("wn-with-beside", Boolean(frame?.html));
    this.beside.innerHTML = frame?.html ?? ""; // made and escaped on our server
    const traces = frame ? this.given.traces.map((trace, i) => merged(trace, frame.traces[i] ?? {})) : this.given.traces;
    const moves = ease && !still.matches ? { transition: { duration: 0.8 * ease, easing: "linear" } } : {};
    this.next = { ...this.given, traces, layout: { ...this.given.layout, ...moves } };
    this.draw();
  }

  async picture() {
    if (!this.made) return;
    const style = getComputedStyle(this.root);
    const ground = style.getPropertyValue("--st-background-color").trim() || "#ffffff";
    const words = this.root.getAttribute("aria-label").replaceAll("&", "&amp;").replaceAll("<", "&lt;");
    const layout = { ...structuredClone(this.plot.layout), paper_bgcolor: ground, plot_bgcolor: ground };
    layout.title = { text: words, x: 0.01, xanchor: "left", y: 0.99, yanchor: "top", font: { size: 14 } };
    layout.margin = { ...layout.margin, t: (layout.margin?.t ?? 28) + 28 };
    const size = { width: this.plot.clientWidth, height: this.plot.clientHeight + 28 };
    layout.width = size.width;
    layout.height = size.height;
    const drawn = { data: structuredClone(this.plot.data), layout };
    // The styles of the page end at the picture's edge: it takes along the rim of labels and the font.
    const label = this.plot.querySelector(".annotation-text");
    const look = label ? RIM.map((name) => `${name}: ${getComputedStyle(label).getPropertyValue(name)};`).join(" ") : "";
    const styles = `<style>.annotation-text { ${look} } ${await typeface(style.getPropertyValue("--st-font"))}</style>`;
    const address = await this.Plotly.toImage(drawn, { format: "svg", ...size });
    const svg = decodeURIComponent(address.slice(address.indexOf(",") + 1)).replace(">", () => `>${styles}`);
    save(await png(svg, size), `${this.file()}.png`);
  }

  data() {
    if (!this.made) return;
    const rows = this.given.rows ?? table(this.plot._fullData, this.given.layout);
    const text = rows.map((row) => row.map(cell).join(",")).join("\n");
    const address = URL.createObjectURL(new Blob([`${text}\n`], { type: "text/csv;charset=utf-8" }));
    save(address, `${this.file()}.csv`);
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  file() {
    const name = this.root.getAttribute("aria-label").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60);
    return name.replace(/^-|-$/g, "") || "chart";
  }

  async draw() {
    if (!this.next || this.drawing || this.held) return;
    this.drawing = true;
    try {
      library ??= loadPlotly(this.next.plotly);
      this.Plotly = await library;
      while (this.next && !this.held && !this.gone) {
        const data = this.next;
        this.next = null;
        await this.show(data);
      }
    } catch (error) {
      if (!this.Plotly) library = null; // the next figure asks for the library again
      if (!this.made) this.plot.textContent = `This chart could not be drawn: ${error.message}.`;
      console.error(error);
    } finally {
      this.drawing = false;
      if (this.gone) this.purge();
    }
  }

  async fit() {
    const top = this.plot._fullLayout._size.t;
    await this.Plotly.Plots.resize(this.plot);
    if (this.gone || this.plot._fullLayout._size.t === top) return;
    // Of a legend that takes fewer lines than before Plotly gives back the margin, but leaves it where it was.
    this.shown = null;
    this.turn(0);
  }

  async show(data) {
    // Plotly writes into what it is given, and Streamlit hands the same object again when only the theme changed.
    const { traces, layout } = structuredClone({ traces: data.traces, layout: data.layout });
    layout.height = data.height;
    layout.autosize = true;
    layout.template = template(getComputedStyle(this.root));
    const figure = JSON.stringify([traces, layout]);
    if (figure === this.shown) return; // a look at a run that has nothing new to show
    const zooms = !(layout.xaxis?.fixedrange && layout.yaxis?.fixedrange);
    const options = {
      displaylogo: false, responsive: false, displayModeBar: zooms && (touch.matches || "hover"), doubleClick: "reset",
      modeBarButtons: [touch.matches ? ["zoomIn2d", "zoomOut2d", "resetScale2d"] : ["zoom2d", "pan2d", "resetScale2d"]],
    };
    if (this.made) {
      // Of axes with one scale Plotly would go on to show the first range that it was given, where a later one is smaller.
      for (const [name, axis] of Object.entries(this.plot._fullLayout)) if (/^[xy]axis/.test(name)) axis._inputRange = null;
      await this.Plotly.react(this.plot, traces, layout, options);
      this.shown = figure;
      return;
    }
    this.plot.textContent = "";
    await this.Plotly.newPlot(this.plot, traces, layout, options);
    this.made = true;
    this.shown = figure;
    this.plot.on("plotly_click", (event) => this.choose(event.points[0]));
    this.plot.on("plotly_hover", (event) => this.light(event.points[0]));
    this.plot.on("plotly_unhover", () => this.light(null));
    this.plot.addEventListener("keydown", (event) => this.key(event));
  }

  // The lines of the point that the pointer is on, if the chart has any.
  light(at) {
    const { points, drawn, lines } = this.given.pointed ?? {};
    if (drawn === undefined) return;
    const [x, y] = (at?.curveNumber === points && lines[at.pointNumber]) || [[], []];
    if (this.plot.data[drawn].x.length || x.length) this.Plotly.restyle(this.plot, { x: [x], y: [y] }, [drawn]);
  }

  choose(point) {
    if (point?.customdata != null) this.clicked?.(point.customdata); // a cell of a heat map may have nothing to choose
  }

  // What the keys walk over: the points of the first trace, row by row the cells of a heat map that can be chosen.
  points() {
    const trace = this.plot._fullData?.[0];
    if (trace?.type !== "heatmap") return (this.plot.calcdata?.[0] ?? []).map((_, i) => i);
    const cells = trace.z.flatMap((row, j) => Array.from(row, (_, i) => [j, i]));
    return cells.filter(([j, i]) => trace.customdata?.[j]?.[i] != null);
  }

  // Arrow keys walk along the first trace of a clickable chart, Enter or Space chooses, as a click would.
  key(event) {
    const points = this.points();
    if (!this.clicked || event.target !== this.plot || points.length === 0) return;
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) {
      this.at = this.at === undefined ? 0 : (this.at + step + points.length) % points.length;
      const at = points[this.at];
      this.Plotly.Fx.hover(this.plot, [{ curveNumber: 0, pointNumber: at }]);
      const { x, y, text, hovertext } = this.plot._fullData[0];
      const point = () => hovertext?.[at] ?? `${x[at]}: ${Number(y[at]).toPrecision(3)}`;
      this.said.textContent = Array.isArray(at) ? text[at[0]][at[1]] : point();
    } else if ((event.key === "Enter" || event.key === " ") && this.at !== undefined) {
      const at = points[this.at];
      const { customdata } = this.plot.data[0];
      this.choose({ customdata: Array.isArray(at) ? customdata[at[0]][at[1]] : customdata?.[at] });
    } else return;
    event.preventDefault();
  }

  remove() {
    removeEventListener("pointerup", this.release);
    removeEventListener("pointercancel", this.release);
    this.resize.disconnect();
    this.player.pause();
    this.gone = true;
    if (!this.drawing) this.purge(); // else when the drawing is done: Plotly draws in steps and needs its plot to the end
    this.root.remove();
  }

  purge() {
    if (this.made) this.Plotly.purge(this.plot);
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (!charts.has(parentElement)) charts.set(parentElement, new Chart(parentElement));
  const chart = charts.get(parentElement);
  chart.update(data, (value) => setTriggerValue("clicked", value));
  return () => {
    // Streamlit also calls this, with the chart in place, for a call that a newer figure overtook on its way here.
    if (parentElement.isConnected) return;
    charts.delete(parentElement);
    chart.remove();
  };
}
