/**
 * Records inside of the text of a line, without parsing it. Pure.
 *
 * A record is a flat JSON object, and each of a domain begins with the same member. `},{"NAME":` can't stand inside a string: a
 * quote in there is escaped, so a bare one behind `{` would end the string, and a name can't follow that.
 */

/** A value as text: numbers with the digits that were sent, null for NULL. */
export type Cell = string | null;

export interface Group {
  /** Rows, from the first record of the domain on. */
  first: number;
  count: number;
  /** UTF-8, the records with commas between them. */
  body: Uint8Array;
}

const OPENING = '"data":[';
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The texts of the records in a `records` line, or in a page's body: everything between the brackets of `data`. */
export function recordTexts(line: string): string[] {
  const start = line.indexOf(OPENING) + OPENING.length;
  const end = line.lastIndexOf("]");
  if (start < OPENING.length || end <= start) return [];
  const nameEnd = line.indexOf('":', start);
  const separator = `},${line.slice(start, nameEnd + 2)}`;
  const found: string[] = [];
  let from = start;
  for (;;) {
    const border = line.indexOf(separator, from);
    if (border < 0 || border >= end) break;
    found.push(line.slice(from, border + 1));
    from = border + 2;
  }
  found.push(line.slice(from, end));
  return found;
}

export function encodeGroup(first: number, texts: string[]): Group {
  return { first, count: texts.length, body: encoder.encode(texts.join(",")) };
}

export interface ParsedGroup {
  names: string[];
  /** Which columns have numbers, as far as this group tells. */
  numeric: boolean[];
  rows: Cell[][];
}

interface Source {
  source?: string;
}

/** The rows of a group. Numbers stay the text they are, where the engine tells it (JSON.parse with source text access). */
export function parseGroup(body: Uint8Array): ParsedGroup {
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
