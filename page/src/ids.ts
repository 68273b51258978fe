/**
 * Container IDs as people paste them: one a line, taken as they are but for the white space around them. Pure.
 */

/** A line that names an ID which an earlier line has named already. Lines count from 1. */
export interface Duplicate {
  id: string;
  line: number;
  first: number;
}

export interface ParsedIds {
  /** Distinct, in the order of their first lines. */
  ids: string[];
  /** For each of `ids` the line it stands in. */
  lines: Uint32Array;
  /** How many lines repeat an earlier one. */
  duplicates: number;
  /** The first few of them. */
  examples: Duplicate[];
}

const EXAMPLES = 5;

/** Reads a text of any size; about 10 million characters a second, so large ones belong into a worker. */
export function parseIds(text: string): ParsedIds {
  const seen = new Map<string, number>();
  const examples: Duplicate[] = [];
  let duplicates = 0;
  let line = 0;
  for (let start = 0; start <= text.length; ) {
    let end = text.indexOf("\n", start);
    if (end < 0) end = text.length;
    line += 1;
    const id = text.slice(start, end).trim();
    start = end + 1;
    if (!id) continue;
    const first = seen.get(id);
    if (first === undefined) {
      seen.set(id, line);
      continue;
    }
    duplicates += 1;
    if (examples.length < EXAMPLES) examples.push({ id, line, first });
  }
  return { ids: [...seen.keys()], lines: Uint32Array.from(seen.values()), duplicates, examples };
}
