// Lines over the last minutes. Draws with uPlot, which is loaded beside the modules; knows no server.

import { timeOfDay } from "./words.js";

/** How many seconds are shown. */
const SHOWN = 180;

/** Steps between labels: a second, or a microsecond, has no halves here. */
const STEPS = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

/** A chart of `lines` ([{name, color}], colours by the names of CSS variables). `format` is a value in words. */
export class Chart {
  #host;
  #lines;
  #format;
  #plot = null;
  #data;

  constructor(host, lines, format) {
    this.#host = host;
    this.#lines = lines;
    this.#format = format;
    this.#data = [[], ...lines.map(() => [])];
    new ResizeObserver(() => this.#resize()).observe(host);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.restyle());
  }

  /** The values of one second, in the order of the lines; null where there is none. */
  add(second, values) {
    const times = this.#data[0];
    if (times.length && second <= times.at(-1)) return;
    times.push(second);
    values.forEach((value, index) => this.#data[index + 1].push(value));
    while (times[0] < second - SHOWN) for (const column of this.#data) column.shift();
    this.draw();
  }

  clear() {
    for (const column of this.#data) column.length = 0;
    this.draw();
  }

  /** Shows what there is, if the chart is in sight. */
  draw() {
    if (this.#host.clientWidth === 0) return;
    if (!this.#plot) this.#make();
    const last = this.#data[0].at(-1) ?? Date.now() / 1000;
    this.#plot.batch(() => {
      this.#plot.setData(this.#data, false);
      this.#plot.setScale("x", { min: last - SHOWN, max: last });
    });
  }

  /** Takes over other colours. */
  restyle() {
    if (!this.#plot) return;
    this.#plot.destroy();
    this.#plot = null;
    this.draw();
  }

  #resize() {
    const width = this.#host.clientWidth;
    if (width === 0) return;
    if (!this.#plot) this.draw();
    else if (this.#plot.width !== width) this.#plot.setSize({ width, height: this.#host.clientHeight });
  }

  #make() {
    const color = this.#colors();
    const axis = { stroke: color("--text-2"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line"), width: 1 }, font: "12px system-ui" };
    const format = this.#format;
    this.#plot = new uPlot({
      width: this.#host.clientWidth,
      height: this.#host.clientHeight,
      legend: { show: false },
      cursor: { show: false },
      scales: { y: { range: (_plot, _min, max) => [0, Math.max(max ?? 0, 10) * 1.1] } },
      axes: [{ ...axis, space: 90, values: (_plot, ticks) => ticks.map((tick) => timeOfDay(tick * 1000).slice(0, 8)) }, { ...axis, size: 64, incrs: STEPS, values: (_plot, ticks) => ticks.map(format) }],
      series: [{}, ...this.#lines.map((line) => ({ label: line.name, stroke: color(line.color), width: 2, dash: line.dash, points: { show: true, size: 4, filter: alone }, spanGaps: false }))],
    }, this.#data, this.#host);
  }

  /** Canvas knows no CSS variables: the colours as they are computed here. */
  #colors() {
    const probe = document.createElement("span");
    this.#host.append(probe);
    const values = {};
    for (const name of ["--text-2", "--line", ...this.#lines.map((line) => line.color)]) {
      probe.style.color = `var(${name})`;
      values[name] = getComputedStyle(probe).color;
    }
    probe.remove();
    return (name) => values[name];
  }
}

/** The values without a neighbour, of which no line can be drawn. */
function alone(plot, series) {
  const values = plot.data[series];
  const isNone = (index) => values[index] === null || values[index] === undefined;
  return values.map((_, index) => index).filter((index) => !isNone(index) && isNone(index - 1) && isNone(index + 1));
}
