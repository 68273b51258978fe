/**
 * The rows of one domain that the page keeps: groups of 32, as UTF-8, within a budget. Pure.
 *
 * Rows come in their order while the answer streams, and in pieces when somebody looks where nothing is kept. Over the budget the
 * group farthest from what is looked at goes first, so that what arrives far away costs nothing.
 */
import { free } from "./memory";
import { bytesOf, countOf, parseRecords, type ParsedRecords, type Records } from "./records";

export const GROUP_ROWS = 32;
const COMMA = 44;

export function groupOf(row: number): number {
  return Math.floor(row / GROUP_ROWS);
}

export class RowStore {
  /** Rows that came by in the stream, or that the job says there are. */
  count = 0;
  private readonly groups = new Map<number, Uint8Array>();
  private readonly tail = new Tail();
  private focus = 0;
  private held = 0;

  constructor(private readonly budget: number) {}

  /** Bytes that are kept. */
  get bytes(): number {
    return this.held;
  }

  /** Takes the next records of the stream. */
  append(records: Records): void {
    const total = countOf(records);
    for (let used = 0; used < total; ) {
      const size = Math.min(GROUP_ROWS - this.tail.rows, total - used);
      const piece = bytesOf(records, used, size);
      const index = groupOf(this.count);
      used += size;
      this.count += size;
      if (size === GROUP_ROWS) {
        this.put(index, piece);
        continue;
      }
      this.tail.add(piece, size);
      if (this.tail.rows < GROUP_ROWS) continue;
      this.put(index, this.tail.bytes);
      this.tail.clear();
    }
  }

  /**
   * Takes rows from elsewhere; `first` must be the beginning of a group. A group that is not whole is left out, unless the rows end with it:
   * what is missing of it may still be on its way.
   */
  insert(first: number, records: Records): void {
    const total = Math.min(countOf(records), this.count - first);
    for (let used = 0; used < total; used += GROUP_ROWS) {
      const size = Math.min(GROUP_ROWS, total - used);
      const whole = size === GROUP_ROWS || (first + used + size === this.count && !this.tail.rows);
      if (whole) this.put(groupOf(first + used), bytesOf(records, used, size));
    }
  }

  /** Somebody looks at this row. */
  look(row: number): void {
    this.focus = groupOf(row);
  }

  /** How many rows a group has by now. */
  rowsIn(index: number): number {
    return Math.max(0, Math.min(GROUP_ROWS, this.count - index * GROUP_ROWS));
  }

  /** The rows of a group, or undefined where it is not kept. */
  group(index: number): ParsedRecords | undefined {
    if (this.tail.rows && index === groupOf(this.count)) return parseRecords(this.tail.bytes);
    const body = this.groups.get(index);
    return body && parseRecords(body);
  }

  private put(index: number, view: Uint8Array): void {
    if (this.held >= this.budget && this.distance(index) >= this.distance(this.farthest())) return;
    this.drop(index);
    this.held += view.length;
    this.groups.set(index, view.slice());
    while (this.held > this.budget && this.groups.size > 1) this.drop(this.farthest());
  }

  private drop(index: number): void {
    const dropped = this.groups.get(index);
    if (!dropped) return;
    this.held -= dropped.length;
    this.groups.delete(index);
    free(dropped);
  }

  private distance(index: number): number {
    return Math.abs(index - this.focus);
  }

  private farthest(): number {
    let found = this.focus;
    for (const index of this.groups.keys()) if (this.distance(index) > this.distance(found)) found = index;
    return found;
  }
}

/** The rows of a group that is not whole yet, in one piece of memory that is used again. */
class Tail {
  rows = 0;
  private memory = new Uint8Array(1 << 16);
  private used = 0;

  get bytes(): Uint8Array {
    return this.memory.subarray(0, this.used);
  }

  add(piece: Uint8Array, rows: number): void {
    const end = this.used + piece.length + 1;
    if (end > this.memory.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(this.bytes);
      this.memory = larger;
    }
    if (this.used) this.memory[this.used++] = COMMA;
    this.memory.set(piece, this.used);
    this.used += piece.length;
    this.rows += rows;
  }

  clear(): void {
    this.rows = this.used = 0;
  }
}
