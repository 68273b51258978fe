/** A rectangle of cells and the keys that move it, as grids of spreadsheets do. Pure. */

export interface Place {
  row: number;
  column: number;
}

export interface Selection {
  /** Where it began. */
  anchor: Place;
  /** Where it is now: the active cell. */
  active: Place;
}

export interface Bounds {
  rows: number;
  columns: number;
  /** Rows that a page key moves. */
  page: number;
}

interface Keys {
  key: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
}

export function rectangle({ anchor, active }: Selection): { first: Place; last: Place } {
  return {
    first: { row: Math.min(anchor.row, active.row), column: Math.min(anchor.column, active.column) },
    last: { row: Math.max(anchor.row, active.row), column: Math.max(anchor.column, active.column) },
  };
}

export function holds(selection: Selection, row: number, column: number): boolean {
  const { first, last } = rectangle(selection);
  return row >= first.row && row <= last.row && column >= first.column && column <= last.column;
}

/** The selection after a key, or null where the key is none of a grid's. */
export function moved(selection: Selection, keys: Keys, bounds: Bounds): Selection | null {
  const { row, column } = selection.active;
  const far = keys.ctrlKey || keys.metaKey;
  const lastRow = bounds.rows - 1;
  const lastColumn = bounds.columns - 1;
  let next: Place;
  switch (keys.key) {
    case "ArrowUp":
      next = { row: far ? 0 : row - 1, column };
      break;
    case "ArrowDown":
      next = { row: far ? lastRow : row + 1, column };
      break;
    case "ArrowLeft":
      next = { row, column: far ? 0 : column - 1 };
      break;
    case "ArrowRight":
      next = { row, column: far ? lastColumn : column + 1 };
      break;
    case "PageUp":
      next = { row: row - bounds.page, column };
      break;
    case "PageDown":
      next = { row: row + bounds.page, column };
      break;
    case "Home":
      next = { row: far ? 0 : row, column: 0 };
      break;
    case "End":
      next = { row: far ? lastRow : row, column: lastColumn };
      break;
    default:
      return null;
  }
  const active = {
    row: Math.max(0, Math.min(lastRow, next.row)),
    column: Math.max(0, Math.min(lastColumn, next.column)),
  };
  return { anchor: keys.shiftKey ? selection.anchor : active, active };
}
