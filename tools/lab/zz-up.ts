import { createServer } from 'node:http'
import { startWorld } from './world/index.ts'
import { startFleets } from './fleet/start-fleets.ts'
const t = Date.now(); const say = (l: string) => console.log(((Date.now() - t) / 1000).toFixed(1), l)
const world = await startWorld(); say('world')
const fleets = await startFleets(world, { log: say }); say('fleets')
let heals = new Map<string, () => Promise<void>>()
const server = createServer(async (q, r) => {
  try {
    const [, fleet, ...rest] = q.url!.split('/')
    let out: unknown
    if (fleet === 'rows') { const lines = []; for (const f of ['shared', 'bare'] as const) for (const row of await fleets.rows(f)) lines.push(`${f} ${row.domain} ${row.peer ?? ''} ${row.state} ${row.cause} ${row.side}: ${row.sentence}`); for (const f of ['shared','bare'] as const) lines.push(f + ' ' + (await fleets.notified(f)).map(a => [a.alert, a.labels.domain, a.labels.peer, a.labels.cause, a.labels.severity].join(' ')).join('; ')); out = lines.join('\n') }
    else if (fleet === 'logs') out = fleets.process(rest[0] as never, rest[1] as never).logs()
    else if (fleet === 'prom') out = await fleets.prometheus(rest[0] as never).query(decodeURIComponent(rest[1]!))
    else if (fleet === 'break') { const { BREAKS } = await import('./breaks/index.ts'); const b = (BREAKS as any[]).find(x => x.name === rest[0]); heals.set(rest[0]!, await b.breaks({ world, fleets })); out = 'broken' }
    else if (fleet === 'heal') { await heals.get(rest[0]!)!(); out = 'healed' }
    else if (fleet === 'run') { out = await world.host(rest[0] as never).run('sh', ['-c', decodeURIComponent(rest.slice(1).join('/'))]) }
    else if (fleet === 'standing') { await fleets.standing(rest[0] === 'on'); out = 'ok' }
    else if (fleet === 'stop') { r.end('stopping'); await fleets.stop(); await world.stop(); process.exit(0) }
    else out = await fleets.ask(fleet as never, '/' + rest.join('/'))
    r.end((typeof out === 'string' ? out : JSON.stringify(out, undefined, 1)) + '\n')
  } catch (e) { r.end(String(e instanceof Error ? e.stack : e) + '\n') }
})
server.listen(7777, '127.0.0.1')
