"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const el = id => document.getElementById(id);
const stops = data.stops;
const node = (tag, text, cls) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (cls) made.className = cls;
  return made;
};

// A stack after a difference: keep, pass over, keep, push.
const apply = (before, difference) => {
  if (!difference) return before;
  const [kept, skipped, above, ...pushed] = difference;
  return before.slice(0, kept).concat(before.slice(kept + skipped, kept + skipped + above), pushed);
};

// The state at a stop. Stops between two marks are computed from the mark before them.
const EVERY = 64;
const marks = [];
const follow = (state, stop) => ({
  stack: apply(state.stack, stop.stack),
  alt: apply(state.alt, stop.alt),
  number: stop.number === undefined ? state.number : stop.number,
  version: stop.version || state.version,
  script: stop.kind === "phase" ? (stop.script === undefined ? null : stop.script) : state.script,
  phase: stop.phase || state.phase,
});
let state = { stack: [], alt: [], number: null, version: null, script: null, phase: "" };
stops.forEach((stop, index) => {
  state = follow(state, stop);
  if (index % EVERY === 0) marks.push(state);
});
const stateAt = index => {
  const mark = Math.floor(index / EVERY);
  let found = marks[mark];
  for (let next = mark * EVERY + 1; next <= index; next++) found = follow(found, stops[next]);
  return found;
};

// The stop of each position of each script, and the positions that were passed over.
const stepAt = data.scripts.map(() => new Map());
let current = null;
stops.forEach((stop, index) => {
  if (stop.kind === "phase") current = stop.script === undefined ? null : stop.script;
  if (stop.kind === "step" && current !== null) stepAt[current].set(stop.at, index);
});

// The lines of a script, made once: those that were not reached are dimmed.
const listings = [];
const listing = script => {
  if (listings[script]) return listings[script];
  const { rows, reached, count } = data.scripts[script];
  const box = node("div"), lines = new Map();
  let expected = 0;
  const gap = until => {
    if (until > expected) box.append(node("div", "      " + (until - expected) + " opcodes are not in this page", "gap"));
  };
  rows.forEach((row, nth) => {
    const [position, word] = Array.isArray(row) ? row : [nth, row];
    gap(position);
    expected = position + 1;
    const index = stepAt[script].get(position), stop = stops[index];
    const text = String(position).padStart(4) + "  " + "  ".repeat((stop && stop.branches) || 0) + data.words[word];
    const isRest = position >= reached;
    const line = node("div", text + (stop && stop.skipped ? "  (passed over)" : ""),
      isRest ? "rest" : stop && stop.error ? "bad" : stop && stop.skipped ? "dim" : "");
    if (isRest) line.title = "not reached";
    if (index !== undefined) line.addEventListener("click", () => show(index));
    lines.set(position, line);
    box.append(line);
  });
  gap(count);
  return listings[script] = { box, lines };
};

const element = id => {
  const [hex, about, length] = data.elements[id];
  const cell = node("td");
  const shown = hex === "" ? '""' : hex;
  if (length === undefined && hex.length > 160) {
    const whole = node("details");
    whole.append(node("summary", hex.slice(0, 32) + "…" + hex.slice(-32) + " (" + hex.length / 2 + " bytes)"), node("span", shown, "hex"));
    cell.append(whole);
  } else {
    cell.append(node("span", shown, "hex"));
  }
  if (length !== undefined) cell.append(node("span", " shortened to keep this page small", "dim"));
  if (about) cell.append(node("span", "  " + about, "dim"));
  return cell;
};
const stackRows = (table, stack) => {
  table.replaceChildren(...stack.map((id, place) => {
    const row = node("tr");
    row.append(node("td", String(stack.length - 1 - place)), element(id));
    return row;
  }).reverse());
};

const fieldText = field => {
  if (field.in) return ["(in " + field.in + ")", "dim"];
  if (field.left_out && field.hex === undefined) return ["left out: " + field.left_out, "dim"];
  return [field.hex + (field.means ? "  — " + field.means : "") + (field.left_out ? "  — left out: " + field.left_out : ""), ""];
};
const block = (title, cls, items, notes) => {
  const box = node("div");
  box.append(node("h2", title, cls));
  for (const note of notes || []) box.append(node("div", "note: " + note, "note"));
  const table = node("table", undefined, "mono");
  table.append(...items.map(([name, text, cls]) => {
    const row = node("tr");
    row.append(node("td", name), node("td", text, cls));
    return row;
  }));
  box.append(table);
  return box;
};
const texts = explanations => (explanations || []).map(it => it.text);
const detail = frame => {
  const list = fields => fields.map(field => [field.name, ...fieldText(field)]);
  switch (frame.kind) {
    case "signature": return block("Signature " + (frame.valid ? "valid" : "invalid") + ": " + frame.signature_kind,
      frame.valid ? "good" : "bad",
      [["key", frame.public_key], ["signature", frame.signature],
       ["hash type", frame.hash_type === null ? "none" : "0x" + frame.hash_type.toString(16).padStart(2, "0")],
       ...list(frame.fields), ["digest", frame.digest + "  — " + frame.digest_of]], texts(frame.explanations));
    case "hash": return block(frame.name + " of", "", [...list(frame.fields), ["digest", frame.digest]]);
    case "commitment": return block("Commitment: " + frame.step, frame.matches === false ? "bad" : "",
      Object.entries(frame).filter(([name]) => !["kind", "step", "explanations"].includes(name)).map(([name, value]) => [name, String(value)]),
      texts(frame.explanations));
    case "left_out": return block(frame.count + " checks of this step are not in this page, to keep it small", "dim", []);
    default: return node("div");
  }
};
const about = (stop, now) => {
  switch (stop.kind) {
    case "phase": return block("Phase " + stop.phase + (stop.bytes === null ? "" : ": script of " + stop.bytes + " bytes"), "",
      stop.notes.map(note => ["", note]));
    case "op_success": return block(stop.opcode + " at " + stop.at + " makes the script succeed: no opcode of it runs", "", []);
    case "omitted": return block(stop.steps + " steps are not in this page, to keep it small", "dim", []);
    case "step": {
      const row = data.scripts[now.script].rows.find((row, nth) => (Array.isArray(row) ? row[0] : nth) === stop.at);
      const word = row === undefined ? "opcode" : data.words[Array.isArray(row) ? row[1] : row];
      const info = data.opcodes[word] || (word.startsWith("<") ? ["-- x", "Pushes bytes."] : null);
      return block(word + " at " + stop.at + (stop.error ? " fails: " + stop.error : ""), stop.error ? "bad" : "", info ? [info] : [], stop.notes);
    }
    case "end": return block("End of script: " + (stop.error || "OK"), stop.error ? "bad" : "good", [["stopped", stop.stopped]]);
    default: return node("div");
  }
};

let at = 0, here = null;
function show(index) {
  at = Math.max(0, Math.min(stops.length - 1, index));
  const stop = stops[at], now = stateAt(at);
  el("slider").value = at;
  el("place").textContent = (at + 1) + "/" + stops.length;
  el("phase").textContent = now.phase;
  if (here) here.classList.remove("here");
  here = null;
  if (now.script === null) {
    el("script").replaceChildren();
  } else {
    const { box, lines } = listing(now.script);
    if (el("script").firstChild !== box) el("script").replaceChildren(box);
    here = ["step", "op_success"].includes(stop.kind) || stop.stopped === "decode" ? lines.get(stop.at) : null;
    if (here) {
      here.classList.add("here");
      here.scrollIntoView({ block: "nearest" });
    }
  }
  const hasState = ["begin", "step", "end"].includes(stop.kind);
  stackRows(el("stack"), hasState ? now.stack : []);
  stackRows(el("alt"), hasState ? now.alt : []);
  el("alttitle").hidden = !hasState || now.alt.length === 0;
  el("state").textContent = hasState ? now.version + (now.version === "TAPSCRIPT" ? ", budget " : ", opcodes counted ") + now.number : "";
  el("details").replaceChildren(about(stop, now), ...(stop.more || []).map(detail));
}

el("about").textContent = "input " + data.input + " of " + data.txid + "\nflags " + data.flags;
el("verdict").textContent = data.sentence;
el("verdict").className = !data.ok ? "bad" : data.gaps ? "mind" : "good";
el("slider").max = stops.length - 1;
el("slider").addEventListener("input", event => show(Number(event.target.value)));
el("next").addEventListener("click", () => show(at + 1));
el("back").addEventListener("click", () => show(at - 1));
const failure = data.failure === null ? stops.length - 1 : Math.min(data.failure, stops.length - 1);
el("failure").hidden = data.ok;
el("failure").addEventListener("click", () => show(failure));
const keys = {
  ArrowRight: () => show(at + 1), ArrowLeft: () => show(at - 1), PageDown: () => show(at + 10), PageUp: () => show(at - 10),
  Home: () => show(0), End: () => show(stops.length - 1), f: () => { if (!data.ok) show(failure); },
};
document.addEventListener("keydown", event => {
  if (event.target.tagName === "INPUT" && event.key !== "f" || event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
// The page of an input that fails is opened to see why.
show(data.ok ? 0 : failure);
