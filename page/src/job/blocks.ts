/**
 * Cells of some rows in one buffer, which goes from the worker to the page and back as it is. Pure.
 *
 * Texts by themselves would be copied with each message and lie about until somebody collects the garbage: tens of megabytes while
 * one scrolls. First stand the ends of the cells, row by row, as 32-bit numbers with the highest bit for NULL; behind them the cells as UTF-8.
 */
import type { Cell } from "./records";

const NULL = 0x8000_0000;
const WORD = 4;
const SMALLEST = 1 << 17;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Writes the cells into `spare`, or into a larger buffer where it has no room. */
export function encodeBlock(rows: Cell[][], columns: number, spare?: ArrayBuffer): ArrayBuffer {
  const head = WORD * rows.length * columns;
  let buffer = spare && spare.byteLength > head ? spare : new ArrayBuffer(Math.max(SMALLEST, 2 * head));
  let ends = new Uint32Array(buffer, 0, rows.length * columns);
  let texts = new Uint8Array(buffer, head);
  let end = 0;
  let place = 0;
  for (const row of rows) {
    for (let column = 0; column < columns; column += 1) {
      const cell = row[column] ?? null;
      if (cell !== null) {
        // A UTF-16 unit takes three bytes at most.
        if (end + 3 * cell.length > texts.length) {
          buffer = grown(buffer, 3 * cell.length);
          ends = new Uint32Array(buffer, 0, rows.length * columns);
          texts = new Uint8Array(buffer, head);
        }
        end += encoder.encodeInto(cell, texts.subarray(end)).written;
      }
      ends[place] = cell === null ? (end | NULL) >>> 0 : end;
      place += 1;
    }
  }
  return buffer;
}

function grown(buffer: ArrayBuffer, by: number): ArrayBuffer {
  const larger = new ArrayBuffer(2 * (buffer.byteLength + by));
  new Uint8Array(larger).set(new Uint8Array(buffer));
  return larger;
}

/** A row that is shown. It stays the same object for as long as its cells do. */
export class Row {
  constructor(
    public block: Block,
    private readonly place: number,
  ) {}

  /** The text of a cell; null for NULL. */
  cell(column: number): Cell {
    return this.block.cell(this.place, column);
  }

  isNull(column: number): boolean {
    return this.block.isNull(this.place, column);
  }
}

/** What {@link encodeBlock} wrote. */
export class Block {
  readonly rows: Row[];
  private readonly ends: Uint32Array;
  private readonly texts: Uint8Array;

  /** `before` is the same block as it was with fewer rows. */
  constructor(
    readonly buffer: ArrayBuffer,
    rows: number,
    private readonly columns: number,
    before?: Block,
  ) {
    this.ends = new Uint32Array(buffer, 0, rows * columns);
    this.texts = new Uint8Array(buffer, WORD * rows * columns);
    this.rows = Array.from({ length: rows }, (_, place) => before?.rows[place] ?? new Row(this, place));
    for (const row of this.rows) row.block = this;
  }

  isNull(row: number, column: number): boolean {
    return column < 0 || column >= this.columns || ((this.ends[row * this.columns + column] ?? NULL) & NULL) !== 0;
  }

  cell(row: number, column: number): Cell {
    if (this.isNull(row, column)) return null;
    const place = row * this.columns + column;
    const end = this.ends[place] ?? 0;
    const before = place ? (this.ends[place - 1] ?? 0) & ~NULL : 0;
    return before === end ? "" : decoder.decode(this.texts.subarray(before, end));
  }
}
