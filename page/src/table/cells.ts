/**
 * The cells of a row, written into the document by hand.
 *
 * Some four hundred cells change with each turn of the wheel. As virtual nodes each would be made, compared and thrown away: a quarter
 * of the work of such a turn, and most of its garbage.
 */
import type { Directive } from "vue";
import type { Row } from "../job/blocks";
import { holds, type Selection } from "./selection";

/** A column that is drawn: `index` among those that are shown, `place` in a record. */
export interface DrawnColumn {
  index: number;
  place: number;
  numeric: boolean;
}

/** What a row shows; `cells` is undefined while they are on their way. */
export interface RowCells {
  row: number;
  cells: Row | undefined;
  columns: DrawnColumn[];
  selection: Selection;
}

export const ACTIVE_CELL = "active-cell";

/** Keeps the cells behind what the row's element has of its own. */
export const vCells: Directive<HTMLElement, RowCells> = {
  mounted: (element, { value }) => draw(element, value),
  updated: (element, { value }) => draw(element, value),
};

function draw(line: HTMLElement, { row, cells, columns, selection }: RowCells): void {
  let next = line.querySelector<HTMLElement>(":scope > [role=gridcell]");
  for (const column of columns) {
    const cell = next ?? line.appendChild(newCell());
    next = cell.nextElementSibling as HTMLElement | null;
    write(cell, row, cells, column, selection);
  }
  while (next) {
    const last = next;
    next = last.nextElementSibling as HTMLElement | null;
    last.remove();
  }
}

function newCell(): HTMLElement {
  const cell = document.createElement("div");
  cell.setAttribute("role", "gridcell");
  cell.append("");
  return cell;
}

/** Touches only what is different: each change is styled, laid out and painted. */
function write(cell: HTMLElement, row: number, cells: Row | undefined, column: DrawnColumn, selection: Selection): void {
  const chosen = holds(selection, row, column.index);
  const active = chosen && selection.active.row === row && selection.active.column === column.index;
  const text = cells ? (cells.cell(column.place) ?? "null") : "";
  const node = cell.firstChild as Text;
  if (node.data !== text) node.data = text;
  const look = lookOf(cells, column, chosen, active);
  if (cell.className !== look) cell.className = look;
  const place = String(column.index + 2);
  if (cell.ariaColIndex !== place) cell.ariaColIndex = place;
  const selected = chosen ? "true" : null;
  if (cell.ariaSelected !== selected) cell.ariaSelected = selected;
  if (active !== (cell.id === ACTIVE_CELL)) {
    if (active) cell.id = ACTIVE_CELL;
    else cell.removeAttribute("id");
  }
}

function lookOf(cells: Row | undefined, column: DrawnColumn, chosen: boolean, active: boolean): string {
  let found = column.numeric ? "cell numeric" : "cell";
  if (!cells) found += " bone";
  else if (cells.isNull(column.place)) found += " nothing";
  if (chosen) found += active ? " chosen active" : " chosen";
  return found;
}
