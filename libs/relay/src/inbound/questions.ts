/**
 * The authoritative role (XEP-0220 §2.2.2): whether a key is ours, for anybody and without state, with the keys of the zone in which the question came
 * (I8). Who asks too much gets no answer; a flood of wrong keys is one event and then its number (row D17).
 */
import type { CallbackAnswer } from '@dialtone/contracts'
import type { Clock } from '@dialtone/kernel'
import { createBuckets, createSparing, networkOf } from '@dialtone/net'
import type { Pair } from '@dialtone/stream'
import type { Surroundings, Zone } from '../seams.ts'
import type { InboundHooks } from './hooks.ts'
import type { InboundLimits } from './limits.ts'
import { asked } from './metrics.ts'
import type { Standing } from './standing.ts'

export type Question = { zone: Zone, standing: Standing, pair: Pair, id: string, key: string, address: string, remote: string, known: boolean }
export type Questions = {
  /** Computes the answer, counts it and tells of it. */
  answer: (question: Question) => CallbackAnswer
  /** The table refused it. */
  refused: (question: Omit<Question, 'id' | 'key'>, answer: CallbackAnswer) => void
}

/** Of those who are known, and of strangers. Inside there is no bound: a server there asks about every foreign domain that we bring, all at once after a restart. */
const SHARE = 100

export function createQuestions ({ tell, meter, clock }: Pick<Surroundings, 'tell' | 'meter'> & { clock: Clock }, limits: InboundLimits, hooks: InboundHooks): Questions {
  const { questions: burst, questionsPerSecond: perSecond } = limits
  const strangers = createBuckets({ burst, perSecond }, clock)
  const known = createBuckets({ burst: burst * SHARE, perSecond: perSecond * SHARE }, clock)
  const sparing = createSparing(clock, 10_000, 1)
  const note = ({ zone, standing: { sides }, pair: { from, to }, address, remote }: Omit<Question, 'id' | 'key'>, answer: CallbackAnswer) => {
    meter.add(asked, { zone: zone.name, answer })
    if (sides !== undefined) hooks.asked?.({ zone: zone.name, sides, at: clock.now(), remote, answer })
    const how = answer === 'valid' ? 'tell' : sparing.count(networkOf(address))
    if (how === 'quiet') return
    const says = answer === 'valid' ? `was told that a key of ${to} is ours` : answer === 'invalid' ? `showed a key of ${to} that is not ours` : `asked about a key of ${to} and was refused: ${answer}`
    tell({ on: 'asked', zone: zone.name, from, to, remote, says: how === 'tell' ? says : `${says}; the ${how}th that was not right within a minute`, ...(how === 'tell' ? {} : { count: how }) })
  }
  return {
    answer: question => {
      const { zone, standing, pair, id, key, address } = question
      const may = standing.denied === undefined && (zone.side === 'internal' || (question.known ? known : strangers).take(networkOf(address)))
      const answer = !standing.served ? 'item-not-found' : !may ? 'policy-violation' : zone.keys.isOurs(key, { receiving: pair.from, originating: pair.to, streamId: id }) ? 'valid' : 'invalid'
      note(question, answer)
      return answer
    },
    refused: note,
  }
}
