// Pad: the field to draw on, with mouse, finger or pen, or by keyboard. It keeps strokes as points,
// so that they can be taken back, and are as sharp as the screen.

const SIDE = 280; // units of the pad; a pixel of MNIST's field is ten of them
const CELL = SIDE / 28; // what an arrow key moves
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function tracePath(context, { width, points }) {
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(...points[0]);
  for (let i = 1; i < points.length - 1; i++) {
    const [[x, y], [nextX, nextY]] = [points[i], points[i + 1]];
    context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  }
  context.lineTo(...points.at(-1));
  context.stroke();
}

function paintStrokes(context, strokes, ink) {
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = ink;
  for (const stroke of strokes) tracePath(context, stroke);
}

// `changed(done)` is called on every change; done is true at the end of a stroke.
function makePad(canvas, { penWidth, changed, say }) {
  const hidden = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const inkContext = hidden.getContext("2d", { willReadFrequently: true });
  const context = canvas.getContext("2d");
  const cursor = { x: SIDE / 2, y: SIDE / 2, down: false, shown: false };
  let strokes = [];
  let picture = null; // a test picture that is shown in place of strokes
  let pointer = null; // the one that draws
  let stroke = null;

  function paint() {
    const size = Math.round(canvas.clientWidth * (devicePixelRatio || 1)) || SIDE;
    if (canvas.width !== size) canvas.width = canvas.height = size;
    context.setTransform(size / SIDE, 0, 0, size / SIDE, 0, 0);
    context.clearRect(0, 0, SIDE, SIDE);
    if (picture) paintPicture();
    paintStrokes(context, strokes, color("--ink"));
    if (cursor.shown) paintCursor();
  }

  function paintPicture() {
    const [w, h] = [SIDE / WIDTH, SIDE / HEIGHT];
    context.fillStyle = color("--ink");
    picture.forEach((byte, k) => {
      context.globalAlpha = byte / 255;
      context.fillRect((k % WIDTH) * w, Math.floor(k / WIDTH) * h, w, h);
    });
    context.globalAlpha = 1;
  }

  function paintCursor() {
    const { x, y, down } = cursor;
    context.strokeStyle = color(down ? "--against" : "--for");
    context.lineWidth = 2;
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + 5 * dx, y + 5 * dy);
      context.lineTo(x + 14 * dx, y + 14 * dy);
    }
    context.stroke();
  }

  function begin(x, y) {
    picture = null;
    stroke = { width: penWidth(), points: [[x, y]] };
    strokes.push(stroke);
  }

  function update(done) {
    paint();
    changed(done);
  }

  // Ink from 0 to 1, SIDE x SIDE; null where nothing is drawn.
  function ink() {
    if (!strokes.length) return null;
    inkContext.clearRect(0, 0, SIDE, SIDE);
    paintStrokes(inkContext, strokes, "#000");
    const { data } = inkContext.getImageData(0, 0, SIDE, SIDE);
    const opaque = new Float64Array(SIDE * SIDE);
    for (let k = 0; k < opaque.length; k++) opaque[k] = data[4 * k + 3] / 255;
    return opaque;
  }

  function undo() {
    if (picture) picture = null;
    else strokes.pop();
    lift();
    update(true);
  }

  function show(bytes) {
    strokes = [];
    picture = bytes;
    lift();
    update(true);
  }

  function lift() {
    stroke = null;
    cursor.down = false;
  }

  function place(event) {
    const frame = canvas.getBoundingClientRect();
    const scale = SIDE / frame.width;
    return [(event.clientX - frame.left) * scale, (event.clientY - frame.top) * scale];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    lift();
    cursor.shown = false;
    begin(...place(event));
    update(false);
  });

  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer || !stroke) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) stroke.points.push(place(each));
    update(false);
  });

  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      lift();
      update(true);
    });
  }

  function step([dx, dy], cells) {
    cursor.x = Math.min(Math.max(cursor.x + dx * cells * CELL, CELL / 2), SIDE - CELL / 2);
    cursor.y = Math.min(Math.max(cursor.y + dy * cells * CELL, CELL / 2), SIDE - CELL / 2);
    if (cursor.down) stroke.points.push([cursor.x, cursor.y]);
  }

  function togglePen() {
    if (cursor.down) lift();
    else {
      begin(cursor.x, cursor.y);
      cursor.down = true;
    }
    say(cursor.down ? "Pen down" : "Pen up");
    update(!cursor.down);
  }

  canvas.addEventListener("keydown", (event) => {
    const takesBack = event.key === "Backspace" || (event.key === "z" && (event.ctrlKey || event.metaKey));
    const known = event.key in ARROWS || [" ", "Enter", "Escape", "Delete"].includes(event.key);
    if (pointer !== null || !(known || takesBack)) return;
    event.preventDefault();
    cursor.shown = true;
    if (takesBack) undo();
    else if (event.key === "Delete") show(null);
    else if (event.key in ARROWS) {
      step(ARROWS[event.key], event.shiftKey ? 4 : 1);
      if (cursor.down) update(false);
      else paint();
    } else if (event.key !== "Escape" || cursor.down) togglePen();
  });

  canvas.addEventListener("blur", () => {
    if (cursor.down) togglePen();
    cursor.shown = false;
    paint();
  });

  return { ink, undo, show, paint, side: SIDE, picture: () => picture };
}
