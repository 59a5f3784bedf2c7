import { startWorld } from './world/index.ts'
import { startFleets } from './fleet/start-fleets.ts'
const t = Date.now(); const say = (l: string) => console.log(((Date.now() - t) / 1000).toFixed(1), l)
const world = await startWorld(); say('world')
let fleets
try {
  fleets = await startFleets(world, { log: say }); say('fleets')
  for (let i = 0; i < Number(process.argv[2] ?? 6); i++) {
    await new Promise(r => setTimeout(r, 10000))
    for (const f of ['shared', 'bare'] as const) for (const row of await fleets.rows(f)) if (row.cause !== 'healthy') say(`${f} ${row.domain} ${row.peer ?? ''} ${row.state} ${row.cause} ${row.side}: ${row.sentence}`)
    for (const f of ['shared', 'bare'] as const) say(f + ' alerts ' + JSON.stringify((await fleets.notified(f)).map(a => [a.alert, a.labels.domain, a.labels.peer, a.labels.cause, a.labels.severity].join(' '))))
    say((await fleets.rows('shared')).length + ' rows')
  }
  const [p, q] = process.argv.slice(3)
  if (p) console.log(JSON.stringify(await fleets.ask('shared', `/v1/status/${p}`), undefined, 1).slice(0, 6000))
} finally { await fleets?.stop(); await world.stop(); say('down') }
