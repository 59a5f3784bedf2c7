import { dialbackKeyText, dialbackQuestionText } from '@dialtone/stream'
import { expect, it } from 'vitest'
import { KEYS, OURS, OUTSIDE_LEG, PEER, started } from './test-support/gateway.ts'
import { dial } from './test-support/raw-peer.ts'

const OLD = 'old.example'
/** As jabberd 2 sends it: it names nobody. */
const HEADER = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback'>"
const question = (peer: string) => dialbackQuestionText(peer, OURS, 'x', KEYS.outside.keyFor({ receiving: peer, originating: OURS, streamId: 'x' }))

it('a peer that names nobody asks and proves itself in clear as far as the policy of the pair lets it, and nobody else does', async () => {
  const { starttls, count } = await started({
    policies: { old: { ours: '*', peer: OLD, action: 'allow', profile: 'googletalk' } },
    decide: peer => peer === OLD ? { leg: { ...OUTSIDE_LEG, tls: 'none', dialback: 'always' } } : {},
  })
  const peer = await dial(starttls)
  peer.say(HEADER + question(OLD))
  await peer.until(/<db:verify from='ours.example' to='old.example' id='x' type='valid'\/>/)
  peer.say(dialbackKeyText(OLD, OURS, 'k'))
  await peer.until(/<db:result from='ours.example' to='old.example' type='valid'\/>/)
  peer.say(question(PEER))
  await peer.until(/<db:verify from='ours.example' to='partner.example' id='x' type='error'><error .*<policy-violation /)
  peer.say(dialbackKeyText(PEER, OURS, 'k'))
  await peer.until(/<db:result from='ours.example' to='partner.example' type='error'><error .*<policy-violation /)
  expect(count('dialtone_gateway_asked_total', { zone: 'outside', answer: 'valid' })).toBe(1)
})

it('is turned away where no policy has room for it', async () => {
  const { starttls } = await started()
  const peer = await dial(starttls)
  peer.say(HEADER + question(OLD))
  expect(await peer.closed).toMatch(/<unsupported-version .*<\/stream:stream>/)
})

it('is offered encryption where a policy does without', async () => {
  const { starttls } = await started({ policies: { old: { ours: '*', peer: OLD, action: 'allow', tls: 'none', dialback: 'always' } } })
  const peer = await dial(starttls)
  peer.say(HEADER.replace('xmlns:db', `to='${OURS}' version='1.0' xmlns:db`))
  await peer.until(/<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'\/?>.*<\/stream:features>/)
})
