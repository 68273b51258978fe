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
const HEADING_CHARACTER = 8.9;
const VALUE_CHARACTER = 7.9;
const LONG_VALUES = 220;
const PADDING = 24;

export function useColumns(domain: string, columns: Ref<Columns | undefined>) {
  const key = `tracestream.columns.${domain}`;
  const kept = ref<Kept>(stored(key));
  watch(kept, (now) => localStorage.setItem(key, JSON.stringify(now)), { deep: true });

  const all = computed<Column[]>(() => {
    const known = columns.value;
    if (!known) return [];
    return known.names.map((name, place) => {
      const numeric = known.numeric[place] ?? false;
      const width = kept.value.widths[name] ?? usual(name, known.widest[place]);
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

/** Room for the heading, and for the values where they are not very long. */
function usual(name: string, widest = 12): number {
  const values = Math.min(LONG_VALUES, widest * VALUE_CHARACTER) + PADDING;
  return Math.round(Math.max(NARROWEST, values, name.length * HEADING_CHARACTER + PADDING));
}

function stored(key: string): Kept {
  try {
    const found = JSON.parse(localStorage.getItem(key) ?? "") as Partial<Kept>;
    return { hidden: found.hidden ?? [], widths: found.widths ?? {} };
  } catch {
    return { hidden: [], widths: {} };
  }
}
