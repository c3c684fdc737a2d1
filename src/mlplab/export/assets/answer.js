// Answer: the probabilities as bars, and in words; with several networks, how far they disagree.

const SHOWN = 0.005; // a probability that some network gives, from which on each one's is marked

function makeAnswer() {
  const rows = CLASSES.map((name) => {
    const fill = make("div", { class: "fill" });
    const number = make("td", { class: "n" }, "–");
    const track = make("div", { class: "track", "aria-hidden": "true" }, fill);
    const several = reader.data.networks.length > 1;
    const span = several ? make("div", { class: "span" }) : null;
    const marks = several ? reader.data.networks.map(() => make("div", { class: "mark", hidden: "" })) : [];
    if (several) track.append(span, ...marks);
    const row = make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, track), number);
    byId("bars").append(row);
    return { row, fill, number, span, marks };
  });

  function showRow({ row, fill, number, span, marks }, i, reading) {
    row.classList.toggle("top-row", reading?.answer === i);
    fill.style.width = reading ? `${100 * reading.probabilities[i]}%` : "0";
    number.textContent = reading ? percent(reading.probabilities[i]) : "–";
    if (!span) return;
    const each = reading ? reading.members.map((member) => member[i]) : [0];
    const [low, high] = [Math.min(...each), Math.max(...each)];
    span.hidden = high < SHOWN;
    span.style.left = `${100 * low}%`;
    span.style.width = `${100 * (high - low)}%`;
    marks.forEach((mark, m) => {
      mark.hidden = !reading || high < SHOWN;
      mark.style.left = `${100 * (each[m] ?? 0)}%`;
    });
  }

  return function show(reading) {
    rows.forEach((row, i) => showRow(row, i, reading));
    const name = reading ? CLASSES[reading.answer] : "–";
    byId("answer").textContent = name;
    byId("answer").classList.toggle("word", name.length > 2);
    byId("sure").textContent = reading
      ? `Read as ${name}, ${percent(reading.probabilities[reading.answer])}`
      : "Nothing drawn yet";
    byId("doubt").textContent = reading ? doubt(reading) : "";
  };
}

function runnerUp({ probabilities, answer }) {
  let best = answer === 0 ? 1 : 0;
  probabilities.forEach((p, i) => {
    if (i !== answer && p > probabilities[best]) best = i;
  });
  return best;
}

// What several networks say, which differ in their seed alone.
function doubt(reading) {
  const second = runnerUp(reading);
  const next = `Next: ${CLASSES[second]}, ${percent(reading.probabilities[second])}.`;
  const n = reading.members.length;
  if (n === 1) return next;
  const answers = reading.members.map((member) => member.indexOf(Math.max(...member)));
  const own = reading.members.map((member) => member[reading.answer]);
  const [low, high] = [Math.min(...own), Math.max(...own)].map(percent);
  const others = answers.filter((each) => each !== reading.answer);
  if (!others.length) {
    return `${next} All ${n} networks agree${low === high ? "" : `, each by itself at ${low} to ${high}`}.`;
  }
  const names = [...new Set(others)].map((each) => CLASSES[each]).join(" and ");
  return `${next} In doubt: ${others.length} of ${n} networks would read ${names}; they give ${CLASSES[reading.answer]} from ${low} to ${high}.`;
}
