// One daemon for each network namespace, because each namespace has one table. An abstract Unix socket belongs to a network
// namespace, and the kernel frees its name when the holder ends, however it ends.
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'

const name = '\0ipvs-director'

export class AlreadyRunning extends Error {
  override readonly name = 'AlreadyRunning'
}

/** Takes the lock of this network namespace, or throws `AlreadyRunning`. */
export async function takeLock(): Promise<Disposable> {
  const server: Server = createServer((socket) => socket.destroy())
  try {
    server.listen(name)
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    const fix = 'stop it, or use "ipvs-director status" and "reload" to work with it'
    throw new AlreadyRunning(`another ipvs-director runs in this network namespace; ${fix}`, { cause: error })
  }
  server.unref()
  return { [Symbol.dispose]: () => server.close() }
}
