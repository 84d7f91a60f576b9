// Idles for a second: the reference for pauses of the event loop.
import { setTimeout as sleep } from 'node:timers/promises'

import type { Driver } from './driver.ts'

async function idle(): Promise<object> {
  await sleep(1000)
  return {}
}

export async function openIdle(): Promise<Driver> {
  return { action: () => idle, close: async () => {} }
}
