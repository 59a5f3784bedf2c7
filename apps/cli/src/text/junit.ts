/**
 * Reports as JUnit XML, as CI servers read it: a suite per domain, a case per check, and one for the verdict. An error is a failure where the domain is not up;
 * what else was found stands in `system-out`. Nobody could tell: an `error` at the verdict, `skipped` at a check.
 */
import type { Finding, Report, Verdict } from '@dialtone/contracts'

export const JUNIT_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="dialtone">\n'
export const JUNIT_TAIL = '</testsuites>\n'

/** One domain. */
export function junitSuite ({ domain, as, vantage, startedAt, observation, findings, verdict }: Report): string {
  const name = as === null ? domain : `${domain} for ${as}`
  const cases = [verdictCase(verdict), ...[...Map.groupBy(findings, ({ check }) => check)].map(([check, found]) => findingCase(check, found, verdict))]
  const count = (tag: string) => cases.filter(({ body }) => body.startsWith(`<${tag}`)).length
  const attributes = attributesOf({
    name, hostname: vantage, timestamp: startedAt.replace(/\.\d+/, ''), time: (observation.ms / 1000).toFixed(3),
    tests: cases.length, failures: count('failure'), errors: count('error'), skipped: count('skipped'),
  })
  return [
    `  <testsuite${attributes}>`,
    ...cases.map(({ name: test, body }) => {
      const open = `    <testcase${attributesOf({ classname: domain, name: test })}`
      return body === '' ? `${open}/>` : `${open}>${body}</testcase>`
    }),
    '  </testsuite>', '',
  ].join('\n')
}

type Case = { name: string, body: string }

function verdictCase ({ state, cause, side, sentence, remedy, evidence, pair }: Verdict): Case {
  const text = [
    sentence, `${cause}, side: ${side}`,
    ...(pair === undefined ? [] : [`out: ${pair.out.state} ${pair.out.cause}: ${pair.out.sentence}`, `in: ${pair.in.state} ${pair.in.cause}: ${pair.in.sentence}`]),
    ...evidence.map(each => `evidence: ${each.text}`), ...remedy.map((step, at) => `${at + 1}. ${step}`),
  ].join('\n')
  if (state === 'up') return { name: 'verdict', body: element('system-out', {}, text) }
  return { name: 'verdict', body: element(state === 'unknown' ? 'error' : 'failure', { type: cause, message: sentence }, text) }
}

function findingCase (check: string, found: readonly Finding[], { state, cause, sentence }: Verdict): Case {
  const lines = (of: readonly Finding[]) => of.map(({ level, says, detail, endpoint }) => `${level}: ${says}${detail === undefined ? '' : `: ${detail}`}${endpoint === undefined ? '' : ` [${endpoint}]`}`).join('\n')
  const errors = found.filter(({ level }) => level === 'error')
  const [first] = errors
  if (first !== undefined && state !== 'up') return { name: check, body: element('failure', { type: cause, message: `${first.says}${first.detail === undefined ? '' : `: ${first.detail}`}` }, `${lines(errors)}\n${cause}: ${sentence}`) }
  if (found.every(({ level }) => level === 'unknown')) return { name: check, body: element('skipped', { message: found[0]?.says ?? '' }, '') }
  const notable = found.filter(({ level }) => level !== 'ok')
  return { name: check, body: notable.length === 0 ? '' : element('system-out', {}, lines(notable)) }
}

function element (name: string, attributes: Record<string, string | number>, text: string): string {
  return `<${name}${attributesOf(attributes)}>${escaped(text)}</${name}>`
}

function attributesOf (attributes: Record<string, string | number>): string {
  return Object.entries(attributes).map(([name, value]) => ` ${name}="${escaped(String(value)).replace(/[\t\n\r]/g, character => `&#${character.charCodeAt(0)};`)}"`).join('')
}

/** Without what XML 1.0 cannot carry in any form (§2.2): most control characters, halves of surrogate pairs, U+FFFE and U+FFFF. */
function escaped (text: string): string {
  return text.toWellFormed().replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '').replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
