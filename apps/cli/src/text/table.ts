// Columns for people: as wide as what is in them, the last one cut or wrapped at the edge of the terminal.
import { wrap, type Terminal } from '../terminal.ts'

/** A cell that is painted says how long it is without the paint. */
export type Cell = string | { text: string, painted: string }

/** Less room than this for the last column, and it goes on a line of its own. */
const NARROW = 36
const INDENT = 10

/** Heads in dim, then the rows. The last column is wrapped; columns before it are never cut. */
export function table (heads: readonly string[], rows: readonly (readonly Cell[])[], { columns, paint }: Terminal): string[] {
  const widths = heads.map((head, at) => Math.max(head.length, ...rows.map(row => plain(row[at]).length)))
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0)
  const below = columns - before < NARROW
  const room = columns - (below ? INDENT : before)
  const line = (cells: readonly Cell[]) => cells.map((cell, at) => {
    if (at < heads.length - 1) return shown(cell) + ' '.repeat((widths[at] ?? 0) - plain(cell).length + 2)
    if (typeof cell !== 'string') return cell.painted
    if (below && cell === '') return ''
    return below ? `\n${' '.repeat(INDENT)}${wrap(cell, room, ' '.repeat(INDENT))}` : wrap(cell, room, ' '.repeat(before))
  }).join('').replaceAll(/ +(?=\n|$)/g, '')
  return [paint('dim', line(below ? [...heads.slice(0, -1), ''] : heads)), ...rows.map(line)]
}

function plain (cell: Cell | undefined): string {
  return cell === undefined ? '' : typeof cell === 'string' ? cell : cell.text
}

function shown (cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.painted
}
