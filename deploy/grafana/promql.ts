// What a PromQL expression asks for, as far as a linter needs to know: the metrics with the labels that are matched, and the labels that are grouped or joined by.
export type Asked = {
  /** Each selector: its metric, and the labels in its braces. */
  selectors: { metric: string, labels: string[] }[]
  /** In `by`, `without`, `on`, `ignoring`, `group_left` and `group_right`. */
  grouped: string[]
  /** Made by `label_replace`. */
  made: string[]
}

const KEYWORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'by', 'without', 'on', 'ignoring', 'group_left', 'group_right', 'inf', 'nan'])
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)/g
const SELECTOR = /([a-zA-Z_:][a-zA-Z0-9_:]*)\b(?!\s*\()\s*(\{[^{}]*\})?/g

/** Strings of the expression do not count; it is taken to be valid: Prometheus says so. */
export function asked (expr: string): Asked {
  const made = [...expr.matchAll(/,\s*"([a-zA-Z_]+)",\s*"[^"]*",\s*"[^"]*",\s*"[^"]*"\s*\)/g)].map(match => match[1] ?? '')
  // Braces are left, with what they match by; ranges and every other string are not.
  const plain = expr.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').replaceAll(/\[[^\]]*\]/g, '')
  const grouped = [...plain.matchAll(GROUPING)].flatMap(match => namesIn(match[1] ?? ''))
  const selectors = [...plain.replaceAll(GROUPING, ' ').matchAll(SELECTOR)]
    .filter(([, name, braces]) => name !== undefined && !KEYWORDS.has(name) && (braces !== undefined || name.includes('_') || name === 'up'))
    .map(([, metric = '', braces = '']) => ({ metric, labels: [...braces.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:=~|!~|!=|=)/g)].map(match => match[1] ?? '') }))
  return { selectors, grouped, made }
}

/** The labels of a legend: `{{label}}`. */
export function legendLabels (legend: string): string[] {
  return [...legend.matchAll(/\{\{\s*([a-zA-Z_]+)\s*\}\}/g)].map(match => match[1] ?? '')
}

function namesIn (list: string): string[] {
  return list.split(',').map(name => name.trim()).filter(name => name !== '')
}
