// Inside: what the network sees, which pixels spoke for its answer, and which units.

const N_UNITS = 8;

function blank(canvas) {
  paintPixels(canvas, () => [0, 0, 0, 0]);
  canvas.setAttribute("aria-label", "Nothing drawn yet");
}

function showSeen(bytes) {
  if (!bytes) return blank(byId("seen"));
  paintSeen(byId("seen"), bytes, `The ${HEIGHT} by ${WIDTH} pixels that the network sees`);
}

function showInside({ reading, values, bytes }) {
  byId("units").replaceChildren();
  if (!reading) return blank(byId("spoken"));
  const [a, b] = [reading.answer, runnerUp(reading)];
  const { margin, pixels, units } = reader.explain(values, a, b);
  const rather = `${CLASSES[a]} rather than ${CLASSES[b]}`;
  paintSigned(byId("spoken"), pixels, `Pixels that spoke for ${rather}, and against it`);
  byId("spoken-text").replaceChildren(
    "Value × gradient of the margin ", make("span", {}, `${signed(margin)} of ${rather}`), ": ",
    make("i", { class: "for" }, "blue"), " spoke for it, ",
    make("i", { class: "against" }, "orange"), " against it.",
  );
  byId("units").append(...units.slice(0, N_UNITS).map((unit) => unitShown(unit, bytes, rather)));
}

// A unit's weights, paler where there is no ink.
function unitShown({ member, unit, speaks, weights }, bytes, rather) {
  const canvas = make("canvas", { role: "img" });
  const network = reader.data.networks.length > 1 ? `, ${reader.data.names[member]}` : "";
  const lit = weights().map((weight, k) => weight * (0.35 + (0.65 * bytes[k]) / 255));
  paintSigned(canvas, lit, `Weights of unit ${unit + 1}${network}: ${signed(speaks)} for ${rather}`);
  return make("div", { title: `unit ${unit + 1}${network}` }, canvas,
    make("span", { class: speaks < 0 ? "against" : "for" }, signed(speaks)));
}
