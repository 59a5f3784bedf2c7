/** Which methods a path has, to tell a wrong method from a wrong path, and which routes there are, for tests and documentation. */
import type { App } from './server.ts'

export type RouteListed = { method: string, url: string, role: string }

/** Watches the routes that are registered from now on. Throws where one does not say who may ask. */
export function pathsOf (app: App): { methodsOf: (path: string) => string[], routes: () => readonly RouteListed[] } {
  const routes: RouteListed[] = []
  const patterns = new Map<string, { pattern: RegExp, methods: Set<string> }>()
  app.addHook('onRoute', route => {
    const config = { ...route.config }
    // The pages of the documentation are registered by its package, which knows no roles.
    if (config.role === undefined && (route.url === '/docs' || route.url.startsWith('/docs/'))) config.role = 'anyone'
    if (config.role === undefined) throw new TypeError(`the route ${String(route.method)} ${route.url} does not say who may ask: config.role`)
    route.config = config
    const known = patterns.get(route.url) ?? { pattern: patternOf(route.url), methods: new Set<string>() }
    for (const method of [route.method].flat()) {
      known.methods.add(method)
      routes.push({ method, url: route.url, role: config.role })
    }
    patterns.set(route.url, known)
  })
  return {
    methodsOf: path => [...new Set([...patterns.values()].filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => [...methods]))].toSorted(),
    routes: () => routes,
  }
}

function patternOf (template: string): RegExp {
  return new RegExp(`^${template.split('/').map(part => part.startsWith(':') ? '[^/]+' : part === '*' ? '.*' : part.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join('/')}$`)
}
