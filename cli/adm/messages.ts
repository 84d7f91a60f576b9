// Error messages: ipvsadm's own where it has one.
import type { IpvsError, IpvsErrorCode } from 'ipvs'
import { inWords, type Wording } from '../shared/wording.ts'

const sentences: Partial<Record<IpvsErrorCode, string>> = {
  ERR_IPVS_SERVICE_EXISTS: 'Service already exists',
  ERR_IPVS_DESTINATION_NOT_FOUND: 'No such destination',
  ERR_IPVS_DESTINATION_EXISTS: 'Destination already exists',
  ERR_IPVS_SCHEDULER_NOT_FOUND: 'Scheduler or persistence engine not found',
  ERR_IPVS_PERSISTENCE_ENGINE_NOT_FOUND: 'Scheduler or persistence engine not found',
  ERR_IPVS_DAEMON_EXISTS: 'Daemon has already run',
  ERR_IPVS_DAEMON_NOT_RUNNING: 'No daemon is running',
  ERR_IPVS_INTERFACE_NOT_FOUND: 'No such device',
  ERR_IPVS_PERMISSION_DENIED: 'Permission denied (you must be root)',
}

// Options by the last part of their fields.
const options: Readonly<Record<string, string>> = {
  scheduler: '--scheduler',
  schedulerFlags: '--sched-flags',
  persistence: '--persistent',
  timeoutSeconds: '--persistent',
  netmask: '--netmask',
  persistenceEngine: '--pe',
  onePacket: '--ops',
  weight: '--weight',
  upperThreshold: '--u-threshold',
  lowerThreshold: '--l-threshold',
  type: '--tun-type',
  checksum: '--tun-csum',
  tcpSeconds: '--set',
  tcpFinSeconds: '--set',
  udpSeconds: '--set',
  interface: '--mcast-interface',
  syncId: '--syncid',
  maxLength: '--sync-maxlen',
  group: '--mcast-group',
  ttl: '--mcast-ttl',
  netns: '--netns',
}

function wordOf(attribute: string): string | undefined {
  const path = attribute.replaceAll(/\[\d+\]/g, '')
  if (/^service\.(fwmark|family|protocol|address|port)$/.test(path)) return 'the service'
  if (/^destination\.(address|port)$/.test(path)) return '--real-server'
  if (path.endsWith('multicast.port')) return '--mcast-port'
  if (path.endsWith('tunnel.port')) return '--tun-port'
  return options[path.slice(path.lastIndexOf('.') + 1)]
}

const wording: Wording = {
  word: wordOf,
  phrases: [
    [/: undefined is not /g, ': is missing: '],
    [/updateService\(\)/g, '-E'],
    [/updateDestination\(\)/g, '-e'],
    [/stopSyncDaemon\(\)/g, '--stop-daemon'],
    [/^netns: /g, '--netns: '],
    [/set persistence, e\.g\. \{\}/g, 'add --persistent'],
    [/tunnel options need forwarding "tunnel" named with them/g, 'only with --ipip'],
    [/use forwarding "masquerade"/g, 'use --masquerading'],
    [/use forwarding "tunnel"/g, 'use --ipip'],
    [/set type to "gue" or leave port out/g, 'use --tun-type gue, or leave it out'],
    [/leave port out/g, 'leave the port out'],
    [/above upperThreshold/g, 'above --u-threshold'],
    [/is lowerThreshold/g, 'is --l-threshold'],
    [/use a fwmark service/g, 'use a service of a mark'],
    [/the handle's network namespace/g, 'the network namespace'],
  ],
  subjects: false,
}

/** The message of an error, in one line. Messages that scripts may match are ipvsadm's. */
export function messageOf(error: IpvsError): string {
  if (error.code === 'ERR_IPVS_SERVICE_NOT_FOUND') {
    return error.operation.endsWith('Destination') ? 'Service not defined' : 'No such service'
  }
  return sentences[error.code] ?? inWords(error, wording)
}
