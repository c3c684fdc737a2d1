// Reader: what the page knows and can do, without a page. `mlplab` in the browser's console:
//
//   mlplab.read(pixels)           {answer, probabilities, members}; pixels as the network takes
//                                 them: height * width numbers, 0..255 for MNIST
//   mlplab.readAll(pixels)        probabilities of many pictures, row by row, in one array
//   mlplab.frame(ink, w, h)       a drawing, ink from 0 to 1, as bytes in the training frame; or null
//   mlplab.shrink(ink, w, h)      the same drawing only shrunk
//   mlplab.explain(pixels, a, b)  what speaks for class a rather than b: margin, pixels, units
//   mlplab.measure(bytes)         measures of a framed digit
//   mlplab.changes(bytes)         small alterations of a framed digit, each with its reading

function readerOf(data) {
  const { height, width, classes } = data;
  const n = height * width;
  const networks = data.networks.map(({ steps }) => steps.map((step) => stepOf(step, data.weights)));
  const field = { width, height, box: data.box };
  const inkOf = (bytes) => raster(width, height, Float64Array.from(bytes, (value) => value / 255));

  // Bytes of ink as the numbers that the network was trained on.
  const step = (data.high - data.low) / 255;
  const valuesOf = (bytes) => Float64Array.from(bytes, (value) => data.low + value * step);

  function read(pixels) {
    if (pixels?.length !== n) {
      throw new RangeError(`expected ${n} pixels (${height} x ${width}), got ${pixels?.length}`);
    }
    const members = networks.map((steps) => trace(steps, pixels).at(-1));
    const probabilities = Float64Array.from(classes, (_, i) =>
      members.reduce((sum, member) => sum + member[i], 0) / members.length,
    );
    return { answer: probabilities.indexOf(Math.max(...probabilities)), probabilities, members };
  }

  function readAll(pixels) {
    const out = new Float32Array((pixels.length / n) * classes.length);
    for (let i = 0; i * n < pixels.length; i++) {
      out.set(read(pixels.subarray(i * n, (i + 1) * n)).probabilities, i * classes.length);
    }
    return out;
  }

  // The margin is (score of a - score of b), a mean over the networks; for softmax it is the
  // logarithm of p(a) / p(b). Pixel i speaks with (x_i - paper) * gradient_i. Unit j of the first layer
  // speaks with h_j * gradient_j. Where all activations are ReLU, both add up to the margin but for a
  // constant.
  function explain(pixels, a, b) {
    const spoken = new Float64Array(n);
    const units = [];
    let margin = 0;
    networks.forEach((steps, member) => {
      const values = trace(steps, pixels);
      const gradients = gradientsOf(steps, values, a, b);
      const scores = values[scoresAt(steps)];
      margin += (scores[a] - scores[b]) / networks.length;
      for (let i = 0; i < n; i++) {
        spoken[i] += ((pixels[i] - data.low) * gradients[0][i]) / networks.length;
      }
      units.push(...unitsOf(steps, values, gradients, member));
    });
    units.sort((one, other) => Math.abs(other.speaks) - Math.abs(one.speaks));
    return { margin, pixels: spoken, units };
  }

  function unitsOf(steps, values, gradients, member) {
    const first = steps.findIndex(({ kind }) => kind === "dense");
    if (first < 0) return [];
    const after = steps[first + 1]?.kind === "activation" && first + 2 < gradients.length;
    const at = first + (after ? 2 : 1);
    return Array.from(values[at], (value, unit) => ({
      member,
      unit,
      speaks: value * gradients[at][unit],
      weights: () => steps[first].kernel.filter((_, k) => k % steps[first].units === unit),
    }));
  }

  function changes(bytes) {
    return Object.entries(CHANGES).map(([name, change]) => {
      const altered = change(inkOf(bytes)).data.map((value) => rint(255 * clamp(value, 0, 1)));
      return { name, bytes: altered, ...read(valuesOf(altered)) };
    });
  }

  const asRaster = (ink, w, h) => raster(w, h, new Float64Array(ink));
  return Object.freeze({
    data,
    read,
    readAll,
    explain,
    changes,
    valuesOf,
    frame: (ink, w, h) => framed(asRaster(ink, w, h), field),
    shrink: (ink, w, h) => unframed(asRaster(ink, w, h), field),
    measure: (bytes) => measured(inkOf(bytes)),
  });
}

// The page holds its data in its element "model"; elsewhere it is handed in as globalThis.mlplabData.
globalThis.mlplab = readerOf(
  typeof document === "undefined"
    ? globalThis.mlplabData
    : JSON.parse(document.getElementById("model").textContent),
);
