import { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { GatewayAssignment, GatewaySpec, ZoneSpec } from '@dialtone/contracts'
import { OperatorError, type Clock } from '@dialtone/kernel'
import { RANDOM } from '@dialtone/net'
import { PRIVATE_NETS } from '@dialtone/routing'
import { certificateFor, trustedRoot, type CertificateSpec, type Issued } from '@dialtone/zoo'
import type { World } from './seams.ts'
import { createWorld, type NewWorld, type WorldOptions } from './world.ts'

const SECRET = 'c2VjcmV0LW9mLXRoZS1nYXRld2F5LWZvci10ZXN0cw'
const OTHER = 'YW5vdGhlci1zZWNyZXQtZm9yLWEtem9uZS1hbG9uZQ'
const SCOPE = { receiving: 'peer.example', originating: 'ours.example', streamId: 's1' }
const clock: Clock = { now: () => Date.now(), elapsed: () => performance.now() }
const resolver = { address: '127.0.0.1', port: 5353 }

let files: Record<string, string>
const issued: Record<string, Issued> = {}
beforeAll(async () => {
  const names = (...dns: string[]) => ({ names: { dns } })
  const specs: Record<string, CertificateSpec> = {
    ours: names('ours.example', '*.ours.example'), longer: { ...names('ours.example'), validDays: { from: -1, to: 400 } }, server: { ...names('ours.example'), usages: ['serverAuth'] }, over: { ...names('ours.example'), validDays: { from: -20, to: -2 } },
    later: { ...names('ours.example'), validDays: { from: 2, to: 900 } }, srv: { names: { srvName: ['_xmpp-server.srv.example'], xmppAddr: ['address.example'] } }, other: names('other.example'),
  }
  files = { 'file:/secret': `${SECRET}\n`, 'file:/other': OTHER, 'file:/root': await trustedRoot() }
  for (const [name, spec] of Object.entries(specs)) {
    const one = issued[name] = await certificateFor(spec)
    files[`file:/${name}.pem`] = one.chain
    files[`file:/${name}.key`] = one.key
  }
})

const pair = (name: string) => ({ certificate: `file:/${name}.pem`, key: `file:/${name}.key` })
const outside = (more: Partial<ZoneSpec> = {}): ZoneSpec => ({ name: 'outside', side: 'external', listen: [{ address: '192.0.2.10', port: 5269 }], resolver, certificates: [pair('ours')], ...more })
const inside = (more: Partial<ZoneSpec> = {}): ZoneSpec => ({ name: 'inside', side: 'internal', listen: [{ address: '10.0.0.10', port: 5269 }], resolver, domains: ['ours.example'], ...more })
const gateway = (zones: ZoneSpec[] = [outside(), inside()], spec: Partial<GatewaySpec> = {}, more: Partial<GatewayAssignment> = {}): GatewayAssignment =>
  ({ v: 1, revision: 7, gateway: 'gw', spec: { desired: 'running', secret: 'file:/secret', zones, ...spec }, policies: {}, routes: {}, domains: {}, peers: {}, ...more })
const options = (held: Record<string, string | Buffer> = files): WorldOptions => ({
  salt: 'salt', clock, random: RANDOM,
  readSecret: async reference => {
    const bytes = held[reference]
    if (bytes === undefined) throw new OperatorError('unreadable-secret', `the secret '${reference}' cannot be read: there is no such file`)
    return Buffer.from(bytes)
  },
})
const make = async (assignment: GatewayAssignment, more: Partial<WorldOptions> = {}): Promise<NewWorld> => {
  const made = await createWorld(assignment, { ...options(), ...more })
  if ('problems' in made) throw new Error(JSON.stringify(made.problems))
  return made
}
const problemsOf = async (assignment: GatewayAssignment, held?: Record<string, string | Buffer>) => {
  const made = await createWorld(assignment, options(held))
  return 'problems' in made ? made.problems : []
}
const zone = ({ zones }: World, name: string) => {
  const found = zones.get(name)
  if (found === undefined) throw new Error(`no zone ${name}`)
  return found
}
const withoutSecret = (assignment: GatewayAssignment): GatewayAssignment => {
  const copy = structuredClone(assignment)
  delete copy.spec.secret
  return copy
}

it('makes a world of an assignment whose references all hold what they should', async () => {
  const { world, findings } = await make(gateway())
  expect(findings).toEqual([])
  expect(world).toMatchObject({ revision: 7, external: { name: 'outside', side: 'external', leg: { tls: 'required', dialback: 'over-tls' }, allowNets: [] } })
  expect(zone(world, 'inside')).toMatchObject({ leg: { tls: 'optional', dialback: 'always' }, allowNets: PRIVATE_NETS, anchors: { system: true, given: [] } })
  expect(world.zoneOf('ours.example')).toBe(zone(world, 'inside'))
  expect(world.zoneOf('peer.example')).toBeUndefined()
  expect(world.decide({ ours: 'ours.example', peer: 'peer.example' }, 'inbound').action).toBe('allow')
  expect(world.certificateEnds.get('ours.example')).toBe(new X509Certificate(issued['ours']?.chain ?? '').validToDate.getTime())
})

describe('dialback secrets', () => {
  it('D5: a key of one zone is worth nothing in another, and the same on every gateway with the same secret', async () => {
    const [{ world }, { world: again }] = [await make(gateway()), await make(gateway())]
    const key = zone(world, 'outside').keys.keyFor(SCOPE)
    expect(zone(again, 'outside').keys.isOurs(key, SCOPE)).toBe(true)
    expect(zone(world, 'inside').keys.isOurs(key, SCOPE)).toBe(false)
    expect(zone(again, 'outside').secretPrint).toBe(zone(world, 'outside').secretPrint)
    expect(zone(world, 'inside').secretPrint).not.toBe(zone(world, 'outside').secretPrint)
    expect((await make(gateway(), { salt: 'another' })).world.external?.secretPrint).not.toBe(world.external?.secretPrint)
  })
  it("a zone's own goes before the gateway's, and is used as it stands (XEP-0185)", async () => {
    const { world } = await make(gateway([outside({ secret: 'file:/other' }), inside()]))
    const { world: alone } = await make(withoutSecret(gateway([outside({ secret: 'file:/other' }), inside({ secret: 'file:/secret' })])))
    expect(zone(alone, 'outside').keys.keyFor(SCOPE)).toBe(zone(world, 'outside').keys.keyFor(SCOPE))
    expect(zone(alone, 'inside').keys.keyFor(SCOPE)).not.toBe(zone(world, 'inside').keys.keyFor(SCOPE))
    // The example of XEP-0185 §3.
    const vector = await make(withoutSecret(gateway([outside({ secret: 'file:/vector' }), inside({ secret: 'file:/secret' })])), { ...options({ ...files, 'file:/vector': 's3cr3tf0rd14lb4ck' }) })
    expect(zone(vector.world, 'outside').keys.keyFor({ receiving: 'xmpp.example.com', originating: 'example.org', streamId: 'D60000229F' })).toBe('37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643')
  })
  it('of different length and alphabet: below 64 bit refused, below 128 warned, with the place', async () => {
    const tried = async (text: string | Buffer) => {
      const made = await createWorld(gateway(), options({ ...files, 'file:/secret': text }))
      return 'problems' in made ? made.problems.map(({ pointer, says }) => `${pointer} ${says}`)[0] : made.findings.map(({ what }) => what).join()
    }
    for (const weak of ['hunter2', '0123456789', 'abcdefabcdef123', 'a'.repeat(40), 'abcabcabcabcabcabcabcabc', '1234567890123456789']) expect(await tried(weak), weak).toMatch(/^\/spec\/secret the secret 'file:\/secret' holds \d+ bits at most, and fewer than 64 are refused/)
    for (const middling of ['0123456789abcdef', 'correcthorsebattery', 'k3yW1th12chr', '01234567890123456789']) expect(await tried(middling), middling).toBe('secret')
    for (const strong of ['0123456789abcdef0123456789abcdef', 'q83vEjRWeJASNFZ4kBI0Vg==', SECRET]) expect(await tried(strong), strong).toBe('')
    expect(await tried('')).toMatch(/^\/spec\/secret .* is empty/)
    expect(await tried(`${SECRET}\n${SECRET}\n`)).toMatch(/more than one line/)
    expect(await tried(Buffer.from([0xFF, 0xFE, 0xFD]))).toMatch(/no UTF-8/)
  })
  it('equal in two zones are refused, whatever they are called', async () => {
    expect(await problemsOf(gateway([outside({ secret: 'file:/other' }), inside({ secret: 'file:/copy' })]), { ...files, 'file:/copy': `${OTHER}\n` })).toMatchObject([{ pointer: '/spec/zones/1/secret', says: expect.stringContaining("zones 'outside' and 'inside' have the same dialback secret") }])
  })
  it('are made where there are none, said, and stay when the configuration changes', async () => {
    const bare = withoutSecret(gateway())
    const { world, findings } = await make(bare)
    expect(findings.map(({ what, says }) => [what, says.slice(0, 43)])).toEqual([['secret', "zone 'outside' has no dialback secret, so o"], ['secret', "zone 'inside' has no dialback secret, so on"]])
    expect(zone(world, 'outside').secretMade).toBe(true)
    const key = zone(world, 'outside').keys.keyFor(SCOPE)
    const next = await make({ ...bare, revision: 8 }, { previous: world })
    expect(zone(next.world, 'outside').keys.isOurs(key, SCOPE)).toBe(true)
    expect(zone(next.world, 'outside').secretPrint).toBe(zone(world, 'outside').secretPrint)
    expect(zone((await make(bare)).world, 'outside').keys.isOurs(key, SCOPE)).toBe(false)
    const given = await make(gateway(), { previous: world })
    expect(zone(given.world, 'outside')).toMatchObject({ secretMade: false })
    expect(zone(given.world, 'outside').keys.isOurs(key, SCOPE)).toBe(false)
  })
})

describe('certificates', () => {
  const shown = async (domain: string, ...names: string[]) => zone((await make(gateway([outside({ certificates: names.map(pair) }), inside()]))).world, 'outside').certificateFor(domain)?.certificate
  it('are chosen by the names in them', async () => {
    for (const [domain, name] of [['ours.example', 'ours'], ['muc.ours.example', 'ours'], ['srv.example', 'srv'], ['address.example', 'srv'], ['other.example', 'other'], ['a.muc.ours.example', undefined], ['foreign.example', undefined], ['example', undefined]] as const) {
      expect(await shown(domain, 'ours', 'srv', 'other'), domain).toBe(name === undefined ? undefined : files[`file:/${name}.pem`])
    }
  })
  it('of several that fit: one that has begun, then the one that ends last', async () => {
    expect(await shown('ours.example', 'ours', 'longer')).toBe(files['file:/longer.pem'])
    expect(await shown('ours.example', 'later', 'ours', 'over')).toBe(files['file:/ours.pem'])
  })
  it('L8: one that lacks a served domain is an error where TLS is required, else a word', async () => {
    expect(await problemsOf(gateway([outside({ certificates: [pair('other')] }), inside()]))).toMatchObject([{ pointer: '/spec/zones/0/certificates', says: expect.stringContaining('has the name ours.example') }])
    expect((await make(gateway([outside({ certificates: [pair('other')], tls: 'optional' }), inside()]))).findings.filter(({ what }) => what === 'certificate')).toMatchObject([{ says: expect.stringContaining('it is served without TLS') }])
  })
  it('L9: one that is for servers alone, one that is over, one that has not begun', async () => {
    const said = async (name: string) => (await make(gateway([outside({ certificates: [pair(name)] }), inside()]))).findings.map(({ what, unhealthy, says }) => [what, unhealthy, says])
    expect(await said('server')).toEqual([['certificate', false, expect.stringContaining('no clientAuth')]])
    expect(await said('over')).toEqual([['certificate', true, expect.stringContaining('ended at')]])
    expect(await said('later')).toEqual([['certificate', true, expect.stringContaining('begins at')]])
    expect(await said('ours')).toEqual([])
  })
  it('inside, where servers know us by dialback, are shown as any domain', async () => {
    const { world } = await make(gateway([outside(), inside({ certificates: [pair('other')] })]))
    expect(zone(world, 'inside').certificateFor('peer.example')?.certificate).toBe(files['file:/other.pem'])
    expect(zone((await make(gateway())).world, 'inside').certificateFor('peer.example')).toBeUndefined()
  })
  it.each([
    ['no such file', { 'file:/ours.pem': undefined }, "'file:/ours.pem' cannot be read"], ['no certificate', { 'file:/ours.pem': 'nothing' }, 'holds no certificate'], ['no key', { 'file:/ours.key': 'nothing' }, 'holds no private key'],
    ['a broken certificate', { 'file:/ours.pem': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' }, 'cannot be decoded'], ['the key of another', { 'file:/ours.key': 'other' }, 'does not belong to the first certificate'],
  ])('with %s are refused at their place', async (_, change, says) => {
    const held = { ...files, ...Object.fromEntries(Object.entries(change).map(([name, text]) => [name, text === 'other' ? files['file:/other.key'] : text])) } as Record<string, string>
    expect(await problemsOf(gateway(), held)).toContainEqual({ pointer: '/spec/zones/0/certificates/0', says: expect.stringContaining(says) })
  })
  it('are read anew, and what stays is the same object', async () => {
    const { world } = await make(gateway([outside(), inside({ certificates: [pair('other')] })]))
    const same = await make(gateway([outside(), inside({ certificates: [pair('other')] })]), { previous: world })
    expect(zone(same.world, 'outside').certificateFor('ours.example')).toBe(zone(world, 'outside').certificateFor('ours.example'))
    const renewed = { ...files, 'file:/ours.pem': issued['longer']?.chain ?? '', 'file:/ours.key': issued['longer']?.key ?? '' }
    const next = await make(gateway([outside(), inside({ certificates: [pair('other')] })]), { ...options(renewed), previous: world })
    expect(zone(next.world, 'outside').certificateFor('ours.example')?.certificate).toBe(issued['longer']?.chain)
    expect(zone(next.world, 'inside').certificates[0]).toBe(zone(world, 'inside').certificates[0])
    const anchored = await make(gateway([outside(), inside({ certificates: [pair('other')], anchors: { system: false, given: ['file:/root'] } })]), { previous: world })
    expect(zone(anchored.world, 'inside').anchors).toMatchObject({ system: false, given: [expect.stringContaining('BEGIN CERTIFICATE')] })
  })
})

it('trusts whom the policy of a pair names, else whom the external zone names', async () => {
  const { world } = await make(gateway([outside({ anchors: { system: false, given: ['file:/root'] } }), inside()], {}, { policies: { own: { ours: '*', peer: 'own.example', action: 'allow', anchors: { system: true, given: ['file:/root'] } }, rest: { ours: '*', peer: '*', action: 'allow' } } }))
  const anchors = (peer: string) => world.anchorsFor(world.decide({ ours: 'ours.example', peer }, 'inbound'))
  expect(anchors('own.example')).toMatchObject({ system: true, given: [expect.stringContaining('BEGIN CERTIFICATE')] })
  expect(anchors('p.example')).toMatchObject({ system: false, given: [expect.stringContaining('BEGIN CERTIFICATE')] })
  expect(await problemsOf(gateway([outside(), inside()], {}, { policies: { own: { ours: '*', peer: '*', action: 'allow', anchors: { system: false, given: ['file:/gone'] } } } }))).toMatchObject([{ pointer: '/policies/own/anchors/given/0' }])
})

it('allows connections to what is written down for a domain, and to no more', async () => {
  const { world } = await make(gateway([outside(), inside({ domains: ['ours.example', '*.ours.example', '*.lab.example'] })], {}, {
    domains: { 'ours.example': { internal: [{ host: '10.1.2.3', port: 5269 }, { host: 'fd00::3', port: 5269 }, { host: 'x.lan', port: 5269 }], allowNets: ['10.9.0.0/16'] }, 'x.lab.example': {} },
    peers: { 'p.example': { allowNets: ['10.7.0.0/16'] } }, routes: { r: { to: 'routed.example', nextHops: [{ host: '10.8.8.8', port: 5269 }] } },
  }))
  expect(world.allowNetsFor('ours.example')).toEqual(['10.9.0.0/16', '10.1.2.3/32', 'fd00::3/128'])
  expect(world.allowNetsFor('muc.ours.example')).toEqual(['10.9.0.0/16', '10.1.2.3/32', 'fd00::3/128'])
  expect([world.allowNetsFor('p.example'), world.allowNetsFor('routed.example'), world.allowNetsFor('q.example'), world.allowNetsFor('x.lab.example')]).toEqual([['10.7.0.0/16'], ['10.8.8.8/32'], [], []])
})

it('holds the secrets of components, and refuses what cannot be read', async () => {
  const components = { accept: { listen: [{ address: '10.0.0.10', port: 5347 }], domains: { 'sms.ours.example': 'file:/component' } }, connect: [{ domain: 'peer.example', to: { host: '10.0.0.1', port: 5347 }, secret: 'file:/other' }] }
  const assignment = gateway([outside(), inside({ components })])
  const { world, findings } = await make(assignment, options({ ...files, 'file:/component': 'weak\n' }))
  expect(zone(world, 'inside').componentSecret('file:/component')).toBe('weak')
  expect(zone(world, 'inside').componentSecret('file:/other')).toBe(OTHER)
  expect(() => zone(world, 'inside').componentSecret('file:/secret')).toThrow('is no secret of a component')
  expect(world.zoneOf('sms.ours.example')?.name).toBe('inside')
  expect(findings).toMatchObject([{ what: 'secret', says: expect.stringContaining("the component's secret 'file:/component' can be guessed") }])
  expect(await problemsOf(assignment)).toMatchObject([{ pointer: '/spec/zones/1/components/accept/domains/sms.ours.example' }])
})

it('refuses all of what the linter refuses, and tells all problems at once', async () => {
  expect(await problemsOf(gateway([outside(), inside({ listen: [{ address: '0.0.0.0', port: 5269 }] })], {}, { policies: { p: { ours: '*', peer: 'p.example', action: 'allow', certificate: 'pinned' } } }))).toMatchObject([{ pointer: '/spec/zones/1/listen/0' }, { pointer: '/policies/p/certificate' }])
  expect(await problemsOf(gateway([outside({ secret: 'file:/gone', certificates: [pair('gone')] }), inside({ anchors: { system: true, given: ['file:/secret'] } })]))).toMatchObject([
    { pointer: '/spec/zones/0/secret' }, { pointer: '/spec/zones/0/certificates/0' }, { pointer: '/spec/zones/0/certificates' }, { pointer: '/spec/zones/1/anchors/given/0' },
  ])
})

it('lets a mistake of its own through, so that nobody mends a configuration that is right', async () => {
  await expect(createWorld(gateway(), { ...options(), readSecret: async () => Promise.reject(new TypeError('a bug')) })).rejects.toThrow(TypeError)
})
