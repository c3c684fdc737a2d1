// Weights: the page's text as arrays of numbers. Every number in it is little-endian.

function bytesOf(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

function floatsOf(text) {
  return new Float32Array(bytesOf(text).buffer);
}

// A float16: one bit of sign, five of exponent, ten of fraction; the smallest have no leading one.
function halfOf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  return sign * (exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14);
}

const UNPACKED = {
  float16: (bytes) => Float32Array.from(new Uint16Array(bytes.buffer), halfOf),
  int8: (bytes) => Float32Array.from(new Int8Array(bytes.buffer)),
};

// kernel[i * units + j] = values[i * units + j] * column[j]; a column's number is shared or its own.
function kernelOf(step, kind) {
  const kernel = UNPACKED[kind](bytesOf(step.kernel));
  const column = floatsOf(step.column);
  const one = column.length === 1;
  for (let k = 0; k < kernel.length; k++) kernel[k] *= column[one ? 0 : k % step.units];
  return kernel;
}

function stepOf(step, kind) {
  if (step.kind === "activation") return step;
  if (step.kind === "dense") {
    return { ...step, kernel: kernelOf(step, kind), bias: floatsOf(step.bias) };
  }
  return { ...step, scale: floatsOf(step.scale), shift: floatsOf(step.shift) };
}
