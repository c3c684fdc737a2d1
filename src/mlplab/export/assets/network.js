// Network: from the values of one example to probabilities, step by step, and gradients the way back.

// erf(x) = 2 / sqrt(pi) * exp(-x^2) * sum of 2^n x^(2n+1) / (1 * 3 * ... * (2n+1))
function erf(x) {
  if (Math.abs(x) > 5) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;
const GELU = Math.sqrt(2 / Math.PI);

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const geluInner = (x) => Math.tanh(GELU * (x + 0.044715 * x ** 3));

// name -> [value, gradient], both of (x, alpha)
const ACTIVATIONS = {
  relu: [(x) => (x > 0 ? x : 0), (x) => (x > 0 ? 1 : 0)],
  leaky_relu: [(x, alpha) => (x > 0 ? x : alpha * x), (x, alpha) => (x > 0 ? 1 : alpha)],
  elu: [
    (x, alpha) => (x > 0 ? x : alpha * Math.expm1(x)),
    (x, alpha) => (x > 0 ? 1 : alpha * Math.exp(x)),
  ],
  selu: [
    (x) => SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)),
    (x) => SELU_SCALE * (x > 0 ? 1 : SELU_ALPHA * Math.exp(x)),
  ],
  gelu: [
    (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
    (x) => 0.5 * (1 + erf(x / Math.SQRT2)) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI),
  ],
  gelu_tanh: [
    (x) => 0.5 * x * (1 + geluInner(x)),
    (x) => {
      const t = geluInner(x);
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * GELU * (1 + 3 * 0.044715 * x * x);
    },
  ],
  silu: [(x) => x * sigmoid(x), (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x)))],
  sigmoid: [sigmoid, (x) => sigmoid(x) * (1 - sigmoid(x))],
  tanh: [Math.tanh, (x) => 1 - Math.tanh(x) ** 2],
  softplus: [(x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), sigmoid],
};

function softmax(x) {
  const top = Math.max(...x);
  const powers = x.map((value) => Math.exp(value - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

// What an input of zero adds nothing to is skipped: most of a picture is paper.
function dense(step, x) {
  const { kernel, bias, units } = step;
  const y = Float64Array.from(bias);
  for (let i = 0; i < x.length; i++) {
    const value = x[i];
    if (value === 0) continue;
    const row = i * units;
    for (let j = 0; j < units; j++) y[j] += value * kernel[row + j];
  }
  return y;
}

const pick = (numbers, i) => numbers[numbers.length === 1 ? 0 : i];

function normal(step, x) {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length;
  const spread = Math.sqrt(variance + step.epsilon);
  return { spread, values: x.map((value) => (value - mean) / spread) };
}

const FORWARD = {
  dense,
  scale: (step, x) => x.map((value, i) => value * pick(step.scale, i) + pick(step.shift, i)),
  activation: (step, x) => {
    if (step.function === "softmax") return softmax(x);
    const [value] = ACTIVATIONS[step.function];
    return x.map((each) => value(each, step.alpha));
  },
  layer_norm: (step, x) =>
    normal(step, x).values.map((value, i) => value * pick(step.scale, i) + pick(step.shift, i)),
};

// Each: (step, its input, gradients to its output) -> gradients to its input.
const BACKWARD = {
  dense: ({ kernel, units }, x, gradients) =>
    x.map((_, i) => {
      let sum = 0;
      for (let j = 0; j < units; j++) sum += kernel[i * units + j] * gradients[j];
      return sum;
    }),
  scale: (step, x, gradients) => gradients.map((gradient, i) => gradient * pick(step.scale, i)),
  activation: (step, x, gradients) => {
    if (step.function === "softmax") {
      const p = softmax(x);
      const mean = p.reduce((sum, value, i) => sum + value * gradients[i], 0);
      return p.map((value, i) => value * (gradients[i] - mean));
    }
    const [, gradient] = ACTIVATIONS[step.function];
    return gradients.map((each, i) => each * gradient(x[i], step.alpha));
  },
  layer_norm: (step, x, gradients) => {
    const { spread, values } = normal(step, x);
    const scaled = gradients.map((gradient, i) => gradient * pick(step.scale, i));
    const mean = scaled.reduce((a, b) => a + b, 0) / x.length;
    const along = scaled.reduce((sum, each, i) => sum + each * values[i], 0) / x.length;
    return scaled.map((each, i) => (each - mean - values[i] * along) / spread);
  },
};

// What goes into each step, and last what comes out: steps.length + 1 arrays.
function trace(steps, x) {
  const values = [Float64Array.from(x)];
  for (const step of steps) values.push(FORWARD[step.kind](step, values.at(-1)));
  return values;
}

// Scores are what the last activation turns into probabilities; their index in a trace.
function scoresAt(steps) {
  const last = steps.at(-1);
  const turns = last?.kind === "activation" && ["softmax", "sigmoid"].includes(last.function);
  return turns ? steps.length - 1 : steps.length;
}

// Gradients of (score of a - score of b) to the input of every step from `first` on.
function gradientsOf(steps, values, a, b) {
  const at = scoresAt(steps);
  const gradients = new Array(at + 1);
  gradients[at] = values[at].map((_, i) => (i === a) - (i === b));
  for (let k = at - 1; k >= 0; k--) {
    gradients[k] = BACKWARD[steps[k].kind](steps[k], values[k], gradients[k + 1]);
  }
  return gradients;
}
