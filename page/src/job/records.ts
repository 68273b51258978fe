/**
 * Records inside of the bytes of a line, without parsing it. Pure.
 *
 * A record is a flat JSON object, and each of a domain begins with the same member. `},{"NAME":` can't stand inside a string: a
 * quote in there is escaped, so a bare one behind `{` would end the string, and a name can't follow that. In UTF-8 no byte of these is
 * part of another character.
 */

/** A value as text: numbers with the digits that were sent, null for NULL. */
export type Cell = string | null;

/** Records as they stand in a line, one byte between them. */
export interface Records {
  bytes: Uint8Array;
  /** Where each begins, and where one behind the last would. */
  starts: number[];
}

const OPENING = utf8('"data":[');
const NAME_END = utf8('":');
const CLOSING_BRACKET = 93;
const COMMA = 44;
const NONE: Records = { bytes: new Uint8Array(0), starts: [0] };

const decoder = new TextDecoder();

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The records in a `records` line, or in a page's body: everything between the brackets of `data`. Views of what is given. */
export function cutRecords(line: Uint8Array): Records {
  const start = indexOf(line, OPENING, 0) + OPENING.length;
  const end = line.lastIndexOf(CLOSING_BRACKET);
  if (start < OPENING.length || end <= start) return NONE;
  const nameEnd = indexOf(line, NAME_END, start) + NAME_END.length;
  const border = utf8("},").length;
  const separator = new Uint8Array(border + nameEnd - start);
  separator.set(utf8("},"));
  separator.set(line.subarray(start, nameEnd), border);
  const starts = [start];
  for (let at = indexOf(line, separator, start); at >= 0 && at < end; at = indexOf(line, separator, at + border)) {
    starts.push(at + border);
  }
  starts.push(end + 1);
  return { bytes: line, starts };
}

export function countOf(records: Records): number {
  return records.starts.length - 1;
}

/** The records from `first` on, `count` of them, with a comma between them. A view. */
export function bytesOf({ bytes, starts }: Records, first: number, count: number): Uint8Array {
  return bytes.subarray(starts[first], (starts[first + count] ?? 1) - 1);
}

/** The records of several lines as if they stood in one. */
export function joined(parts: Records[]): Records {
  const filled = parts.filter((part) => countOf(part));
  if (filled.length < 2) return filled[0] ?? NONE;
  const bodies = filled.map((part) => bytesOf(part, 0, countOf(part)));
  const bytes = new Uint8Array(bodies.reduce((sum, body) => sum + body.length + 1, 0)).fill(COMMA);
  const starts: number[] = [];
  let at = 0;
  filled.forEach((part, place) => {
    const body = bodies[place] ?? part.bytes;
    bytes.set(body, at);
    const shift = at - (part.starts[0] ?? 0);
    for (let record = 0; record < countOf(part); record += 1) starts.push((part.starts[record] ?? 0) + shift);
    at += body.length + 1;
  });
  return { bytes, starts: [...starts, at] };
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array, from: number): number {
  const begin = wanted[0] ?? 0;
  for (let at = bytes.indexOf(begin, from); at >= 0; at = bytes.indexOf(begin, at + 1)) {
    let place = 1;
    while (place < wanted.length && bytes[at + place] === wanted[place]) place += 1;
    if (place === wanted.length) return at;
  }
  return -1;
}

export interface ParsedRecords {
  names: string[];
  /** Which columns have numbers, as far as these tell. */
  numeric: boolean[];
  rows: Cell[][];
}

interface Source {
  source?: string;
}

/** Rows from records with commas between them. Numbers stay the text they are, where the engine tells it (JSON.parse with source text access). */
export function parseRecords(body: Uint8Array): ParsedRecords {
  const numbers = new Set<string>();
  const reviver = (name: string, value: unknown, context?: Source): unknown => {
    if (typeof value !== "number") return value;
    numbers.add(name);
    return context?.source ?? String(value);
  };
  const records = JSON.parse(`[${decoder.decode(body)}]`, reviver) as Record<string, unknown>[];
  const names = Object.keys(records[0] ?? {});
  return {
    names,
    numeric: names.map((name) => numbers.has(name)),
    rows: records.map((record) => names.map((name) => cell(record[name]))),
  };
}

function cell(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  return typeof value === "string" ? value : typeof value === "object" ? JSON.stringify(value) : String(value);
}

const UNSAFE = /[\t\n\r"]/;

const FULL_WIDTH = /[\u1100-\u115f\u2e80-\uffdc]/g;

/** For each column the width of its widest value, in half-width characters. */
export function widest(rows: Cell[][]): number[] {
  const found: number[] = [];
  for (const row of rows) {
    row.forEach((value, place) => {
      const width = value === null ? 4 : value.length + 0.75 * (value.match(FULL_WIDTH)?.length ?? 0);
      found[place] = Math.max(found[place] ?? 0, width);
    });
  }
  return found;
}

/** Rows for the clipboard, as spreadsheets read them: a heading, tabs between cells, quotes where a cell has a tab or a line end. */
export function tabSeparated(names: string[], rows: Cell[][]): string {
  const quoted = (value: Cell): string =>
    value === null ? "" : UNSAFE.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
  return [names, ...rows].map((row) => row.map(quoted).join("\t")).join("\n");
}
