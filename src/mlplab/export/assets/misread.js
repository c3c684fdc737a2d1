// Misread: what was drawn beside what was meant. Everything here is measured or tried, not guessed.

const N_TRIED = 6;
const MEANS = picturesOf(reader.data.means);

// name -> [label, how to write a value, what less is called, what more is called]
const SAID = {
  stroke_width: ["Stroke width", (x) => `${x.toFixed(1)} px`, "thinner strokes", "thicker strokes"],
  darkness: ["Field inked", (x) => `${(100 * x).toFixed(0)} %`, "less ink", "more ink"],
  aspect: ["Width / height", (x) => x.toFixed(2), "narrower", "wider"],
  lean: ["Lean to the right", (x) => `${x < 0 ? "−" : ""}${Math.abs(x).toFixed(0)}°`, "leaning further left", "leaning further right"],
  pieces: ["Separate pieces", String, "fewer pieces", "more pieces"],
  loops: ["Closed loops", String, "fewer closed loops", "more closed loops"],
};

function gauge([low, high], value, [from, to]) {
  const svg = (tag, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, each] of Object.entries(attributes)) element.setAttribute(name, each);
    return element;
  };
  const x = (v) => 4 + (104 * (v - from)) / (to - from || 1);
  const picture = svg("svg", { class: "gauge", viewBox: "0 0 112 20", "aria-hidden": "true" });
  picture.append(
    svg("line", { class: "line", x1: 2, x2: 110, y1: 10, y2: 10 }),
    svg("rect", { class: "band", x: x(low) - 2, width: x(high) - x(low) + 4, y: 6, height: 8, rx: 2 }),
    svg("rect", { class: "at", x: x(value) - 1.5, width: 3, y: 1, height: 18, rx: 1 }),
  );
  return picture;
}

function measureRow(name, value, meant) {
  const [label, write] = SAID[name];
  const usual = reader.data.usual[name];
  const [low, high] = usual[meant];
  const all = [value, ...usual.flat()];
  const row = make("tr", { class: value < low || value > high ? "out" : "in" },
    make("th", { scope: "row" }, label),
    make("td", { class: "n" }, write(value)),
    make("td", {}, low === high ? write(low) : `${write(low)} to ${write(high)}`));
  row.append(make("td", {}, gauge([low, high], value, [Math.min(...all), Math.max(...all)])));
  return row;
}

function unusual(measures, meant) {
  return Object.entries(measures).flatMap(([name, value]) => {
    const [low, high] = reader.data.usual[name][meant];
    if (value >= low && value <= high) return [];
    return [SAID[name][value < low ? 2 : 3]];
  });
}

function showMeasures(bytes, meant) {
  const measures = reader.measure(bytes);
  const found = unusual(measures, meant);
  const name = CLASSES[meant];
  byId("unusual").textContent = found.length
    ? `Unusual for ${name}: ${found.join(", ")}.`
    : `Nothing measured is unusual for ${name}.`;
  byId("measures-caption").textContent = `Usual: where nine in ten training pictures of ${name} lie (the grey bar).`;
  byId("measures").replaceChildren(
    ...Object.entries(measures).map(([each, value]) => measureRow(each, value, meant)));
}

function changeShown({ name, bytes, answer, probabilities }, meant) {
  const canvas = make("canvas", { role: "img" });
  paintBytes(canvas, bytes, name);
  return make("li", { class: answer === meant ? "good" : "same" }, canvas,
    make("span", {}, make("b", {}, name),
      `reads ${CLASSES[answer]}; ${CLASSES[meant]} ${percent(probabilities[meant])}`));
}

function showTried(bytes, reading, meant) {
  const tried = reader.changes(bytes).sort((a, b) => b.probabilities[meant] - a.probabilities[meant]);
  const good = tried.filter(({ answer }) => answer === meant).length;
  const name = CLASSES[meant];
  const so = reading.answer === meant ? "still read" : "read";
  byId("tried").textContent =
    `${tried.length} small changes of the picture were tried: with ${good} of them it is ${so} as ${name}. ` +
    "Those with most for it first:";
  byId("changes").replaceChildren(...tried.slice(0, N_TRIED).map((each) => changeShown(each, meant)));
}

function showPictures(bytes, values, a, meant) {
  const [answer, name] = [CLASSES[a], CLASSES[meant]];
  const mean = MEANS[meant];
  paintBytes(byId("why-seen"), bytes, "What the network sees");
  paintBytes(byId("why-mean"), mean, `The mean of all training pictures of ${name}`);
  paintSigned(byId("why-lack"), Array.from(bytes, (byte, k) => byte - mean[k]),
    `Your picture minus the mean ${name}`);
  const { margin, pixels } = reader.explain(values, a, meant);
  paintSigned(byId("why-spoken"), pixels, `Pixels that spoke for ${answer} rather than ${name}`);
  byId("why-mean-text").replaceChildren(make("b", {}, `The mean ${name}`), " of the training pictures");
  byId("why-lack-text").replaceChildren(make("b", {}, "The difference: "),
    make("i", { class: "for" }, "blue"), ` where you have ink that the mean ${name} has not, `,
    make("i", { class: "against" }, "orange"), " where you lack it");
  byId("why-spoken-text").replaceChildren(make("b", {}, `${answer} rather than ${name}: `),
    make("i", { class: "for" }, "blue"), " spoke for it, ",
    make("i", { class: "against" }, "orange"), ` against it; margin ${signed(margin)}`);
}

// `shrunk` is how the drawing would be read without framing; null for a test picture.
function showMisread({ bytes, values, reading, shrunk }, chosen) {
  byId("why").hidden = !reading;
  if (!reading) {
    byId("misread-text").textContent = "Draw first, or choose a test picture.";
    return;
  }
  const { answer, probabilities } = reading;
  const meant = chosen ?? runnerUp(reading);
  const right = meant === answer;
  const a = right ? runnerUp(reading) : answer;
  const said = `${CLASSES[answer]}, ${percent(probabilities[answer])}`;
  const beside = `${CLASSES[meant]} is given ${percent(probabilities[meant])}`;
  byId("misread-text").textContent = [
    right ? `It is read as what you drew: ${said}. Beside it stands the runner-up, ${CLASSES[a]}.`
      : chosen === null ? `It is read as ${said}. Not what you drew? Say what it was; until then the runner-up stands in: ${beside}.`
        : `It is read as ${said}; ${beside}.`,
    shrunk ? `Only shrunk to ${HEIGHT} × ${WIDTH}, without framing, the same drawing would be read as ${CLASSES[shrunk.answer]}, ${percent(shrunk.probabilities[shrunk.answer])}.` : "",
  ].join(" ");
  showPictures(bytes, values, right ? meant : answer, right ? a : meant);
  showMeasures(bytes, meant);
  showTried(bytes, reading, meant);
}
