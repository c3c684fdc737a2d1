// Measures of a digit, defined as in mlplab/export/measures.py. `ink` is a raster from 0 to 1.

const MEASURES = {
  stroke_width: (ink) => (boxOf(ink, 0.5) ? 4 * meanDistance(ink, 0.5) - 2 : 0),
  darkness: ({ data }) => data.reduce((a, b) => a + b, 0) / data.length,
  aspect: (ink) => {
    const box = boxOf(ink, 0.5);
    return box ? box.width / box.height : 0;
  },
  lean: (ink) => {
    const centre = centreOf(ink);
    if (!centre) return 0;
    let [across, upright] = [0, 0];
    ink.data.forEach((value, k) => {
      const dy = Math.floor(k / ink.width) - centre.row;
      const dx = (k % ink.width) - centre.column;
      across += value * dx * dy;
      upright += value * dy * dy;
    });
    return upright ? (Math.atan(-across / upright) * 180) / Math.PI : 0;
  },
  pieces: (ink) => areas(ink, (value) => value > 0.5, [...SIDES, ...CORNERS]).count,
  loops: (ink) => areas(padded(ink, 1), (value) => !(value > 0.5), SIDES).count - 1,
};

function measured(ink) {
  return Object.fromEntries(Object.entries(MEASURES).map(([name, f]) => [name, f(ink)]));
}
