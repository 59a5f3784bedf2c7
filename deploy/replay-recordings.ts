// Plays what was recorded in the lab to the rules as they are: node deploy/replay-recordings.ts [BREAK…]. Fails where a recording raises another alert than it did, or one more.
import { readRecordings, replay } from './prometheus/recording.ts'

const wanted = process.argv.slice(2)
const recordings = readRecordings().filter(({ break: name }) => wanted.length === 0 || wanted.includes(name))
if (recordings.length === 0) {
  console.error(wanted.length === 0 ? 'nothing is recorded: npm run lab:matrix records' : `nothing of that name is recorded: ${wanted.join(', ')}`)
  process.exitCode = 1
}
for (const recording of recordings) {
  const { passed, says } = replay(recording)
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${recording.break}: ${recording.expect.alert ?? 'no alert'}`)
  if (passed) continue
  console.log(says)
  process.exitCode = 1
}
