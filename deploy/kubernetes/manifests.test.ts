// The manifests against each other, against the rules of the profile `restricted`, and against the options that the apps really have. No cluster is asked: there is none here.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { takesOptions } from '../test-support/app-options.ts'

type Meta = { name: string, labels?: Record<string, string> }
type Port = { name?: string, containerPort?: number, port?: number, targetPort?: string | number, protocol?: string }
type Probe = { httpGet: { path: string, port: string } }
type Container = {
  name: string, image: string, args: string[], ports: Port[], env?: { name: string, value?: string }[]
  securityContext: object, resources: { requests: Record<string, string>, limits: Record<string, string> }
  startupProbe: Probe, livenessProbe: Probe, readinessProbe: Probe, lifecycle?: { preStop: { exec: { command: string[] } } }
  volumeMounts: { name: string, mountPath: string, readOnly?: boolean }[]
}
type Volume = { name: string, secret?: { secretName: string, defaultMode: number }, configMap?: { name: string }, emptyDir?: { sizeLimit: string } }
type Pod = { automountServiceAccountToken: boolean, terminationGracePeriodSeconds: number, securityContext: Record<string, unknown>, containers: Container[], volumes: Volume[] }
type Selector = { matchLabels?: Record<string, string>, matchExpressions?: { key: string, operator: string, values: string[] }[] }
type Manifest = {
  apiVersion: string, kind: string, metadata: Meta, data?: Record<string, string>
  spec: { selector: Selector & Record<string, string>, ports?: Port[], replicas?: number, serviceName?: string, type?: string, externalTrafficPolicy?: string, podSelector?: Selector, policyTypes?: string[], ingress?: Rule[], egress?: Rule[], volumeClaimTemplates?: { metadata: Meta }[], template: { metadata: Meta, spec: Pod } }
}
type Rule = { from?: { podSelector?: Selector }[], to?: { podSelector?: Selector }[], ports?: Port[] }

const HERE = import.meta.dirname
const kustomization = parse(readFileSync(join(HERE, 'kustomization.yaml'), 'utf8')) as { namespace: string, resources: string[], images: { name: string, newTag: string }[] }
const manifests = kustomization.resources.flatMap(file => parseAllDocuments(readFileSync(join(HERE, file), 'utf8')).map(document => {
  expect(document.errors).toEqual([])
  return document.toJS() as Manifest
}))
const workloads = manifests.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
const containers = workloads.map(({ metadata, kind, spec }) => {
  const { containers: all, ...pod } = spec.template.spec
  expect(all).toHaveLength(1)
  return { name: metadata.name, kind, spec, pod, container: all[0] as Container, labels: spec.template.metadata.labels ?? {} }
})
const README = readFileSync(join(HERE, 'README.md'), 'utf8')
const of = (kind: string) => manifests.filter(each => each.kind === kind)

function fits (selector: Selector, labels: Record<string, string>): boolean {
  return Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) && (selector.matchExpressions ?? []).every(({ key, operator, values }) => operator === 'In' && values.includes(labels[key] ?? ''))
}

it('every file is listed, every resource is of one name', () => {
  expect(readdirSync(HERE).filter(name => name.endsWith('.yaml') && name !== 'kustomization.yaml').toSorted()).toEqual(kustomization.resources.toSorted())
  const names = manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`)
  expect(names).toEqual([...new Set(names)])
  expect(of('Namespace').map(({ metadata }) => metadata.name)).toEqual([kustomization.namespace])
  expect(containers.map(({ kind, name }) => `${kind}/${name}`)).toEqual(['StatefulSet/nats', 'StatefulSet/control', 'Deployment/probe-inside', 'Deployment/probe-outside', 'StatefulSet/gateway-edge'])
})

for (const { name, pod, container, spec, labels } of containers) {
  it(`${name}: what the profile 'restricted' demands, and a root file system that is read-only`, () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    expect(pod.securityContext['runAsUser']).toBeGreaterThan(0)
    expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false })
    for (const shared of ['hostNetwork', 'hostPID', 'hostIPC', 'initContainers']) expect(pod).not.toHaveProperty(shared)
    expect(container.securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } })
    for (const volume of pod.volumes) expect(Object.keys(volume).filter(key => key !== 'name')).toEqual([expect.stringMatching(/^(secret|configMap|emptyDir)$/)])
  })

  it(`${name}: its volumes belong to the group that it runs as`, () => {
    // A volume is root's unless the cluster is told whose it is to be.
    const { runAsUser, runAsGroup, fsGroup } = pod.securityContext
    expect([runAsGroup, fsGroup]).toEqual([runAsUser, runAsUser])
  })

  it(`${name}: an image of one version, resources, and probes at ports that are its own`, () => {
    expect(container.image).toMatch(/^[a-z/]+:\d+\.\d+\.\d+/)
    expect(container.resources).toMatchObject({ requests: { cpu: expect.any(String) as string, memory: expect.any(String) as string }, limits: { memory: expect.any(String) as string } })
    const ports = container.ports.map(port => port.name)
    for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) expect(ports).toContain(probe.httpGet.port)
    expect(container.livenessProbe.httpGet.path).toMatch(/^\/healthz/)
  })

  it(`${name}: its labels, its service, its budget`, () => {
    expect(fits(spec.selector, labels)).toBe(true)
    if (spec.serviceName !== undefined) expect(of('Service').map(({ metadata }) => metadata.name)).toContain(spec.serviceName)
    expect(of('PodDisruptionBudget').filter(budget => fits(budget.spec.selector, labels))).toHaveLength(1)
  })

  it(`${name}: every volume is there and used, every secret is in the README`, () => {
    const there = [...pod.volumes.map(volume => volume.name), ...(spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name)]
    expect(container.volumeMounts.map(mount => mount.name).toSorted()).toEqual(there.toSorted())
    for (const { secret, configMap } of pod.volumes) {
      if (secret !== undefined) {
        expect(README).toMatch(new RegExp(`create secret (generic|tls) ${secret.secretName} `))
        expect(secret.defaultMode).toBe(0o440)
      }
      if (configMap !== undefined) expect(of('ConfigMap').map(({ metadata }) => metadata.name)).toContain(configMap.name)
    }
    // A path that an argument names is mounted.
    const mounts = container.volumeMounts.map(({ mountPath }) => mountPath)
    for (const path of container.args.filter(argument => argument.startsWith('/'))) expect(mounts.some(mount => path.startsWith(`${mount}/`)), path).toBe(true)
  })

  if (name !== 'nats') {
    it(`${name}: the app takes its arguments`, { timeout: 60_000 }, () => {
      takesOptions(container.args, container.env?.find(each => each.name === 'NODE_OPTIONS')?.value)
    })
  }
}

it('every service leads to ports that its pods have', () => {
  for (const { metadata, spec } of of('Service')) {
    const behind = containers.filter(({ labels }) => fits({ matchLabels: spec.selector }, labels))
    expect(behind, metadata.name).toHaveLength(1)
    for (const port of spec.ports ?? []) expect(behind[0]?.container.ports.some(({ name, containerPort }) => port.targetPort === undefined ? containerPort === port.port : name === port.targetPort), `${metadata.name} ${port.name}`).toBe(true)
  }
})

it('by the network policies nobody reaches anybody unless it is listed, and what is listed is there', () => {
  const policies = of('NetworkPolicy')
  expect(policies[0]?.spec).toEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] })
  for (const { metadata, spec } of policies) {
    const chosen = containers.filter(({ labels }) => fits(spec.podSelector ?? {}, labels))
    expect(chosen.length, metadata.name).toBeGreaterThan(0)
    for (const { from = [], ports = [] } of spec.ingress ?? []) {
      for (const { port } of ports) expect(chosen.some(({ container }) => container.ports.some(({ containerPort }) => containerPort === port)), `${metadata.name}: nobody listens on ${port}`).toBe(true)
      for (const { podSelector } of from) if (podSelector !== undefined) expect(containers.some(({ labels }) => fits(podSelector, labels))).toBe(true)
    }
  }
  // Whoever says where the bus is can get there, and is let in.
  const client = policies.find(({ metadata }) => metadata.name === 'nats')?.spec.ingress?.[0]?.from?.[0]?.podSelector ?? {}
  const allowed = policies.find(({ metadata }) => metadata.name === 'to-the-bus')?.spec.podSelector ?? {}
  for (const { labels, container } of containers) if (container.args.includes('--bus')) expect([fits(client, labels), fits(allowed, labels)]).toEqual([true, true])
})

it('every resolver can be asked: on 53, and on 5353 where its pods listen there, in whatever namespace or on the node', () => {
  const names = of('NetworkPolicy').find(({ metadata }) => metadata.name === 'names')?.spec
  expect(names).toEqual({ podSelector: {}, policyTypes: ['Egress'], egress: [{ ports: [53, 5353].flatMap(port => ['UDP', 'TCP'].map(protocol => ({ protocol, port }))) }] })
})

it('apps listen for IPv4 and IPv6', async () => {
  const listen = (JSON.parse(of('ConfigMap')[0]?.data?.['control.json'] ?? '') as { listen: { address: string, port: number } }).listen
  const places = containers.flatMap(({ container: { args } }) => args.includes('--http') ? [args[args.indexOf('--http') + 1] ?? ''] : [])
  expect(places).toEqual(['[::]:5281', '[::]:5281', '[::]:5282'])
  expect(listen).toEqual({ address: '::', port: 5280 })
  // What Node makes of such an address.
  const server = createServer(socket => socket.end('here'))
  await once(server.listen(0, '::'), 'listening')
  for (const host of ['127.0.0.1', '::1']) {
    const [said] = await once(connect({ host, port: (server.address() as AddressInfo).port }), 'data') as [Buffer]
    expect(said.toString()).toBe('here')
  }
  server.close()
})

it('a gateway keeps the addresses of peers, and has time to drain', () => {
  expect(of('Service').find(({ metadata }) => metadata.name === 'gateway-edge')?.spec).toMatchObject({ type: 'LoadBalancer', externalTrafficPolicy: 'Local' })
  const { pod, container } = containers.find(({ name }) => name === 'gateway-edge') ?? { pod: undefined, container: undefined }
  const waits = Number(/(\d+)\)$/.exec(container?.lifecycle?.preStop.exec.command.at(-1) ?? '')?.[1]) / 1000
  expect(waits).toBeGreaterThanOrEqual(5)
  const DRAIN_SECONDS = 30 // unless the resource says otherwise
  expect(pod?.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(waits + DRAIN_SECONDS + 10)
  expect(execFileSync(process.execPath, (container?.lifecycle?.preStop.exec.command.slice(1) ?? []).map(text => text.replace('10000', '1')), { encoding: 'utf8' })).toBe('')
})

it('three nodes of the bus are told apart by the names of their pods, and apps know all of them', () => {
  const { spec, container } = containers.find(({ name }) => name === 'nats') ?? {}
  const pods = Array.from({ length: spec?.replicas ?? 0 }, (_, at) => `nats-${at}`)
  expect(pods).toHaveLength(3)
  expect(container?.args).toEqual(['--config', '/etc/nats/$(POD_NAME).conf'])
  for (const pod of pods) expect(README).toContain(`--node ${pod}=${pod}.nats:6222`)
  for (const { container: app } of containers) if (app.args.includes('--bus')) expect(app.args[app.args.indexOf('--bus') + 1]).toBe(pods.map(pod => `tls://${pod}.nats:4222`).join(','))
  expect(containers.find(({ name }) => name === 'control')?.container.args.join(' ')).toContain('--bus-replicas 3')
})
