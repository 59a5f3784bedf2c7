// For tests: a report of which only some fields matter.
import type { Finding, Report, Verdict } from '@dialtone/contracts'

export function reportWith (verdict: Partial<Verdict>, findings: Finding[]): Report {
  return {
    domain: 'partner.example', as: null, vantage: 'here', startedAt: '2026-11-25T10:00:00.000Z', findings,
    verdict: { state: 'up', cause: 'healthy', side: 'peer', hop: 'peer-server', actor: 'peer-admin', confidence: 'proved', sentence: 'partner.example: works.', evidence: [], remedy: [], untested: [], ...verdict },
    observation: { v: 1, domain: 'partner.example', vantage: 'here', startedAt: '2026-11-25T10:00:00.000Z', ms: 49 } as Report['observation'],
  }
}
