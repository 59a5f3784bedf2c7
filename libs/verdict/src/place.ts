// Where an endpoint is, for people.
import type { EndpointObservation } from '@dialtone/contracts'

/** The id of an endpoint that was not observed, of our own domain say: its target and port, and its address. */
const OWN_ID = /^(?:starttls|direct)\/([^/]+)\/([^/]+)$/

export function placeOf (id: string, endpoints: readonly EndpointObservation[]): string {
  const endpoint = endpoints.find(each => each.id === id)
  return endpoint === undefined ? id.replace(OWN_ID, '$1, $2') : `${endpoint.target}:${endpoint.port}${endpoint.target === endpoint.address ? '' : `, ${endpoint.address}`}`
}

/** Where the endpoint of an id listens; undefined where the id is none of these. */
export function addressOf (id: string): string | undefined {
  return OWN_ID.exec(id)?.[2]
}
