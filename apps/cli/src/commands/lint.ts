// dialtone lint: the DNS records alone.
import { DEFAULT_JUDGE_CONFIG, type Finding, type Observation } from '@dialtone/contracts'
import { examine } from '@dialtone/checks'
import { srvRecords } from '@dialtone/discovery'
import { OperatorError } from '@dialtone/kernel'
import { observe, requestFor } from '@dialtone/ladder'
import { EXIT_CODE } from '../exit-code.ts'
import { LINT_HELP } from '../help.ts'
import { domainOf, parseAllowNet, resolverHere } from '../network-words.ts'
import { COMMON, addressOf, formatOf, parse, resolverOf } from '../options.ts'
import type { Out } from '../out.ts'
import { wrap, type Terminal } from '../terminal.ts'
import { vantageName } from '../vantage.ts'

const OPTIONS = {
  ...COMMON,
  resolver: { type: 'string' },
  'control-name': { type: 'string' },
  expect: { type: 'string', multiple: true },
  'allow-net': { type: 'string', multiple: true },
} as const

type Linted = { domain: string, vantage: string, startedAt: string, findings: Finding[], observation: Observation }

/** Runs the command; resolves to the exit code: that of the worst finding. */
export async function runLint (args: readonly string[], out: Out, signal: AbortSignal): Promise<number> {
  const { values, positionals } = parse('lint', OPTIONS, args)
  if (values.help === true) return out.print(LINT_HELP)
  const format = formatOf(values)
  const domains = [...new Set(positionals.map(domainOf))]
  if (domains.length === 0) throw new OperatorError('usage', 'which domain? For example: dialtone lint partner.example')
  const resolver = resolverHere(values.resolver === undefined ? undefined : resolverOf(values.resolver))
  const config = { ...DEFAULT_JUDGE_CONFIG, expectedAddresses: (values.expect ?? []).map(text => addressOf('--expect', text)) }
  const allowNets = (values['allow-net'] ?? []).map(parseAllowNet)
  const control = values['control-name']

  const linted: Linted[] = []
  for (const domain of domains) {
    const observation = await observe(requestFor({ domain, vantage: vantageName(), resolver, recordsOnly: true, allowNets, ...(control === undefined || control === '.' ? {} : { controlName: domainOf(control) }) }), { signal })
    const findings = examine(observation, config).filter(({ check, endpoint }) => endpoint === undefined && (check !== 's2s.address-public' || allowNets.length === 0))
    linted.push({ domain, vantage: observation.vantage, startedAt: observation.startedAt, findings, observation })
  }
  if (format === 'json') out.print(JSON.stringify(linted.length === 1 ? linted[0] : linted, null, 2) + '\n')
  else out.print(linted.map(entry => lintText(entry, out.terminal)).join('\n'))
  return Math.max(...linted.map(({ findings, observation }) => exitOf(findings, observation)))
}

function exitOf (findings: readonly Finding[], { dns }: Observation): number {
  if (findings.some(({ level }) => level === 'error')) return findings.every(({ level, check }) => level !== 'error' || check === 's2s.dns-answered') ? EXIT_CODE.unknown : EXIT_CODE.down
  // That the resolver answers for other names says nothing about this domain.
  const about = dns.filter(({ purpose }) => purpose !== 'control' && purpose !== 'unvalidated')
  if (about.every(({ outcome }) => outcome !== 'answer' && outcome !== 'nodata' && outcome !== 'nxdomain')) return EXIT_CODE.unknown
  return findings.some(({ level }) => level === 'warning') ? EXIT_CODE.degraded : EXIT_CODE.up
}

function lintText ({ domain, findings, observation }: Linted, { columns, paint, shapes }: Terminal): string {
  const marks = { ok: [shapes.ok, 'green'], notice: [shapes.dot, 'dim'], warning: [shapes.degraded, 'yellow'], error: [shapes.down, 'red'], unknown: [shapes.unknown, 'cyan'] } as const
  const order = [...srvRecords(observation.dns, 'xmpp-server').map(record => ({ ...record, how: 'STARTTLS' })), ...srvRecords(observation.dns, 'xmpps-server').map(record => ({ ...record, how: 'direct TLS' }))]
    .sort((a, b) => a.priority - b.priority || b.weight - a.weight)
  const lines = [
    paint('bold', domain),
    ...findings.map(({ level, says, detail, check }) => {
      const [shape, colour] = marks[level]
      return `  ${paint(colour, `${shape} ${level.padEnd(7)}`)} ${wrap(`${says}${detail === undefined ? '' : `: ${detail}`} (${check})`, columns - 12, ' '.repeat(12))}`
    }),
    ...(order.length === 0 ? [] : ['', '  servers try, in this order (RFC 2782; equal priorities at random by weight)', ...order.map(({ target, port, priority, weight, how, ttl }, at) => `    ${at + 1}. ${target}:${port}  ${how}, priority ${priority}, weight ${weight}, TTL ${ttl} s`)]),
  ]
  return lines.join('\n') + '\n'
}
