// The zoo is honest: what its scripted peers and its resolver show is what real servers show. Every scenario that a real server can be made
// to show runs a second time against that server, behind Unbound and Knot, and the two observations agree in every field that the judge reads.
import { deviationOf, endsAt, identity, leafOf, pathOf } from '@dialtone/checks'
import { SERVER_AUTH } from '@dialtone/stream'
import { SCENARIOS, startScenario, type Scenario } from '@dialtone/zoo'
import type { EndpointObservation, Failure, Observation, Report } from '@dialtone/contracts'
import { requestFor } from '@dialtone/ladder'
import { startCounterpart, type Recipe, type ServerName } from '@dialtone/testkit'
import { expect, it } from 'vitest'
import { check } from './run-check.ts'
import { requestOf } from './run-zoo.ts'

/** What the server itself logs when it is asked. */
const ASKED: Record<ServerName, RegExp> = {
  prosody: /Incoming s2s received <stream:stream |TLS handshake error: /,
  ejabberd: /Received XML on stream = <<"<\?xml/,
  jabberd2: /incoming stream online \(id \w+\)/,
}
const PROSODY: Recipe = { server: 'prosody' }

/** Where the first server that the scenario names, configured as its script says, is not enough. */
const RECIPES: Record<string, Recipe> = {
  'starttls-refused': { server: 'ejabberd', breaksOff: true, withoutCertificate: true },
  'tls-alert': { server: 'prosody', breaksOff: true, withoutCertificate: true },
  'certificate-refused-by-stream-error': { server: 'prosody', breaksOff: true, secureAuth: true },
  'ours-disabled': { server: 'prosody', breaksOff: true, hostLines: ['modules_disabled = { "s2s" }', 'VirtualHost "another.example"'] },
  'dnssec-bogus': { server: 'prosody', bogus: true },
  // What is wrong with these is in the DNS: Knot and Unbound are the real servers.
  ...Object.fromEntries([
    'target-is-an-alias', 'target-is-an-address', 'dot-beside-target', 'dangling-target', 'duplicate-target', 'no-such-domain', 'service-disabled', 'both-services-disabled',
    'direct-disabled-alone', 'direct-disabled', 'target-without-address', 'target-without-address-fallback-works', 'no-records',
  ].map(name => [name, PROSODY])),
}

/** Scenarios that name a server which, tried, shows something else. */
const LEFT_OUT: Record<string, string> = {
  'target-is-localhost': 'Unbound answers localhost itself (RFC 6761 §6.3), and the target is then one where nothing listens',
  'refused-and-dropped': 'as dropped',
  'dropped': 'the packets are dropped before any server could take part',
  'healthy-header-dialback': 'jabberd2 2.7 names dialback in its features, too',
  'policy-at-open': "needs mod_s2s_blacklist, which is not among the modules of Debian's prosody",
  'not-authorized-at-open': "no module of Debian's prosody refuses a domain by its name, and ejabberd's access rules wait for a key or a certificate",
  'policy-once': 'as policy-at-open',
  'policy-too-soon': 'as policy-at-open',
  'policy-for-nobody': "needs mod_s2s_whitelist, which is not among the modules of Debian's prosody",
  'shutting-down': 'a server that is stopped refuses connections long before a check could meet its last words',
  'overloaded': 'a queue that is full at the right moment cannot be arranged',
  'wants-version': 'no configuration of ejabberd 23.01 sends it',
  'tls-closed': 'ejabberd 23.01 refuses STARTTLS instead when its key does not fit',
}

const runs = SCENARIOS.flatMap(scenario => {
  const recipe = RECIPES[scenario.name] ?? ('servers' in scenario.counterpart && scenario.counterpart.servers[0] !== undefined ? { server: scenario.counterpart.servers[0] } : undefined)
  return recipe === undefined || scenario.name in LEFT_OUT ? [] : [{ scenario, recipe }]
})

for (const { scenario, recipe } of runs) {
  it(`${scenario.name}: ${recipe.server} and the zoo agree`, async () => {
    const signal = AbortSignal.timeout(50_000)
    const [real, acted] = [await checkReal(scenario, recipe, signal), await checkActed(scenario, signal)]
    expect(real.verdict).toMatchObject(scenario.expects)
    expect(whatTheJudgeReads(real.observation)).toEqual(whatTheJudgeReads(acted.observation))
  })
}

it('lists the scenarios that no real server shows', () => {
  const shown = new Set(runs.map(({ scenario }) => scenario.name))
  const elsewhere = SCENARIOS.filter(({ counterpart }) => 'inNamespaces' in counterpart).map(({ name }) => name)
  const others = SCENARIOS.filter(({ name }) => !shown.has(name) && !elsewhere.includes(name)).map(({ name, counterpart }) => ({ name, why: LEFT_OUT[name] ?? ('none' in counterpart ? counterpart.none : undefined) }))
  console.log(`${shown.size} scenarios have a real counterpart here, ${elsewhere.length} in network namespaces (dialback.real.test.ts), ${others.length} have none:\n${others.map(({ name, why }) => `  ${name}: ${why}`).join('\n')}`)
  expect(others.filter(({ why }) => why === undefined)).toEqual([])
  expect(Object.keys({ ...RECIPES, ...LEFT_OUT }).filter(name => !SCENARIOS.some(scenario => scenario.name === name))).toEqual([])
})

async function checkReal (scenario: Scenario, recipe: Recipe, signal: AbortSignal): Promise<Report> {
  const started = await startCounterpart(scenario, recipe)
  try {
    const report = await check(requestFor(started.request), started.judge, signal)
    const tried = new Set(report.observation.endpoints.map(({ address }) => address))
    for (const server of started.servers) {
      if (tried.has(server.address)) expect(await server.logged(ASKED[recipe.server])).toMatch(ASKED[recipe.server])
      else expect(server.logs()).not.toMatch(ASKED[recipe.server])
    }
    expect(await started.dns.logged(/ (?:SRV|A) IN/)).toContain('info: 127.')
    return report
  } finally {
    await started.stop()
  }
}

async function checkActed (scenario: Scenario, signal: AbortSignal): Promise<Report> {
  const running = await startScenario(scenario, signal)
  try {
    const { request, stop } = await requestOf(running)
    try {
      return await check(request, running.judge, signal)
    } finally {
      await stop()
    }
  } finally {
    await running.stop()
  }
}

/**
 * What verdicts are made of: the outcome of each question and stage, what failed and how and what its text is known to mean, whether there was
 * TLS, how one could authenticate after it, what is wrong with the certificate, who answered for whom. Not what differs between any two servers:
 * words, ids, ports, order.
 */
function whatTheJudgeReads (observation: Observation): unknown {
  return {
    dns: observation.dns.map(({ purpose, name, type, outcome, authenticated, records, aliases }) => ({
      purpose, name: /^\d[\d.]*$/.test(name) ? 'address' : name.replace(/^_\d+\./, '_port.'), type, outcome, authenticated, aliases: aliases.length,
      records: records.map(record => record.type === 'SRV' ? `${record.priority} ${/^\d/.test(record.target) ? 'address' : record.target}` : record.type).toSorted(),
    })).toSorted(byText),
    endpoints: observation.endpoints.map(endpoint => endpointFacts(endpoint, observation)).toSorted(byText),
    claim: observation.claim.map(({ role, answer }) => ({ role, answer })).toSorted(byText),
    leftOut: observation.leftOut,
  }
}

function endpointFacts (endpoint: EndpointObservation, observation: Observation): unknown {
  const { kind, source, target, family, priority, steps, header, features, tls, chain, headerAgain, featuresAgain } = endpoint
  const last = kind === 'direct' ? features : featuresAgain
  const opening = kind === 'direct' ? header : headerAgain
  return {
    kind, source, target: /^\d/.test(target) ? 'address' : target, family, priority,
    steps: steps.map(({ stage, outcome, failure }) => ({ stage, outcome, failure: failure === undefined ? undefined : failureFacts(failure) })),
    tls: tls !== undefined,
    asksForACertificate: tls?.clientCertificateRequested,
    offersTls: features?.starttls === undefined ? undefined : features.starttls !== 'absent',
    external: last?.mechanisms.includes('EXTERNAL'),
    dialback: last === undefined ? undefined : last.dialback || opening?.dialbackNamespace === true,
    trust: chain?.trust,
    certificate: certificateFacts(endpoint, observation),
    version: header?.version,
    namespaces: [header?.contentNamespace, headerAgain?.contentNamespace],
    ids: [header, headerAgain].map(each => each === undefined ? undefined : (each.id ?? '') !== ''),
  }
}

function certificateFacts (endpoint: EndpointObservation, observation: Observation): unknown {
  const leaf = leafOf(endpoint, observation)
  if (leaf === undefined) return undefined
  const now = Date.parse(observation.startedAt)
  const end = endsAt(endpoint, observation) ?? now
  return {
    named: identity(endpoint, observation)?.match !== 'none',
    dates: pathOf(endpoint, observation).some(({ notBefore }) => notBefore > now) ? 'not yet' : end < now ? 'over' : end < now + 14 * 86_400_000 ? 'soon' : 'good',
    forServers: leaf.extendedKeyUsage?.includes(SERVER_AUTH) ?? true,
  }
}

function failureFacts (failure: Failure): unknown {
  return { at: failure.at, why: failure.why, ...('condition' in failure ? { condition: failure.condition } : {}), ...('alert' in failure ? { alert: failure.alert } : {}),
    ...(failure.at === 'stream' && failure.why === 'stream-error' ? { means: deviationOf(failure)?.means } : {}), ...('received' in failure ? { silent: failure.received === 0 } : {}) }
}

function byText (a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1
}
