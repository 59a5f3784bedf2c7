import { expect, it } from 'vitest'
import { confusionMatrix, offDiagonal } from './confusion.ts'

const right = { name: 'a', expected: 'dns.nxdomain', named: 'dns.nxdomain' } as const
const wrong = { name: 'b', expected: 'service.silent', named: 'service.not-xmpp' } as const

it('puts right verdicts on the diagonal and wrong ones beside it', () => {
  expect(confusionMatrix([right, wrong])).toEqual([
    '',
    '                      1 2 3',
    '  1 dns.nxdomain      1 · ·',
    '  2 service.not-xmpp  · · ·',
    '  3 service.silent    · 1 ·',
  ])
})

it('lists what is off the diagonal', () => {
  expect(offDiagonal([right, wrong])).toEqual([wrong])
})
