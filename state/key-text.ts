// Services and destinations as people name them: `tcp:172.16.0.100:80`, `mark:7`, `10.0.0.7:80`.
import type { DestinationKey, ListedService, ServiceKey } from 'ipvs'

/** `10.0.0.7:80`, `[2001:db8::7]:80`. */
export function endpointText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** A service as `serviceKey` reads it. */
export function serviceText(service: ServiceKey | ListedService): string {
  const { fwmark, family, protocol, address = '', port = 0 } = service
  if (fwmark !== undefined) return `mark:${fwmark}${family === 'ipv6' ? '/ipv6' : ''}`
  return `${protocol}:${endpointText(address, port)}`
}

/** A destination as `destinationKey` reads it. */
export function destinationText({ address, port = 0 }: DestinationKey): string {
  return port === 0 ? address : endpointText(address, port)
}
