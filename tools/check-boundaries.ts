// The order of ARCHITECTURE.md, enforced: every import of one project is checked against (1) the tiers, (2) the project's own
// package.json, (3) the imported project's `exports`. Run as `node tools/check-boundaries.ts [PROJECT…]`; without a name, all of them.
import { globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'

type Manifest = {
  name: string
  exports?: Record<string, string>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  nx?: { tags?: string[] }
}
type Project = { dir: string, short: string, tier: string, manifest: Manifest }

/** What each tier may import. Skipping a tier is allowed, going up is not; adapters and apps do not import each other (cli alone starts apps). */
const MAY_IMPORT: Record<string, readonly string[]> = {
  kernel: [],
  contracts: ['kernel'],
  domain: ['kernel', 'contracts'],
  adapter: ['kernel', 'contracts', 'domain'],
  engine: ['kernel', 'contracts', 'domain', 'adapter'],
  app: ['kernel', 'contracts', 'domain', 'adapter', 'engine'],
  testkit: ['kernel', 'contracts', 'domain', 'adapter', 'engine'],
  deploy: ['kernel', 'contracts', 'domain', 'adapter', 'testkit'],
  tools: ['deploy', 'kernel', 'contracts', 'domain', 'adapter', 'engine', 'app', 'testkit'],
}
/** The order inside the domain: nothing else goes sideways. */
const DOMAIN_ORDER: Record<string, readonly string[]> = { checks: ['discovery', 'stream'], verdict: ['checks', 'discovery', 'stream'] }

const root = resolve(import.meta.dirname, '..')
const rootManifest = read('package.json')
const projects = globSync(['apps/*/package.json', 'libs/*/package.json', 'deploy/package.json', 'tools/package.json'], { cwd: root }).map(file => {
  const manifest = read(file)
  const tier = manifest.nx?.tags?.find(tag => tag.startsWith('tier:'))?.slice(5) ?? 'none'
  return { dir: dirname(file), short: basename(dirname(file)), tier, manifest }
})
const byName = new Map(projects.map(project => [project.manifest.name, project]))

const wanted = process.argv.slice(2)
const chosen = wanted.length === 0 ? projects : projects.filter(project => wanted.includes(project.short))
const problems = [
  ...wanted.filter(name => !projects.some(project => project.short === name)).map(name => `no project is called '${name}'`),
  ...chosen.flatMap(problemsOf),
]
for (const problem of problems) console.error(problem)
console.log(`boundaries: ${chosen.length} projects, ${problems.length} problems`)
process.exitCode = problems.length > 0 ? 1 : 0

function problemsOf (project: Project): string[] {
  if (!(project.tier in MAY_IMPORT)) return [`${project.dir}/package.json: needs one tag of tier:{${Object.keys(MAY_IMPORT).join(',')}}`]
  const used = new Set<string>()
  const found: string[] = []
  for (const file of globSync(`${project.dir}/**/*.ts`, { cwd: root, exclude: path => path.includes('node_modules') })) {
    for (const specifier of importsOf(readFileSync(join(root, file), 'utf8'))) {
      used.add(packageName(specifier))
      const problem = problemOf(project, file, specifier)
      if (problem !== undefined) found.push(`${file}: '${specifier}' ${problem}`)
    }
  }
  for (const name of Object.keys({ ...project.manifest.dependencies, ...project.manifest.devDependencies })) {
    if (name.startsWith('@dialtone/') && !used.has(name)) found.push(`${project.dir}/package.json: '${name}' is declared and never imported`)
  }
  return found
}

function problemOf (project: Project, file: string, specifier: string): string | undefined {
  const isTest = /\.test\.ts$|\/test-support(\/|\.ts$)|vitest(\.\w+)?\.config\.ts$/.test(file)
  if (specifier.startsWith('.')) {
    if (!isTest && /\/test-support(\/|\.ts$)/.test(specifier)) return 'is for tests alone'
    const target = relative(join(root, project.dir), resolve(root, dirname(file), specifier))
    if (target.startsWith('..' + sep) && !/vitest(\.\w+)?\.config\.ts$/.test(file)) return 'leaves the project by a relative path'
    if (!/\.(ts|json)$/.test(specifier)) return 'must name the .ts file: Node strips types, it does not resolve'
    return undefined
  }
  if (specifier.startsWith('node:')) return undefined
  if (builtinModules.includes(specifier)) return 'needs the node: prefix'

  const name = packageName(specifier)
  const { dependencies = {}, devDependencies = {} } = project.manifest
  const declared = name in dependencies || (name in devDependencies && (isTest || project.tier === 'tools' || project.tier === 'deploy' || specifier.startsWith('@types/')))
  const imported = byName.get(name)
  if (imported === undefined) return declared || ((isTest || project.tier === 'tools') && name in (rootManifest.devDependencies ?? {})) ? undefined : "is not in the project's package.json"
  if (imported === project) return isTest ? undefined : 'is its own package'
  if (!declared) return "is not in the project's package.json, so Nx would miss the edge"
  const entry = specifier === name ? '.' : '.' + specifier.slice(name.length)
  if (!(entry in (imported.manifest.exports ?? {}))) return `reaches past the exports of ${name}`
  if (isTest) return undefined // a test may use whatever it declares
  if (project.tier === 'domain' && imported.tier === 'domain') return DOMAIN_ORDER[project.short]?.includes(imported.short) ? undefined : `goes against the order inside the domain`
  if (project.short === 'cli' && imported.tier === 'app') return undefined // `up` runs the apps in one process
  return MAY_IMPORT[project.tier]?.includes(imported.tier) ? undefined : `goes from tier:${project.tier} to tier:${imported.tier}`
}

function * importsOf (source: string): Generator<string> {
  const pattern = /(?:^|[\s;}])(?:import|export)\s*(?:type\s+)?(?:[\w$*{}\s,]+\sfrom\s*)?['"]([^'"\n]+)['"]|\bimport\s*\(\s*['"]([^'"\n]+)['"]/g
  for (const match of source.matchAll(pattern)) yield match[1] ?? match[2] ?? ''
}

function packageName (specifier: string): string {
  return specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}

function read (file: string): Manifest {
  return JSON.parse(readFileSync(join(root, file), 'utf8')) as Manifest
}
