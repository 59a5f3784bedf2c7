// A runbook as tests read it: its sections, its links, and its fenced commands with what must come out of them.
export type Fence = {
  /** `sh`, `text`, `lua`, … */
  language: string
  /** What stands behind the language: `run`, `run at=outside`, `expect`. */
  info: readonly string[]
  text: string
  /** Of its first line in the file, from 1. */
  line: number
}

/** A fence to be run, where, and the lines that must be found in its output. */
export type Run = { command: Fence, at?: string, expects: readonly string[] }

export function fencesOf (page: string): Fence[] {
  const fences: Fence[] = []
  for (const match of page.matchAll(/^ *```(\w*)([^\n]*)\n([^]*?)^ *```$/gm)) {
    const [, language = '', info = '', text = ''] = match
    fences.push({ language, info: info.trim().split(/\s+/).filter(word => word !== ''), text, line: page.slice(0, match.index).split('\n').length })
  }
  return fences
}

/** The fences marked `run`, each with the `text expect` that follows it. Throws where one has none: a command that proves nothing. */
export function runsOf (page: string): Run[] {
  const fences = fencesOf(page)
  return fences.flatMap((command, at) => {
    if (command.info[0] !== 'run') return []
    const next = fences[at + 1]
    if (next?.info[0] !== 'expect') throw new Error(`line ${command.line}: a fence that is run is followed by one that says what is expected: \`\`\`text expect`)
    const expects = next.text.split('\n').map(line => line.trim()).filter(line => line !== '')
    if (expects.length === 0) throw new Error(`line ${next.line}: nothing is expected`)
    const where = command.info.find(word => word.startsWith('at='))?.slice(3)
    return [{ command, expects, ...(where === undefined ? {} : { at: where }) }]
  })
}

/** The names that the page tells its reader to set: `export A=… B=…`. */
export function exportsOf (page: string): string[] {
  return fencesOf(page).filter(({ language }) => language === 'sh').flatMap(({ text }) => [...text.matchAll(/^export (.+)$/gm)].flatMap(([, words = '']) => [...words.matchAll(/(?:^|\s)([A-Z][A-Z_0-9]*)=/g)].map(([, name = '']) => name)))
}

/** The functions that the page defines for its commands, in the fences that set variables. */
export function definitionsOf (page: string): string {
  return fencesOf(page).filter(({ language, text }) => language === 'sh' && /^export /m.test(text)).map(({ text }) => text.replaceAll(/^export .*\n/gm, '')).join('')
}

/** The variables that a command uses. */
export function variablesOf (text: string): string[] {
  return [...new Set([...text.matchAll(/\$\{?([A-Z][A-Z_0-9]*)/g)].map(([, name = '']) => name))]
}

/** Headings of the second level, in order. */
export function sectionsOf (page: string): string[] {
  return [...withoutFences(page).matchAll(/^## (.+)$/gm)].map(([, title = '']) => title)
}

/** The text under a heading of the second level, up to the next. */
export function sectionOf (page: string, title: string): string {
  return new RegExp(`^## ${title}$([^]*?)(?=^## |$(?![^]))`, 'm').exec(page)?.[1]?.trim() ?? ''
}

/** Targets of links, without those in fences and code. */
export function linksOf (page: string): string[] {
  return [...withoutFences(page).replaceAll(/`[^`\n]*`/g, '``').matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
}

/** Anchors of headings, as GitHub makes them. */
export function anchorsOf (page: string): string[] {
  const seen = new Map<string, number>()
  return [...withoutFences(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, title = '']) => {
    const plain = title.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').trim().replaceAll(' ', '-')
    const before = seen.get(plain) ?? 0
    seen.set(plain, before + 1)
    return before === 0 ? plain : `${plain}-${before}`
  })
}

/**
 * The lines that are not found, in order, each somewhere below the one before. A line may be a part of one that came out, but of whole words: `refused` is no `unrefused`. A number alone is all of its line,
 * so that `0` is no `10`. `…` stands for anything in a line, `$NAME` for its value.
 */
export function missingFrom (output: string, expects: readonly string[], values: Readonly<Record<string, string>>): string[] {
  const lines = output.split(/\r?\n/)
  let from = 0
  return expects.filter(expected => {
    const pattern = patternOf(expected.replaceAll(/\$([A-Z][A-Z_0-9]*)/g, (whole, name: string) => values[name] ?? whole))
    const found = lines.findIndex((line, at) => at >= from && pattern.test(line))
    if (found < 0) return true
    from = found + 1
    return false
  })
}

function patternOf (expected: string): RegExp {
  const anything = expected.split('…').map(part => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join('.*')
  if (/^\d+$/.test(expected)) return new RegExp(String.raw`^\s*${anything}\s*$`)
  return new RegExp(`${/^\w/.test(expected) ? String.raw`(?<!\w)` : ''}${anything}${/\w$/.test(expected) ? String.raw`(?!\w)` : ''}`)
}

function withoutFences (page: string): string {
  return page.replaceAll(/^ *```[^]*?^ *```$/gm, '')
}
