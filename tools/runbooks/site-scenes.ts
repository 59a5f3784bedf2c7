/**
 * Scenes of an organisation behind its firewall, with real servers, resolvers and address translation in network namespaces: one site for all of them, since it takes
 * seconds to start. What one scene breaks it mends when it stops.
 */
import { SITE_ADDRESSES, SITE_DOMAINS, type OrganisationSite } from '@dialtone/testkit'
import { run, type Scene } from './scene.ts'

/** Breaks the site, and gives what mends it. */
export type SiteBreak = (site: OrganisationSite) => Promise<() => unknown> | (() => unknown)

/** Where a command is run: beside our server, on it, and on two networks outside. `firewall` is the one between. */
const PLACES: Readonly<Record<string, 'inside' | 'ours' | 'amsterdam' | 'frankfurt'>> = { inside: 'inside', server: 'ours', outside: 'amsterdam', elsewhere: 'frankfurt' }

const VALUES = {
  OURS: SITE_DOMAINS.ours, PEER: SITE_DOMAINS.partner, PUBLIC: SITE_ADDRESSES.public, INSIDE: SITE_ADDRESSES.ours, PEER_ADDRESS: SITE_ADDRESSES.partner, OTHER_ADDRESS: SITE_ADDRESSES.provider,
  DOMAIN: SITE_DOMAINS.provider, ADDRESS: SITE_ADDRESSES.provider, RESOLVER: SITE_ADDRESSES['resolver-inside'], OUTSIDE_RESOLVER: SITE_ADDRESSES['resolver-outside'], PORT: '5269', HOST: `xmpp.${SITE_DOMAINS.ours}`,
}

/** The site after `breaks`; `values` beside or instead of the usual ones. */
export async function siteScene (site: OrganisationSite, breaks: SiteBreak, values: Readonly<Record<string, string>> = {}): Promise<Scene> {
  const mend = await breaks(site)
  const router = site.host('inside').namespace.replace(/inside$/, 'router')
  return {
    values: { ...VALUES, ...values },
    shell: async (command, at = 'outside') => {
      const place = PLACES[at]
      if (place === undefined && at !== 'firewall') throw new TypeError(`the site has no place '${at}': ${Object.keys(PLACES).join(', ')}, firewall`)
      return await run('ip', ['netns', 'exec', place === undefined ? router : site.host(place).namespace, 'bash', '-c', command])
    },
    stop: async () => { await mend() },
  }
}
