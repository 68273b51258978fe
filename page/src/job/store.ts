/**
 * The rows of one domain that the page keeps: groups of 128, as UTF-8, within a budget. Pure.
 *
 * Rows come in their order while the answer streams, and in pieces when somebody looks where nothing is kept. Over the budget the
 * group farthest from what is looked at goes first, so that what arrives far away costs nothing.
 */
import { encodeGroup, parseGroup, type Group, type ParsedGroup } from "./records";

export const GROUP_ROWS = 128;
const PARSED_GROUPS = 12;

export class RowStore {
  /** Rows that came by in the stream, or that the job says there are. */
  count = 0;
  private readonly groups = new Map<number, Group>();
  private readonly parsed = new Map<number, ParsedGroup>();
  private tail: string[] = [];
  private focus = 0;
  private held = 0;

  constructor(private readonly budget: number) {}

  /** Bytes that are kept. */
  get bytes(): number {
    return this.held;
  }

  /** Takes the next records of the stream. */
  append(texts: string[]): void {
    let used = 0;
    while (used < texts.length) {
      const first = this.count - this.tail.length;
      const room = GROUP_ROWS - this.tail.length;
      const piece = texts.slice(used, used + room);
      used += piece.length;
      this.count += piece.length;
      this.tail.push(...piece);
      if (this.tail.length === GROUP_ROWS) {
        this.put(first, this.tail);
        this.tail = [];
      }
    }
  }

  /** Takes rows from elsewhere; `first` must be the beginning of a group. */
  insert(first: number, texts: string[]): void {
    for (let used = 0; used < texts.length; used += GROUP_ROWS) {
      this.put(first + used, texts.slice(used, used + GROUP_ROWS));
    }
  }

  /** Somebody looks at this row. */
  look(row: number): void {
    this.focus = Math.floor(row / GROUP_ROWS);
  }

  /** The rows of the group that `row` is in, or undefined where it is not kept. */
  group(row: number): ParsedGroup | undefined {
    const index = Math.floor(row / GROUP_ROWS);
    const parsed = this.parsed.get(index);
    if (parsed) {
      this.parsed.delete(index);
      this.parsed.set(index, parsed);
      return parsed;
    }
    const streamed = this.count - this.tail.length;
    if (this.tail.length && row >= streamed && row < this.count) return parseGroup(encodeGroup(streamed, this.tail).body);
    const group = this.groups.get(index);
    return group && this.remember(index, parseGroup(group.body));
  }

  private remember(index: number, parsed: ParsedGroup): ParsedGroup {
    this.parsed.set(index, parsed);
    const oldest = this.parsed.keys().next();
    if (this.parsed.size > PARSED_GROUPS && !oldest.done) this.parsed.delete(oldest.value);
    return parsed;
  }

  private put(first: number, texts: string[]): void {
    const index = Math.floor(first / GROUP_ROWS);
    this.parsed.delete(index);
    if (this.held >= this.budget && this.distance(index) >= this.distance(this.farthest())) return;
    const group = encodeGroup(first, texts);
    this.held += group.body.byteLength - (this.groups.get(index)?.body.byteLength ?? 0);
    this.groups.set(index, group);
    while (this.held > this.budget && this.groups.size > 1) this.drop(this.farthest());
  }

  private drop(index: number): void {
    this.held -= this.groups.get(index)?.body.byteLength ?? 0;
    this.groups.delete(index);
    this.parsed.delete(index);
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
