// Whole conversations through a whole gateway: cut at every byte they end as they do uncut, with the same bytes delivered and the same answers; changed at random they never bring in
// what nobody has proved, leave no stream behind, and every stanza that was accepted is accounted for.
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { limitsOf } from './inbound/limits.ts'
import { until } from './test-support/chain.ts'
import { PAIRS, conversationOf, conversationsOf, domainOf, missing, mutatedParts, startSite, type Site } from './test-support/conversations.ts'
import { inParallel } from './test-support/matrix.ts'

/** No more keys than these are proved at once for one address. */
const AT_ONCE = 8
const MUTATIONS = 600
const MUTATED_AT_ONCE = 48
/** A moment longer than an address is not believed about a domain that could not be asked. */
const CLOSED_MS = limitsOf().unaskedMs + 500
const PLAIN = "<message from='u@partner.example/r' to='b@inside.example' id='u'><body>hi &amp; é😀</body></message>"
const SPELLED = "<message id='u' from='u@partner.example/r' to='b@inside.example' type='unheard-of'><body>&lt;&amp;!</body><y xmlns='urn:x' xmlns:n1='urn:x' n1:z='1' xmlns:n2='urn:q' n2:w='&apos;'/></message>"
const IQ = "<iq type='get' id='u' from='u@second.example/r' to='b@inside.example'><q xmlns='urn:q'/></iq>"
/** What comes in of each conversation. */
const DELIVERED = [[PLAIN, SPELLED], [PLAIN, SPELLED], [PLAIN, IQ]]
let site: Site | undefined
afterEach(async () => {
  await site?.stop()
  site = undefined
})

for (const [which, { name }] of conversationsOf('u00000').entries()) {
  it(`cut at every byte, it is the same conversation: ${name}`, { timeout: 300_000 }, async () => {
    const { replay, came, gateway, faults, inside } = site = await startSite()
    const of = (number: number) => conversationOf('u', number, which)
    const played = async (number: number, cut: number) => {
      const { who, conversation } = of(number)
      const heard = await replay(conversation, { cut })
      await until(() => came(who).length >= conversation.brings, () => `${who}, cut at ${cut}: ${came(who).length} stanzas came; heard: ${heard}`)
      return { heard: heard.replaceAll(/id='[0-9a-f]{32}'/g, "id='…'").replaceAll(who, 'u'), came: came(who).map(text => text.replaceAll(who, 'u')) }
    }
    const whole = await played(0, 0)
    expect(whole.came).toEqual(DELIVERED[which])
    expect(whole.heard).toMatch(/<\/stream:stream>$/)
    expect(whole.heard).not.toContain('<stream:error')
    const length = of(0).conversation.parts.reduce((sum, { says }) => sum + Buffer.byteLength(says), 0)
    const cuts = Array.from({ length: length - 1 }, (_, at) => at + 1)
    let ran = 0
    await inParallel(cuts, AT_ONCE, async cut => {
      const here = await played(cut, cut)
      if (JSON.stringify(here) !== JSON.stringify(whole)) expect({ cut, ...here }).toEqual({ cut, ...whole })
      ran++
    })
    expect(ran).toBe(length - 1)
    await until(() => gateway.relay.streams({ zone: 'outside' }).all === 0, () => JSON.stringify(gateway.relay.streams({ zone: 'outside' })))
    expect(inside.streams.flatMap(({ stanzas }) => stanzas)).toHaveLength(of(0).conversation.brings * length)
    expect(missing(gateway)).toBe(0)
    expect(faults).toEqual([])
  })
}

it('changed at random, they bring in nothing that nobody has proved, and everything is accounted for', { timeout: 300_000 }, async () => {
  const seed = Number(process.env['DIALTONE_FUZZ_SEED'] ?? Date.now() % 1_000_000)
  const { replay, came, gateway, faults, inside, outside } = site = await startSite()
  const proved = new Map<string, boolean>()
  try {
    await inParallel(Array.from({ length: MUTATIONS }, (_, number) => number), MUTATED_AT_ONCE, async number => {
      const { who, conversation } = conversationOf('m', number, number % 3)
      const heard = await replay(conversation, { instead: mutatedParts(conversation, seed + number) })
      proved.set(who, /<success |type='valid'/.test(heard))
      expect(missing(gateway)).toBe(0)
    })
    expect(proved.size).toBe(MUTATIONS)
    await until(() => gateway.relay.streams({ zone: 'outside' }).streams.every(({ direction }) => direction === 'outbound'), () => JSON.stringify(gateway.relay.streams({ zone: 'outside' })))
    expect([...inside.streams, ...outside.streams].filter(({ broken }) => broken !== undefined)).toEqual([])
    for (const { from, to, text } of inside.streams.flatMap(({ stanzas }) => stanzas)) {
      // Who claims to be somebody else is not brought in under another name either. Within what somebody says who is known, it is his text.
      expect(text.slice(0, text.indexOf('>')), text).not.toContain('mallory')
      expect(PAIRS, text).toContain(`${domainOf(from)} ${domainOf(to)}`)
      // Both say who it was, so that it is not the change that says so.
      const who = from.slice(0, from.indexOf('@'))
      if (text.includes(`id='${who}'`) && proved.has(who)) expect(proved.get(who), text).toBe(true)
    }
    // It works as before, when what a key that could not be asked about closes to its address is open again: for a second.
    await pause(CLOSED_MS)
    for (const which of [0, 1, 2]) {
      const { who, conversation } = conversationOf('w', which, which)
      const heard = await replay(conversation, { cut: 0 })
      await until(() => came(who).length === conversation.brings, () => `${who} is not heard any more: ${heard}`)
    }
    expect(missing(gateway)).toBe(0)
    expect(faults).toEqual([])
  } catch (error) {
    throw new Error(`seed ${seed}: ${String(error)}`, { cause: error })
  }
})
