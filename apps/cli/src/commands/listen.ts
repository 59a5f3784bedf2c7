// dialtone listen: the probe's domain, standing on its public port, until it is told to stop.
import type { ListenerEvent } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'
import { startListener } from '@dialtone/ladder'
import { clientCertificate, secretKeys } from '../credentials.ts'
import { DEEP_OPTIONS, placesOf } from '../deep-options.ts'
import { LISTEN_HELP } from '../help.ts'
import { lineQueue } from '../line-queue.ts'
import { domainOf } from '../network-words.ts'
import { COMMON, formatAmong, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { eventText } from '../text/listener-event.ts'
import { everyAddress } from '../vantage.ts'

const OPTIONS = {
  ...COMMON,
  'probe-domain': DEEP_OPTIONS['probe-domain'],
  secret: DEEP_OPTIONS.secret,
  listen: DEEP_OPTIONS.listen,
  'listen-direct': DEEP_OPTIONS['listen-direct'],
  cert: { type: 'string' },
  key: { type: 'string' },
} as const
/** Certificates of peers count only where a pair is under check, and here none ever is. */
const NOBODY_IS_JUDGED = { system: false, given: [] } as const
/** Where a server is looked for whose domain has no SRV record (RFC 6120 §3.2.2). */
const S2S_PORT = 5269

/** Runs the command; resolves to 0 when `signal` aborts. Rejects with an OperatorError on bad usage, where it cannot listen, and when its lines can no longer be written (`reader-gone`: nobody reads them). */
export async function runListen (args: readonly string[], out: Out, signal: AbortSignal): Promise<number> {
  const { values, positionals } = parse('listen', OPTIONS, args)
  if (values.help === true) return out.print(LISTEN_HELP)
  const format = formatAmong(values, out.terminal.interactive ? ['text', 'json'] : ['json', 'text'])
  if (positionals.length > 0) throw new OperatorError('usage', 'listen takes options only: name the domain with --probe-domain')
  if (values['probe-domain'] === undefined) throw new OperatorError('usage', 'for which domain? Write --probe-domain NAME')
  if (values.secret === undefined) throw new OperatorError('usage', 'keys are made from a secret: write --secret FILE; to make one: openssl rand -base64 32 > FILE')
  const domain = domainOf(values['probe-domain'])
  const certificate = await clientCertificate(values.cert, values.key, signal)
  const places = placesOf(values, [{ address: everyAddress(), port: S2S_PORT, kind: 'starttls' }])
  const { keys, warnings } = await secretKeys(values.secret, signal)
  for (const warning of warnings) out.progress(`dialtone: warning: ${warning}\n`)

  const lines = lineQueue(out.offer, count => format === 'json' ? JSON.stringify({ on: 'dropped', at: new Date().toISOString(), count }) + '\n' : `${new Date().toISOString().slice(11, 19)}  ${count} lines dropped: whoever reads this is too slow\n`)
  const tell = (event: ListenerEvent) => lines.add(format === 'json' ? JSON.stringify(event) + '\n' : `${eventText(event, out.terminal)}\n`)
  const listener = await startListener({ domain, places, keys, ...(certificate === undefined ? {} : { certificate }), anchors: NOBODY_IS_JUDGED, tell })
  const shown = listener.places.map(({ address, port, kind }) => ({ address, port, kind }))
  lines.add(format === 'json'
    ? JSON.stringify({ on: 'listening', at: new Date().toISOString(), domain, places: shown, tls: certificate !== undefined }) + '\n'
    : `listening for ${domain} on ${shown.map(({ address, port, kind }) => `${address.includes(':') ? `[${address}]` : address}:${port}${kind === 'direct' ? ' (direct TLS)' : ''}`).join(', ')}${certificate === undefined ? ', without TLS: peers that insist on it do not call back' : ''}\n`)
  const broken = await Promise.race([aborted(signal), lines.broken])
  await listener.stop()
  await lines.close()
  if (broken !== undefined) throw broken
  return 0
}

function aborted (signal: AbortSignal): Promise<undefined> {
  return new Promise(resolve => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
