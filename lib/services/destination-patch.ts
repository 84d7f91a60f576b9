// Patches of destinations. The kernel replaces all settings of a destination; native code fills the absent fields of a
// patch's row from the current destination.
import { formatAddress } from '../values/address.ts'
import {
  assertThresholds,
  destinationIdentity,
  filledRow,
  parseForwarding,
  checkNumbers,
  tunnelAlone,
  type DestinationFields,
  type DestinationIdentity,
  type KeyFields,
} from './destination.ts'
import type { DestinationRow } from '../binding/record-types.ts'
import type { ServiceIdentity } from './service-key.ts'
import { noTunnel, parseTunnel } from './tunnel.ts'
import { InvalidInput } from '../values/validate.ts'

function assertSameDestination(service: ServiceIdentity, identity: DestinationIdentity, fields: KeyFields): void {
  if (fields.address === undefined && fields.port === undefined) return
  const { address = formatAddress(identity.address.bytes, identity.family), port = identity.port } = fields
  let text: string | undefined
  try {
    text = destinationIdentity(service, { address, port }).text
  } catch {
    // `address` or `port` is invalid, so the key differs
  }
  if (text === identity.text) return
  const field = fields.address === undefined ? 'port' : 'address'
  throw new InvalidInput(
    `patch.${field}`,
    `the key of ${identity.text} cannot be changed; remove the destination and add another`,
  )
}

// Removing the upper threshold also removes the lower one, which has no effect without it, unless the patch sets it.
function withoutThresholds(fields: DestinationFields): DestinationFields {
  const { upperThreshold, lowerThreshold } = fields
  const [noUpper, noLower] = [upperThreshold === null, lowerThreshold === null]
  if (!noUpper && !noLower) return fields
  return {
    ...fields,
    upperThreshold: noUpper ? 0 : upperThreshold,
    lowerThreshold: noLower || (noUpper && lowerThreshold === undefined) ? 0 : lowerThreshold,
  }
}

/** The row of a patch: key and changed fields. */
export function changedDestinationRow(
  service: ServiceIdentity,
  identity: DestinationIdentity,
  fields: DestinationFields,
): DestinationRow {
  assertSameDestination(service, identity, fields)
  const { forwarding, tunnel } = fields
  const method = forwarding === undefined ? undefined : parseForwarding(forwarding, 'patch', service, identity)
  if (tunnel !== undefined && tunnel !== null && method !== 'tunnel') throw tunnelAlone('patch')
  const numbers = checkNumbers(withoutThresholds(fields), 'patch')
  assertThresholds(numbers, 'patch')
  const dropsTunnel = tunnel === null || (method !== undefined && method !== 'tunnel')
  const options = tunnel === undefined || tunnel === null ? {} : parseTunnel(tunnel, 'patch.tunnel')
  return filledRow(identity, method, numbers, dropsTunnel ? noTunnel : options)
}
