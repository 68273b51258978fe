/** Which columns a table shows and how wide: kept in the browser for each domain. */
import { computed, ref, watch, type Ref } from "vue";
import type { Columns } from "../job/messages";

export interface Column {
  name: string;
  type: string;
  numeric: boolean;
  width: number;
}

interface Kept {
  hidden: string[];
  widths: Record<string, number>;
}

export const NARROWEST = 56;
export const WIDEST = 900;
const CHARACTER = 7.6;

export function useColumns(domain: string, columns: Ref<Columns | undefined>) {
  const key = `tracestream.columns.${domain}`;
  const kept = ref<Kept>(stored(key));
  watch(kept, (now) => localStorage.setItem(key, JSON.stringify(now)), { deep: true });

  const all = computed<Column[]>(() => {
    const known = columns.value;
    if (!known) return [];
    return known.names.map((name, place) => {
      const numeric = known.numeric[place] ?? false;
      const width = kept.value.widths[name] ?? usual(name, numeric);
      return { name, type: known.types[place] ?? "", numeric, width };
    });
  });
  const hidden = computed(() => new Set(kept.value.hidden));
  const shown = computed(() => all.value.filter((column) => !hidden.value.has(column.name)));

  function resize(name: string, width: number): void {
    kept.value.widths[name] = Math.round(Math.min(WIDEST, Math.max(NARROWEST, width)));
  }

  function toggle(name: string): void {
    const now = new Set(kept.value.hidden);
    if (!now.delete(name) && shown.value.length > 1) now.add(name);
    kept.value.hidden = [...now];
  }

  function reset(): void {
    kept.value = { hidden: [], widths: {} };
  }

  return { all, shown, hidden, resize, toggle, reset };
}

function usual(name: string, numeric: boolean): number {
  return Math.round(Math.min(240, Math.max(numeric ? 104 : 136, name.length * CHARACTER + 30)));
}

function stored(key: string): Kept {
  try {
    const found = JSON.parse(localStorage.getItem(key) ?? "") as Partial<Kept>;
    return { hidden: found.hidden ?? [], widths: found.widths ?? {} };
  } catch {
    return { hidden: [], widths: {} };
  }
}
