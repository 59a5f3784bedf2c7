/** What the output can show: colour, shapes and how wide. Decided once, in main.ts, from the stream and the environment. */
export type Terminal = {
  /** Columns; of a stream that is no terminal those of COLUMNS, else 80. */
  columns: number
  interactive: boolean
  paint: (colour: Colour, text: string) => string
  /** Shapes for states and steps; words stand beside each, so nothing is lost without them. */
  shapes: Shapes
}
export type Colour = 'green' | 'yellow' | 'red' | 'cyan' | 'dim' | 'bold'
export type Shapes = { up: string, degraded: string, down: string, unknown: string, ok: string, failed: string, skipped: string, dot: string, /** Of which arrows are drawn. */ line: string, to: string, from: string }

const CODES: Record<Colour, number> = { green: 32, yellow: 33, red: 31, cyan: 36, dim: 2, bold: 1 }
const UNICODE: Shapes = { up: '●', degraded: '▲', down: '✖', unknown: '◇', ok: '✔', failed: '✖', skipped: '·', dot: '·', line: '─', to: '►', from: '◄' }
const ASCII: Shapes = { up: 'o', degraded: '!', down: 'X', unknown: '?', ok: 'ok', failed: 'X', skipped: '-', dot: '-', line: '-', to: '>', from: '<' }

/**
 * Colour on a terminal only, never with NO_COLOR or TERM=dumb (no-color.org); shapes beyond ASCII only under a UTF-8 locale.
 * `environment` is process.env, passed in.
 */
export function terminalOf (stream: { isTTY?: boolean, columns?: number }, environment: Readonly<Record<string, string | undefined>>): Terminal {
  const interactive = stream.isTTY === true && environment['TERM'] !== 'dumb'
  const coloured = interactive && (environment['NO_COLOR'] ?? '') === ''
  const locale = environment['LC_ALL'] || environment['LC_CTYPE'] || environment['LANG'] || ''
  return {
    columns: Math.max(40, (interactive ? stream.columns : undefined) ?? columnsIn(environment) ?? 80),
    interactive,
    paint: (colour, text) => coloured ? `\u001B[${CODES[colour]}m${text}\u001B[0m` : text,
    shapes: locale === '' || /utf-?8/i.test(locale) ? UNICODE : ASCII,
  }
}

/** Where it is exported: what a reader of the pipe has room for. */
function columnsIn ({ COLUMNS = '' }: Readonly<Record<string, string | undefined>>): number | undefined {
  return /^[1-9]\d{1,3}$/.test(COLUMNS) ? Number(COLUMNS) : undefined
}

/** Breaks text at spaces into lines of at most `width`, the `indent` before every line but the first not counted. Words longer than a line stay whole. */
export function wrap (text: string, width: number, indent = ''): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const next = line === '' ? word : `${line} ${word}`
    if (line !== '' && next.length > width) {
      lines.push(line)
      line = word
    } else line = next
  }
  return [...lines, line].join(`\n${indent}`)
}
