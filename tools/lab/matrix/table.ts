// The matrix for people: a line as each row ends, the table at the end, and the same as a page of the documentation.
import { FLEETS, allOf, isRight, setUpOf, staleOf, summary, type FleetResult, type MatrixResult, type RowResult } from './result.ts'

/** One row as it ends. */
export function rowLine (row: RowResult): string {
  const of = FLEETS.map(fleet => {
    const { secondsToName, secondsToAlert, secondsToRecover, named } = row.fleets[fleet]
    const times = [secondsToName === undefined ? undefined : `named in ${secondsToName} s`, secondsToAlert === undefined ? undefined : `told in ${secondsToAlert} s`, secondsToRecover === undefined ? undefined : `recovered in ${secondsToRecover} s`]
    return `  ${fleet}: ${named.join('; ') || 'nothing'}${times.some(each => each !== undefined) ? ` (${times.filter(each => each !== undefined).join(', ')})` : ''}`
  })
  const wrong = FLEETS.flatMap(fleet => row.fleets[fleet].wrong.map(each => `  WRONG, ${fleet}: ${each}`))
  const meanwhile = FLEETS.flatMap(fleet => (row.fleets[fleet].meanwhile ?? []).map(each => `  for a moment, ${fleet}: ${each}`))
  return [`${row.name}: ${isRight(row) ? 'right' : 'WRONG'}`, ...of, ...meanwhile, ...wrong].join('\n')
}

/** The table, and what is wrong below it. */
export function matrixText (result: MatrixResult): string {
  const rows = allOf(result).map(cellsOf)
  const widths = HEAD.map((title, column) => Math.max(title.length, ...rows.map(row => row[column]?.length ?? 0)))
  const render = (cells: readonly string[]): string => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()
  const wrong = allOf(result).filter(row => !isRight(row))
  return [
    'CONFUSION MATRIX', render(HEAD), ...rows.map(render), '', ...wrong.map(rowLine), ...(wrong.length === 0 ? [] : ['']),
    summary(result),
  ].join('\n')
}

const HEAD = ['break', 'right?', 'expected (shared)', 'named (shared)', 'expected (bare)', 'named (bare)', 's to name', 's to recover', 'alert', 'others'] as const

function cellsOf (row: RowResult): string[] {
  const { shared, bare } = row.fleets
  const both = (of: (fleet: FleetResult) => number | undefined) => [of(shared), of(bare)].map(each => each === undefined ? '-' : each.toFixed(1)).join(' / ')
  const a = [shared, bare].map(each => namesOf(each).map(name => name.replace(/^Dialtone/, '')).join(', ') || 'none')
  return [
    row.name, isRight(row) ? 'yes' : 'NO', short(shared.expected), short(shared.named), short(bare.expected), short(bare.named),
    both(each => each.secondsToName), both(each => each.secondsToRecover), a[0] === a[1] ? a[0] ?? '' : a.join(' / '), [shared.others.length, bare.others.length].join(' / '),
  ]
}

/** Causes alone, each once. */
function short (texts: readonly string[]): string {
  return [...new Set(texts.map(text => /: ([a-z]+(?:\.[a-z-]+)?)( |$)/.exec(text)?.[1] ?? text))].join(', ')
}

/** Of the alerts that somebody was told of, each once. */
function namesOf ({ alerts }: FleetResult): string[] {
  return [...new Set(alerts.map(text => text.replace(/ .*/, '')))]
}

/** The page of the documentation. */
export function matrixPage (result: MatrixResult): string {
  const all = allOf(result)
  const { commit, scale, processors } = setUpOf(result)
  const stale = staleOf(result)
  const line = (cells: readonly string[]): string => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const section = (title: string, rows: readonly RowResult[]): string[] => rows.length === 0 ? [] : ['', `## ${title}`, '', line(PAGE_HEAD), line(PAGE_HEAD.map(() => '---')), ...rows.map(row => line(pageCells(row, stale.includes(row))))]
  const list = (title: string, lines: readonly string[]): string[] => lines.length === 0 ? [] : ['', `## ${title}`, '', ...lines]
  const times = all.map(({ at }) => at.slice(0, 16).replace('T', ' ')).toSorted()
  const of = (field: 'why' | 'users'): string[] => all.flatMap(row => row[field] === undefined ? [] : [`- \`${row.name}\`: ${row[field]}`])
  const moments = all.flatMap(row => {
    const said = FLEETS.flatMap(fleet => row.fleets[fleet].meanwhile === undefined ? [] : `${fleet}: ${momentsOf(row.fleets[fleet]).join(', ')}`)
    return said.length === 0 ? [] : `- \`${row.name}\`: ${said.join('; ')}`
  })
  return [
    '# What was broken in the lab, and what was named', '',
    `Written by \`npm run lab:matrix\` from \`tools/lab/results/matrix.json\`; its rows were run from ${times[0]} to ${times.at(-1)} UTC, at commit \`${commit}\` on ${processors} processors. **${summary(result)}.**`,
    ...(stale.length === 0 ? [] : [`**Old**, of another commit or machine: ${stale.length} of ${all.length}, as the last column says.`]), '',
    'Real servers in a network of namespaces ([the lab](../../tools/lab/README.md)); each thing is broken, named by two fleets at once, healed, and watched until everything is as before. `shared` holds the',
    'dialback secret of our server; `bare` does not, and proves only what a stranger can. A row is right when at the last look both fleets say what is expected, state and side as well, in API and metrics, and no other row is',
    'otherwise than before but those that have the same of their domain and those that `matrix/expected.ts` names; the alerts of that are told, with all their labels, and no others; where nothing is expected it is watched',
    'for at least 100 seconds, and nothing is said after the first 45; and all recovers. What else was said on the way and went away again makes no row wrong: it stands below, as what was said for a moment.',
    `Light checks run every two seconds instead of 60, and times of alerts are divided by ${scale}, those about Dialtone itself to ten seconds at least: seconds are those of the lab, whose machine runs both fleets`,
    'and all servers. They count from when breaking, or healing, began, which takes up to seven seconds itself.',
    ...section('Breaks', [result.healthy, ...result.breaks]), ...section('Peers that are broken for good', result.standing),
    ...list('For a moment', moments.length === 0 ? [] : ['In seconds since it was broken. Rows that were run before it was measured do not tell until when.', '', ...moments]),
    ...list('Why so', of('why')), ...list('What users notice, and nobody says so', of('users')),
    ...list('Expected after it was seen', all.filter(({ afterwards }) => afterwards).map(({ name }) => `- \`${name}\``)),
    ...list('What is wrong', all.filter(row => !isRight(row)).map(row => ['```', rowLine(row), '```'].join('\n'))),
    '',
  ].join('\n')
}

/** As a FleetResult has it: when, of whom, and what, without the sentence and its evidence. */
const MOMENT = /^after ([\d.]+) s(?:, until ([\d.]+) s)?: ([^\s:]+)(?: with ([^\s:]+))?: ([^)]+\))/

/** What was said for a moment. Pairs of a domain of which the same was said at the same time are told together. */
function momentsOf ({ meanwhile = [] }: FleetResult): string[] {
  const all = meanwhile.map(text => {
    const [, from, until, domain = text, peer, said] = MOMENT.exec(text) ?? []
    return { peer, about: peer === undefined ? domain : `${domain} with`, said, when: until === undefined ? `after ${from}` : `from ${from} to ${until}` }
  })
  return [...Map.groupBy(all, ({ about, said, when }) => `${about}: ${said} ${when}`).values()].map(same => {
    const { about, said, when } = same[0] as (typeof all)[number]
    return `\`${[about, same.flatMap(({ peer }) => peer ?? []).join(', ')].join(' ').trim()}: ${said}\` ${when}`
  })
}

const PAGE_HEAD = ['break', 'what is done', 'expected with the secret', 'named', 'expected without', 'named', 's to name', 's to recover', 'alert', 'right'] as const

function pageCells (row: RowResult, stale: boolean): string[] {
  const { shared, bare } = row.fleets
  const both = (of: (fleet: FleetResult) => number | undefined) => [of(shared), of(bare)].map(each => each === undefined ? '–' : each.toFixed(0)).join(' / ')
  const alerts = [shared, bare].map(each => namesOf(each).join(', ') || 'none')
  const said = (texts: readonly string[]): string => texts.length === 0 ? 'nothing' : texts.map(each => each === 'nothing' ? each : `\`${each}\``).join(', ')
  const named = (each: FleetResult): string[] => [said(each.expected), said(each.named) === said(each.expected) ? 'as expected' : said(each.named)]
  return [
    `\`${row.name}\``, row.says, ...named(shared), ...named(bare), both(each => each.secondsToName), both(each => each.secondsToRecover),
    alerts[0] === alerts[1] ? alerts[0] ?? '' : alerts.join(' / '), `${isRight(row) ? 'yes' : '**no**'}${stale ? ` (old: \`${row.setUp.commit}\`)` : ''}`,
  ]
}
