// The lines for nftables that pages give to mend a firewall, on one as many have it, whose last rule drops: each is taken, and stands before that.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { RUNBOOKS } from './head.ts'

const FOLDER = join(resolve(import.meta.dirname, '../..'), RUNBOOKS)
const FIREWALL = `table inet filter {
  chain forward {
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
    counter drop
  }
}
table ip nat {
  chain prerouting {
    type nat hook prerouting priority dstnat;
    ip daddr 203.0.113.10 tcp dport 5269 dnat to 10.10.0.99:5269
  }
  chain postrouting {
    type nat hook postrouting priority srcnat;
  }
}`
/** By page: the lines that change rules. */
const MENDS = readdirSync(FOLDER).flatMap(page => {
  const lines = [...readFileSync(join(FOLDER, page), 'utf8').matchAll(/^ {4,}(nft (?:add|insert|replace) .*)$/gm)].map(([, line = '']) => line)
  return lines.length === 0 ? [] : [{ page, lines }]
})

it.each(MENDS)('$page', ({ lines }) => {
  const handles = shell('nft -a list chain ip nat prerouting')
  const handle = /dnat to .* # handle (\d+)/.exec(handles)?.[1] ?? ''
  const listed = shell(`${lines.join('\n').replace('handle 7', `handle ${handle}`)}\nnft list ruleset`)
  const rules = listed.split('\n').map(line => line.trim().replaceAll(/ packets \d+ bytes \d+/g, ''))
  for (const line of lines) {
    const [, rule = ''] = /^nft (?:insert|replace) rule (?:inet|ip) \w+ \w+ (?:handle 7 )?(.*)$/.exec(line) ?? []
    expect(rules).toContain(rule)
    if (line.includes(' forward ')) expect(rules.indexOf(rule)).toBeLessThan(rules.indexOf('counter drop'))
  }
})

it('is of the pages that say how to open a firewall', () => {
  expect(MENDS.map(({ page }) => page)).toEqual(['dns.resolver-unavailable.md', 'path.inbound-blocked.md', 'path.inbound-refused.md', 'path.outbound-blocked.md'])
})

/** In a network of its own, with that firewall. */
function shell (script: string): string {
  return execFileSync('unshare', ['--net', 'sh', '-euc', `nft -f - <<'END'\n${FIREWALL}\nEND\n${script}`], { encoding: 'utf8' })
}
