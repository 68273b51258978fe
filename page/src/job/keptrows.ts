/** The rows around what is looked at, on the page's own side: a row that stays in view is not drawn anew. */
import { shallowRef, triggerRef } from "vue";
import { Block, type Row } from "./blocks";
import type { RowBlock, ToWorker } from "./messages";
import { GROUP_ROWS, groupOf } from "./store";

/** More than the table draws at a time and wants ahead. */
const MOST = 16;

interface Kept extends Block {
  version: number;
}

/** `giveBack` returns the memory of what is shown no more. */
export function useKeptRows(giveBack: (message: Extract<ToWorker, { kind: "back" }>) => void) {
  const kept = shallowRef(new Map<number, Kept>());
  let domain = "";

  function put({ domain: of, index, version, rows, columns, buffer }: RowBlock): void {
    if (of !== domain) for (const each of [...kept.value.keys()]) drop(each);
    domain = of;
    const before = kept.value.get(index);
    const block = Object.assign(new Block(buffer, rows, columns, before), { version });
    if (before) drop(index);
    kept.value.set(index, block);
    while (kept.value.size > MOST) drop(farthest(index));
    triggerRef(kept);
  }

  function drop(index: number): void {
    const block = kept.value.get(index);
    if (!block) return;
    kept.value.delete(index);
    giveBack({ kind: "back", domain, index, version: block.version, buffer: block.buffer });
  }

  function farthest(from: number): number {
    let found = from;
    for (const index of kept.value.keys()) if (Math.abs(index - from) > Math.abs(found - from)) found = index;
    return found;
  }

  /** A row, undefined while it is on its way. */
  function row(of: string, number: number): Row | undefined {
    const blocks = kept.value;
    return of === domain ? blocks.get(groupOf(number))?.rows[number % GROUP_ROWS] : undefined;
  }

  function clear(): void {
    kept.value = new Map();
  }

  return { put, row, clear };
}
