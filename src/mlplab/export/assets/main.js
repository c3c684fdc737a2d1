// Main: what happens when. While a stroke is drawn, the answer follows it frame by frame; the rest of
// the page follows when the hand rests.

const REST = 120; // milliseconds
const SPEAK = 700; // milliseconds of rest before the answer is told to a screen reader

const showAnswer = makeAnswer();
const samples = reader.data.samples;
const samplePictures = picturesOf(samples.pixels);
const state = { bytes: null, values: null, reading: null, shrunk: null };
let [frame, rest, speak] = [0, 0, 0];

const pad = makePad(byId("pad"), {
  penWidth: () => Number(byId("pen").value),
  changed: (done) => {
    if (!pad.picture()) uncheck("sample");
    schedule(done);
  },
  say,
});

function say(text) {
  byId("live").textContent = text;
}

function uncheck(name) {
  for (const input of document.querySelectorAll(`input[name=${name}]:checked`)) input.checked = false;
}

function chosenClass() {
  const input = document.querySelector("input[name=meant]:checked");
  return input ? Number(input.value) : null;
}

// While a stroke goes on (not `done`), nothing is told to a screen reader.
function schedule(done) {
  cancelAnimationFrame(frame);
  clearTimeout(speak);
  frame = requestAnimationFrame(() => {
    readNow();
    clearTimeout(rest);
    rest = setTimeout(() => showRest(done), done ? 0 : REST);
  });
}

function readNow() {
  const began = performance.now();
  const ink = pad.ink();
  state.bytes = ink ? reader.frame(ink, pad.side, pad.side) : pad.picture();
  state.values = state.bytes && reader.valuesOf(state.bytes);
  state.reading = state.values && reader.read(state.values);
  if (state.reading) byId("milliseconds").textContent = `${(performance.now() - began).toFixed(1)} ms`;
  showAnswer(state.reading);
  showSeen(state.bytes);
  byId("pad-hint").hidden = Boolean(ink || pad.picture());
  byId("undo").disabled = byId("clear").disabled = !ink && !pad.picture();
}

function showRest(done) {
  const ink = pad.ink();
  const small = ink && reader.valuesOf(reader.shrink(ink, pad.side, pad.side));
  state.shrunk = small && reader.read(small);
  showInside(state);
  showMisread(state, chosenClass());
  if (done) speak = setTimeout(() => say(spoken(state.reading)), SPEAK);
}

function spoken(reading) {
  if (!reading) return "Nothing drawn";
  const second = runnerUp(reading);
  const [p, q] = [reading.answer, second].map((i) => Math.round(100 * reading.probabilities[i]));
  return `Read as ${CLASSES[reading.answer]}, ${p} percent; next ${CLASSES[second]}, ${q} percent`;
}

function choice(name, value, label, ...children) {
  return make("label", {}, make("input", { type: "radio", name, value, "aria-label": label }), ...children);
}

CLASSES.forEach((name, i) => byId("meant").append(choice("meant", i, name, name)));
byId("meant").addEventListener("change", () => showMisread(state, chosenClass()));

samplePictures.forEach((bytes, i) => {
  const [label, answer] = [CLASSES[samples.label[i]], CLASSES[samples.answer[i]]];
  const misread = label !== answer;
  const canvas = make("canvas", { "aria-hidden": "true" });
  paintBytes(canvas, bytes);
  const name = `Test picture ${samples.index[i]}: ${label}${misread ? `, read as ${answer}` : ""}`;
  const shown = choice("sample", i, name, canvas, misread ? `${label} as ${answer}` : label);
  shown.classList.toggle("misread", misread);
  shown.title = name;
  byId("samples").append(shown);
});
byId("samples").addEventListener("change", (event) => {
  const i = Number(event.target.value);
  document.querySelector(`input[name=meant][value="${samples.label[i]}"]`).checked = true;
  pad.show(samplePictures[i]);
});

byId("undo").addEventListener("click", () => pad.undo());
byId("clear").addEventListener("click", () => {
  uncheck("meant");
  pad.show(null);
  byId("pad").focus({ preventScroll: true });
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  pad.paint();
  showInside(state);
  showMisread(state, chosenClass());
});
addEventListener("resize", () => pad.paint());
pad.paint();
readNow();
showInside(state);
showMisread(state, null);
