import type { Callback, Deep, DeepConnection, DeepRole, DeepStage, Failure, FeaturesSeen, Observation } from '@dialtone/contracts'
import { DEEP_LADDERS } from '@dialtone/contracts'
import { Deep as DeepShape, firstProblem } from '@dialtone/contracts/schemas'
import { describe, expect, it } from 'vitest'
import { terminalOf } from '../terminal.ts'
import { deepLines, pairLines } from './dialback.ts'

const PLAIN = terminalOf({}, { LANG: 'C.UTF-8' })
const ASCII = terminalOf({}, { LANG: 'C' })
const COLOURED = terminalOf({ isTTY: true, columns: 80 }, { LANG: 'C.UTF-8' })

it('draws a dialback: the key, who called back after how long, what we answered, the answer, the ping', () => {
  expect(textOf(dialback({ answer: { type: 'valid' }, ping: { answer: 'result', source: '198.51.100.7:41822', ms: 4 } }, [CALLED]))).toBe(`
in the name of probe.example (depth probe; times in ms)
  listener [::]:5269: the records of probe.example lead to it

  xmpp.partner.example:5269 192.0.2.7
               tcp header features starttls  tls cert features auth ping close
  B dialback     1      1        1        1    1    1        1   39    4     1
  B us ──db:result──► xmpp.partner.example:5269     +0.012 s  in TLSv1.3
    us ◄──db:verify── 198.51.100.7:41822 (TLSv1.3)  +0.034 s  we answered: valid
    us ◄──db:result── valid                         +0.051 s
    us ────ping─────► partner.example               +0.052 s
    us ◄────pong───── 198.51.100.7:41822            +0.056 s
         result, on its stream to us`.trim())
})

it('draws with ASCII where the locale has nothing else', () => {
  const text = textOf(dialback({ answer: { type: 'valid' } }, [CALLED]), ASCII)
  expect(text).toContain('us --db:result--> xmpp.partner.example:5269     +0.012 s  in TLSv1.3')
  expect(text).toContain('us <--db:verify-- 198.51.100.7:41822 (TLSv1.3)  +0.034 s  we answered: valid')
  expect(text).not.toMatch(/[^\n -~]/)
})

it('paints whole lines, so that colour moves no column', () => {
  const text = textOf(dialback({ answer: { type: 'valid' } }, [CALLED]), COLOURED)
  expect(text).toContain('\u001B[32m    us ◄──db:result── valid                         +0.051 s\u001B[0m')
  expect(text.replaceAll(/\p{Cc}\[\d+m/gu, '')).toBe(textOf(dialback({ answer: { type: 'valid' } }, [CALLED])))
})

describe('each outcome is told apart', () => {
  for (const [name, deep, lines] of [
    ['valid although nobody asked', dialback({ answer: { type: 'valid' } }, []), ['nobody asked our listener about the key', 'us ◄──db:result── valid']],
    ['invalid although nobody asked', dialback({ answer: { type: 'invalid' } }, []), ['nobody asked our listener about the key', 'us ◄──db:result── invalid']],
    ['invalid, as we said ourselves', dialback({ answer: { type: 'invalid' } }, [{ ...CALLED, asked: { atMs: 134, answered: 'invalid' } }]), ['we answered: invalid', 'us ◄──db:result── invalid']],
    ['an error with its reason', dialback({ answer: { type: 'error', condition: 'remote-server-not-found', text: 'Connection failed: timeout' } }, []),
      ['us ◄──db:result── error <remote-server-not-found/>', '"Connection failed: timeout"']],
    ['silence to the end, nobody called', dialback({ waitedMs: 95_000 }, [], silent), ['us ◄───nothing─── no answer in 95 s', 'the peer did not ask about the key']],
    ['silence although it called', dialback({ waitedMs: 95_000 }, [CALLED], silent), ['we answered: valid', 'no answer in 95 s', 'the peer did ask about the key']],
    ['silence cut short', dialback({ waitedMs: 15_000, cutShort: true }, [], silent), ['no answer in 15 s', 'not waited longer: another endpoint had been silent']],
    ['silence cut short on demand', { ...dialback({ waitedMs: 15_000, cutShort: true }, [], silent), quick: true }, ['(depth probe, quick;', '--quick: not waited longer (95 s)']],
    ['the peer gives up', dialback({ waitedMs: 20_000 }, [], { at: 'stream', why: 'stream-error', condition: 'connection-timeout' }), ['us ◄────error──── <connection-timeout/>', '✖ B stopped at dialback after 20000 ms: the peer ended the stream: <connection-timeout/>']],
    ['a callback that was aborted', dialback({ waitedMs: 20_000 }, [{ ...CALLED, asked: undefined, failure: { at: 'tls', why: 'alert-from-peer', alert: 'unknown_ca' } }], silent),
      ['us ◄──connects─── 198.51.100.7:41822 (TLSv1.3)', 'ended before it asked: the peer sent the TLS alert unknown_ca']],
    ['a question about another stream', dialback({ answer: { type: 'valid' } }, [{ ...CALLED, asked: undefined, strangeId: 'x\\u{1b}' }]), ['about the stream "x\\u{1b}", which is none of ours']],
    ['a peer that proves itself, too', dialback({ answer: { type: 'valid' } }, [{ ...CALLED, authenticated: 'dialback', reverse: { atMs: 120, ms: 9, answer: { type: 'valid' } } }]), ["us ◄──db:result── the peer's own key +0.020 s", 'its server, asked: valid']],
    ['a peer whose own key nobody vouches for', dialback({ answer: { type: 'valid' } }, [{ ...CALLED, reverse: { atMs: 120, ms: 9, failure: { at: 'tcp', why: 'refused' } } }]), ['could not be proved: connection refused']],
    ['no pong', dialback({ answer: { type: 'valid' }, ping: { answer: 'none', ms: 15_000 } }, [CALLED]), ['us ◄───nothing─── no pong in 15 s']],
    ['EXTERNAL accepted', external({ sasl: { success: true } }), ['A us ──EXTERNAL───► xmpp.partner.example:5269 +0.012 s', 'our certificate, TLSv1.3', 'us ◄───success─── accepted']],
    ['EXTERNAL refused', external({ sasl: { success: false, condition: 'not-authorized', text: 'certificate has expired' } }), ['us ◄───failure─── <not-authorized/>', '"certificate has expired"']],
    ['EXTERNAL withheld', external({}), ['us ◄──features─── EXTERNAL is not offered to us', 'it offers dialback']],
    ['refused at the handshake', deepOf([connection('external', { steps: stopped('tls', { at: 'tls', why: 'alert-from-peer', alert: 'certificate_expired' }) })], []), ['✖ A stopped at tls after 1 ms: the peer sent the TLS alert certificate_expired']],
    ['a wrong key, denied', verify({ right: 'invalid', ms: 3, answer: { type: 'invalid' } }), ['a wrong key', 'us ◄──db:verify── invalid', 'as it should be']],
    ['a wrong key, confirmed', verify({ right: 'invalid', ms: 3, answer: { type: 'valid' } }), ['us ◄──db:verify── valid', 'it should be invalid']],
  ] as const) it(name, () => {
    const text = textOf(deep)
    // Where lines are broken is another matter.
    for (const line of lines) expect(text.replaceAll(/\s+/g, ' ')).toContain(line)
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
  })
})

it('says where a callback goes that cannot be seen, and where one goes that cannot come', () => {
  const { listener: _, ...shared } = deepOf([connection('dialback', {})], [])
  expect(textOf({ ...shared, depth: 'shared', as: 'ours.example' })).toContain("the peer calls back the server of ours.example, not us: that server's log")
  const elsewhere = deepOf([connection('dialback', {})], [])
  expect(textOf({ ...elsewhere, listener: { ...LISTENER, published: 'elsewhere', leadsTo: ['203.0.113.9:5269'] } })).toContain('do not lead to it (they')
})

it('puts what was asked of our own servers under a heading of its own', () => {
  const right = { ...verify({ right: 'valid', ms: 3, answer: { type: 'invalid' } }).connections[0] as DeepConnection, of: 'ours' as const, endpoint: 'starttls/xmpp.ours.example:5269/2001:db8::1' }
  const text = textOf({ ...deepOf([connection('dialback', {}), right], []), depth: 'shared', as: 'ours.example' })
  expect(text).toContain('the servers of ours.example, asked whether a key of the secret is theirs\n\n  xmpp.ours.example:5269 [2001:db8::1]')
  expect(text).toContain('it should be valid')
})

it('quotes what a peer calls its mechanisms', () => {
  const text = textOf(deepOf([connection('external', { featuresAgain: { ...FEATURES, mechanisms: ['\u001B[2J'] }, steps: stepsOf('external', { external: { outcome: 'not-asked', atMs: 0, ms: 0 } }) })], []))
  expect(text).toContain('it offers \\u{1b}[2J, dialback')
})

it('lists callbacks that came while no key waited', () => {
  expect(textOf(dialback({ answer: { type: 'valid' } }, [{ ...CALLED, atMs: 9000, asked: { atMs: 9001, answered: 'item-not-found' } }]))).toContain('also reached the listener for this pair\n    us ◄──db:verify── 198.51.100.7:41822 (TLSv1.3)  we answered: item-not-found')
})

it('says that no endpoint came so far', () => expect(textOf(deepOf([], []))).toContain('no endpoint of partner.example let us get as far as authentication'))

it('prints nothing where nothing deep was asked', () => expect(deepLines({ domain: 'partner.example' } as Observation, PLAIN)).toEqual([]))

it('gives each direction of the pair its own state, cause and sentence', () => {
  const half = { state: 'down', cause: 'dialback.denied', side: 'ours', sentence: 'Our server denies the key.' } as const
  expect(pairLines({ ours: 'ours.example', peer: 'partner.example', out: half, in: { ...half, state: 'unknown', cause: 'unknown' } }, PLAIN)).toEqual([
    '', 'both directions',
    '  out ✖ DOWN  ours.example ─► partner.example', '      Our server denies the key.', '      dialback.denied · side: ours',
    '  in  ◇ UNKNOWN  partner.example ─► ours.example', '      Our server denies the key.', '      unknown · side: ours',
  ])
  expect(pairLines(undefined, PLAIN)).toEqual([])
})

const BEGAN = 100
const CALLED: Callback = { source: '198.51.100.7:41822', listener: '[::]:5269', atMs: 120, kind: 'starttls', tls: 'TLSv1.3', header: { from: 'partner.example', to: 'probe.example' }, asked: { atMs: 134, answered: 'valid' } }
const LISTENER: NonNullable<Deep['listener']> = { domain: 'probe.example', places: ['[::]:5269'], published: 'leads-here', leadsTo: [], dns: [] }
const FEATURES: FeaturesSeen = { starttls: 'absent', mechanisms: [], dialback: true, dialbackErrors: false, bidi: false, streamManagement: false, other: [] }
const silent: Failure = { at: 'stream', why: 'went-silent', received: 400 }

function textOf (deep: Deep, terminal = PLAIN): string {
  expect(firstProblem(DeepShape, JSON.parse(JSON.stringify(deep)))).toBeUndefined()
  return deepLines({ domain: 'partner.example', deep } as Observation, terminal).join('\n').trim()
}

function deepOf (connections: DeepConnection[], callbacks: readonly (Omit<Callback, 'asked'> & { asked?: Callback['asked'] | undefined })[]): Deep {
  return { depth: 'probe', as: 'probe.example', quick: false, listener: LISTENER, connections, callbacks: JSON.parse(JSON.stringify(callbacks)) as Callback[], callbacksLeftOut: 0 }
}

function dialback ({ ping, ...seen }: Partial<NonNullable<DeepConnection['dialback']>> & Pick<Partial<DeepConnection>, 'ping'>, callbacks: Parameters<typeof deepOf>[1], failure?: Failure): Deep {
  const waitedMs = seen.waitedMs ?? 39
  const steps = stepsOf('dialback', { dialback: { outcome: failure === undefined ? 'ok' : 'failed', atMs: 112, ms: waitedMs, ...(failure === undefined ? {} : { failure }) }, ping: { outcome: ping === undefined ? 'not-asked' : 'ok', atMs: 152, ms: ping?.ms ?? 0 } })
  return deepOf([connection('dialback', { steps, dialback: { key: 'true', streamId: 's1', secured: true, sentAtMs: 112, waitedMs, ...seen }, ...(ping === undefined ? {} : { ping }) })], callbacks)
}

function external (seen: Pick<Partial<DeepConnection>, 'sasl'>): Deep {
  const asked = seen.sasl === undefined ? { outcome: 'not-asked', atMs: 0, ms: 0 } as const : { outcome: seen.sasl.success ? 'ok' : 'failed', atMs: 112, ms: 5 } as const
  return deepOf([connection('external', { ...seen, certificate: true, steps: stepsOf('external', { external: asked }) })], [])
}

function verify (question: NonNullable<DeepConnection['question']>): Deep {
  return deepOf([connection('verify', { question, steps: stepsOf('verify', { question: { outcome: 'ok', atMs: 112, ms: 3 } }) })], [])
}

function connection (role: DeepRole, given: Partial<DeepConnection>): DeepConnection {
  return {
    role, endpoint: 'starttls/xmpp.partner.example:5269/192.0.2.7', of: 'peer', kind: 'starttls', pair: { from: 'probe.example', to: 'partner.example' }, startedAtMs: BEGAN,
    steps: stepsOf(role, {}), featuresAgain: FEATURES, certificate: false, transcript: [],
    tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', sni: 'partner.example', clientCertificateRequested: true },
    ...given,
  }
}

type StepSeen = Omit<DeepConnection['steps'][number], 'stage'>

function stepsOf (role: DeepRole, special: Partial<Record<DeepStage, StepSeen>>): DeepConnection['steps'] {
  return DEEP_LADDERS.starttls[role].map((stage: DeepStage, at) => ({ stage, ...(special[stage] ?? (stage === 'ping' ? { outcome: 'not-asked', atMs: 0, ms: 0 } : { outcome: 'ok', atMs: BEGAN + at, ms: 1 })) }))
}

function stopped (at: DeepStage, failure: Failure): DeepConnection['steps'] {
  const steps = stepsOf('external', {})
  const index = steps.findIndex(({ stage }) => stage === at)
  return steps.map((step, position) => position < index ? step : position === index ? { ...step, outcome: 'failed', failure } : { stage: step.stage, outcome: 'not-asked', atMs: 0, ms: 0 })
}
