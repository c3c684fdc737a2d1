// Pictures: arrays painted on canvases, and the few elements that the page makes itself.

const reader = globalThis.mlplab;
const { height: HEIGHT, width: WIDTH, classes: CLASSES, box: BOX } = reader.data;
const N_PIXELS = HEIGHT * WIDTH;
const PIXEL = 10; // of the large picture, on a side

const byId = (id) => document.getElementById(id);
const percent = (p) => `${(100 * p).toFixed(1)} %`;
const signed = (x, digits = 1) => `${x < 0 ? "−" : "+"}${Math.abs(x).toFixed(digits)}`;
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// A list of bytes held as base64 text, a picture each.
function picturesOf(text) {
  const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  return Array.from({ length: bytes.length / N_PIXELS }, (_, i) =>
    bytes.subarray(i * N_PIXELS, (i + 1) * N_PIXELS),
  );
}

function paintPixels(canvas, colorAt) {
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const context = canvas.getContext("2d");
  const image = context.createImageData(WIDTH, HEIGHT);
  for (let k = 0; k < N_PIXELS; k++) image.data.set(colorAt(k), 4 * k);
  context.putImageData(image, 0, 0);
}

// Light ink on dark paper, on every page: it is what the network gets.
function paintBytes(canvas, bytes, name) {
  paintPixels(canvas, (k) => [bytes[k], bytes[k], bytes[k], 255]);
  if (name !== undefined) canvas.setAttribute("aria-label", name);
}

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

// Positive values in the colour "for", negative ones in "against", fading to nothing at zero.
function paintSigned(canvas, values, name) {
  const [plus, minus, ground] = ["--for", "--against", "--paper"].map((each) => channels(color(each)));
  const top = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12);
  paintPixels(canvas, (k) => {
    const share = Math.abs(values[k]) / top;
    const hue = values[k] < 0 ? minus : plus;
    return [...hue.map((channel, c) => ground[c] + (channel - ground[c]) * share), 255];
  });
  canvas.setAttribute("aria-label", name);
}

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

// Where the ink lies: the centre of its mass, and the middle of the box around it.
function whereabouts(bytes) {
  const inked = [];
  bytes.forEach((byte, k) => byte && inked.push([k % WIDTH, Math.floor(k / WIDTH), byte]));
  const mass = sum(inked.map(([, , byte]) => byte));
  return [0, 1].map((axis) => {
    const places = inked.map((pixel) => pixel[axis]);
    return {
      centre: sum(inked.map((pixel) => pixel[axis] * pixel[2])) / mass + 0.5,
      middle: (Math.min(...places) + Math.max(...places) + 1) / 2,
    };
  });
}

// What the network sees, with the box around the ink and the centre of its mass drawn over it.
function paintSeen(canvas, bytes, name) {
  const small = document.createElement("canvas");
  paintBytes(small, bytes);
  canvas.width = WIDTH * PIXEL;
  canvas.height = HEIGHT * PIXEL;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  canvas.setAttribute("aria-label", name);
  if (!bytes.some((byte) => byte)) return;
  const [x, y] = whereabouts(bytes);
  const [left, top, side] = [x.middle - BOX / 2, y.middle - BOX / 2, BOX].map((at) => at * PIXEL);
  context.lineWidth = 2;
  context.strokeStyle = "#6fb1ee";
  context.strokeRect(left, top, side, side);
  context.strokeStyle = "#f0a35c";
  context.beginPath();
  for (const [dx, dy] of [[8, 0], [0, 8]]) {
    context.moveTo(x.centre * PIXEL - dx, y.centre * PIXEL - dy);
    context.lineTo(x.centre * PIXEL + dx, y.centre * PIXEL + dy);
  }
  context.stroke();
}
