"use strict";
// Shows the numbers of a chart where one points at it. The page is complete
// without.
const times = JSON.parse(document.getElementById("times").textContent).ms;

function number(value, step, units) {
	let unit = 0;
	while (Math.abs(value) >= 999.5 && unit + 1 < units.length) {
		value /= step;
		unit++;
	}
	const size = Math.abs(value);
	const digits = size >= 99.95 || size < 0.005 ||
		unit === 0 && Number.isInteger(value) ? 0 : size >= 9.995 ? 1 : 2;
	return (value.toFixed(digits) + " " + units[unit]).trim();
}

const units = {
	"bytes": value => number(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]),
	"per second": value => number(value, 1000, ["", "k", "M", "G"]) + "/s",
};

// Index of the time closest to ms.
function closest(ms) {
	let low = 0, high = times.length - 1;
	while (high - low > 1) {
		const middle = (low + high) >> 1;
		if (times[middle] > ms)
			high = middle;
		else
			low = middle;
	}
	return ms - times[low] < times[high] - ms ? low : high;
}

function row(text, value, colour) {
	const line = document.createElement("div");
	const number = document.createElement("b");
	if (colour !== undefined) {
		const swatch = document.createElement("i");
		swatch.className = "s" + colour;
		line.append(swatch);
	}
	number.textContent = value;
	line.append(text, number);
	return line;
}

for (const figure of document.querySelectorAll("figure.chart")) {
	const chart = JSON.parse(figure.querySelector("script").textContent);
	const svg = figure.querySelector("svg");
	const cursor = svg.querySelector(".cursor");
	const tip = document.createElement("div");
	const first = times[0], span = times[times.length - 1] - first || 1;
	const order = chart.series.map((series, i) => i);

	if (figure.querySelector(".area"))
		order.reverse();
	tip.className = "tip";
	tip.hidden = true;
	figure.append(tip);
	svg.addEventListener("pointermove", event => {
		const box = svg.getBoundingClientRect();
		const x = (event.clientX - box.left) / box.width * chart.width;
		const part = (x - chart.left) / (chart.right - chart.left);
		const at = closest(first + Math.min(Math.max(part, 0), 1) * span);
		const place = times.length > 1 ? (times[at] - first) / span : 0.5;
		const line = chart.left + place * (chart.right - chart.left);

		cursor.setAttribute("transform", "translate(" + line + " 0)");
		cursor.style.visibility = "visible";
		tip.replaceChildren(row("after", (times[at] / 1000).toFixed(1) + " s"),
			...order.map(i => row(chart.series[i].name,
				units[chart.unit](chart.series[i].values[at]), i)));
		tip.hidden = false;
		tip.style.top = svg.offsetTop + "px";
		tip.style.left = "0";
		const left = svg.offsetLeft + line / chart.width * box.width;
		const right = left + 12 + tip.offsetWidth > figure.clientWidth;
		tip.style.left = Math.max(4, right ? left - 12 - tip.offsetWidth :
			left + 12) + "px";
	});
	svg.addEventListener("pointerleave", () => {
		cursor.style.visibility = "hidden";
		tip.hidden = true;
	});
}
