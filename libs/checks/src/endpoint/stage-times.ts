// Which stage is slow?
import { defineEndpointCheck } from '../check.ts'

export const stageTimes = defineEndpointCheck({
  id: 's2s.stage-times',
  asks: 'Which stage is slow?',
  about: 'Each stage has its own time and its own time-out. Servers give a whole negotiation 20 to 60 seconds.',
  outcomes: {
    quick: { level: 'ok', says: 'answers each stage quickly' },
    slow: { level: 'notice', says: 'answers a stage slowly' },
  },
  judge: ({ steps }, _, { slowStageMs }) => {
    const done = steps.filter(({ outcome, stage }) => outcome === 'ok' && stage !== 'close')
    const slow = done.filter(({ ms }) => ms > slowStageMs)
    if (done.length === 0) return undefined
    return slow.length === 0 ? 'quick' : { outcome: 'slow', detail: slow.map(({ stage, ms }) => `${stage} ${Math.round(ms)} ms`).join(', ') }
  },
})
