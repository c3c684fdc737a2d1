// Changes: small alterations of what the network sees, to find what would be read otherwise.

// The mean of a picture and its darkest (or lightest) neighbours: strokes half a pixel wider
// (or narrower) on each side.
function spread(picture, choose) {
  const { width, height, data } = picture;
  const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : data[y * width + x]);
  return raster(width, height, data.map((value, k) => {
    const [x, y] = [k % width, Math.floor(k / width)];
    return (value + choose(value, ...SIDES.map(([dx, dy]) => at(x + dx, y + dy)))) / 2;
  }));
}

// Every pixel is fetched from where the matrix [[a, b], [c, d]] and the shift point, about the
// centre of mass, between the four pixels there.
function moved(picture, { a = 1, b = 0, c = 0, d = 1, dx = 0, dy = 0 }) {
  const { width, height, data } = picture;
  const centre = centreOf(picture);
  if (!centre) return picture;
  const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : data[y * width + x]);
  return raster(width, height, data.map((_, k) => {
    const [u, v] = [(k % width) - centre.column, Math.floor(k / width) - centre.row];
    const x = centre.column + a * u + b * v - dx;
    const y = centre.row + c * u + d * v - dy;
    const [left, top] = [Math.floor(x), Math.floor(y)];
    const [s, t] = [x - left, y - top];
    return (1 - t) * ((1 - s) * at(left, top) + s * at(left + 1, top)) +
      t * ((1 - s) * at(left, top + 1) + s * at(left + 1, top + 1));
  }));
}

const turn = (degrees) => {
  const [c, s] = [Math.cos, Math.sin].map((f) => f((degrees * Math.PI) / 180));
  return { a: c, b: s, c: -s, d: c };
};
const lean = (degrees) => ({ b: Math.tan((degrees * Math.PI) / 180) });

// name -> (raster from 0 to 1) -> the same altered
const CHANGES = {
  "thicker strokes": (picture) => spread(picture, Math.max),
  "thinner strokes": (picture) => spread(picture, Math.min),
  "leaning 12° to the right": (picture) => moved(picture, lean(12)),
  "leaning 12° to the left": (picture) => moved(picture, lean(-12)),
  "turned 10° clockwise": (picture) => moved(picture, turn(10)),
  "turned 10° anticlockwise": (picture) => moved(picture, turn(-10)),
  "15 % wider": (picture) => moved(picture, { a: 1 / 1.15 }),
  "15 % narrower": (picture) => moved(picture, { a: 1.15 }),
  "15 % taller": (picture) => moved(picture, { d: 1 / 1.15 }),
  "15 % lower": (picture) => moved(picture, { d: 1.15 }),
  "1 pixel to the right": (picture) => moved(picture, { dx: 1 }),
  "1 pixel to the left": (picture) => moved(picture, { dx: -1 }),
  "1 pixel down": (picture) => moved(picture, { dy: 1 }),
  "1 pixel up": (picture) => moved(picture, { dy: -1 }),
};
