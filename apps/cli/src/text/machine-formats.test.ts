// TAP and JUnit: what a CI server reads of a report. Whether the XML is XML is asked of Expat in machine-formats.real.test.ts.
import type { Finding } from '@dialtone/contracts'
import { describe, expect, it } from 'vitest'
import { JUNIT_HEAD, JUNIT_TAIL, junitSuite } from './junit.ts'
import { tapHead, tapPoint } from './tap.ts'
import { reportWith } from './test-report.ts'

const ERROR: Finding = { check: 's2s.starttls-offer', outcome: 'absent', level: 'error', says: 'offers no STARTTLS', endpoint: 'starttls/xmpp.partner.example:5269/192.0.2.7', vantage: 'here' }
const WARNING: Finding = { check: 's2s.certificate-trust', outcome: 'self-signed', level: 'warning', says: 'shows a self-signed certificate', detail: 'it is signed by itself', vantage: 'here' }
const OK: Finding = { check: 's2s.header', outcome: 'right', level: 'ok', says: 'answers with a right header', vantage: 'here' }
const UNKNOWN: Finding = { check: 's2s.dane', outcome: 'not-asked', level: 'unknown', says: 'was not asked', vantage: 'here' }
const DOWN = reportWith({ state: 'down', cause: 'tls.not-offered', sentence: 'partner.example: no TLS.', remedy: ['Turn TLS on.'] }, [ERROR, WARNING, OK, UNKNOWN])
const UP = reportWith({ state: 'up', cause: 'healthy', sentence: 'partner.example: works.', remedy: [] }, [ERROR, OK])

describe('TAP', () => {
  it('has a point per domain, and a subtest of what was found', () => {
    expect(tapHead(1) + tapPoint(DOWN, 1)).toBe(`TAP version 14
1..1
# Subtest: partner.example
    1..3
    not ok 1 - verdict: tls.not-offered
      ---
      state: "down"
      cause: "tls.not-offered"
      side: "peer"
      actor: "peer-admin"
      confidence: "proved"
      message: "partner.example: no TLS."
      remedy:
        - "Turn TLS on."
      ...
    not ok 2 - s2s.starttls-offer: offers no STARTTLS
      ---
      severity: "fail"
      level: "error"
      outcome: "absent"
      endpoint: "starttls/xmpp.partner.example:5269/192.0.2.7"
      ...
    not ok 3 - s2s.certificate-trust: shows a self-signed certificate # TODO a warning
      ---
      severity: "todo"
      level: "warning"
      outcome: "self-signed"
      message: "it is signed by itself"
      ...
not ok 1 - partner.example
  ---
  state: "down"
  cause: "tls.not-offered"
  side: "peer"
  message: "partner.example: no TLS."
  vantage: "here"
  ...
`)
  })
  it('fails nothing where the domain is up', () => {
    const failing = tapPoint(UP, 2).split('\n').filter(line => /^ *not ok/.test(line))
    expect(failing).toEqual(['    not ok 2 - s2s.starttls-offer: offers no STARTTLS # TODO the domain works nevertheless'])
    expect(tapPoint(UP, 2)).toContain('\nok 2 - partner.example\n')
  })
  it('lets no text begin a directive or a line', () => {
    const report = reportWith({ state: 'down', sentence: 'x\nok 2 # SKIP' }, [{ ...ERROR, says: 'says\nok 9 - # TODO \\' }])
    expect(tapPoint(report, 1)).toContain('not ok 2 - s2s.starttls-offer: says ok 9 - \\# TODO \\\\\n')
    expect(tapPoint(report, 1)).not.toMatch(/^ok /m)
  })
})

describe('JUnit', () => {
  it('has a suite per domain, a case per check and one for the verdict', () => {
    expect(junitSuite(DOWN)).toBe(`  <testsuite name="partner.example" hostname="here" timestamp="2026-11-25T10:00:00Z" time="0.049" tests="5" failures="2" errors="0" skipped="1">
    <testcase classname="partner.example" name="verdict"><failure type="tls.not-offered" message="partner.example: no TLS.">partner.example: no TLS.
tls.not-offered, side: peer
1. Turn TLS on.</failure></testcase>
    <testcase classname="partner.example" name="s2s.starttls-offer"><failure type="tls.not-offered" message="offers no STARTTLS">error: offers no STARTTLS [starttls/xmpp.partner.example:5269/192.0.2.7]
tls.not-offered: partner.example: no TLS.</failure></testcase>
    <testcase classname="partner.example" name="s2s.certificate-trust"><system-out>warning: shows a self-signed certificate: it is signed by itself</system-out></testcase>
    <testcase classname="partner.example" name="s2s.header"/>
    <testcase classname="partner.example" name="s2s.dane"><skipped message="was not asked"></skipped></testcase>
  </testsuite>
`)
  })
  it('fails nothing where the domain is up, and errs where nobody could tell', () => {
    expect(junitSuite(UP)).toContain('failures="0" errors="0"')
    expect(junitSuite(reportWith({ state: 'unknown', cause: 'unknown' }, []))).toContain('failures="0" errors="1"')
  })
  it('escapes markup and drops what XML cannot carry', () => {
    const text = JUNIT_HEAD + junitSuite(reportWith({ state: 'down', sentence: '<&>"\'\u0000\u001B\uFFFE\uD800 \u{1F600}\n' }, [])) + JUNIT_TAIL
    expect(text).toContain('message="&#60;&#38;&#62;&#34;&#39;\uFFFD \u{1F600}&#10;"')
    expect(text).not.toMatch(/[^\P{Cc}\n]|[\uFFFE\uFFFF]/u)
  })
})

