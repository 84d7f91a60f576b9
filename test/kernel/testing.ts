// The testing addon (npm run build:cmake): the codec by itself, and socket pairs on which a test plays the kernel.
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

interface Testing {
  encode(record: string, row: ArrayBuffer): Uint8Array
  decode(record: string, attributes: Uint8Array): ArrayBuffer
  /** [near, far]: connected datagram sockets; the far one does not block. */
  socketpair(): [number, number]
  /** Makes the other end fail to send to this one. */
  deafen(fd: number): void
}

const path = fileURLToPath(new URL('../../build-cmake/js/Release/ipvs_testing.node', import.meta.url))

export const testing: Testing = createRequire(import.meta.url)(path) as Testing
