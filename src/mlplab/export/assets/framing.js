// Framing: a drawing brought to the frame of the training pictures, as mlplab/data/framing.py does.
// On the page it is known what is ink, so that nothing has to be told from paper and shadows.

const FAINT = 0.1; // share of full ink below which it is no stroke's edge, in small pictures
const FAINT_LARGE = 0.25; // the same in large ones, whose edges are sharp
const LARGE = 56; // pixels of the longer side above which a picture is large
const SPECK = 0.02; // share of the largest stroke's area below which a separate blot is a speck
const THIN = 0.075; // share of the box that strokes are thickened to: 1.5 of 20 pixels

// Faint edges and specks are removed; what stays is as it was.
function cleaned(ink, floor) {
  const { width, height, data } = ink;
  const { labels, count } = areas(ink, (value) => value > floor, [...SIDES, ...CORNERS]);
  const area = new Float64Array(count + 1);
  const darkest = new Float64Array(count + 1);
  for (let k = 0; k < data.length; k++) {
    const label = labels[k];
    area[label] += data[k];
    if (data[k] > darkest[label]) darkest[label] = data[k];
  }
  darkest[0] = 0;
  const largest = Math.max(...area.filter((_, label) => darkest[label] > 0.5));
  const stays = area.map((each, label) => darkest[label] > 0.5 && each > SPECK * largest);
  return raster(width, height, data.map((value, k) => (stays[labels[k]] ? value : 0)));
}

// Strokes that would vanish when shrunk are widened by a disc.
function thickened(ink, box) {
  const pixel = Math.max(ink.width, ink.height) / box;
  const width = 4 * meanDistance(ink, 0.5) - 1;
  const radius = rint((THIN * box * pixel - width) / 2);
  if (radius < 1) return ink;
  const out = padded(ink, radius);
  const source = out.data.slice();
  for (let dy = -radius; dy <= radius; dy++) {
    for (let dx = -radius; dx <= radius; dx++) {
      if (dx * dx + dy * dy > radius * radius) continue;
      const shift = dy * out.width + dx;
      for (let k = 0; k < source.length; k++) {
        if (source[k] > 0) out.data[k + shift] = Math.max(out.data[k + shift], source[k]);
      }
    }
  }
  return out;
}

const averaging = { reach: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };
const bicubic = {
  reach: 2,
  weight: (x) => {
    const d = Math.abs(x);
    if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
    return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
  },
};

// For each of `to` pixels, the first of `from` pixels that it is made of, and their weights.
function weightsOf(from, to, { reach, weight }) {
  const scale = from / to;
  const wide = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach * wide + 0.5));
    const end = Math.min(from, Math.trunc(centre + reach * wide + 0.5));
    const weights = [];
    for (let k = first; k < end; k++) weights.push(weight((k - centre + 0.5) / wide));
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((each) => each / sum) };
  });
}

// Pillow's way of resizing: columns first, then rows.
function resized(picture, width, height, filter) {
  const wide = raster(width, picture.height);
  weightsOf(picture.width, width, filter).forEach(({ first, weights }, x) => {
    for (let y = 0; y < picture.height; y++) {
      let sum = 0;
      weights.forEach((w, k) => (sum += w * picture.data[y * picture.width + first + k]));
      wide.data[y * width + x] = sum;
    }
  });
  const out = raster(width, height);
  weightsOf(picture.height, height, filter).forEach(({ first, weights }, y) => {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      weights.forEach((w, k) => (sum += w * wide.data[(first + k) * width + x]));
      out.data[y * width + x] = sum;
    }
  });
  return out;
}

// Crop to the ink; its longer side becomes that of the box, its aspect stays.
function fitted(ink, field) {
  const box = boxOf(ink);
  if (!box) return null;
  const crop = cropped(ink, box);
  const longer = Math.max(box.width, box.height);
  if (longer === field.box) return crop;
  const fits = Math.min(field.box / longer, field.width / box.width, field.height / box.height);
  const [width, height] = [box.width, box.height].map((side) => Math.max(1, rint(side * fits)));
  const filter = longer > field.box ? averaging : bicubic;
  const scaled = resized(thickened(crop, field.box), width, height, filter);
  const top = Math.max(...scaled.data);
  return raster(width, height, scaled.data.map((value) => Math.max(value, 0) / top));
}

// Put the digit into the field, with its centre of mass at the centre.
function placed(digit, field) {
  const out = new Uint8Array(field.width * field.height);
  const centre = centreOf(digit);
  const top = clamp(rint(field.height / 2 - centre.row), 0, field.height - digit.height);
  const left = clamp(rint(field.width / 2 - centre.column), 0, field.width - digit.width);
  for (let y = 0; y < digit.height; y++) {
    for (let x = 0; x < digit.width; x++) {
      out[(top + y) * field.width + left + x] = rint(255 * digit.data[y * digit.width + x]);
    }
  }
  return out;
}

// Ink from 0 to 1 -> bytes of the field {width, height, box}; null where nothing is drawn.
function framed(ink, field) {
  const floor = Math.max(ink.width, ink.height) > LARGE ? FAINT_LARGE : FAINT;
  const box = boxOf(ink, floor);
  const digit = box && fitted(cleaned(cropped(ink, box), floor), field);
  return digit && placed(digit, field);
}

// The same drawing only shrunk to the field, to show what framing does.
function unframed(ink, field) {
  return Uint8Array.from(resized(ink, field.width, field.height, averaging).data, (value) =>
    rint(255 * value),
  );
}
