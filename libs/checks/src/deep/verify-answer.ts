// Does an authoritative server know a right key from a wrong one? (XEP-0220 §2.2.2)
import { defineConnectionCheck } from '../check.ts'
import { seconds, stopped, told, worded } from './seen.ts'

export const verifyAnswer = defineConnectionCheck({
  id: 's2s.verify-answer',
  asks: 'Does an authoritative server know a right key from a wrong one?',
  about: 'db:verify on a stream that authenticates nobody: a wrong key to the domain, a right one to each endpoint of our own. Servers in use compute the key again, and call one for a domain that they do not host invalid; XEP-0220 asks for item-not-found there. A wrong key is harmless, and shows in the log of the server as an imposter.',
  outcomes: {
    'right-valid': { level: 'ok', says: 'calls a right key valid' },
    'wrong-invalid': { level: 'ok', says: 'calls a wrong key invalid' },
    'right-denied': { level: 'error', says: 'calls a right key invalid: it has another secret', suspect: 'ours', remedy: 'Give this endpoint the same dialback secret as the others; or the secret that this check was given is not theirs.' },
    'wrong-accepted': { level: 'error', says: 'calls a wrong key valid: anybody can speak in its name', suspect: 'peer', remedy: 'Update the server: it does not compare keys.' },
    unserved: { level: 'error', says: 'does not serve the domain whose key was asked about', remedy: 'Correct the SRV records, or add the domain to this server.' },
    'other-error': { level: 'warning', says: 'answers the question with an error' },
    none: { level: 'warning', says: 'does not answer the question' },
    'not-asked': { level: 'unknown', says: 'ended before the question could be asked' },
  },
  judge: connection => {
    const { role, question } = connection
    if (role !== 'verify') return undefined
    const stop = stopped(connection)
    if (question === undefined) return stop === undefined ? 'not-asked' : { outcome: 'not-asked', detail: `${stop.stage}: ${told(stop.failure)}` }
    const { answer, right, ms } = question
    if (answer === undefined) return { outcome: 'none', detail: stop === undefined ? `waited ${seconds(ms)}` : told(stop.failure) }
    if (answer.type === 'error') return { outcome: answer.condition === 'item-not-found' ? 'unserved' : 'other-error', detail: worded(answer) }
    if (right === 'valid') return answer.type === 'valid' ? 'right-valid' : 'right-denied'
    return answer.type === 'valid' ? 'wrong-accepted' : 'wrong-invalid'
  },
})
