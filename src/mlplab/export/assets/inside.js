// Inside: what the network sees, which pixels spoke for its answer, and which units.

const N_UNITS = 8;

function blank(canvas) {
  paintPixels(canvas, () => [0, 0, 0, 0]);
  canvas.setAttribute("aria-label", "Nothing drawn yet");
}

function centreOfMass(bytes) {
  let [mass, row, column] = [0, 0, 0];
  bytes.forEach((byte, k) => {
    mass += byte;
    row += byte * Math.floor(k / WIDTH);
    column += byte * (k % WIDTH);
  });
  return mass ? { row: row / mass, column: column / mass } : null;
}

function showSeen(bytes) {
  if (!bytes) return blank(byId("seen"));
  paintSeen(byId("seen"), bytes, centreOfMass(bytes), `The ${HEIGHT} by ${WIDTH} pixels that the network sees`);
}

function showInside(reading, values) {
  byId("units").replaceChildren();
  if (!reading) return blank(byId("spoken"));
  const [a, b] = [reading.answer, runnerUp(reading)];
  const { margin, pixels, units } = reader.explain(values, a, b);
  const rather = `${CLASSES[a]} rather than ${CLASSES[b]}`;
  paintSigned(byId("spoken"), pixels, `Pixels that spoke for ${rather}, and against it`);
  byId("spoken-text").replaceChildren(
    "Value × slope of the margin ", make("span", {}, `${signed(margin)} of ${rather}`), ": ",
    make("i", { class: "for" }, "blue"), " spoke for it, ",
    make("i", { class: "against" }, "orange"), " against it.",
  );
  byId("units").append(...units.slice(0, N_UNITS).map((unit) => unitShown(unit, rather)));
}

function unitShown({ member, unit, speaks, weights }, rather) {
  const canvas = make("canvas", { role: "img" });
  const network = reader.data.networks.length > 1 ? `, ${reader.data.names[member]}` : "";
  paintSigned(canvas, weights(), `Weights of unit ${unit + 1}${network}: ${signed(speaks)} for ${rather}`);
  return make("div", { title: `unit ${unit + 1}${network}` }, canvas,
    make("span", { class: speaks < 0 ? "against" : "for" }, signed(speaks)));
}
