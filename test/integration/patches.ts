// Random changes of the configurations of configurations.ts: a patch, and the resulting configuration.
import type { DestinationPatch, ServicePatch } from '../../lib/index.ts'
import {
  MOST,
  forwardingsTo,
  fullLength,
  isDatagrams,
  noTunnel,
  randomPrefix,
  randomTimeout,
  randomTunnel,
  randomWeight,
  servicePort,
  type DestinationModel,
  type Random,
  type ServiceModel,
} from './configurations.ts'
import { flagsOf, netmaskOf, ourTunnel } from './renderings.ts'

type Writable<Type> = { -readonly [Name in keyof Type]: Type[Name] }

function patchPersistence(random: Random, service: ServiceModel): ServicePatch['persistence'] {
  const { family } = service.key
  const canEnd = servicePort(service.key) !== 0 || 'fwmark' in service.key
  if (canEnd && random.oneIn(3)) {
    service.persistence = undefined
    service.sip = false // an engine goes with persistence
    return null
  }
  // Absent fields stay, or get their default if the service was not persistent.
  const next = { ...(service.persistence ?? { timeoutSeconds: 360, prefixLength: fullLength(family) }) }
  const patch: { timeoutSeconds?: number; netmask?: string | number | null } = {}
  if (random.oneIn(2)) patch.timeoutSeconds = next.timeoutSeconds = randomTimeout(random)
  if (random.oneIn(2)) {
    next.prefixLength = randomPrefix(random, family)
    patch.netmask = netmaskOf(next.prefixLength, family, random)
  } else if (random.oneIn(4)) {
    next.prefixLength = fullLength(family)
    patch.netmask = null
  }
  service.persistence = next
  return patch
}

function patchEngine(random: Random, service: ServiceModel): ServicePatch['persistenceEngine'] {
  service.sip = service.persistence !== undefined && isDatagrams(service.key) && random.oneIn(2)
  return service.sip ? 'sip' : null
}

function patchFlags(random: Random, service: ServiceModel): ServicePatch['schedulerFlags'] {
  service.flags = random.oneIn(3) ? 0 : random.upTo(7)
  return service.flags === 0 && random.oneIn(2) ? null : flagsOf(service.flags, service.scheduler, random)
}

/** Changes the service and returns the equivalent patch. */
export function patchService(random: Random, service: ServiceModel, schedulers: readonly string[]): ServicePatch {
  const patch: Writable<ServicePatch> = {}
  if (random.oneIn(2)) patch.scheduler = service.scheduler = random.pick(schedulers)
  if (random.oneIn(3)) patch.schedulerFlags = patchFlags(random, service)
  if (random.oneIn(2)) patch.persistence = patchPersistence(random, service)
  if (random.oneIn(3)) patch.persistenceEngine = patchEngine(random, service)
  if (random.oneIn(3)) patch.onePacket = service.onePacket = isDatagrams(service.key) && random.oneIn(2)
  return patch
}

function patchThresholds(random: Random, destination: DestinationModel): DestinationPatch {
  const { upperThreshold, lowerThreshold } = destination
  switch (random.upTo(4)) {
    case 0:
      destination.upperThreshold = lowerThreshold + random.upTo(MOST - lowerThreshold)
      return { upperThreshold: destination.upperThreshold }
    case 1:
      destination.lowerThreshold = random.upTo(upperThreshold)
      return { lowerThreshold: destination.lowerThreshold }
    case 2:
      destination.lowerThreshold = 0
      return { lowerThreshold: null }
    case 3:
      destination.upperThreshold = destination.lowerThreshold = 0 // a lower threshold alone has no meaning
      return { upperThreshold: null }
    default:
      destination.upperThreshold = random.upTo(MOST)
      destination.lowerThreshold = random.upTo(destination.upperThreshold)
      return { upperThreshold: destination.upperThreshold, lowerThreshold: destination.lowerThreshold }
  }
}

function patchForwarding(random: Random, service: ServiceModel, destination: DestinationModel): DestinationPatch {
  const forwarding = random.pick(forwardingsTo(service.key, destination))
  destination.forwarding = forwarding
  if (forwarding !== 'tunnel') {
    destination.tunnel = undefined
    return { forwarding }
  }
  if (random.oneIn(2)) {
    destination.tunnel ??= noTunnel // existing options stay
    return { forwarding }
  }
  if (random.oneIn(3)) {
    destination.tunnel = noTunnel
    return random.oneIn(2) ? { forwarding, tunnel: null } : { forwarding, tunnel: {} }
  }
  destination.tunnel = randomTunnel(random)
  return { forwarding, tunnel: ourTunnel(destination.tunnel) }
}

/** Changes the destination and returns the equivalent patch. */
export function patchDestination(
  random: Random,
  service: ServiceModel,
  destination: DestinationModel,
): DestinationPatch {
  const weight = random.oneIn(2) ? (destination.weight = randomWeight(random)) : undefined
  return {
    ...(weight !== undefined && { weight }),
    ...(random.oneIn(2) && patchThresholds(random, destination)),
    ...(random.oneIn(2) && patchForwarding(random, service, destination)),
  }
}
