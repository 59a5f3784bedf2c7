/**
 * Reports as TAP 14 (testanything.org): a test point per domain, ok only when it is up, with a subtest of its verdict and of every finding that is an error or a
 * warning. What does not keep a domain from working is marked `# TODO`: it is listed, and fails nothing. Diagnostics are YAML.
 */
import type { Finding, Report, Verdict } from '@dialtone/contracts'

/** Before the first of `count` domains. */
export function tapHead (count: number): string {
  return `TAP version 14\n1..${count}\n`
}

/** The `number`-th domain, counted from 1. */
export function tapPoint ({ domain, as, verdict, findings, vantage }: Report, number: number): string {
  const told = findings.filter(({ level }) => level === 'error' || level === 'warning')
  const up = verdict.state === 'up'
  return [
    `# Subtest: ${plain(domain)}`,
    `    1..${told.length + 1}`,
    ...indented([point(up, 1, `verdict: ${verdict.cause}`), ...yaml(verdictFields(verdict))]),
    ...indented(told.flatMap((finding, at) => [
      point(false, at + 2, `${finding.check}: ${finding.says}`, finding.level === 'error' && !up ? undefined : finding.level === 'error' ? 'the domain works nevertheless' : 'a warning'),
      ...yaml(findingFields(finding)),
    ])),
    point(up, number, as === null ? domain : `${domain} for ${as}`),
    ...yaml({ state: verdict.state, cause: verdict.cause, side: verdict.side, message: verdict.sentence, vantage }),
    '',
  ].join('\n')
}

function verdictFields ({ state, cause, side, actor, confidence, sentence, remedy, pair }: Verdict): Fields {
  return {
    state, cause, side, actor, confidence, message: sentence, remedy,
    ...(pair === undefined ? {} : { out: `${pair.out.state} ${pair.out.cause}: ${pair.out.sentence}`, in: `${pair.in.state} ${pair.in.cause}: ${pair.in.sentence}` }),
  }
}

function findingFields ({ level, outcome, detail, endpoint }: Finding): Fields {
  return { severity: level === 'error' ? 'fail' : 'todo', level, outcome, ...(detail === undefined ? {} : { message: detail }), ...(endpoint === undefined ? {} : { endpoint }) }
}

function point (ok: boolean, number: number, description: string, todo?: string): string {
  return `${ok ? 'ok' : 'not ok'} ${number} - ${plain(description)}${todo === undefined ? '' : ` # TODO ${todo}`}`
}

type Fields = Record<string, string | readonly string[]>

/** Every text is a JSON string, which is a double-quoted string of YAML 1.2 too. */
function yaml (fields: Fields): string[] {
  return [
    '  ---',
    ...Object.entries(fields).flatMap(([key, value]) => typeof value === 'string' ? [`  ${key}: ${JSON.stringify(value)}`] : value.length === 0 ? [] : [`  ${key}:`, ...value.map(entry => `    - ${JSON.stringify(entry)}`)]),
    '  ...',
  ]
}

function indented (lines: readonly string[]): string[] {
  return lines.map(line => `    ${line}`)
}

/** On one line, with what would begin a directive escaped. */
function plain (text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\#]/g, character => `\\${character}`)
}
