/** The rows around what is looked at, on the page's own side: a row that stays in view is not drawn anew. */
import { shallowRef, triggerRef } from "vue";
import type { ViewRows } from "./messages";
import type { Cell } from "./records";

/** More than two screens full. */
const MOST = 400;

export function useKeptRows() {
  const kept = shallowRef(new Map<number, Cell[]>());
  let domain = "";

  function put(view: ViewRows): void {
    if (view.domain !== domain) kept.value = new Map();
    domain = view.domain;
    const rows = kept.value;
    let news = false;
    view.rows.forEach((cells, place) => {
      if (!cells || rows.has(view.first + place)) return;
      rows.set(view.first + place, cells);
      news = true;
    });
    for (const row of rows.keys()) {
      if (rows.size <= MOST) break;
      if (row < view.first || row >= view.first + view.rows.length) rows.delete(row);
    }
    if (news) triggerRef(kept);
  }

  /** The cells of a row, undefined while they are on their way. */
  function cells(of: string, row: number): Cell[] | undefined {
    const rows = kept.value;
    return of === domain ? rows.get(row) : undefined;
  }

  function clear(): void {
    kept.value = new Map();
  }

  return { put, cells, clear };
}
