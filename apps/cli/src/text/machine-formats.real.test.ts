// JUnit is read by Expat, as CI servers read it, whatever texts a report carries.
import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { JUNIT_HEAD, JUNIT_TAIL, junitSuite } from './junit.ts'
import { reportWith } from './test-report.ts'

it('is well-formed for Expat with every character up to U+FFFF, and carries what can be carried', () => {
  const everything = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).join('') + '\u{1F600}]]>&amp;'
  const finding = { check: 's2s.x', outcome: 'x', level: 'error', says: everything, detail: everything, vantage: 'here' } as const
  const text = JUNIT_HEAD + junitSuite(reportWith({ state: 'down', sentence: everything, remedy: [everything] }, [finding])) + JUNIT_TAIL
  const { stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', 'import sys, json, xml.etree.ElementTree as E\nf = E.parse(sys.stdin.buffer).getroot().findall(".//failure")\nprint(json.dumps([[x.get("message"), x.text] for x in f]))'], { input: text, encoding: 'utf8', maxBuffer: 2 ** 24 })
  expect(stderr).toBe('')
  const failures = JSON.parse(stdout) as [string, string][]
  expect(failures.length).toBe(2)
  expect(failures[0]?.[0]).toContain(' !"#$%&\'()*+,-./0123456789:;<=>?')
  expect(failures[0]?.[0].endsWith('\u{1F600}]]>&amp;')).toBe(true)
})
