import type { Callback, Deep, DeepConnection, Failure, Observation } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { casesOf, detailsOf, outcomesOf } from '../test-support/cases.ts'
import { TLS_SEEN, callback, connection, deeply, keyed, listener, unheard } from '../test-support/deep.ts'
import { answer, at, endpoint, observation, srv } from '../test-support/observation.ts'
import { callbackSource } from './callback-source.ts'
import { dialbackAnswer } from './dialback-answer.ts'
import { dialbackCallback } from './dialback-callback.ts'
import { dialbackReverse } from './dialback-reverse.ts'
import { dialbackTime } from './dialback-time.ts'
import { listenerPublished } from './listener-published.ts'
import { verifyAnswer } from './verify-answer.ts'

type Dialback = NonNullable<DeepConnection['dialback']>

const VALID = { answer: { type: 'valid' } } as const satisfies Partial<Dialback>
const INVALID = { answer: { type: 'invalid' } } as const satisfies Partial<Dialback>
const ASKED = callback({ tls: 'TLSv1.3', asked: { atMs: 200, answered: 'valid' } })
const ended = (why: 'closed' | 'went-silent' | 'reset'): Failure => ({ at: 'stream', why, received: 900 })
const streamError = (condition: string, text?: string): Failure => ({ at: 'stream', why: 'stream-error', condition, ...(text === undefined ? {} : { text }) })
const sent = (dialback: Partial<Dialback>, callbacks: Callback[] = [], stop?: Failure): Observation => deeply({ connections: [keyed(dialback, stop)], callbacks })
const says = (condition: string | undefined, text?: string): Observation =>
  sent({ answer: { type: 'error', ...(condition === undefined ? {} : { condition }), ...(text === undefined ? {} : { text }) } })
const knocked = (dialback: Partial<Dialback>): Observation => unheard({ depth: 'knock', connections: [keyed({ key: 'made-up', ...dialback })] })

it.each(casesOf(dialbackAnswer, {
  valid: { 'after a callback': sent(VALID, [ASKED]), 'where nobody listens': unheard({ connections: [keyed(VALID)] }) },
  'valid-without-callback': { 'a certificate that was enough': sent(VALID) },
  'valid-although-denied': { 'a server that ignores what it is told': sent(VALID, [callback({ asked: { atMs: 200, answered: 'invalid' } })]) },
  'valid-made-up': { 'a server that verifies nothing': knocked(VALID) },
  invalid: { 'a denied key': sent(INVALID, [ASKED]) },
  'invalid-made-up': { 'a healthy server at depth knock': knocked(INVALID), 'the same in the words of the specification': knocked({ answer: { type: 'error', condition: 'forbidden' } }) },
  policy: { 'ejabberd': says('forbidden', 'Access denied by service policy'), 'not-allowed': says('not-allowed') },
  'claims-sender': { 'Metre, Tigase': says('not-acceptable') },
  denied: { 'forbidden': says('forbidden') },
  'callback-blocked': { 'a dropped port': says('remote-server-not-found', 'Connection failed: timeout'), 'as specified': says('remote-connection-failed') },
  'callback-misdirected': { 'no address': says('remote-server-not-found', 'DNS lookup failed: enoname') },
  'callback-failed': { 'no words': says('remote-server-timeout') },
  'wrong-host': { 'as specified': says('item-not-found'), 'ejabberd': says('not-allowed', 'Host unknown') },
  'needs-encryption': { 'as specified': says('policy-violation') },
  'needs-certificate': { 'as specified': says('not-authorized') },
  busy: { 'too many pairs': says('resource-constraint') },
  'other-error': {
    'a condition that nobody knows': says('made-up'), 'no condition': says(undefined),
    'an answer for another pair': sent({}, [], { at: 'stream', why: 'broke-protocol', condition: 'invalid-from', detail: 'a dialback result for a pair that was not asked for' }),
  },
  'stream-error': { 'a refusal': sent({}, [], streamError('policy-violation')) },
  'stream-ended': { 'at once': sent({}, [], ended('closed')), 'a time-out that nobody waited for': sent({ waitedMs: 1 }, [], streamError('connection-timeout')) },
  none: { 'silence': sent({ waitedMs: 95_000 }, [], ended('went-silent')), 'Prosody after 90 s': sent({ waitedMs: 90_000 }, [], streamError('connection-timeout')), 'Prosody that was told to wait 3 s': sent({ waitedMs: 3000 }, [], streamError('connection-timeout')), 'a close after 20 s': sent({ waitedMs: 20_000 }, [], ended('closed')) },
  'none-yet': { '--quick': sent({ waitedMs: 15_000, cutShort: true }) },
  interrupted: { 'Ctrl-C': sent({ waitedMs: 3000 }, [], { at: 'probe', why: 'cancelled' }) },
  'not-asked': { 'a refused port': deeply({ connections: [connection('dialback', {}, { at: 'tcp', failure: { at: 'tcp', why: 'refused' } })] }) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it('s2s.dialback-answer says which server means what by its words, and how well that is known', () => {
  expect(detailsOf(dialbackAnswer, says('forbidden', 'Access denied by service policy'))).toEqual(['forbidden "Access denied by service policy", as ejabberd says when s2s_access denies our domain, or it pauses after a failure'])
  expect(detailsOf(dialbackAnswer, says('not-acceptable'))).toEqual(['not-acceptable, as Metre says when the sender is one of its own domains (source, not run)'])
})

it.each(casesOf(dialbackCallback, {
  'answered-tls': { 'over TLS': sent(VALID, [ASKED]) },
  'answered-clear': { 'ejabberd without certificates': sent(VALID, [callback({ asked: { atMs: 200, answered: 'valid' } })]) },
  denied: { 'two secrets': sent(INVALID, [callback({ asked: { atMs: 200, answered: 'invalid' } })]) },
  unserved: { 'another domain': sent(INVALID, [callback({ asked: { atMs: 200, answered: 'item-not-found' } })]) },
  refused: { 'clear text': sent(INVALID, [callback({ asked: { atMs: 200, answered: 'policy-violation' } })]) },
  'strange-id': { 'an id of somebody else': sent(INVALID, [callback({ strangeId: 'x' })]) },
  aborted: { 'an untrusted certificate': sent({ waitedMs: 95_000 }, [callback({ failure: { at: 'tls', why: 'alert-from-peer', alert: 'unknown_ca' } })]) },
  unasked: {
    'a connection that is open still': sent({ waitedMs: 95_000 }, [callback()]),
    'one that said nothing until we closed it': sent({ waitedMs: 95_000 }, [callback({ failure: ended('went-silent') })]),
  },
  'not-seen': { 'a provider that asks itself': sent(INVALID), 'a stream on which it authenticates itself': sent(INVALID, [callback({ authenticated: 'external' })]), 'one after the answer': sent(INVALID, [callback({ atMs: 400 })]) },
  'not-needed': { 'a valid certificate': sent(VALID) },
  'not-observable': { 'depth shared': unheard({ connections: [keyed(INVALID)] }), 'a flood of callbacks': deeply({ connections: [keyed(INVALID)], callbacksLeftOut: 3 }), 'a listener of another domain': deeply({ connections: [keyed(INVALID)], listener: listener({ domain: 'other.example' }) }) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it('s2s.dialback-callback tells which key a callback asks about, by its id or by its time', () => {
  const two = (asked: NonNullable<Callback['asked']>) => deeply({ connections: [keyed(VALID), keyed({ ...VALID, streamId: 's2', sentAtMs: 1000 })], callbacks: [callback({ atMs: 0, tls: 'TLSv1.3', asked })] })
  expect(outcomesOf(dialbackCallback, two({ atMs: 1100, answered: 'valid' }))).toEqual(['not-needed', 'answered-tls'])
  expect(outcomesOf(dialbackCallback, two({ atMs: 1100, answered: 'valid', id: 's1' }))).toEqual(['answered-tls', 'not-needed'])
})

it('s2s.dialback-answer says why it did not wait longer', () => {
  const cut = (quick: boolean) => deeply({ quick, connections: [keyed({ waitedMs: 15_000, cutShort: true })] })
  expect(detailsOf(dialbackAnswer, cut(true))).toEqual(['the check was told to stop there (--quick)'])
  expect(detailsOf(dialbackAnswer, cut(false))).toEqual(['another endpoint had been silent before'])
})

it('s2s.dialback-callback names the connections that nobody can assign', () => {
  const silent = { connections: [keyed({ waitedMs: 95_000 }, ended('went-silent'))] }
  const stray = { strayConnections: { count: 3, sources: ['192.0.2.1:40000', '203.0.113.1:2'], failure: { at: 'tls', why: 'alert-from-peer', alert: 'unknown_ca' } } } as const satisfies Partial<Deep>
  expect(detailsOf(dialbackCallback, deeply({ ...silent, ...stray }))).toEqual(['3 connections from 192.0.2.1:40000, 203.0.113.1:2 ended without a stream header (TLS alert-from-peer unknown_ca); whose is not known'])
  expect(detailsOf(dialbackCallback, unheard({ ...silent, ...stray }))).toEqual([''])
})

it('s2s.dialback-callback says who connected, when, how, and how it ended', () => {
  expect(detailsOf(dialbackCallback, sent({ waitedMs: 95_000 }, [callback({ failure: { at: 'tls', why: 'alert-from-peer', alert: 'unknown_ca' } })]))).toEqual(['from 192.0.2.1:40000, 50 ms after the key, in clear, TLS alert-from-peer unknown_ca'])
})

const PUBLISHED = { dns: [answer('xmpp-server', [srv('xmpp.partner.example')]), answer('target', [at('192.0.2.1'), at('2001:db8::1')])] }
const from = (source: string, seen = PUBLISHED): Observation => deeply({ callbacks: [callback({ source })] }, seen)

it.each(casesOf(callbackSource, {
  published: { 'the address of its SRV target': from('192.0.2.1:40000'), 'in brackets': from('[2001:db8:0::1]:40000'), 'an endpoint that was named': deeply({ callbacks: [callback()] }, { endpoints: [endpoint()] }) },
  other: { 'the primary address of its route': from('203.0.113.1:51766') },
  'not-known': { 'no record and no endpoint': from('192.0.2.1:40000', { dns: [] }) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it.each(casesOf(dialbackTime, {
  quick: { 'a fifth of a second': sent(VALID, [ASKED]) },
  slow: { 'a dead record of ours first': sent({ ...VALID, waitedMs: 15_001 }, [ASKED]) },
  unanswered: { 'silence': sent({ waitedMs: 95_000 }) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it('s2s.dialback-time tells the callback from the answer', () => {
  expect(detailsOf(dialbackTime, sent({ ...VALID, waitedMs: 2340 }, [ASKED]))).toEqual(['callback after 100 ms, answer after 2.3 s'])
})

const KEY = { atMs: 300, ms: 20 }
const came = (...callbacks: Partial<Callback>[]): Observation => deeply({ callbacks: callbacks.map(callback) })

it.each(casesOf(dialbackReverse, {
  external: { 'its certificate': came({ authenticated: 'external', tls: 'TLSv1.3' }) },
  dialback: { 'its key': came({ authenticated: 'dialback', reverse: { ...KEY, answer: { type: 'valid' } } }) },
  denied: { 'its own server denies it': came({ reverse: { ...KEY, answer: { type: 'invalid' } } }) },
  failed: { 'its own server cannot be reached': came({ reverse: { ...KEY, failure: { at: 'tcp', why: 'timeout' } } }), 'an error': came({ reverse: { ...KEY, answer: { type: 'error', condition: 'item-not-found' } } }) },
  'not-seen': { 'callbacks alone': came({ asked: { atMs: 200, answered: 'valid' } }) },
  'not-observable': { 'depth shared': unheard() },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

type Question = NonNullable<DeepConnection['question']>
const question = (right: Question['right'], given?: Question['answer'], of: DeepConnection['of'] = 'ours'): Observation =>
  unheard({ connections: [connection('verify', { of, question: { right, ms: 20, ...(given === undefined ? {} : { answer: given }) } })] })

it.each(casesOf(verifyAnswer, {
  'right-valid': { 'our own node': question('valid', { type: 'valid' }) },
  'wrong-invalid': { 'a server in use': question('invalid', { type: 'invalid' }, 'peer') },
  'right-denied': { 'a node with another secret': question('valid', { type: 'invalid' }) },
  'wrong-accepted': { 'a server that compares nothing': question('invalid', { type: 'valid' }, 'peer') },
  unserved: { 'as specified': question('valid', { type: 'error', condition: 'item-not-found' }) },
  'other-error': { 'another error': question('valid', { type: 'error', condition: 'internal-server-error' }) },
  none: { 'silence': question('valid') },
  'not-asked': { 'a refused port': unheard({ connections: [connection('verify', { of: 'ours' }, { at: 'tcp', failure: { at: 'tcp', why: 'refused' } })] }), 'a stream that was closed': unheard({ connections: [connection('verify')] }) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

const stands = (published: NonNullable<Deep['listener']>['published'], leadsTo: string[]): Observation => deeply({ listener: listener({ published, leadsTo }) })

it.each(casesOf(listenerPublished, {
  'leads-here': { 'the listener itself': stands('leads-here', ['192.0.2.9:5269']) },
  elsewhere: { 'the former host': stands('elsewhere', ['192.0.2.77:5269']) },
  nowhere: { 'no records': stands('nowhere', []) },
  unknown: { 'a resolver that does not answer': stands('unknown', []) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it('says nothing about a light check, nor about streams that carry no key', () => {
  for (const check of [dialbackAnswer, dialbackCallback, callbackSource, dialbackTime, dialbackReverse, verifyAnswer, listenerPublished]) expect(outcomesOf(check, observation())).toEqual([])
  const other = deeply({ connections: [connection('external', { tls: TLS_SEEN })] })
  for (const check of [dialbackAnswer, dialbackCallback, dialbackTime, verifyAnswer]) expect(outcomesOf(check, other)).toEqual([])
})
