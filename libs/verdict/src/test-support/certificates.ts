// Three certificates for tests, good from 2025 to 2090: of `ours.example`, `partner.example` and `appliance.example`. Made once; whether they are trusted is said by the chain.
import type { ChainSeen, StoredCertificate } from '@dialtone/contracts'

export type Whose = 'ours' | 'partner' | 'appliance'

const DER: Record<Whose, string> = {
  ours: 'MIIBKjCB0KADAgECAgEBMAoGCCqGSM49BAMCMA8xDTALBgNVBAMTBG91cnMwIBcNMjUwMTAxMDAwMDAwWhgPMjA5MDAxMDEwMDAwMDBaMA8xDTALBgNVBAMTBG91cnMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASufemIV6Seejhp+tee1EK/i6HYLYPtk/MvtODtBCn4JHa/Xv0Y4Y3UAhrc7UBG9KOgWcQFaCIyJm0W8XqqGFisoxswGTAXBgNVHREEEDAOggxvdXJzLmV4YW1wbGUwCgYIKoZIzj0EAwIDSQAwRgIhAIKSlDc0Zj2e+QnCM7qZxugVTcBDpI8TZYGsTxhTEf/bAiEArrrK4t0egbTddnqHa6sIU0sml7Ipi41bLX5ZO7ACbBM=',
  partner: 'MIIBMzCB2aADAgECAgEBMAoGCCqGSM49BAMCMBIxEDAOBgNVBAMTB3BhcnRuZXIwIBcNMjUwMTAxMDAwMDAwWhgPMjA5MDAxMDEwMDAwMDBaMBIxEDAOBgNVBAMTB3BhcnRuZXIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARsqm9cYN/yB/pvB25s3a7DMnc8SZs/LFK2ErZj07f2pgc+iTkN1JcEqkJ4AQcqeTEMc2GG53f0tmG2a1AASlMcox4wHDAaBgNVHREEEzARgg9wYXJ0bmVyLmV4YW1wbGUwCgYIKoZIzj0EAwIDSQAwRgIhAPopx+cdBoiWszP/OES0r2Kqb34guvfbNUfnOmZhEwZpAiEA9CkT+tLvdHi8gRFChcfrF8r7SXgyYbraWKDfh5Jm1Vs=',
  appliance: 'MIIBNzCB36ADAgECAgEBMAoGCCqGSM49BAMCMBQxEjAQBgNVBAMTCWFwcGxpYW5jZTAgFw0yNTAxMDEwMDAwMDBaGA8yMDkwMDEwMTAwMDAwMFowFDESMBAGA1UEAxMJYXBwbGlhbmNlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2i1+W9xmAXFpwX2vMJ+ZZtjt3lkP4MRB4IFO13EjQO3Y1mCyxWIZHyrUmzAa3kIjuQ6T5lPIKghvZZ8878gqfaMgMB4wHAYDVR0RBBUwE4IRYXBwbGlhbmNlLmV4YW1wbGUwCgYIKoZIzj0EAwIDRwAwRAIgc8p3tC7FUZpPdOnfJAZ/sHo1WppATL8EFG0Jaod0LkoCIADgmdG8C2tZiklZDQwnLL3hxILMH/Q27vUy7r9UiviG',
}

const LETTER: Record<Whose, string> = { ours: 'a', partner: 'b', appliance: 'c' }
const FORGED: Record<Whose, string> = { ours: 'd', partner: 'e', appliance: 'f' }

/** The digest by which observations name it. */
export function digestOf (whose: Whose, forged = false): string {
  return (forged ? FORGED : LETTER)[whose].repeat(64)
}

/** As an observation keeps them. A forged one has the same names, and is another. */
export function stored (): Record<string, StoredCertificate> {
  const names = Object.keys(DER) as Whose[]
  return Object.fromEntries(names.flatMap(whose => [false, true].map(forged => {
    const letter = (forged ? FORGED : LETTER)[whose]
    return [digestOf(whose, forged), { der: DER[whose], sha512: letter.repeat(128), spkiSha256: letter.repeat(64), spkiSha512: letter.repeat(128) }]
  })))
}

/** A chain of one. */
export function chain (whose: Whose, trust: ChainSeen['trust'] = 'trusted', forged = false): ChainSeen {
  const digest = digestOf(whose, forged)
  return { sent: [digest], path: [digest], trust, anchors: 'given' }
}
