// dialtone watch: the check of one domain, repeated; changes alone are told.
import { OperatorError } from '@dialtone/kernel'
import { requestFor } from '@dialtone/ladder'
import { CHECK_OPTIONS, prepare } from '../check-options.ts'
import { openDeep } from '../deep-options.ts'
import { EXIT_CODE } from '../exit-code.ts'
import { WATCH_HELP } from '../help.ts'
import { checkedDomainOf } from '../network-words.ts'
import { countOf, formatOf, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { check } from '../run-check.ts'
import { wrap } from '../terminal.ts'
import { changeJson, changeText, summaryText } from '../text/watching.ts'
import { watch } from '../watching.ts'

const OPTIONS = { ...CHECK_OPTIONS, every: { type: 'string' }, count: { type: 'string' } } as const

/** Runs the command until a signal or the count; resolves to the exit code of the last verdict. Rejects with an OperatorError `reader-gone` at the first line that nobody reads. */
export async function runWatch (args: readonly string[], out: Out, signal: AbortSignal): Promise<number> {
  const { values, positionals } = parse('watch', OPTIONS, args)
  if (values.help === true) return out.print(WATCH_HELP)
  const json = formatOf(values) === 'json'
  const [name, ...others] = positionals
  if (name === undefined || others.length > 0) throw new OperatorError('usage', 'watch takes one domain. For example: dialtone watch partner.example --as ours.example')
  const domain = checkedDomainOf(name)
  const everyMs = values.every === undefined ? undefined : 1000 * countOf('--every', values.every, 1, 86_400)
  const count = values.count === undefined ? undefined : countOf('--count', values.count, 1, 999_999_999)
  const { request, config, plan, warnings } = await prepare(values, [domain], signal)
  const as = request.as ?? null

  for (const warning of warnings) out.progress(`dialtone: warning: ${warning}\n`)
  const opened = plan === undefined ? undefined : await openDeep(plan, { anchors: request.anchors, ...(request.clientCertificate === undefined ? {} : { certificate: request.clientCertificate }) })
  if (!json && values.quiet !== true) out.progress(`${wrap(`watching ${domain}${as === null ? '' : ` for ${as}`}; changes only. Ctrl-C ends it and sums up`, out.errors.columns - 2, '  ')}\n`)
  try {
    const { summary, state } = await watch({
      look: earlier => check(requestFor({ ...request, domain, ...(opened === undefined ? {} : { deep: opened.deep }) }), config, signal, { earlier }),
      pause: ms => pause(ms, signal),
      stopped: () => signal.aborted,
      now: Date.now,
      changed: change => out.tell(json ? changeJson(change, { domain, as }) : changeText(change, out.terminal)),
      ...(everyMs === undefined ? {} : { everyMs }),
      ...(count === undefined ? {} : { count }),
    })
    out.tell(json ? JSON.stringify({ on: 'summary', at: new Date().toISOString(), domain, as, ...summary }) + '\n' : summaryText(summary))
    return EXIT_CODE[state]
  } finally {
    await opened?.close()
  }
}

function pause (ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
