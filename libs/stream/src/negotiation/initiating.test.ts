import { expect, it } from 'vitest'
import type { FeaturesSeen } from '@dialtone/contracts'
import type { Event } from './event.ts'
import { advance, begin, type Plan, type State } from './initiating.ts'

const LIGHT: Plan = { kind: 'starttls', tls: 'offered', authenticate: 'none' }
const header: Event = { on: 'header', header: { id: 'i', version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: true } }
const offers = (given: Partial<FeaturesSeen>): Event => ({ on: 'features', features: { starttls: 'absent', mechanisms: [], dialback: false, dialbackErrors: false, bidi: false, streamManagement: false, other: [], ...given } })
const secured: Event = { on: 'secured', identity: false }

it('encrypts, restarts, looks at the features again and leaves cleanly', () => {
  expect(walk(LIGHT, header, offers({ starttls: 'required' }), { on: 'proceed' }, secured, header, offers({ dialback: true }), { on: 'footer', received: 1 })).toEqual([
    'awaiting-header send-header', 'awaiting-features', 'awaiting-proceed send-starttls', 'handshaking start-tls', 'awaiting-header send-header',
    'awaiting-features', 'closing send-footer', 'closed close',
  ])
})

it('leaves cleanly where no STARTTLS is offered', () => {
  expect(walk(LIGHT, header, offers({})).at(-1)).toBe('closing send-footer')
})

it('authenticates by EXTERNAL, and by dialback when that is refused', () => {
  const plan: Plan = { kind: 'direct', tls: 'offered', authenticate: ['external', 'dialback'] }
  expect(walk(plan, secured, header, offers({ mechanisms: ['EXTERNAL'], dialback: true }), { on: 'sasl-failure', condition: 'not-authorized' },
    { on: 'dialback-result', from: 'b', to: 'a', answer: { type: 'valid' } })).toEqual([
    'handshaking start-tls', 'awaiting-header send-header', 'awaiting-features', 'awaiting-sasl send-external', 'awaiting-dialback send-dialback-key', 'established',
  ])
})

it('closes on a pair that has no row and names both', () => {
  const [state] = begin(LIGHT)
  const [next, ...commands] = advance(state, { on: 'proceed' })
  expect(next).toMatchObject({ at: 'closed', because: { why: 'broke-protocol', detail: 'proceed while awaiting-header' } })
  expect(commands.map(command => command.do)).toEqual(['send-error', 'send-footer', 'close'])
})

it('says what a silent peer left undone', () => {
  expect(advance(begin(LIGHT)[0], { on: 'silence', received: 0 })[0]).toMatchObject({ because: { at: 'stream', why: 'went-silent', received: 0, detail: 'awaiting-header' } })
})

function walk (plan: Plan, ...events: Event[]): string[] {
  let [state, ...commands] = begin(plan)
  const seen = [line(state, commands)]
  for (const event of events) {
    [state, ...commands] = advance(state, event)
    seen.push(line(state, commands))
  }
  return seen
}

function line (state: State, commands: readonly { do: string }[]): string {
  return [state.at, ...commands.map(command => command.do)].join(' ')
}
