import { createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { BEFORE_AUTHENTICATION, createFramer } from '@dialtone/stream'
import { SCENARIOS, startScenario } from '@dialtone/zoo'
import { observe } from './observe.ts'
import { requestFor } from './request.ts'

const HEADER = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' id='1' from='partner.example' version='1.0'>"
const EVIL = "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms></stream:features>"

describe('C1: bytes in clear after <proceed/>', () => {
  it('would be read as features by a framer that nobody stops', () => {
    const seen: string[] = []
    const framer = createFramer({ limits: BEFORE_AUTHENTICATION }, { header: () => undefined, element: ({ name }) => seen.push(name), end: () => undefined, error: () => undefined })
    framer.write(new TextEncoder().encode(HEADER + "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" + EVIL))
    expect(seen).toEqual(['proceed', 'features'])
  })

  it('are discarded and reported, and nothing of them is taken for the peer inside TLS', async () => {
    const running = await startScenario(named('healthy-stray-bytes'), AbortSignal.timeout(20_000))
    try {
      const { endpoints: [endpoint] } = await observe(requestFor(running.request), { signal: AbortSignal.timeout(20_000) })
      expect(endpoint?.strayBytes).toBeGreaterThan(0)
      expect(endpoint?.tls?.protocol).toMatch(/^TLS/)
      expect(endpoint?.steps.every(({ outcome }) => outcome === 'ok')).toBe(true)
    } finally {
      await running.stop()
    }
  })

  for (const cut of [1, 20, 49, 50, 51, 80]) {
    it(`are discarded too when they come in a second packet, cut at ${cut}`, async () => {
      const text = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" + EVIL
      const endpoint = await against(socket => {
        let said = 0
        socket.on('data', chunk => {
          const heard = chunk.toString('latin1')
          if (said === 0) { said = 1; socket.write(HEADER + "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>") }
          else if (heard.includes('<starttls')) { socket.write(text.slice(0, cut)); setImmediate(() => socket.write(text.slice(cut))) }
          else socket.end()
        })
      })
      expect(endpoint?.featuresAgain).toBeUndefined()
      expect(endpoint?.features?.mechanisms).toEqual([])
      expect(endpoint?.steps.find(({ stage }) => stage === 'tls')?.outcome).toBe('failed')
    })
  }
})

it('asks whether the peer serves a sub-domain of ours, beside ours and a made-up name', async () => {
  const running = await startScenario(named('claimed'), AbortSignal.timeout(20_000))
  try {
    // It claims `ours.example`, here a sub-domain of ours.
    const { claim } = await observe(requestFor({ ...running.request, as: 'example', alsoClaimed: ['ours.example'] }), { signal: AbortSignal.timeout(20_000) })
    expect(claim.map(({ role, to, answer }) => `${role} ${role === 'control' ? '' : to} ${answer}`).toSorted()).toEqual(['claim example denies', 'claim ours.example serves', 'control  denies'])
  } finally {
    await running.stop()
  }
})

it('marks every stage after a failure as not asked', async () => {
  const endpoint = await against(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  expect(endpoint?.steps.map(({ stage, outcome }) => `${stage} ${outcome}`)).toEqual([
    'tcp ok', 'header failed', 'features not-asked', 'starttls not-asked', 'tls not-asked', 'certificate not-asked', 'features-again not-asked', 'close not-asked',
  ])
})

it.each([
  ['a goodbye', '</stream:stream>', 'clean'],
  ['a stream error', "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>", 'error'],
  ['a bare close', '', 'no-footer'],
])('says how the peer ended: %s in answer to ours', async (_, answer, ended) => {
  const endpoint = await against(socket => {
    socket.on('data', chunk => {
      if (chunk.includes('</stream:stream>')) socket.end(answer)
      else socket.write(`${HEADER}<stream:features/>`)
    })
  })
  expect(endpoint?.ended).toBe(ended)
})

it('reads no more of a flood than it must, and ends in time under a drip', async () => {
  const flood = await against(socket => {
    socket.write(HEADER)
    const pour = () => { while (!socket.destroyed && socket.write(' '.repeat(65_536))); }
    socket.on('drain', pour)
    pour()
  })
  expect(flood?.received).toBeLessThan(1_000_000)
  const began = performance.now()
  const drip = await against(socket => {
    const timer = setInterval(() => socket.write(' '), 20)
    socket.on('close', () => clearInterval(timer))
  })
  expect(drip?.steps[1]).toMatchObject({ outcome: 'failed', failure: { why: 'went-silent' } })
  expect(performance.now() - began).toBeLessThan(5000)
})

it('gives no observation when it is cut short, and ends at once', async () => {
  const stopping = new AbortController()
  const observing = against(socket => { socket.once('data', () => stopping.abort(new Error('enough'))) }, stopping.signal)
  await expect(observing).rejects.toThrow('enough')
})

it('asks for ALPN on direct TLS alone', async () => {
  const hellos: Buffer[] = []
  await against(socket => {
    socket.on('data', chunk => {
      if (chunk[0] === 0x16) { hellos.push(chunk); socket.destroy() }
      else if (chunk.includes('<starttls')) socket.write("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
      else socket.write(HEADER + "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>")
    })
  })
  expect(hellos).not.toEqual([])
  expect(hellos.some(hello => hello.includes('xmpp-server'))).toBe(false)
})

async function against (act: (socket: Socket) => void, signal = AbortSignal.timeout(20_000)) {
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    act(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  try {
    const observation = await observe(requestFor({
      domain: 'partner.example', vantage: 'test', resolver: { address: '127.0.0.1', port: 53, trusted: true }, overrides: [{ host: '127.0.0.1', port, kind: 'starttls' }],
      allowNets: ['127.0.0.0/8'], anchors: { system: false, given: [] }, timeoutsMs: { dns: 500, tcp: 1000, stream: 700, tls: 700, close: 200 },
    }), { signal })
    return observation.endpoints[0]
  } finally {
    server.close()
  }
}

function named (name: string) {
  const scenario = SCENARIOS.find(each => each.name === name)
  if (scenario === undefined) throw new Error(`there is no scenario ${name}`)
  return scenario
}
