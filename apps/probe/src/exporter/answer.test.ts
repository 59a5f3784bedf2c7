// Real observations of the zoo, read as a Prometheus reads them.
import type { Observation, Target } from '@dialtone/contracts'
import { observe, type CheckRequest, requestFor } from '@dialtone/ladder'
import { expositionOf } from '@dialtone/telemetry'
import { SCENARIOS, startScenario } from '@dialtone/zoo'
import { expect, it } from 'vitest'
import { answerOf } from './answer.ts'
import { MODULES, type Module } from './modules.ts'

it('a healthy domain', async () => {
  const text = textOf(await seen('healthy-external'))
  expect(text).toMatch(/^probe_success 1$/m)
  expect(text).not.toContain('probe_failure_info{')
  expect(text).toContain('probe_verdict_info{state="up",cause="healthy"} 1')
  expect(text).toContain('probe_tls_version_info{version="TLS 1.3"} 1')
  expect(text).toMatch(/^probe_sasl_mechanism_offered\{mechanism="EXTERNAL"\} 1$/m)
  for (const phase of ['resolve', 'connect', 'starttls', 'tls', 'features']) expect(text).toMatch(new RegExp(`^probe_xmpp_duration_seconds\\{phase="${phase}"\\} \\d`, 'm'))
  const end = Number(/^probe_ssl_earliest_cert_expiry (\S+)$/m.exec(text)?.[1])
  expect(end * 1000).toBeGreaterThan(Date.now())
})

it('one that is down says why, and has no duration for what never ended', async () => {
  const text = textOf(await seen('tls-not-tls'))
  expect(text).toMatch(/^probe_success 0$/m)
  expect(text).toContain('probe_failure_info{cause="tls.handshake-failed",side="peer"} 1')
  expect(text).toContain('phase="connect"')
  expect(text).not.toMatch(/phase="(starttls|tls)"/)
  expect(text).not.toContain('probe_ssl_earliest_cert_expiry ')
})

it('one without TLS tells what it offers in clear', async () => {
  const text = textOf(await seen('no-tls'))
  expect(text).toMatch(/^probe_dialback_offered 1$/m)
  expect(text).not.toContain('probe_tls_version_info{')
})

it('a module of one kind looks at that kind alone', async () => {
  const observation = await seen('healthy')
  const direct = observation.endpoints.filter(({ kind }) => kind === 'direct').length
  expect(textOf(observation, MODULES['s2s_starttls'])).toMatch(/^probe_success 1$/m)
  expect(textOf({ ...observation, endpoints: observation.endpoints.filter(({ kind }) => kind === 'starttls') }, MODULES['s2s_direct'])).toMatch(/^probe_success 0$/m)
  expect(textOf(observation, MODULES['s2s_direct'])).toContain(`probe_xmpp_endpoints{kind="direct",result="ok"} ${direct}`)
})

it('what a peer invents is no label', async () => {
  const observation = await seen('healthy')
  const invented = { ...observation, endpoints: observation.endpoints.map(endpoint => {
    const features = { starttls: 'absent' as const, mechanisms: ['X-"EVIL"\n', 'Y', 'PLAIN'], dialback: true, dialbackErrors: false, bidi: false, streamManagement: false, other: [] }
    return { ...endpoint, features, featuresAgain: features, ...(endpoint.tls === undefined ? {} : { tls: { ...endpoint.tls, protocol: 'TLSv9"' } }) }
  }) }
  const text = textOf(invented)
  expect(text.match(/^probe_sasl_mechanism_offered.*$/gm)).toEqual(['probe_sasl_mechanism_offered{mechanism="EXTERNAL"} 0', 'probe_sasl_mechanism_offered{mechanism="other"} 1', 'probe_sasl_mechanism_offered{mechanism="PLAIN"} 1'])
  expect(text).toContain('probe_tls_version_info{version="other"} 1')
})

it('an observation without anything in it', () => {
  const empty: Observation = { v: 1, domain: 'a.example', vantage: 'here', startedAt: '2026-01-01T00:00:00Z', ms: 3, asked: { from: 'x', resolver: '192.0.2.1:53', resolverTrusted: false, controlName: '.', overrides: [], fallbackPort: 5269, families: [4], depth: 'none', clientCertificate: false }, dns: [], endpoints: [], claim: [], certificates: {}, messages: {}, leftOut: 0 }
  expect(textOf(empty)).toMatch(/^probe_success 0$/m)
})

async function seen (name: string): Promise<Observation> {
  const scenario = SCENARIOS.find(each => each.name === name)
  if (scenario === undefined) throw new Error(`there are ${SCENARIOS.map(each => each.name).join(' ')}`)
  const ending = new AbortController()
  const running = await startScenario(scenario, ending.signal)
  try {
    const request: CheckRequest = requestFor(running.request)
    return await observe(request, { signal: ending.signal })
  } finally {
    await running.stop()
  }
}

function textOf (observation: Observation, module: Module = { about: 'all of it' }, target?: Target): string {
  return expositionOf(answerOf(observation, module, target))
}
