import { expect, it } from 'vitest'
import { createAgenda, type Due } from './agenda.ts'

const OURS = { domain: 'ours.example' }
const PAIR = { domain: 'ours.example', peer: 'partner.example' }
const OTHER = { domain: 'ours.example', peer: 'other.example' }

it('has each once, in order, and nobody who is no subject', () => {
  const agenda = createAgenda({ has: ({ peer }) => peer !== OTHER.peer })
  agenda.mark(PAIR, 'time', 5, 5)
  agenda.mark(OURS, 'configuration', 3, 5)
  agenda.mark(PAIR, 'start', 6, 6)
  agenda.mark(OTHER, 'time', 5, 5)
  expect(all(agenda)).toMatchObject([{ subject: PAIR, at: 5, because: 'time' }, { subject: OURS, at: 3, because: 'configuration' }])
})

it('lets pairs wait a second for what others do, unless they are judged before', () => {
  const agenda = createAgenda({ has: () => true })
  expect(agenda.ripeAt).toBeUndefined()
  agenda.mark(PAIR, 'others', 10_000, 10_000)
  agenda.mark(OTHER, 'others', 10_500, 10_500)
  expect(agenda.next()).toBeUndefined()
  expect(agenda.ripeAt).toBe(11_000)
  agenda.mark(OTHER, 'time', 10_600, 10_600)
  expect(all(agenda)).toMatchObject([{ subject: OTHER, because: 'time' }])
  agenda.ripen(11_000)
  expect(all(agenda)).toMatchObject([{ subject: PAIR, at: 11_000, because: 'others' }])
  expect(agenda.ripeAt).toBeUndefined()
})

it('lets nobody wait for a time that was set back', () => {
  const agenda = createAgenda({ has: () => true })
  agenda.mark(PAIR, 'others', 9_000_000, 9_000_000)
  agenda.turnBack(5000)
  agenda.mark(OTHER, 'others', 5000, 5000)
  expect(agenda.ripeAt).toBe(6000)
})

function all (agenda: ReturnType<typeof createAgenda>): Due[] {
  const first = agenda.next()
  return first === undefined ? [] : [first, ...all(agenda)]
}
