// Location of destinations: on the links of the director, behind routers, or on the director.
import { destinationText, serviceText } from '../../state/key-text.ts'
import type { Check } from './facts.ts'
import { bad, risk, setSysctl } from './finding.ts'
import type { Listener } from './listeners.ts'

// A packet keeps the address of the service as destination: a router in between sends it back to the director.
const directBehindRouter: Check = ({ services, routes = {} }) =>
  services.flatMap((service) =>
    service.destinations.flatMap((destination) => {
      const { gateway } = routes[destination.address] ?? {}
      if (destination.forwarding !== 'direct' || gateway === undefined || gateway === destination.address) return []
      const [text, where] = [serviceText(service), destinationText(destination)]
      return [
        bad('direct-behind-router', {
          what: `${where} of ${text} is a direct destination, but behind the router ${gateway}`,
          why: 'direct routing keeps the destination address, so the router sends packets back to the director: direct destinations must be on the same link; else use a tunnel',
          fix: `ipvs set destination ${text} ${where} --forwarding tunnel`,
        }),
      ]
    }),
  )

// Replies arrive on and leave by the same interface: the director sends ICMP redirects, so that servers use the router directly.
const redirects: Check = ({ services, routes = {}, defaultDevices = [], sendRedirects }) => {
  const servers = services.flatMap(({ destinations }) =>
    destinations.filter(({ forwarding, address }) => forwarding === 'masquerade' && !address.includes(':')),
  )
  const { all = '0' } = sendRedirects
  const redirected = servers.filter(({ address }) => {
    const { device = '' } = routes[address] ?? {}
    return defaultDevices.includes(device) && (all === '1' || sendRedirects[device] === '1')
  })
  if (redirected.length === 0) return []
  const addresses = [...new Set(redirected.map(({ address }) => address))]
  const devices = [...new Set(addresses.map((address) => routes[address]?.device ?? ''))]
  const names = ['all', ...devices].map((name) => `net.ipv4.conf.${name.replaceAll('.', '/')}.send_redirects`)
  return [
    risk('redirects-on', {
      what: `masqueraded servers (${addresses.join(', ')}) and the route to clients are on one interface, ${devices.join(', ')}, and send_redirects is on`,
      why: 'ICMP redirects make the servers send replies past the director, and clients reject them: replies over UDP and on long TCP connections are lost until the servers forget the redirects',
      fix: [
        setSysctl(Object.fromEntries(names.map((name) => [name, 0]))),
        ...addresses.map((address) => `ssh ${address} ip route flush cache`),
      ],
    }),
  ]
}

// A destination on the director needs a listening socket. The port of mark services is unknown.
const deafLocal: Check = ({ services, routes = {}, listeners }) =>
  services.flatMap((service) =>
    service.destinations.flatMap((destination) => {
      const { protocol, address, port } = service
      if (listeners === undefined || routes[destination.address]?.local !== true) return []
      if (address === undefined || protocol === 'sctp') return []
      const translated = destination.forwarding === 'masquerade'
      const end = translated ? destination : { address, port }
      const takes = (each: Listener): boolean => each.address === '*' || each.address === end.address
      if (end.port === 0 || destination.weight === 0) return []
      if (listeners.some((each) => each.protocol === protocol && each.port === end.port && takes(each))) return []
      const [text, where] = [serviceText(service), destinationText(destination)]
      return [
        bad('local-destination', {
          what: `${where} of ${text} is an address of this director, and nothing listens here on ${protocol} port ${end.port}`,
          why: 'clients scheduled to this destination are refused',
          fix: `ipvs remove destination ${text} ${where}`,
        }),
      ]
    }),
  )

export const linkChecks: readonly Check[] = [directBehindRouter, redirects, deafLocal]
