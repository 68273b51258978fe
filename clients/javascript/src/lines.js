/**
 * Bytes → lines, as text or as the bytes they are. Pure.
 *
 * Rules: an incomplete line is kept as a list of parts and joined once; a text that grows by `+=` is copied again with
 * each search. A line ends with LF; a CR before it is not part of the line. Blank lines are keep-alives and are passed over.
 * The bytes are cut anywhere, also inside a character.
 *
 * There are two ways to the same lines: browsers are fastest when bytes become text as they come; Node when a line's bytes
 * are put together first and become text in one go (bench/).
 *
 * @template [T=string]
 * @typedef {object} Splitter
 * @property {(chunk: Uint8Array) => T[]} push the lines that this chunk completes
 * @property {() => T[]} end what stands behind the last line end, if anything; afterwards it is as new
 * @property {number} ends line ends so far, those of keep-alives too
 */

import {IS_NODE} from "./engine.js";
import {NotTracestream} from "./errors.js";

/** A line may be this long: more than any that a gateway sends (16 MiB), so that nothing else fills the memory. */
export const LONGEST_LINE = 64 * 1024 * 1024;

const LF = 10;
const CR = 13;
const LONGEST_BLANK = 64;
const UTF8 = {ignoreBOM: true};
const DECODER = new TextDecoder("utf-8", UTF8);

/** @param {Uint8Array} line @returns {string} */
export function textOf(line) {
  return DECODER.decode(line);
}

/** Bytes that become text at once: Chromium's chunks have up to 2 MB, and what lies in the processor's cache is decoded faster. */
const PIECE = 64 * 1024;

/** Decodes piece by piece and looks for the line end in the text. @implements {Splitter} */
export class TextSplitter {
  ends = 0;
  #decoder = new TextDecoder("utf-8", UTF8);
  /** @type {string[]} */
  #parts = [];
  #held = 0;

  /** @param {number} [longest] in UTF-16 units */
  constructor(longest = LONGEST_LINE) {
    this.longest = longest;
  }

  /** @param {Uint8Array} chunk @returns {string[]} */
  push(chunk) {
    /** @type {string[]} */
    const lines = [];
    for (let at = 0; at < chunk.length; at += PIECE) {
      this.#take(this.#decoder.decode(chunk.subarray(at, at + PIECE), {stream: true}), lines);
    }
    return lines;
  }

  /** @returns {string[]} */
  end() {
    /** @type {string[]} */
    const lines = [];
    this.#take(this.#decoder.decode(), lines);
    keep(lines, this.#join(""));
    return lines;
  }

  /** @param {string} text @param {string[]} lines where the lines that it ends go */
  #take(text, lines) {
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      this.ends += 1;
      keep(lines, this.#join(text.slice(start, end)));
      start = end + 1;
    }
    if (start < text.length) {
      this.#parts.push(start === 0 ? text : text.slice(start));
      this.#held += text.length - start;
      check(this.#held, this.longest);
    }
  }

  /** @param {string} last */
  #join(last) {
    if (this.#parts.length === 0) return last;
    this.#parts.push(last);
    const line = this.#parts.join("");
    this.#parts = [];
    this.#held = 0;
    return line;
  }
}

/**
 * Looks for the line end in the bytes. An incomplete line stands in memory that is used again.
 *
 * @template T
 * @implements {Splitter<T>}
 */
export class ByteCutter {
  ends = 0;
  #memory = new Uint8Array(0);
  #held = 0;

  /**
   * @param {(line: Uint8Array) => T} take makes of a line what is kept of it: the bytes themselves are good until it returns
   * @param {number} [longest] in bytes
   */
  constructor(take, longest = LONGEST_LINE) {
    this.take = take;
    this.longest = longest;
  }

  /** @param {Uint8Array} chunk @returns {T[]} */
  push(chunk) {
    /** @type {T[]} */
    const lines = [];
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      this.ends += 1;
      this.#keep(lines, this.#join(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start));
    return lines;
  }

  /** @returns {T[]} */
  end() {
    /** @type {T[]} */
    const lines = [];
    this.#keep(lines, this.#join(new Uint8Array(0)));
    return lines;
  }

  /** @param {Uint8Array} part */
  #hold(part) {
    const held = this.#held + part.length;
    check(held, this.longest);
    if (held > this.#memory.length) {
      const larger = new Uint8Array(2 * held);
      larger.set(this.#memory.subarray(0, this.#held));
      this.#memory = larger;
    }
    this.#memory.set(part, this.#held);
    this.#held = held;
  }

  /** @param {Uint8Array} last */
  #join(last) {
    if (this.#held === 0) return last;
    this.#hold(last);
    const whole = this.#memory.subarray(0, this.#held);
    this.#held = 0;
    return whole;
  }

  /** @param {T[]} lines @param {Uint8Array} line */
  #keep(lines, line) {
    const bytes = line.at(-1) === CR ? line.subarray(0, -1) : line;
    if (bytes.length > LONGEST_BLANK || textOf(bytes).trim() !== "") lines.push(this.take(bytes));
  }
}

/** Cuts in the bytes and decodes a whole line. @extends {ByteCutter<string>} */
export class ByteSplitter extends ByteCutter {
  /** @param {number} [longest] in bytes */
  constructor(longest) {
    super(textOf, longest);
  }
}

/** @returns {Splitter} the faster one of this engine */
export function newSplitter() {
  return IS_NODE ? new ByteSplitter() : new TextSplitter();
}

/** @param {string[]} lines @param {string} line */
function keep(lines, line) {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line;
  if (text.length > LONGEST_BLANK || text.trim() !== "") lines.push(text);
}

/** @param {number} held @param {number} longest */
function check(held, longest) {
  if (held > longest) throw new NotTracestream(`A line has more than ${longest} bytes.`);
}
