/**
 * To whom a new named volume belongs, as Docker and Podman decide it: to root; but where the image has a folder at the place at which the volume is mounted, an empty volume takes that folder's owner.
 * Whether the process in the container may write to it depends on nothing else, since none of them is root.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { all, stagesOf } from '../container/containerfile.ts'

export type MountingService = { image: string, user?: string, volumes?: readonly (string | object)[] }

const OURS = stagesOf(readFileSync(join(import.meta.dirname, '../container/Containerfile'), 'utf8')).at(-1)

/** Which folders the images of others have, by their container files: who owns them. That of NATS makes none, and is run as root by itself. */
const FOLDERS: readonly { image: RegExp, folders: Readonly<Record<string, string>> }[] = [
  { image: /^dialtone:/, folders: foldersOf() },
  { image: /^nats:/, folders: {} },
  { image: /^prom\/prometheus:/, folders: { '/prometheus': '65534' } },
  { image: /^prom\/alertmanager:/, folders: { '/alertmanager': '65534' } },
  { image: /^grafana\/grafana:/, folders: { '/var/lib/grafana': '472' } },
]

/** By the name of the volume, the number of its owner. Throws for an image of which it is not known what it has. */
export function ownersOfVolumes (services: Readonly<Record<string, MountingService>>): Map<string, string> {
  const owners = new Map<string, string>()
  for (const { image, volumes = [] } of Object.values(services)) {
    const known = FOLDERS.find(each => each.image.test(image))
    if (known === undefined) throw new Error(`nobody knows which folders ${image} has`)
    for (const { volume, target } of namedVolumes(volumes)) {
      // Engines fill a volume when the container is made, and one that was filled is left as it is: whoever has the folder decides.
      const owner = known.folders[target]
      if (owner !== undefined || !owners.has(volume)) owners.set(volume, owner ?? '0')
    }
  }
  return owners
}

/** `nats:/data` and the like, without what is bound from the host. */
export function namedVolumes (volumes: readonly (string | object)[] = []): { volume: string, target: string }[] {
  return volumes.flatMap(each => typeof each === 'string' ? [each.split(':')] : []).map(([volume = '', target = '']) => ({ volume, target }))
}

/** Who the process of a service is: `user` of the service, or of our image. */
export function userOf ({ image, user }: MountingService): string {
  const given = user ?? (image.startsWith('dialtone:') ? all(OURS, 'USER')[0] : undefined)
  if (given === undefined) throw new Error(`nobody knows as whom ${image} runs`)
  return given
}

/** Of our image: what is copied there with an owner. */
function foldersOf (): Record<string, string> {
  return Object.fromEntries(all(OURS, 'COPY').flatMap(args => {
    const [, owner, target] = /--chown=(\d+):\d+ \S+ (\S+)$/.exec(args) ?? []
    return owner === undefined || target === undefined ? [] : [[target, owner]]
  }))
}
