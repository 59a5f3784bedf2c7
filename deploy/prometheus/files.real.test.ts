// What is committed is what the tools of Prometheus and Alertmanager take; and what was recorded in the lab raises what it raised.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { alertRules } from '../alerting/index.ts'
import { readRecordings, replay, type Recording } from './recording.ts'
import { runTool } from './promtool.ts'

const committed = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8')

it('promtool takes the rules', () => {
  const { passed, says } = runTool('promtool', ['check', 'rules', 'rules.yml'], { 'rules.yml': committed('rules.yml') })
  expect(says).toContain(`${alertRules().length} rules found`)
  expect(passed).toBe(true)
}, 60_000)

it('promtool takes the configuration, with the rules and the token that it names', () => {
  const named = committed('prometheus.yml').replace('/etc/prometheus/control.token', 'control.token')
  expect(runTool('promtool', ['check', 'config', 'prometheus.yml'], { 'prometheus.yml': named, 'rules.yml': committed('rules.yml'), 'control.token': 'token' })).toMatchObject({ passed: true })
  expect(runTool('promtool', ['check', 'config', 'prometheus.yml'], { 'prometheus.yml': named, 'rules.yml': committed('rules.yml').replace('max by', 'max of'), 'control.token': 'token' })).toMatchObject({ passed: false })
}, 60_000)

it('amtool takes the routes, and leads each alert where it belongs', () => {
  const files = { 'alertmanager.yml': committed('alertmanager.yml') }
  expect(runTool('amtool', ['check-config', 'alertmanager.yml'], files)).toMatchObject({ passed: true })
  const routed = (...labels: string[]) => runTool('amtool', ['config', 'routes', 'test', '--config.file=alertmanager.yml', ...labels], files).says.split('\n')[0]
  expect(routed('alertname=DialtonePathBlocked', 'severity=page', 'side=path', 'domain=ours.example')).toBe('page')
  expect(routed('alertname=DialtonePeerDown', 'severity=ticket', 'side=peer')).toBe('ticket')
  expect(routed('alertname=DialtoneDegraded', 'severity=notice', 'side=peer')).toBe('notice')
  expect(routed('alertname=DialtoneUnknown', 'severity=notice', 'side=observer')).toBe('notice')
  expect(routed('alertname=DialtoneStoreFull', 'severity=ticket')).toBe('ticket')
  expect(routed('alertname=DialtoneFaults', 'severity=notice')).toBe('notice')
}, 60_000)

const who = (domain: string) => `job="dialtone-control", instance="c", domain="${domain}", peer=""`
const SERVICE: Recording = {
  break: 'service', timeScale: 60, intervalSeconds: 2,
  series: [
    { series: 'dialtone_bus_connected{job="dialtone-control", instance="c"}', values: '1x40' }, { series: 'up{job="dialtone-control", instance="c"}', values: '1x40' }, { series: 'dialtone_lease_held{job="dialtone-control", instance="c"}', values: '1x40' },
    { series: `dialtone_state{${who('ours.example')}}`, values: '0x4 2x25 0x9' },
    { series: `dialtone_cause_info{${who('ours.example')}, cause="service.down", side="ours"}`, values: '_x5 1x25 stale' },
    // It was broken before, and is none of this.
    { series: `dialtone_state{${who('standing.example')}}`, values: '2x40' }, { series: `dialtone_cause_info{${who('standing.example')}, cause="dns.nxdomain", side="ours"}`, values: '1x40' },
  ],
  expect: { alert: 'DialtoneServiceDown', labels: { domain: 'ours.example', severity: 'page' } },
}

it('a recording is wrong that raises another alert than it says, or one more, or none', () => {
  expect(replay(SERVICE)).toMatchObject({ passed: true })
  expect(replay({ ...SERVICE, expect: { alert: 'DialtonePathBlocked', labels: {} } })).toMatchObject({ passed: false })
  expect(replay({ ...SERVICE, expect: { alert: null, labels: {} } })).toMatchObject({ passed: false })
  expect(replay({ ...SERVICE, expect: { alert: 'DialtoneServiceDown', labels: { domain: 'other.example' } } })).toMatchObject({ passed: false })
  expect(replay({ ...SERVICE, series: SERVICE.series.filter(({ series }) => !series.includes('service.down')) })).toMatchObject({ passed: false })
  const another = [{ series: `dialtone_state{${who('b.example')}}`, values: '0x4 2x25 0x9' }, { series: `dialtone_cause_info{${who('b.example')}, cause="path.inbound-blocked", side="path"}`, values: '_x5 1x25 stale' }]
  expect(replay({ ...SERVICE, series: [...SERVICE.series, ...another] })).toMatchObject({ passed: false })
}, 120_000)

for (const recording of readRecordings()) {
  it(`recorded: ${recording.break} raises ${recording.expect.alert ?? 'no alert'}`, () => {
    const { passed, says } = replay(recording)
    expect(passed, says).toBe(true)
  }, 60_000)
}
