/**
 * PromQL that several dashboards need. Every control tells of all domains, so of what several say the worst counts once: `max by`. Where there may be thousands of
 * domains an expression has a limit of its own: no panel gets a line for each.
 */

/** One value for each domain and pair. */
export const CHECKED = 'max by (domain, peer) (dialtone_checked_timestamp_seconds)'
export const CERTIFICATE_END = 'min by (domain, peer) (dialtone_domain_certificate_end_timestamp_seconds)'
/** How many are in the state of this number; 0 where none is, nothing where nothing is known. */
export function howMany (state: number, matchers = ''): string {
  return `sum(max by (domain, peer) (dialtone_state${matchers === '' ? '' : `{${matchers}}`}) == bool ${state})`
}

/**
 * Those in the state of this number: the newest so many, since when (in milliseconds), with cause and side, and `state` saying its rank and word. Joined control by control:
 * of what two of them disagree about, both words are shown, and no join fails.
 */
export function rowsOf (state: number, rankAndWord: string, most: number, matchers = ''): string {
  const of = matchers === '' ? '' : `{${matchers}}`
  const same = 'on (job, instance, domain, peer)'
  const those = `dialtone_state_since_timestamp_seconds${of} * 1000 and ${same} dialtone_state${of} == ${state}`
  return `label_replace(topk(${most}, max by (domain, peer, cause, side) ((${those}) * ${same} group_left (cause, side) dialtone_cause_info${of})), "state", "${rankAndWord}", "", "")`
}

/** A rate of a counter that every control counts alike. */
export function once (by: string, counter: string): string {
  return `max by (${by}) (sum by (${by}, instance) (rate(${counter}[$__rate_interval])))`
}

/** What most of it was below: 95 of 100. `by`: labels beside the buckets'. */
export function most (by: string, histogram: string, matchers = ''): string {
  return `histogram_quantile(0.95, sum by (${by === '' ? 'le' : `le, ${by}`}) (rate(${histogram}_bucket${matchers === '' ? '' : `{${matchers}}`}[$__rate_interval])))`
}

/** What is made of several labels may be many lines: the highest of them. */
export function highest (by: string, expr: string): string {
  return by.includes(',') ? `topk(${MOST_LINES}, ${expr})` : expr
}
const MOST_LINES = 30
