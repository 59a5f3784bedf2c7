import { expect, it } from 'vitest'
import { zoneFile } from './zone-file.ts'

const OPTIONS = { gateway: { name: 'gateway.ours.example', addresses: ['192.0.2.20', '2001:db8::20'] }, domains: ['partner.example'] }

it('for Unbound', () => {
  expect(zoneFile('unbound', OPTIONS).split('\n').slice(1)).toEqual([
    'server:',
    '  local-zone: "_xmpp-server._tcp.partner.example." static',
    '  local-data: "_xmpp-server._tcp.partner.example. 60 IN SRV 0 0 5269 gateway.ours.example."',
    '  local-zone: "_xmpps-server._tcp.partner.example." static',
    '  local-data: "_xmpps-server._tcp.partner.example. 60 IN SRV 0 0 0 ."',
    '  local-zone: "gateway.ours.example." static',
    '  local-data: "gateway.ours.example. 60 IN A 192.0.2.20"',
    '  local-data: "gateway.ours.example. 60 IN AAAA 2001:db8::20"',
    '',
  ])
})

it('for dnsmasq, where a service without a target is not there', () => {
  expect(zoneFile('dnsmasq', OPTIONS).split('\n').slice(1)).toEqual([
    'srv-host=_xmpp-server._tcp.partner.example,gateway.ours.example,5269,0,0',
    'srv-host=_xmpps-server._tcp.partner.example',
    'host-record=gateway.ours.example,192.0.2.20,60',
    'host-record=gateway.ours.example,2001:db8::20,60',
    '',
  ])
})

it('for BIND, with a port for direct TLS', () => {
  expect(zoneFile('bind', { ...OPTIONS, gateway: { ...OPTIONS.gateway, port: 5299, directPort: 5270 } }).split('\n').slice(7)).toEqual([
    '_xmpp-server._tcp.partner.example IN SRV 0 0 5299 gateway.ours.example.',
    '_xmpps-server._tcp.partner.example IN SRV 0 0 5270 gateway.ours.example.',
    'gateway.ours.example IN A 192.0.2.20',
    'gateway.ours.example IN AAAA 2001:db8::20',
    '',
  ])
})
