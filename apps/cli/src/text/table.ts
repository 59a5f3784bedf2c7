// Columns for people: as wide as what is in them, and together never wider than the terminal.
import { wrap, type Terminal } from '../terminal.ts'

/** A cell that is painted says how long it is without the paint. */
export type Cell = string | { text: string, painted: string }

/** Less room than this for the last column, and it goes on a line of its own. */
const NARROW = 36
const INDENT = 10
/** No column is made narrower. */
const LEAST = 12
const GAP = 2

/** Heads in dim, then the rows. What does not fit is wrapped in its column, the last column below the others where they leave no room. */
export function table (heads: readonly string[], rows: readonly (readonly Cell[])[], { columns, paint }: Terminal): string[] {
  const widths = heads.map((head, at) => Math.max(head.length, ...rows.map(row => plain(row[at]).length)))
  const last = heads.length - 1
  const before = () => widths.slice(0, -1).reduce((sum, width) => sum + width + GAP, 0)
  const below = columns - before() < NARROW && (columns - before() < (widths[last] ?? 0))
  // The widest gives way first.
  while (before() - (below ? GAP : 0) > columns) {
    const widest = widths.slice(0, -1).reduce((most, width, at) => width > (widths[most] ?? 0) ? at : most, 0)
    if ((widths[widest] ?? 0) <= LEAST) break
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  const room = columns - (below ? INDENT : before())
  const line = (cells: readonly Cell[]): string => {
    const parts = cells.slice(0, last).map((cell, at) => linesOf(cell, widths[at] ?? 0))
    const end = cells[last]
    if (!below) parts.push(typeof end === 'string' ? wrap(end, room).split('\n').flatMap(part => broken(part, room)).map(text => ({ text, painted: text })) : end === undefined ? [] : [end])
    const printed = Array.from({ length: Math.max(1, ...parts.map(({ length }) => length)) }, (_, row) => parts.map((lines, at) => {
      const { text, painted } = lines[row] ?? { text: '', painted: '' }
      return painted + ' '.repeat(at === last ? 0 : (widths[at] ?? 0) - text.length + GAP)
    }).join('').trimEnd())
    if (below && end !== undefined && plain(end) !== '') printed.push(...wrap(plain(end), room).split('\n').flatMap(part => broken(part, room)).map(text => ' '.repeat(INDENT) + text))
    return printed.join('\n')
  }
  return [paint('dim', line(below ? [...heads.slice(0, -1), ''] : heads)), ...rows.map(line)]
}

type Line = Exclude<Cell, string>

function linesOf (cell: Cell, width: number): Line[] {
  const text = plain(cell)
  if (text.length <= width) return [typeof cell === 'string' ? { text, painted: text } : cell]
  return wrap(text, width).split('\n').flatMap(part => broken(part, width)).map(part => ({ text: part, painted: part }))
}

/** A word that is longer than a line goes on in the next one, after a dot or a hyphen if there is one. */
export function broken (text: string, width: number): string[] {
  if (text.length <= width) return [text]
  const at = Math.max(text.lastIndexOf('.', width - 1), text.lastIndexOf('-', width - 1)) + 1
  const cut = at > width / 2 ? at : width
  return [text.slice(0, cut), ...broken(text.slice(cut), width)]
}

function plain (cell: Cell | undefined): string {
  return cell === undefined ? '' : typeof cell === 'string' ? cell : cell.text
}
