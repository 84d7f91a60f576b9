// Where destinations are: on the director's own links, or behind routers.
import { destinationText, serviceText } from '../../state/key-text.ts'
import type { Check } from './facts.ts'
import { bad, risk, setSysctl } from './finding.ts'
import type { Listener } from './listeners.ts'

// The packet keeps the address of the service: whoever is not on the link gets it by a router, who sends it back.
const directBehindRouter: Check = ({ services, routes = {} }) =>
  services.flatMap((service) =>
    service.destinations.flatMap((destination) => {
      const { gateway } = routes[destination.address] ?? {}
      if (destination.forwarding !== 'direct' || gateway === undefined || gateway === destination.address) return []
      const [text, where] = [serviceText(service), destinationText(destination)]
      return [
        bad('direct-behind-router', {
          what: `${where} of ${text} is a direct destination, but behind the router ${gateway}`,
          why: 'direct routing changes no address, so the router sends the packets back to the director: it needs a destination on the same link, or a tunnel',
          fix: `ipvs set destination ${text} ${where} --forwarding tunnel`,
        }),
      ]
    }),
  )

// Answers of servers leave where they came in: the director tells the servers to send them to the router themselves.
const redirects: Check = ({ services, routes = {}, defaultDevices = [], sendRedirects }) => {
  const servers = services.flatMap(({ destinations }) =>
    destinations.filter(({ forwarding, address }) => forwarding === 'masquerade' && !address.includes(':')),
  )
  const { all = '0' } = sendRedirects
  const told = servers.filter(({ address }) => {
    const { device = '' } = routes[address] ?? {}
    return defaultDevices.includes(device) && (all === '1' || sendRedirects[device] === '1')
  })
  if (told.length === 0) return []
  const addresses = [...new Set(told.map(({ address }) => address))]
  const devices = [...new Set(addresses.map((address) => routes[address]?.device ?? ''))]
  const names = ['all', ...devices].map((name) => `net.ipv4.conf.${name.replaceAll('.', '/')}.send_redirects`)
  return [
    risk('redirects-on', {
      what: `masqueraded servers (${addresses.join(', ')}) and the way to clients are on one interface, ${devices.join(', ')}, and send_redirects is on`,
      why: 'the director tells the servers to send answers past it, which clients do not take: answers of UDP and of TCP connections that are open for a while get lost, until servers forget what they were told',
      fix: [
        setSysctl(Object.fromEntries(names.map((name) => [name, 0]))),
        ...addresses.map((address) => `ssh ${address} ip route flush cache`),
      ],
    }),
  ]
}

// The director may serve clients itself, if something there takes what comes. By marks the port is not known.
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
          why: 'clients that it is chosen for are refused',
          fix: `ipvs remove destination ${text} ${where}`,
        }),
      ]
    }),
  )

export const linkChecks: readonly Check[] = [directBehindRouter, redirects, deafLocal]
