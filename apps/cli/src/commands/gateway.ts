// dialtone gateway VERB NAME: what is wanted of a gateway, or done by it at once.
import type { GatewayActWord, GatewayDone, GatewayStatus, GatewayTrace, GatewayWant } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'
import type { Api } from '../client/api.ts'
import { ASKING, apiOf, asJson, nameIn, type Environment } from '../client/command.ts'
import { GATEWAY_HELP } from '../help.ts'
import { domainOf } from '../network-words.ts'
import { countOf, formatOf, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { pause } from '../pause.ts'
import { wrap } from '../terminal.ts'
import { conservationLine } from '../text/gateways.ts'

const OPTIONS = {
  ...ASKING, 'zone': { type: 'string' }, 'peer': { type: 'string' }, 'pair': { type: 'string' }, 'stream': { type: 'string' }, 'seconds': { type: 'string' }, 'deadline': { type: 'string' }, 'wait': { type: 'string' },
  'reason': { type: 'string' }, 'ticket': { type: 'string' }, 'dry-run': { type: 'boolean' }, 'quiet': { type: 'boolean' },
} as const
/** Those of the contract, without the validators that come with them. */
export const WANTS: readonly GatewayWant[] = ['start', 'drain', 'stop', 'hold', 'release', 'block', 'unblock']
export const ACTS: readonly GatewayActWord[] = ['retry', 'close', 'flush', 'drop', 'reload', 'trace']
/** An answer may be waited for no longer: HTTP clients give up after five minutes without a byte of it. The API allows 600, for clients that do not. */
const MOST_WAIT_SECONDS = 240
const LOOK_MS = 1000
const TRACE_SECONDS = 60
const MOST_TRACE_SECONDS = 600
const NOT_REACHED = 1

/** Resolves to 0, or to 1 where it was waited for and was not so. */
export async function runGateway (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  const { values, positionals } = parse('gateway', OPTIONS, args)
  if (values.help === true) return out.print(GATEWAY_HELP)
  const [verb = '', ...rest] = positionals
  const wants = WANTS.some(known => known === verb)
  if (!wants && !ACTS.some(known => known === verb)) throw new OperatorError('usage', `gateway takes what to do and a name: one of ${[...WANTS, ...ACTS].join(', ')}${verb === '' ? '' : `, not '${quoted(verb, 40)}'`}. The process itself is started with 'dialtone gateway --name NAME'. See: dialtone gateway --help`)
  const name = nameIn(`gateway ${verb}`, rest)
  for (const [option, of] of [['deadline', wants], ['wait', wants], ['stream', !wants], ['seconds', verb === 'trace']] as const) if (values[option] !== undefined && !of) throw new OperatorError('usage', `--${option} does not go with '${verb}'. See: dialtone gateway --help`)
  const wait = values.wait === undefined ? undefined : countOf('--wait', values.wait, 1, MOST_WAIT_SECONDS)
  const seconds = verb !== 'trace' ? undefined : values.seconds === undefined ? TRACE_SECONDS : countOf('--seconds', values.seconds, 1, MOST_TRACE_SECONDS)
  const given = {
    zone: values.zone, peer: values.peer === undefined ? undefined : domainOf(values.peer), pair: values.pair === undefined ? undefined : pairOf(values.pair), stream: values.stream, seconds,
    deadlineSeconds: values.deadline === undefined ? undefined : countOf('--deadline', values.deadline, 1, 86_400), wait, reason: values.reason, ticket: values.ticket, dryRun: values['dry-run'],
  }
  const json = formatOf(values) === 'json'
  const api = await apiOf(values, environment, signal)
  const path = `/v1/gateways/${encodeURIComponent(name)}`
  const over = new AbortController()
  const telling = wait === undefined || values.quiet === true || values['dry-run'] === true ? Promise.resolve() : tellProgress(api, path, out, AbortSignal.any([signal, over.signal]))
  try {
    const { body: done } = await api.send<GatewayDone>('POST', `${path}/${verb}`, given, wait === undefined ? {} : { timeoutMs: (wait + 30) * 1000 })
    out.print(json ? asJson(done) : doneText(done, wait, out))
    if (seconds !== undefined && done.next !== undefined) await follow(api, path, done.next, seconds, json, out, signal)
    return done.reached === false ? NOT_REACHED : 0
  } finally {
    over.abort()
    await telling
  }
}

/** What is said on the streams, as it is recorded, until the time is over. */
async function follow (api: Api, path: string, from: number, seconds: number, json: boolean, out: Out, signal: AbortSignal): Promise<void> {
  const until = performance.now() + seconds * 1000
  for (let after = from, over = false; !over && !signal.aborted;) {
    const left = until - performance.now()
    over = left <= 0
    if (!over) await pause(Math.min(LOOK_MS, left), signal)
    const { lines, next } = await api.get<GatewayTrace>(`${path}/trace?after=${after}`)
    after = next
    for (const line of lines) out.print(json ? `${JSON.stringify({ line })}\n` : `${quoted(line, 1000)}\n`)
  }
}

/** `OURS/PEER`. */
function pairOf (text: string): { ours: string, peer: string } {
  const [ours = '', peer = '', ...others] = text.split('/')
  if (ours === '' || peer === '' || others.length > 0) throw new OperatorError('usage', `--pair takes OURS/PEER, as ours.example/partner.example, not '${quoted(text, 80)}'`)
  return { ours: domainOf(ours), peer: domainOf(peer) }
}

function doneText ({ effects, reached, gateway }: GatewayDone, wait: number | undefined, { terminal: { columns } }: Out): string {
  const lines = effects.map(({ subject, outcome, says }) => `${outcome.padEnd(10)} ${wrap(`${quoted(subject, 600)}: ${quoted(says, 600)}`, columns - 11, ' '.repeat(11))}`)
  if (reached === undefined) return `${lines.join('\n')}\n`
  const end = reached ? `reached    it is so` : `not yet    after ${wait} s: ${quoted(gateway?.says ?? 'nothing is known of it', 400)}`
  const sum = gateway?.conservation === undefined ? [] : [`stanzas    ${conservationLine(gateway.conservation)}`]
  return `${[...lines, wrap(end, columns, ' '.repeat(11)), ...sum].join('\n')}\n`
}

/** What the gateway says of itself, each time that it says something else, until it is over. What goes wrong here stops nothing. */
async function tellProgress (api: Api, path: string, out: Out, signal: AbortSignal): Promise<void> {
  let told = ''
  try {
    for (;;) {
      await pause(LOOK_MS, signal)
      const { state, says } = await api.get<GatewayStatus>(`${path}/status`)
      const line = `  ${state}: ${quoted(says, 300)}\n`
      if (line !== told && !signal.aborted) out.progress(line)
      told = line
    }
  } catch {}
}
