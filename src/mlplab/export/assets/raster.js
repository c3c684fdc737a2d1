// Raster: what framing and measuring share. A raster is {width, height, data}, data row by row.

function raster(width, height, data = new Float64Array(width * height)) {
  return { width, height, data };
}

// Round half to even, as Python and NumPy do.
function rint(x) {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

function padded({ width, height, data }, by) {
  const out = raster(width + 2 * by, height + 2 * by);
  for (let y = 0; y < height; y++) {
    out.data.set(data.subarray(y * width, (y + 1) * width), (y + by) * out.width + by);
  }
  return out;
}

// The smallest box around what is more than `floor`, as {left, top, width, height}; null for none.
function boxOf({ width, height, data }, floor = 0) {
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0, k = 0; y < height; y++) {
    for (let x = 0; x < width; x++, k++) {
      if (!(data[k] > floor)) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

function cropped(picture, box) {
  const out = raster(box.width, box.height);
  for (let y = 0; y < box.height; y++) {
    const from = (y + box.top) * picture.width + box.left;
    out.data.set(picture.data.subarray(from, from + box.width), y * box.width);
  }
  return out;
}

// Row and column of the centre of mass; null where there is no mass.
function centreOf({ width, height, data }) {
  let [mass, row, column] = [0, 0, 0];
  for (let y = 0, k = 0; y < height; y++) {
    for (let x = 0; x < width; x++, k++) {
      mass += data[k];
      row += data[k] * y;
      column += data[k] * x;
    }
  }
  return mass > 0 ? { row: row / mass, column: column / mass } : null;
}

const SIDES = [[1, 0], [-1, 0], [0, 1], [0, -1]];
const CORNERS = [[1, 1], [1, -1], [-1, 1], [-1, -1]];

// Number the connected areas of what `isIn` admits: 1, 2, ...; the rest is 0.
function areas({ width, height, data }, isIn, neighbours) {
  const wide = width + 2; // with a margin that belongs to no area
  const labels = new Int32Array(wide * (height + 2)).fill(-1);
  for (let y = 0, k = 0; y < height; y++) {
    for (let x = 0; x < width; x++, k++) if (isIn(data[k])) labels[(y + 1) * wide + x + 1] = 0;
  }
  const steps = neighbours.map(([dx, dy]) => dy * wide + dx);
  const open = new Int32Array(labels.length);
  let count = 0;
  for (let start = 0; start < labels.length; start++) {
    if (labels[start] !== 0) continue;
    labels[start] = ++count;
    open[0] = start;
    for (let n = 1; n > 0; ) {
      const at = open[--n];
      for (let i = 0; i < steps.length; i++) {
        const next = at + steps[i];
        if (labels[next] !== 0) continue;
        labels[next] = count;
        open[n++] = next;
      }
    }
  }
  const inside = new Int32Array(width * height);
  for (let y = 0, k = 0; y < height; y++) {
    for (let x = 0; x < width; x++, k++) inside[k] = Math.max(labels[(y + 1) * wide + x + 1], 0);
  }
  return { labels: inside, count };
}

// Squared distances along one line: the lower envelope of parabolas
// (Felzenszwalb and Huttenlocher, Theory of Computing 8, 2012).
function lineDistances(f, n, at, apex, edge) {
  let k = 0;
  at[0] = 0;
  edge[0] = -Infinity;
  edge[1] = Infinity;
  for (let q = 1; q < n; q++) {
    let p = at[k];
    let meet = (f[q] + q * q - f[p] - p * p) / (2 * (q - p));
    while (meet <= edge[k]) {
      p = at[--k];
      meet = (f[q] + q * q - f[p] - p * p) / (2 * (q - p));
    }
    edge[k + 1] = meet;
    at[++k] = q;
    edge[k + 1] = Infinity;
  }
  for (let q = 0, j = 0; q < n; q++) {
    while (edge[j + 1] < q) j++;
    apex[q] = (q - at[j]) ** 2 + f[at[j]];
  }
}

// The distance of every pixel above `floor` to the nearest that is not; paper lies all around.
function distances(picture, floor) {
  const { width, height, data } = padded(picture, 1);
  const far = (width + height) ** 2;
  const squared = data.map((value) => (value > floor ? far : 0));
  const size = Math.max(width, height);
  const [line, apex, edge] = [size, size, size + 1].map((n) => new Float64Array(n));
  const at = new Int32Array(size);
  const pass = (count, length, start, stride) => {
    for (let i = 0; i < count; i++) {
      for (let q = 0; q < length; q++) line[q] = squared[i * start + q * stride];
      lineDistances(line, length, at, apex, edge);
      for (let q = 0; q < length; q++) squared[i * start + q * stride] = apex[q];
    }
  };
  pass(width, height, 1, width);
  pass(height, width, width, 1);
  return squared.map(Math.sqrt);
}

// The mean distance to paper over all ink; 0 where there is none.
function meanDistance(picture, floor) {
  let [sum, count] = [0, 0];
  for (const distance of distances(picture, floor)) {
    sum += distance;
    count += distance > 0;
  }
  return count ? sum / count : 0;
}
