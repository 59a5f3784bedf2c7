import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DEFAULT_JUDGE_CONFIG } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { CAUSE_ALERTS, DOMAIN_ALERTS, SELF_ALERTS, SEVERITIES, alertRules, duration } from './index.ts'
import { alertingPage } from './page.ts'

const rules = alertRules()

it('every alert has a rule, and every rule an identity of its own', () => {
  expect([...new Set(rules.map(({ name }) => name))].toSorted()).toEqual([...Object.keys(CAUSE_ALERTS), ...DOMAIN_ALERTS, ...SELF_ALERTS].toSorted())
  expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length)
  expect(new Set(rules.map(({ title }) => title)).size).toBe(rules.length)
})

it('the page lists every alert, with how long each goes on', () => {
  const page = alertingPage()
  for (const { name } of rules) expect(page).toContain(`| \`${name}\` |`)
  for (const { group, keepFiringSeconds } of rules) expect(page).toMatch(group === 'verdicts' ? new RegExp(`about a domain goes on for ${duration(keepFiringSeconds)} `) : new RegExp(`about Dialtone itself for (?:\\w+ or )*${duration(keepFiringSeconds)}\\b`))
})

it('a rule says what is so, what to do and where to read on', () => {
  for (const { id, annotations, severity } of rules) {
    expect(SEVERITIES, id).toContain(severity)
    expect(annotations.summary, id).toMatch(/\S/)
    expect(annotations.description, id).toMatch(/\.$|\}\}$/)
    expect(annotations.remedy, id).toContain('1. ')
    expect(annotations.runbook_url, id).toMatch(/^http:\/\/localhost:5280\/runbooks\/(\{\{ \$labels\.cause \}\}|Dialtone\w+)$/)
  }
  expect(alertRules({ controlUrl: 'https://control.example' }).every(({ annotations }) => annotations.runbook_url.startsWith('https://control.example/runbooks/'))).toBe(true)
})

it('what nobody knows, and what only weakens, wakes nobody', () => {
  const pages = rules.filter(({ severity }) => severity === 'page').map(({ name }) => name)
  for (const name of ['DialtoneUnknown', 'DialtoneVantageUnhealthy', 'DialtoneDegraded', 'DialtoneCertificateExpiring']) expect(pages).not.toContain(name)
  expect(rules.filter(({ name }) => name === 'DialtoneUnknown' || name === 'DialtoneVantageUnhealthy').map(({ severity }) => severity)).toEqual(['notice', 'notice'])
})

it('a lab that is so many times faster has so many times shorter durations, but of Dialtone itself no alert waits for less than a few scrapes', () => {
  const [slow, fast] = [alertRules(), alertRules({ timeScale: 300 })]
  const shorter = (seconds: number): number => Math.round(seconds * 1000 / 300) / 1000
  for (const [at, { group, forSeconds, keepFiringSeconds }] of slow.entries()) expect(fast[at]).toMatchObject({ forSeconds: group === 'dialtone' && forSeconds > 0 ? 10 : shorter(forSeconds), keepFiringSeconds: shorter(keepFiringSeconds) })
  const waits = (timeScale: number): number[] => alertRules({ timeScale }).filter(({ id }) => ['DialtoneControlDown-page', 'DialtoneControlRestarts-page', 'DialtoneStoreFull-ticket'].includes(id)).map(({ forSeconds }) => forSeconds)
  expect([waits(1), waits(30)]).toEqual([[120, 0, 1800], [10, 0, 60]])
  expect([0, 0.25, 1, 90, 3600, 5430].map(duration)).toEqual(['0s', '250ms', '1s', '1m30s', '1h', '1h30m30s'])
})

it('the last days of a certificate lie inside the warning window', () => {
  const rule = rules.find(({ id }) => id === 'DialtoneCertificateExpiring-ticket')
  const seconds = Number(/time\(\) < (\d+)/.exec(rule?.expr ?? '')?.[1])
  expect(seconds / 86_400).toBeLessThan(DEFAULT_JUDGE_CONFIG.expiryWarningDays)
})

it('no rule asks for what nobody exposes, and each asks for something of ours', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/operating/metrics.md'), 'utf8')
  const documented = new Map([...page.matchAll(/^\| `(\w+)` \| \w+ \| (.*?) \|/gm)].map(([, name = '', labels = '']) => [name, [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label)]))
  // Of the scrape, and of what rules add.
  const always = ['job', 'instance', 'vantage', 'gateway']
  for (const { id, expr } of rules) {
    const asked = [...expr.matchAll(/\b((?:dialtone|probe)_\w+|up)\b(?:\{([^}]*)\})?/g)]
    expect(asked.length, id).toBeGreaterThan(0)
    for (const [, name = '', matchers = ''] of asked.filter(([, name]) => name !== 'up')) {
      expect(documented.has(name), `${id}: ${name} is not in docs/operating/metrics.md`).toBe(true)
      for (const [, label = ''] of matchers.matchAll(/(\w+)\s*(?:=|!=|=~|!~)"/g)) expect([...documented.get(name) ?? [], ...always], `${id}: ${name} has no ${label}`).toContain(label)
    }
  }
})
