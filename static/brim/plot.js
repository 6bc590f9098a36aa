// The reservoir plot. Numbers come from the page's own data block; colours from the style sheet.
"use strict";

(() => {
  const box = document.getElementById("plot");
  const source = document.getElementById("plot-data");
  if (!box || !source || !window.uPlot) return;
  const data = JSON.parse(source.textContent);
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const inZone = (seconds) => uPlot.tzDate(new Date(seconds * 1e3), data.timezone);

  const fade = (hex, opacity) => hex + Math.round(opacity * 255).toString(16).padStart(2, "0");
  const expected = colour("--plot-expected");
  const number = (_, value) => (value == null ? "–" : value.toFixed(1) + " mL");
  // The month in a word, as everywhere else: 4/12 is two days in two countries.
  const days = new Intl.DateTimeFormat("en-GB", { timeZone: data.timezone, day: "numeric", month: "short" });
  const years = new Intl.DateTimeFormat("en-GB", { timeZone: data.timezone, year: "numeric" });
  const dated = (_, ticks) => ticks.map((tick, place) => {
    const [at, before] = [tick, ticks[place - 1]].map((seconds) => new Date((seconds ?? 0) * 1e3));
    return days.format(at) + (years.format(at) === years.format(before) ? "" : "\n" + years.format(at));
  });
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };

  function marker(plot, seconds, paint, dash) {
    if (seconds == null) return;
    const x = Math.round(plot.valToPos(seconds, "x", true));
    const { ctx, bbox } = plot;
    if (x < bbox.left || x > bbox.left + bbox.width) return;
    ctx.save();
    ctx.strokeStyle = paint;
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.setLineDash(dash);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  }

  // What else happened: a short stroke at the foot for each; the table beneath says what.
  function strokes(plot, moments) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = colour("--ink");
    ctx.lineWidth = 2 * devicePixelRatio;
    for (const seconds of moments) {
      const x = Math.round(plot.valToPos(seconds, "x", true));
      ctx.beginPath();
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x, bbox.top + bbox.height - 9 * devicePixelRatio);
      ctx.stroke();
    }
    ctx.restore();
  }

  const options = {
    width: box.clientWidth,
    height: box.clientHeight,
    tzDate: inZone,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { y: { range: [0, data.reservoir_ml * 1.05] } },
    axes: [{ ...axis, space: 70, values: dated }, { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => tick + " mL") }],
    series: [
      {},
      { label: "high", stroke: "transparent", points: { show: false } },
      { label: "low", stroke: "transparent", points: { show: false } },
      { label: "programmed", stroke: colour("--plot-programmed"), width: 1.5, dash: [6, 4], points: { show: false }, value: number },
      { label: "expected", stroke: expected, width: 2.5, points: { show: false }, value: number },
      { label: "low level", stroke: colour("--low-bg"), width: 1.5, dash: [2, 4], points: { show: false } },
      { label: "read", stroke: "transparent", paths: () => null, points: { show: true, size: 9, fill: colour("--surface"), stroke: colour("--ink"), width: 2 } },
      { label: "aspirated", stroke: "transparent", paths: () => null, points: { show: true, size: 8, fill: colour("--ink"), stroke: colour("--surface"), width: 1.5 } },
    ],
    bands: [{ series: [1, 2], fill: fade(expected, 0.22) }],
    hooks: {
      draw: [
        (plot) => {
          marker(plot, data.now, colour("--muted"), []);
          marker(plot, data.refill_by, colour("--past-bg"), []);
          strokes(plot, data.entries);
        },
      ],
    },
  };
  const columns = [
    data.at, data.high, data.low, data.programmed, data.expected,
    data.at.map(() => data.low_level_ml), data.read, data.measured,
  ];
  const plot = new uPlot(options, columns, box);
  new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: box.clientHeight })).observe(box);
})();
